"""HTML reports of ten thousand engines: what it takes to make one, and what a browser takes to open and search it.

A report is opened in headless Chromium, in a fresh context each time. It counts as open once its engines are listed and
painted. A search counts once what it found is painted; it is the first of a page, which reads all engines.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from benchmarks.corpus import project
from benchmarks.processes import RECONCILE, Command, in_turn
from benchmarks.table import Row, cost

ENGINES = 10_000
OPEN = 2.0  # seconds
SEARCH = 0.3
ROUNDS = 5
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
_REPORTS: tuple[tuple[str, tuple[str, ...], dict[str, str]], ...] = (
    ("plan, nothing recorded", ("plan", "--format", "html"), {"RECONCILE_LOCKFILE": "none.lock.json"}),
    ("plan, unchanged", ("plan", "--format", "html"), {}),
    ("status", ("status", "--format", "html"), {}),
)
_PAINTED = (
    "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now()))))"
)
_SEARCHED = f"""async () => {{
  const field = document.querySelector("#search"), begin = performance.now();
  field.value = "00042";
  field.dispatchEvent(new Event("input"));
  return (await {_PAINTED}) - begin;
}}"""


def rows(quick: bool) -> Iterator[Row]:
    engines = ENGINES // 10 if quick else ENGINES
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        raise SystemExit("no Chromium; on Debian: apt-get install chromium-headless-shell")
    with project(engines) as root, tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found, args=["--no-sandbox"])
        for name, words, variables in _REPORTS:
            file = Path(folder, "report.html")
            [made] = in_turn([Command([RECONCILE, *words], root, variables)], 3)
            with file.open("wb") as page:
                environment = {**os.environ, **variables}
                subprocess.run([RECONCILE, *words], cwd=root, env=environment, stdout=page, check=True)
            yield Row(f"make a report: {name}, {engines:,} engines", cost(made), _size(file), "", "")
            opened, searched = _opened(browser, file)
            yield _row(f"open it: {name}", opened, OPEN, quick)
            yield _row(f"search it: {name}", searched, SEARCH, quick)
        browser.close()


def _opened(browser: Browser, file: Path) -> tuple[float, float]:
    """Seconds to open the report, and to search it: the best of some rounds."""
    opened, searched = [], []
    for _ in range(ROUNDS):
        context = browser.new_context(viewport={"width": 1_200, "height": 900})
        page = context.new_page()
        begin = time.perf_counter()
        page.goto(file.as_uri())
        page.evaluate(_PAINTED)
        opened.append(time.perf_counter() - begin)
        assert page.locator("#engines summary").count() > 0, "the engines are listed"
        searched.append(page.evaluate(_SEARCHED) / 1_000)
        assert page.locator("#engines .key").first.inner_text().endswith("00042")
        context.close()
    return min(opened), min(searched)


def _size(file: Path) -> str:
    return f"{file.stat().st_size / 1e6:.1f} MB"


def _row(what: str, seconds: float, limit: float, quick: bool) -> Row:
    target = f"<= {limit} s" + f" at {ENGINES:,}" * quick
    return Row(what, f"{seconds:.3f} s", "", target, "" if quick else "ok" if seconds <= limit else "over")
