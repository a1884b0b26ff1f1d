from __future__ import annotations

import re
from dataclasses import replace

from reconciler.core.plan.model import Action, Change, Kind, Plan
from reconciler.render.markdown.escape import code_span, fenced, prose
from reconciler.render.markdown.plan import render_plan_markdown
from tests.render.samples import EVERY_KIND, LARGE


def test_what_must_not_be_missed_comes_first() -> None:
    titles = re.findall(r"<summary>.*</code> ([a-z]+)</summary>", render_plan_markdown(EVERY_KIND))
    assert titles[:6] == ["failed", "drifted", "uncertain", "recreate", "replace", "retire"]


def test_a_first_run_names_every_engine() -> None:
    shown = render_plan_markdown(LARGE)
    assert shown.count("- create `shop/market-") == 500


def test_what_has_no_room_is_counted() -> None:
    shown = render_plan_markdown(LARGE, limit=4_000)
    assert len(shown.encode()) <= 4_000
    named = shown.count("- create `")
    left = re.search(r"… and (\d+) more engines", shown)
    assert left is not None
    assert named + int(left[1]) == 500


def test_details_give_way_to_names() -> None:
    website = next(action for action in EVERY_KIND.actions if action.kind is Kind.REPLACE)
    many = tuple(replace(website, key=f"site-{number:03}") for number in range(200))
    shown = render_plan_markdown(Plan("production", many))
    assert len(shown.encode()) <= 60_000
    assert all(f"site-{number:03}" in shown for number in range(200))
    assert shown.count("<details>") == shown.count("</details>") > 20
    assert shown.count("```diff") == shown.count("<details>")


def test_one_enormous_engine_leaves_room_for_the_others() -> None:
    url = "https://acme.com/" + "x" * 900
    huge = Action("huge", Kind.REPLACE, "changed", changes=(Change("sources", url),) * 200)
    shown = render_plan_markdown(Plan("x", (huge, Action("small", Kind.RETIRE, "engine file removed"))))
    assert "<code>small</code>" in shown
    assert re.search(r"… \d+ more lines", shown)


def test_a_fence_is_longer_than_any_run_inside() -> None:
    assert fenced(["a ````` b"], room=100) == "``````\na ````` b\n``````"
    assert fenced(["x", "y" * 50, "z"], room=10) == "```\nx\n… 2 more lines\n```"


def test_code_spans_hold_what_they_hold() -> None:
    assert code_span("a`b") == "``a`b``"
    assert code_span("`a") == "`` `a ``"
    assert code_span(" ") == "(empty)"


def test_prose_keeps_our_code_and_wakes_nobody() -> None:
    assert prose("did you mean `locales`?") == "did you mean `locales`?"
    assert prose("@all see #1") == "`@`all see `#`1"
    assert prose("[a](https://b) www.c") == r"\[a\](https\://b) www\.c"
    assert prose("<b>*x*\ny") == r"\<b\>\*x\*; y"
