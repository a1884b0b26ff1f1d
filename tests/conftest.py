"""For all tests: which come first, what they inherit from the shell or the CI job around them (nothing that the
program or git obeys), what Ctrl-C does in the processes that they start, and which examples Hypothesis takes: the
same ones on every run, however slow the machine is, so that a red test is red for everyone.

`HYPOTHESIS_PROFILE=explore` looks for new ones, with more of them.
"""

from __future__ import annotations

import faulthandler
import os
import re
import signal
import tempfile

import pytest
from hypothesis import HealthCheck, settings

from reconciler.core.commands import Invocation, show_commands_for
from tests import postgres_server
from tests.app.git_repo import SYSTEM_CONFIG

settings.register_profile(
    "usual",
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=50,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "explore", parent=settings.get_profile("usual"), derandomize=False, max_examples=2000
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "usual"))

# The longest first, so that no worker is left with them at the end. All others keep their order after these.
FIRST = (
    "tests/core/run/test_machine_world.py",
    "tests/e2e/test_watch_replicas.py",  # mostly waits for a lease to expire
    "tests/e2e/test_crash_matrix.py",
    "tests/e2e/test_sharing.py",
    "tests/e2e/test_publishing.py",
    "tests/e2e/test_loop.py",
    "tests/act/",
    "tests/e2e/",
    "tests/app/",
)

# What CI systems, shells and people set and the program or git reads: a test that needs one sets it itself.
SURROUNDINGS = re.compile(
    r"(CI|GITHUB|GITLAB|ACTIONS|RUNNER|LINGO|RECONCILE|GIT|SSH|XDG)(_.*)?|PG[A-Z]+"
    r"|(FORCE|NO)_COLOR|CLICOLOR.*|COLUMNS|LINES|PAGER|EDITOR|VISUAL"
    r"|((HTTPS?|ALL|NO|FTP)_PROXY)|SSL_CERT_.*|REQUESTS_CA_BUNDLE",
    re.IGNORECASE,
)
# Of those, what is said to the tests themselves.
OWN = {
    "RECONCILE_FULL_INBOX",
    "RECONCILE_FULL_MATRIX",
    "RECONCILE_FULL_SHARDS",
    "RECONCILE_FULL_WATCH",
    "RECONCILE_MATRIX_FILE",
    "RECONCILE_WATCH_FILE",
}


def pytest_configure() -> None:
    """Take the surroundings away, and have Ctrl-C work in what the tests start, also in the background.

    A shell has `command &` ignore SIGINT, as nohup and some CI runners do, and processes inherit that; a handler of
    Python's own is not inherited.
    """
    for name in {one for one in set(os.environ) - OWN if not one.startswith("RECONCILE_FULL_")}:
        if SURROUNDINGS.fullmatch(name):
            del os.environ[name]
    os.environ |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": SYSTEM_CONFIG}
    if postgres_server.FOLDER not in os.environ:
        folder = os.path.join(tempfile.gettempdir(), f"reconcile-postgres-of-{os.getpid()}")
        os.environ |= {postgres_server.FOLDER: folder, postgres_server.OWNER: str(os.getpid())}
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_unconfigure() -> None:
    if os.environ[postgres_server.OWNER] == str(os.getpid()):  # no worker
        postgres_server.end_shared()


def _turn(item: pytest.Item) -> int:
    return next((turn for turn, start in enumerate(FIRST) if item.nodeid.startswith(start)), len(FIRST))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=_turn)


@pytest.fixture(autouse=True)
def _large_proofs_take_long() -> None:
    """Minutes, that is, and pytest would take them for stuck and print what every thread is at."""
    if any(name.startswith("RECONCILE_FULL_") for name in os.environ):
        faulthandler.cancel_dump_traceback_later()


@pytest.fixture(autouse=True)
def _commands_as_at_the_start() -> None:
    """What the command line of an earlier test, run in this process, said of the commands that are printed."""
    show_commands_for(Invocation())
