"""The receiver as users start it, with `--relay`: killed at any moment, in either kind of name, and wrongly asked."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from reconciler.sandbox.signing import signature
from tests.adapters.deliveries import KEY, fill, row, secret_of
from tests.adapters.relayed import names, sent
from tests.github_fake import TOKEN, App, FakeGitHub, Trouble

LIMIT = 60.0
ROOT = Path(__file__).parents[3]


def environment(**variables: str) -> dict[str, str]:
    """Nothing of the machine's own settings."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return kept | {"PYTHONPATH": str(ROOT), "LINGO_WEBHOOK_SECRET": secret_of(KEY)} | variables


def words(inbox: Path, *more: str) -> list[str]:
    serve = ["webhook", "serve", "--listen", "127.0.0.1:0", "--inbox", str(inbox)]
    return [sys.executable, "-m", "reconciler", *serve, *more]


def wait_until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + LIMIT
    while not holds():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.01)


class Serving:
    """A receiver's process. `log` is what it wrote so far."""

    def __init__(self, inbox: Path, variables: Mapping[str, str]) -> None:
        self._log = inbox.with_suffix(f".{random.randrange(10**9)}.log")
        with self._log.open("wb") as stream:
            self._process = subprocess.Popen(
                words(inbox, "--relay", "github:Acme/engines"), env=environment(**variables), stderr=stream
            )
        wait_until(lambda: "listening url=" in self.log or self._process.poll() is not None)
        assert self._process.poll() is None, self.log
        found = re.search(r"url=(\S+)", self.log)
        assert found is not None
        self.url = found[1]

    @property
    def log(self) -> str:
        return self._log.read_text()

    def end(self, number: int = signal.SIGTERM) -> int:
        if self._process.poll() is None:
            self._process.send_signal(number)
        return self._process.wait(LIMIT)


@contextmanager
def serving(inbox: Path, **variables: str) -> Iterator[Serving]:
    made = Serving(inbox, variables)
    try:
        yield made
    finally:
        made.end(signal.SIGKILL)
    assert TOKEN not in made.log
    assert "Traceback" not in made.log


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    return tmp_path / "inbox.db"


@pytest.fixture
def fake() -> Iterator[FakeGitHub]:
    made = FakeGitHub()
    made.repositories.add("Acme/engines")
    with made:
        yield made


def test_from_a_delivery_to_a_dispatch(inbox: Path, fake: FakeGitHub) -> None:
    with serving(inbox, GITHUB_API_URL=fake.url, RECONCILE_RELAY_TOKEN=TOKEN, GITHUB_TOKEN="another") as made:
        with httpx.Client(base_url=made.url, trust_env=False) as client:
            for number in range(1, 6):
                one = row(number)
                now = int(time.time())
                headers = {
                    "webhook-id": one.webhook_id,
                    "webhook-timestamp": str(now),
                    "webhook-signature": signature(secret_of(KEY), one.webhook_id, now, one.body),
                }
                assert client.post(f"/op-{number}", content=one.body, headers=headers).status_code < 300
            wait_until(lambda: len(fake.dispatches) == 5)
            fake.always = Trouble(hang_up=True)
            fill(inbox, [row(6)])
            wait_until(lambda: "relay_waiting_events 1" in client.get("/metrics").text)
            metrics = client.get("/metrics").text
            assert client.get("/readyz").status_code == 200
        assert made.end() == 0
    assert sent(fake) == names(1, 2, 3, 4, 5)
    assert 'reconcile_relay_events_total{outcome="relayed"} 5' in metrics
    assert "GitHub" in made.log or "broke" in made.log


def test_killed_at_random_it_loses_nothing(inbox: Path, fake: FakeGitHub) -> None:
    chance = random.Random(7)
    total = 60
    fake.always = Trouble(seconds=0.02)
    fill(inbox, [row(number) for number in range(1, total)])
    kills = 0
    while len(set(sent(fake))) < total - 1 and kills < 4:
        reached = len(fake.requests) + chance.randrange(4, 14)
        with serving(inbox, GITHUB_API_URL=fake.url, GITHUB_TOKEN=TOKEN) as made:
            wait_until(lambda reached=reached: len(fake.requests) >= reached)  # type: ignore[misc]
            time.sleep(chance.random() * 0.02)
            made.end(signal.SIGKILL)
        kills += 1
    assert kills == 4
    fill(inbox, [row(total)])
    with serving(inbox, GITHUB_API_URL=fake.url, GITHUB_TOKEN=TOKEN) as made:
        wait_until(lambda: names(total)[0] in sent(fake))
        assert made.end() == 0
    got = sent(fake)
    assert [name for name, _ in groupby(got)] == names(*range(1, total + 1))  # in order, none left out
    assert len(got) <= total + kills  # twice only what was in progress
    with serving(inbox, GITHUB_API_URL=fake.url, GITHUB_TOKEN=TOKEN) as made:
        fill(inbox, [row(total + 1)])
        wait_until(lambda: len(fake.dispatches) > len(got))
    assert sent(fake) == got + names(total + 1)


