"""HTML reports in a real browser: headless Chromium, driven by Playwright. Nothing is downloaded: the browser is the
system's. A page that asks for anything, or reports a violation of its policy, fails its test.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

if TYPE_CHECKING:  # to import it skips, where there is no browser
    from tests.browser.opened import Opener

AXE = Path(__file__).resolve().parents[2] / ".venv/node/node_modules/axe-core/axe.min.js"
AXE_DIGEST = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"  # 4.14.1
_ARGUMENTS = ["--no-sandbox", "--disable-dev-shm-usage"]  # CI runs as root, often with little shared memory


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Ended with the module: while it is there, no other test of the process could run an event loop of its own."""
    from tests.browser.opened import BROWSER, WAIT

    expect.set_options(timeout=WAIT)
    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=BROWSER, args=_ARGUMENTS, timeout=60_000)
        yield started
        started.close()


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Opener]:
    """Opens reports, and at the end of the test has looked at what each of them tried."""
    from tests.browser.opened import Opener

    opener = Opener(browser, tmp_path)
    yield opener
    opener.check()


@pytest.fixture(scope="session")
def axe() -> str:
    """The script of axe-core in the release that is known here, and no other."""
    from tests.browser.opened import missing

    if not AXE.exists():
        missing("there is no axe-core to check accessibility with")
    script = AXE.read_bytes()
    assert hashlib.sha256(script).hexdigest() == AXE_DIGEST, "another axe-core than 4.14.1"
    return script.decode()
