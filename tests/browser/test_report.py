"""What people do with a report: search, filter, unfold, copy, use the keyboard, and print."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import expect

from reconciler.core.plan.model import Action, Kind, Origin, Plan
from reconciler.render.html.outcome import RunFacts, render_outcome_html
from reconciler.render.html.plan import render_plan_html
from reconciler.render.html.status import render_status_html
from reconciler.render.markdown.comment import Occasion
from reconciler.render.text.history import HistoryRow
from tests.browser.opened import Opener, engine, keys, until
from tests.render.html.test_outcome import OUTCOME
from tests.render.html.test_page import NOW
from tests.render.samples import EVERY_KIND, GUARDED, INVALID, LARGE, NOTHING
from tests.render.text.test_outcome import RECORD
from tests.render.text.test_status import LOCKFILE

PHONE = {"width": 360, "height": 740}
HISTORY = {
    "marketing/website": [
        HistoryRow(
            "2026-11-20T10:00:00Z", "marketing/website", "completed", "eng_X1y2", "Ann <a@b>", None, "3m 05s"
        )
    ]
}


def html(plan: Plan) -> str:
    return render_plan_html(plan, Occasion(), now=NOW, history=HISTORY)


def test_search_finds_keys_names_ids_and_locales(opened: Opener) -> None:
    page = opened(html(EVERY_KIND))
    expect(page.locator("#count")).to_have_text(f"{len(EVERY_KIND.actions) + 9_991:,} engines")
    for words, found in (
        ("MARKETING", ["marketing/website"]),
        ("eng_x1y2 replace", ["marketing/website"]),
        ("Help Center ja", ["docs/help", "marketing/website"]),
        ("shop/9990", ["shop/9990"]),
        ("no such engine", []),
    ):
        page.fill("#search", words)
        expect(page.locator("#count")).to_have_text(
            f"{len(found)} of {len(EVERY_KIND.actions) + 9_991:,} engines"
        )
        assert sorted(keys(page)) == found
    page.keyboard.press("Escape")
    expect(page.locator("#search")).to_have_value("")
    expect(page.locator("#clear")).to_be_hidden()


def test_filters_narrow_by_action_and_by_origin(opened: Opener) -> None:
    origins = [Origin.BRANCH, Origin.MERGED]
    actions = tuple(replace(one, origin=origins[index % 2]) for index, one in enumerate(EVERY_KIND.actions))
    page = opened(html(replace(EVERY_KIND, actions=actions)))
    create, retire = (
        page.get_by_role("button", name="1 to create"),
        page.get_by_role("button", name="1 to retire"),
    )
    create.click()
    assert keys(page) == ["docs/help"]
    retire.click()
    assert sorted(keys(page)) == ["docs/help", "old/campaign"]
    expect(create).to_have_attribute("aria-pressed", "true")
    create.click()
    assert keys(page) == ["old/campaign"]
    page.get_by_role("button", name="Clear filters").click()
    expect(retire).to_have_attribute("aria-pressed", "false")
    page.get_by_role("button", name="this branch").click()
    expect(page.locator("#engines .origin").first).to_have_text("this branch")
    assert sorted(keys(page)) == sorted(one.key for one in actions if one.origin is Origin.BRANCH)


def test_an_engine_unfolds_to_its_differences_and_history(opened: Opener) -> None:
    page = opened(html(EVERY_KIND))
    shown = engine(page, "marketing/website")
    expect(shown.locator("table")).to_have_count(0)  # made when it is unfolded
    shown.locator("summary").click()
    expect(shown.locator("tr:has(th:text-is('name')) del")).to_have_text("Acme Website")
    expect(shown.locator("tr:has(th:text-is('name')) ins")).to_have_text("Acme Website 2026")
    glossary = shown.locator("table:has(caption:has-text('glossary.md'))")
    row = glossary.locator("tr:has(del:has-text('Kasse'))")
    expect(row.locator("ins")).to_have_text("- checkout: Bestellung")
    left, right = row.locator("td").nth(0).bounding_box(), row.locator("td").nth(1).bounding_box()
    assert left is not None
    assert right is not None
    assert (left["y"], left["x"] + left["width"] <= right["x"] + 1) == (right["y"], True), "side by side"
    expect(shown.locator("table.history td")).to_have_text(
        ["2026-11-20 10:00", "created", "eng_X1y2", "3m 05s", "Ann"]
    )


def test_all_unfold_and_fold_again(opened: Opener) -> None:
    page = opened(html(GUARDED))
    fold = page.locator("#fold")
    expect(fold).to_have_text("Collapse all")  # what needs attention is unfolded
    fold.click()
    expect(page.locator("#engines details[open]")).to_have_count(0)
    fold.click()
    expect(page.locator("#engines details[open]")).to_have_count(4)
    expect(page.locator("#engines .body")).to_have_count(4)


def test_the_keyboard_is_enough(opened: Opener) -> None:
    page = opened(html(LARGE))
    page.locator("#search").focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator("summary").nth(0)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#engines details").nth(0).locator(".body")).to_be_visible()
    page.keyboard.press("ArrowDown")
    expect(page.locator("summary").nth(1)).to_be_focused()
    page.keyboard.press("End")  # goes on where the list was cut
    page.keyboard.press("ArrowDown")
    expect(page.locator("summary").nth(100)).to_be_focused()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowUp")
    expect(page.locator("#search")).to_be_focused()
    page.keyboard.type("market-07")
    expect(page.locator("#engines details")).to_have_count(10)
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(page.locator(".chip").nth(0)).to_have_attribute("aria-pressed", "true")


def test_more_is_shown_when_it_is_wanted(opened: Opener) -> None:
    page = opened(html(LARGE))
    expect(page.locator("#engines details")).to_have_count(100)
    page.locator("#more").dispatch_event("click")
    expect(page.locator("summary:focus .key")).to_have_text("shop/market-100")
    until(page, "scrollTo(0, document.body.scrollHeight), document.querySelector('#more').hidden")
    expect(page.locator("#engines details")).to_have_count(500)


def test_commands_are_copied_as_they_are_shown(opened: Opener) -> None:
    page = opened(html(EVERY_KIND))
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    copy = engine(page, "support").get_by_role("button", name="Copy reconcile resolve support --retry")
    copy.click()
    expect(copy).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == "reconcile resolve support --retry"


def test_what_is_printed_is_unfolded_and_folded_again(opened: Opener) -> None:
    page = opened(html(GUARDED))
    page.locator("#fold").click()
    page.evaluate(
        "addEventListener('beforeprint', () => {"
        " window.printed = [document.querySelectorAll('details[open]').length,"
        " document.querySelectorAll('.body').length]; })"
    )
    assert page.pdf().startswith(b"%PDF")
    assert page.evaluate("window.printed") == [4, 4]
    expect(page.locator("#engines details[open]")).to_have_count(0)
    page.emulate_media(media="print")
    for control in ("#search", ".chip >> nth=0", "#fold"):
        expect(page.locator(control)).to_be_hidden()
    expect(page.locator(".lead")).to_be_visible()


@pytest.mark.parametrize("plan", [EVERY_KIND, GUARDED, INVALID], ids=["every-kind", "guarded", "invalid"])
def test_a_phone_shows_it_without_scrolling_sideways(opened: Opener, plan: Plan) -> None:
    page = opened(html(plan), viewport=PHONE, is_mobile=True, has_touch=True)
    if not plan.invalid:
        page.locator("#fold").tap()
        page.locator("#fold").tap()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_light_and_dark(opened: Opener) -> None:
    backs = {
        scheme: opened(html(GUARDED), color_scheme=scheme).evaluate(
            "getComputedStyle(document.body).backgroundColor"
        )
        for scheme in ("light", "dark")
    }
    assert backs == {"light": "rgb(255, 255, 255)", "dark": "rgb(13, 17, 23)"}


def test_ten_thousand_engines_make_a_small_page(opened: Opener) -> None:
    actions = tuple(replace(LARGE.actions[n % 500], key=f"shop/{n:05}") for n in range(10_000))
    for plan in (Plan("production", actions), NOTHING):
        page = opened(html(plan))
        expect(page.locator("#count")).to_have_text("10,000 engines")
        assert page.evaluate("document.querySelectorAll('#list *').length") < 1_000
        page.fill("#search", keys_of(plan)[-1])
        assert keys(page) == [keys_of(plan)[-1]]


def keys_of(plan: Plan) -> list[str]:
    return [one.key for one in plan.actions] or list(plan.unchanged)


def test_a_new_kind_of_action_needs_nothing_here(opened: Opener) -> None:
    kinds = [kind for kind in Kind if kind is not Kind.NONE]
    plan = Plan(
        "production", tuple(Action(f"engine-{kind}", kind, "a reason", engine_id="eng_1") for kind in kinds)
    )
    page = opened(html(plan))
    for kind in kinds:
        page.locator(f".chip[data-state='{kind}']").click()
        assert keys(page) == [f"engine-{kind}"]
        page.locator(f".chip[data-state='{kind}']").click()


def test_a_result_and_the_status(opened: Opener) -> None:
    run = RunFacts("apply", NOW, 92.0, RECORD)
    page = opened(render_outcome_html(EVERY_KIND, OUTCOME, Occasion(), run))
    expect(engine(page, "support").locator(".hint code")).to_have_text(
        "reconcile resolve support --engine-id '<ENGINE_ID>'"
    )
    page.get_by_role("button", name="1 created").click()
    expect(engine(page, "acme").locator("summary")).to_contain_text("1m 15s")
    page = opened(render_status_html(LOCKFILE, Occasion(), now=NOW, environment="production"))
    page.fill("#search", "no crawl 404")
    assert keys(page) == ["legal"]


def test_without_scripts_the_most_important_is_there(opened: Opener, tmp_path: Path) -> None:
    page = opened(html(GUARDED), java_script_enabled=False)
    expect(page.locator("noscript li")).to_have_count(3)
    expect(page.locator("#list")).to_be_hidden()
    expect(page.locator(".lead")).to_contain_text("2 held back")
    page.context.close()
    opened.pages.clear()
    opened.requests.clear()
