"""axe-core finds nothing wrong with a report: light and dark, wide and narrow, folded and unfolded."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from reconciler.render.html.outcome import RunFacts, render_outcome_html
from reconciler.render.html.plan import render_plan_html
from reconciler.render.html.status import render_status_html
from reconciler.render.markdown.comment import Occasion
from tests.browser.opened import Opener, unfold
from tests.browser.test_report import HISTORY, PHONE
from tests.render.html.test_outcome import OUTCOME
from tests.render.html.test_page import NOW
from tests.render.samples import EVERY_KIND, GUARDED, INVALID
from tests.render.text.test_outcome import RECORD
from tests.render.text.test_status import LOCKFILE

RUN = Occasion(
    commit="a" * 40, commit_url="https://github.com/acme/l10n/commit/a", run_url="https://ci.example/7"
)
ALL = "{resultTypes: ['violations']}"
COLORS = "{runOnly: ['color-contrast'], resultTypes: ['violations']}"
REPORTS = {
    "plan": render_plan_html(EVERY_KIND, RUN, now=NOW, history=HISTORY),
    "guarded": render_plan_html(GUARDED, RUN, now=NOW),
    "invalid": render_plan_html(INVALID, RUN, now=NOW),
    "result": render_outcome_html(EVERY_KIND, OUTCOME, RUN, RunFacts("apply", NOW, 92.0, RECORD)),
    "status": render_status_html(LOCKFILE, RUN, now=NOW, environment="production"),
}


def found_by(page: Page, axe: str, options: str) -> list[tuple[str, str, list[str]]]:
    page.evaluate(axe)
    found = page.evaluate(f"axe.run(document, {options})")["violations"]
    return [(one["impact"], one["id"], [node["html"] for node in one["nodes"]][:3]) for one in found]


@pytest.mark.parametrize("name", REPORTS)
def test_nothing_is_found(opened: Opener, axe: str, name: str) -> None:
    page = opened(REPORTS[name], viewport=PHONE if name == "guarded" else None)
    if name == "plan":  # folded and unfolded; what is folded elsewhere differs in words alone
        assert found_by(page, axe, ALL) == []
    unfold(page)
    assert found_by(page, axe, ALL) == []


@pytest.mark.parametrize("name", REPORTS)
def test_dark_colors_can_be_read(opened: Opener, axe: str, name: str) -> None:
    page = opened(REPORTS[name], color_scheme="dark")
    unfold(page)
    assert found_by(page, axe, COLORS) == []


def test_what_is_wrong_is_found(opened: Opener, axe: str) -> None:
    page = opened(REPORTS["plan"])
    page.evaluate("document.querySelector('label').remove()")
    page.evaluate("document.querySelector('#search').placeholder = ''")
    page.evaluate("document.querySelector('.lead').style.color = '#eee'")
    assert {"color-contrast", "label"} <= {name for _, name, _ in found_by(page, axe, ALL)}