def test_in_the_name_of_an_app(inbox: Path, fake: FakeGitHub, tmp_path: Path) -> None:
    key = generate_private_key(65537, 2048)
    file = tmp_path / "app.pem"
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()))
    fake.apps["12345"] = App(key.public_key(), repository="Acme/engines")
    fill(inbox, [row(1)])
    app = {"RECONCILE_RELAY_APP_ID": "12345", "RECONCILE_RELAY_APP_KEY_FILE": str(file)}
    with serving(inbox, GITHUB_API_URL=fake.url, GITHUB_TOKEN="has no effect", **app) as made:
        wait_until(lambda: len(fake.dispatches) == 1)
        assert made.end() == 0
    assert "PRIVATE" not in made.log
    assert fake.apps["12345"].issued[0] not in made.log


KEYLESS = {"RECONCILE_RELAY_APP_ID": "12345", "RECONCILE_RELAY_APP_KEY_FILE": "nowhere.pem"}
BAD = [
    ("acme/engines", {}, 64, "--relay must be github:OWNER/REPO"),
    ("github:acme", {}, 64, "--relay must be"),
    ("github:acme/engines/more", {}, 64, "--relay must be"),
    ("github:acme/..", {}, 64, "--relay must be"),
    ("github:acme/engines.git", {}, 64, "--relay must be"),
    ("github:a me/engines", {}, 64, "--relay must be"),
    ("https://github.com/acme/engines", {}, 64, "--relay must be"),
    ("", {}, 64, "--relay must be"),
    ("github:acme/engines", {"GITHUB_TOKEN": ""}, 3, "needs a token"),
    (
        "github:acme/engines",
        {"RECONCILE_RELAY_TOKEN": "two words"},
        3,
        "RECONCILE_RELAY_TOKEN contains a space",
    ),
    ("github:acme/engines", {"GITHUB_TOKEN": "ends with a line\n"}, 3, "GITHUB_TOKEN contains a space"),
    ("github:acme/engines", {"GITHUB_API_URL": "http://api.github.com"}, 3, "GITHUB_API_URL must be https"),
    ("github:acme/engines", {"GITHUB_API_URL": "api.github.com"}, 3, "GITHUB_API_URL must be https"),
    ("github:acme/engines", {"GITHUB_API_URL": "https://me:secret@host"}, 3, "GITHUB_API_URL must be https"),
    ("github:acme/engines", {"RECONCILE_RELAY_APP_ID": "1"}, 3, "needs both"),
    ("github:acme/engines", {"RECONCILE_RELAY_INSTALLATION_ID": "1"}, 3, "needs both"),
    ("github:acme/engines", KEYLESS, 3, "does not exist"),
    ("github:acme/engines", KEYLESS | {"RECONCILE_RELAY_TOKEN": "ghp_x"}, 3, "and a GitHub App are set"),
    ("github:acme/engines", KEYLESS | {"RECONCILE_RELAY_APP_ID": "my app"}, 3, "is not an App ID"),
    ("github:acme/engines", KEYLESS | {"RECONCILE_RELAY_INSTALLATION_ID": "x"}, 3, "is not a number"),
    (
        "github:acme/engines",
        KEYLESS | {"RECONCILE_RELAY_APP_KEY_FILE": __file__},
        3,
        "does not contain a readable private key",
    ),
    ("github:acme/engines", KEYLESS | {"RECONCILE_RELAY_APP_KEY_FILE": "/dev/zero"}, 1, "not a regular file"),
]


@pytest.mark.parametrize(("flag", "variables", "code", "said"), BAD)
def test_what_cannot_be_relayed_is_one_message(
    inbox: Path, flag: str, variables: dict[str, str], code: int, said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    from reconciler.cli.main import main

    given = {"GITHUB_TOKEN": TOKEN} | variables
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(("RECONCILE_", "GITHUB_", "LINGO_")):
                patch.delenv(name)
        for name, value in environment(**given).items():
            patch.setenv(name, value)
        ended = main(words(inbox, "--relay", flag)[3:])
    out, err = capfd.readouterr()
    assert ended == code, err
    assert said in err
    assert err.count("error") == 1, err
    assert out == ""
    assert "Traceback" not in err
    assert "secret@" not in err
    assert not inbox.exists()
