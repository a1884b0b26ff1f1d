"""Laws that hold whatever stands in the files: no view carries foreign control, markup or commands."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from markdown_it import MarkdownIt
from markdown_it.token import Token

from reconciler.core.errors import Diagnostic
from reconciler.core.plan.model import Plan
from reconciler.render.data.json_view import render_plan_json
from reconciler.render.markdown.escape import prose
from reconciler.render.markdown.plan import render_plan_markdown
from reconciler.render.phrases.diagnostics import render_diagnostics
from reconciler.render.phrases.sanitize import sanitize
from reconciler.render.reports.annotations import render_plan_github
from reconciler.render.text.plan import render_plan
from tests.render.samples import HOSTILE, HOSTILE_INVALID
from tests.render.strategies import QUICK, diagnostics, plans, texts

_ANSI = re.compile(r"\x1b\[\d+m")
_RAISING = re.compile(r"^\s*::\w|##\[|##vso\[|##teamcity\[", re.MULTILINE)


def dangerous(text: str) -> set[str]:
    """Characters that control a terminal, hide, or turn the direction of writing; joiners are looked at apart."""
    return {
        char
        for char in text
        if char not in "\n\t\u200c\u200d" and unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp")
    }


@QUICK
@given(plans)
def test_views_carry_no_control_characters(plan: Plan) -> None:
    views = [render_plan(plan), render_plan_markdown(plan), render_plan_github(plan)]
    views += [render_plan_json(plan, exit_code=0), _ANSI.sub("", render_plan(plan, color=True))]
    for view in views:
        assert dangerous(view) == set()
        view.encode()


@QUICK
@given(plans)
def test_plain_text_is_ascii_where_that_is_wanted(plan: Plan) -> None:
    assert render_plan(plan, ascii_only=True).isascii()


@QUICK
@given(plans)
def test_a_build_service_reads_no_command_in_the_text_view(plan: Plan) -> None:
    assert _RAISING.search(render_plan(plan)) is None


@QUICK
@given(diagnostics)
def test_a_build_service_reads_no_command_in_diagnostics(diagnostic: Diagnostic) -> None:
    shown = render_diagnostics([diagnostic], color=False)
    assert _RAISING.search(shown) is None
    assert dangerous(shown) == set()


@QUICK
@given(plans)
def test_annotations_are_the_only_commands(plan: Plan) -> None:
    lines = render_plan_github(plan).split("\n")
    start = next(index for index, line in enumerate(lines) if line.startswith("::stop-commands::"))
    for line in lines[:start]:
        found = re.fullmatch(r"::(error|warning|notice) ([^:\r\n]*)::([^\r\n]*)", line)
        assert found is not None
        assert re.fullmatch(r"[a-z]+=[^,]*(,[a-z]+=[^,]*)*", found[2])
        assert re.search(r"%(?!25|0D|0A|3A|2C)", found[2] + found[3]) is None
    token = lines[start].removeprefix("::stop-commands::")
    assert [index for index, line in enumerate(lines) if token in line] == [start, len(lines) - 1]
    assert lines[-1] == f"::{token}::"


def inline(tokens: list[Token]) -> list[Token]:
    return [child for token in tokens for child in (token.children or [])]


@pytest.mark.parametrize("plan", [HOSTILE, HOSTILE_INVALID])
def test_hostile_markdown_has_only_our_markup(plan: Plan) -> None:
    check_markdown(plan, 60_000)


@QUICK
@given(plans)
def test_markdown_has_only_our_markup(plan: Plan) -> None:
    check_markdown(plan, 60_000)


@QUICK
@given(plans)
def test_markdown_stays_whole_when_it_is_cut(plan: Plan) -> None:
    check_markdown(plan, 4_000)


def check_markdown(plan: Plan, limit: int) -> None:
    shown = render_plan_markdown(plan, limit=limit)
    assert len(shown.encode()) <= limit
    tokens = MarkdownIt("commonmark").enable("table").parse(shown)
    html = [token.content.rstrip() for token in tokens if token.type == "html_block"]
    for block in html:
        assert re.fullmatch(
            r"</details>|<details><summary>(\S+ )?<code>[^<>@]*</code> [a-z]+</summary>", block
        )
    assert html.count("</details>") * 2 == len(html)
    allowed = {"text", "code_inline", "strong_open", "strong_close"}
    assert {token.type for token in inline(tokens)} <= allowed
    spoken = "".join(token.content for token in inline(tokens) if token.type == "text")
    assert "@" not in spoken
    assert "#" not in spoken
    blocks = {
        "heading_open",
        "heading_close",
        "paragraph_open",
        "paragraph_close",
        "inline",
        "fence",
        "html_block",
    }
    blocks |= {token.type for token in tokens if token.type.startswith(("table", "th", "tr", "td", "tbody"))}
    lists = {"bullet_list_open", "bullet_list_close", "list_item_open", "list_item_close"}
    assert {token.type for token in tokens} <= blocks | lists
    # GitHub's autolinks look at the source, before escapes are resolved.
    prose = "\n".join(token.content for token in tokens if token.type == "inline")
    without_code = re.sub(r"(?<!\\)(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", "", prose)
    assert re.search(r"(?<!\\)://|www\.", without_code, re.IGNORECASE) is None


@QUICK
@given(texts)
def test_printable_is_one_line_and_stable(text: str) -> None:
    shown = sanitize(text)
    assert "\n" not in shown
    assert sanitize(shown) == shown


@pytest.mark.parametrize(
    "text", ["1. a", "999) a", "- a", "+ a", "=", "---", "    a", "> a", "# a", "* a", "| a"]
)
def test_prose_begins_no_block(text: str) -> None:
    for shown in (prose(text), f"- {prose(text)}", f"a\n{prose(text)}"):
        kinds = {token.type for token in MarkdownIt("commonmark").enable("table").parse(shown)}
        assert kinds <= {
            *("paragraph_open", "paragraph_close", "inline"),
            *("bullet_list_open", "list_item_open", "list_item_close", "bullet_list_close"),
        }
        assert not shown.startswith(("- ", "+ ")) or shown.startswith(f"- {prose(text)}")
