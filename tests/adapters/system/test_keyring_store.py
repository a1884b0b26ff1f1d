"""With the real keyring library and a backend of our own, as a system has one."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.adapters.system.keyring_store import SERVICE, key_from_keyring

keyring = pytest.importorskip("keyring", reason="the extra `keyring` is not installed")

from keyring.backend import KeyringBackend  # noqa: E402 # only where the extra is installed
from keyring.backends.fail import Keyring as NoKeyring  # noqa: E402
from keyring.errors import KeyringLocked  # noqa: E402

KEY = "key-4711-do-not-tell"


class Memory(KeyringBackend):
    priority = 1.0

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # the library's own
        self.stored: dict[tuple[str, str], str] = {}
        self.locked = False

    def get_password(self, service: str, username: str) -> str | None:
        if self.locked:
            raise KeyringLocked("the user said no")
        return self.stored.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.stored[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.stored[service, username]


@pytest.fixture
def memory() -> Iterator[Memory]:
    before = keyring.get_keyring()
    backend = Memory()
    keyring.set_keyring(backend)
    yield backend
    keyring.set_keyring(before)


def test_the_key_of_the_host_is_found(memory: Memory) -> None:
    keyring.set_password(SERVICE, "api.lingo.dev", KEY)
    assert key_from_keyring("https://api.lingo.dev") == KEY
    assert key_from_keyring("https://API.lingo.dev:443/v1") == KEY


def test_the_key_of_an_environment_never_stands_in_for_another(memory: Memory) -> None:
    keyring.set_password(SERVICE, "api.lingo.dev", "of production")
    assert key_from_keyring("https://api.lingo.dev", "LINGO_API_KEY_STAGING") is None
    keyring.set_password(SERVICE, "LINGO_API_KEY_STAGING@api.lingo.dev", KEY)
    assert key_from_keyring("https://api.lingo.dev", "LINGO_API_KEY_STAGING") == KEY
    assert key_from_keyring("https://api.lingo.dev") == "of production"


@pytest.mark.parametrize(
    "url", ["https://lingo.dev", "https://api.lingo.dev.evil.example", "http://127.0.0.1:8000", ""]
)
def test_another_host_gets_no_key(memory: Memory, url: str) -> None:
    keyring.set_password(SERVICE, "api.lingo.dev", KEY)
    assert key_from_keyring(url) is None


def test_a_locked_keyring_is_as_good_as_none(memory: Memory) -> None:
    memory.locked = True
    assert key_from_keyring("https://api.lingo.dev") is None


def test_a_system_without_a_keyring_has_no_key(memory: Memory) -> None:
    keyring.set_keyring(NoKeyring())  # type: ignore[no-untyped-call] # the library's own
    assert key_from_keyring("https://api.lingo.dev") is None


def test_without_the_extra_there_is_no_key() -> None:
    program = (
        "import sys; sys.modules['keyring'] = None\n"
        "from reconciler.adapters.system.keyring_store import key_from_keyring\n"
        "print(key_from_keyring('https://api.lingo.dev'))"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[3])
    assert done.stdout == "None\n"
