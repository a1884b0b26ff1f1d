"""Comments as files to look at (`REWRITE_GOLDEN=1` rewrites them), and what holds for every one of them."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from markdown_it import MarkdownIt

from reconciler.core.plan.model import Action, Condition, Kind, Origin, Plan
from reconciler.render.markdown.comment import (
    Occasion,
    marker,
    render_plan_comment,
    render_plan_summary,
    worth_a_comment,
)
from tests.render.comment_samples import COMMENTS, CROWD, EVIL_OCCASION, HUGE, OCCASION, ONE, REPLACED, TWENTY
from tests.render.samples import EVERY_KIND, EVIL, NOTHING
from tests.render.strategies import QUICK, plans, texts
from tests.render.test_hostile import dangerous, inline

GOLDEN = Path(__file__).parents[1] / "golden" / "comments"
_SUMMARY = r"<summary>\S+ <code>[^<>@]*</code>(: ([^<>@#]|<code>[^<>@]*</code>)*)?</summary>"
_LIST = r"<details><summary>[\d,]+ [a-z ]+, one line each</summary>"
_MARKER = r"<!-- reconcile:v1 [!-=?-~]+ [!-=?-~]+ [!-=?-~]+ -->"


@pytest.mark.parametrize("name", COMMENTS)
def test_comment_is_as_recorded(name: str) -> None:
    path = GOLDEN / f"{name}.md"
    shown = render_plan_comment(*COMMENTS[name]) + "\n"
    if os.environ.get("REWRITE_GOLDEN"):
        path.write_text(shown, encoding="utf-8", newline="\n")
    assert shown == path.read_text(encoding="utf-8")
    check(shown, 60_001)


def test_no_golden_comment_is_left_over() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == set(COMMENTS)


@QUICK
@given(plans, texts, texts)
def test_any_comment_is_whole_and_has_only_our_markup(plan: Plan, folder: str, command: str) -> None:
    occasion = Occasion(command, folder, commit=folder, commit_url=command, run_url=folder)
    check(render_plan_comment(plan, occasion), 60_000)
    check(render_plan_comment(plan, occasion, limit=8_000), 8_000)


@pytest.mark.parametrize("plan", [HUGE, REPLACED, CROWD, EVERY_KIND])
@pytest.mark.parametrize("limit", [8_000, 20_000, 100_000])
def test_comments_of_any_size_are_whole(plan: Plan, limit: int) -> None:
    check(render_plan_comment(plan, OCCASION, limit=limit), limit)
    check(render_plan_comment(plan, EVIL_OCCASION, limit=limit), limit)


def check(shown: str, limit: int) -> None:
    assert len(shown.encode()) <= limit
    assert dangerous(shown) == set()
    tokens = MarkdownIt("commonmark").enable("table").parse(shown)
    blocks = [
        line for token in tokens if token.type == "html_block" for line in token.content.rstrip().split("\n")
    ]
    allowed = rf"</details>|<details( open)?>{_SUMMARY}|{_LIST}|{_MARKER}"
    assert [line for line in blocks if not re.fullmatch(allowed, line)] == []
    assert blocks.count("</details>") == sum(line.startswith("<details") for line in blocks)
    assert sum(line.startswith("<!--") for line in blocks) == 1
    within = inline(tokens)
    kinds = {"text", "code_inline", "strong_open", "strong_close", "softbreak", "link_open", "link_close"}
    assert {token.type for token in within} <= kinds | {"html_inline"}
    assert {token.content for token in within if token.type == "html_inline"} <= {"<sub>", "</sub>"}
    spoken = "".join(token.content for token in within if token.type == "text")
    assert re.search(r"[@#]|\bGH-\d", spoken, re.IGNORECASE) is None
    links = {str(token.attrGet("href")) for token in within if token.type == "link_open"}
    assert all(link.startswith("https://github.com/acme/") for link in links)
    # GitHub's autolinks look at the source, before escapes are resolved.
    prose = "\n".join(token.content for token in tokens if token.type == "inline")
    bare = re.sub(r"(?<!\\)(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)|\]\(<[^>]*>\)", "", prose)
    assert re.search(r"(?<!\\)://|www\.", bare, re.IGNORECASE) is None


def test_all_that_has_no_room_is_counted() -> None:
    for plan in (REPLACED, CROWD):
        shown = render_plan_comment(plan, OCCASION)
        keys = sum(
            f"`{action.key}`" in shown or f"<code>{action.key}</code>" in shown for action in plan.actions
        )
        left = re.search(r"… and ([\d,]+) more engines, .*: see \[the run\]", shown)
        assert keys + (int(left[1].replace(",", "")) if left else 0) == len(plan.actions)


def test_five_hundred_replacements_are_all_named_and_the_first_are_shown_whole() -> None:
    shown = render_plan_comment(REPLACED, OCCASION)
    assert all(action.key in shown for action in REPLACED.actions)
    assert shown.count("```diff") > 10


def test_what_nobody_may_miss_comes_first() -> None:
    titles = re.findall(r"^#### (.*)$", render_plan_comment(TWENTY, OCCASION), re.M)
    assert titles == ["Needs attention", "Replaced", "Retired", "Created", "Without a new job"]
    signs = re.findall(r"<summary>(.) ", render_plan_comment(EVERY_KIND, OCCASION))
    assert signs[:6] == ["?", "!", "≠", "±", "±", "-"]


def test_a_small_change_needs_no_click() -> None:
    assert "<details open>" in render_plan_comment(ONE, OCCASION)
    assert "<details open>" not in render_plan_comment(TWENTY, OCCASION)


def test_the_summary_is_the_same_without_a_marker() -> None:
    comment = render_plan_comment(TWENTY, OCCASION)
    assert comment.split("\n", 2)[2] == render_plan_summary(TWENTY, OCCASION)


@pytest.mark.parametrize(
    ("values", "line"),
    [
        (("plan", "production", "."), "<!-- reconcile:v1 plan production . -->"),
        (("plan", "a b", "x-->y"), "<!-- reconcile:v1 plan a%20b x-%2D%3Ey -->"),
        (("plan", "", "é/--->"), "<!-- reconcile:v1 plan % %C3%A9/-%2D-%3E -->"),
        (("plan", "%", "\n\udc80"), "<!-- reconcile:v1 plan %25 %0A%3F -->"),
    ],
)
def test_a_marker_is_one_html_comment(values: tuple[str, str, str], line: str) -> None:
    assert marker(*values) == line


def test_a_long_folder_has_a_short_marker_of_its_own() -> None:
    one, other = (marker("plan", "production", EVIL * 100 + end) for end in "ab")
    assert one != other
    assert re.fullmatch(_MARKER, one)
    assert len(one) < 400


def test_the_first_sentence_is_a_line_of_counts() -> None:
    lines = render_plan_comment(TWENTY, Occasion()).split("\n")
    counts = "12 to create, 3 to replace, 1 to resume, 1 to restore, 1 to move, 1 to retire, 1 uncertain, 41 unchanged"
    assert lines[4] == f"**Plan: {counts}.**"
    assert lines[6].startswith("Merging creates 15 provisioning jobs")
    assert "Engines that are replaced keep serving until the new ones are ready." in lines[6]
    assert "Engines that are retired stay on the platform." in lines[6]
    nothing = render_plan_comment(NOTHING, Occasion()).split("\n")
    assert nothing[4] == "**No changes. 10,000 engines are up to date.**"
    assert "keep serving" not in "".join(nothing)


def test_what_is_worth_a_comment() -> None:
    assert worth_a_comment(ONE)
    assert worth_a_comment(COMMENTS["invalid"][0])
    assert worth_a_comment(Plan("x", (Action("a", Kind.NONE, "", condition=Condition.UNCERTAIN),)))
    assert not worth_a_comment(NOTHING)


def test_what_only_others_change_is_not() -> None:
    others = tuple(replace(action, origin=Origin.MERGED) for action in TWENTY.actions)
    assert not worth_a_comment(replace(TWENTY, actions=others))
    assert worth_a_comment(
        replace(TWENTY, actions=(*others, replace(others[0], key="zz", origin=Origin.BRANCH)))
    )


def test_ones_own_changes_come_before_those_of_others() -> None:
    titles = re.findall(r"^#### (.*)$", render_plan_comment(*COMMENTS["compared"]), re.M)
    assert titles[-2:] == ["Merged earlier, not applied yet", "Another run is working on it"]
    assert "held back: it is protected" in render_plan_comment(*COMMENTS["compared"])


def test_the_foot_links_to_the_page_of_the_plan() -> None:
    run = "https://github.com/acme/l10n/actions/runs/7"
    shown = render_plan_comment(TWENTY, Occasion(run_url=run, report_url=f"{run}#artifacts"))
    assert f"· [run](<{run}>) · [HTML report](<{run}#artifacts>)</sub>" in shown
    assert "HTML report" not in render_plan_comment(TWENTY, Occasion(run_url=run))
    assert "HTML report" not in render_plan_comment(TWENTY, Occasion(report_url="javascript:alert(1)"))
