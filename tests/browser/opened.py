"""A report that is open in the browser, with everything on record that it tried.

Where there is no browser, the tests that import this say that they are skipped. With BROWSER_TESTS=required, as in
.ci/run, they fail.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import pytest
from playwright.sync_api import Browser, Dialog, Page

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
WAIT = 20_000.0  # milliseconds for a condition on a very busy machine; they take a few
# Kept by the page itself: what its policy refused, and whether a script that is not ours has run.
_WATCH = """
window.violations = [];
addEventListener("securitypolicyviolation", (event) => {
  window.violations.push(`${event.effectiveDirective} ${event.blockedURI}`);
});
"""


def missing(what: str) -> NoReturn:
    if os.environ.get("BROWSER_TESTS") == "required":
        pytest.fail(f"{what}, but BROWSER_TESTS=required", pytrace=False)
    pytest.skip(f"{what}; .ci/run installs it", allow_module_level=True)


BROWSER = next(filter(None, map(shutil.which, NAMES)), None) or missing(
    "there is no Chromium to open HTML reports in"
)


@dataclass
class Opener:
    browser: Browser
    folder: Path
    pages: list[Page] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def __call__(self, html: str, **context: Any) -> Page:
        """The report as a file, open and ready; `context` is for the browser: `color_scheme`, `viewport`, …"""
        file = self.folder / f"report-{len(self.pages)}.html"
        file.write_text(html, encoding="utf-8")
        return self.address(file.as_uri(), **context)

    def address(self, url: str, **context: Any) -> Page:
        opened = self.browser.new_context(**context)
        opened.set_default_timeout(WAIT)
        opened.add_init_script(_WATCH)
        page = opened.new_page()
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("pageerror", lambda error: self.problems.append(f"error: {error}"))
        page.on("console", lambda said: self.problems.append(f"console: {said.text}"))
        page.on("dialog", self._dismissed)
        page.on("popup", lambda popup: self.problems.append(f"popup: {popup.url}"))
        self.pages.append(page)
        page.goto(url)
        return page

    def _dismissed(self, dialog: Dialog) -> None:
        self.problems.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def check(self) -> None:
        """Every page asked for itself alone, and its policy had nothing to refuse."""
        asked = [page.url for page in self.pages]
        violations = [one for page in self.pages for one in page.evaluate("window.violations")]
        for page in self.pages:
            page.context.close()
        tried = (self.requests, violations, self.problems)
        assert tried == (asked, [], []), tried


def until(page: Page, holds: str) -> None:
    """Waits for an expression to hold. Playwright's own way would evaluate it where the policy forbids that."""
    end = time.monotonic() + WAIT / 1_000
    while not page.evaluate(holds):
        assert time.monotonic() < end, f"did not come about in time: {holds}"
        page.wait_for_timeout(20)


def unfold(page: Page) -> None:
    """All that is listed, and what it unfolds to is there."""
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    until(page, "[...document.querySelectorAll('details')].every((one) => one.children.length === 2)")


def keys(page: Page) -> list[str]:
    """The engines that are listed, in their order."""
    return page.locator("#engines .key").all_inner_texts()


def engine(page: Page, key: str) -> Any:
    """The part of the page that shows the engine."""
    return page.locator(f"details:has(> summary > .key:text-is({json.dumps(key)}))")
