"""The comment in a merged pull request: what it says, what it remembers, and that nothing gets out of it."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.errors import Diagnostic
from reconciler.core.plan.model import Kind
from reconciler.core.pull_request.comment_state import CommentState
from reconciler.core.run.outcome import Outcome, Result, Status
from reconciler.render.markdown.escape import prose
from reconciler.render.markdown.outcome_comment import (
    Merge,
    read_comment,
    render_outcome_comment,
    render_outcome_summary,
)
from tests.render.samples import EVIL
from tests.render.strategies import texts

PAGE = "https://github.com/acme/engines"
MERGE = Merge("apply", "production", "engines.lock.json", page=PAGE, commit="a" * 40, run_url=f"{PAGE}/run")
DONE = Result("acme", Kind.CREATE, Status.DONE, "eng_1")
RUNNING = Result("shop", Kind.CREATE, Status.RUNNING, "eng_2", job_id="pjb_2", operation_id="op2")


def told_by(outcome: Outcome) -> CommentState:
    first = CommentState(unchanged=outcome.unchanged, commit=MERGE.commit, run=MERGE.run_url)
    return first.and_then(outcome.results)


def test_it_says_what_became_of_the_merge() -> None:
    outcome = Outcome((DONE, RUNNING), unchanged=7, wrote=True, published=True, detached=True)
    text = render_outcome_comment(replace(MERGE, published="b" * 40), outcome, told_by(outcome))
    assert text.rpartition("\n\n")[0] == (
        "<!-- reconcile:v1 apply production . -->\n\n"
        "### Localization engines: applied to `production`\n\n"
        "**Apply: 1 created, 1 still running, 7 unchanged.**\n\n"
        "| Key | Result | Engine | Details |\n"
        "|---|---|---|---|\n"
        "| `shop` | **still running** | `eng_2` | job `pjb_2` |\n"
        "| `acme` | created | `eng_1` |  |\n\n"
        "Next:\n\n- run `reconcile apply` again, which waits for the jobs that are still running\n\n"
        f"<sub>commit [`{'a' * 12}`](<{PAGE}/commit/{'a' * 40}>)"
        f" · lockfile [`{'b' * 12}`](<{PAGE}/commit/{'b' * 40}>) · [run](<{PAGE}/run>)</sub>"
    )


def test_a_later_run_reads_what_it_said() -> None:
    outcome = Outcome((DONE, RUNNING), unchanged=7)
    text = render_outcome_comment(MERGE, outcome, told_by(outcome))
    read = read_comment(text.replace("\n", "\r\n"))  # as GitHub gives it back
    assert read is not None
    assert read.running == {"op2"}
    ended = replace(RUNNING, kind=Kind.RESUME, status=Status.DONE)
    collect = replace(MERGE, command="collect", run_url=f"{PAGE}/later", commit=None)
    text = render_outcome_comment(collect, Outcome((ended,)), read.and_then([ended]))
    assert "**Apply and collect: 2 created, 7 unchanged.**" in text
    assert f"[first run](<{PAGE}/run>) · [collect run](<{PAGE}/later>)" in text
    assert f"/commit/{'a' * 40}" in text
    assert "**Collect: 1 resumed.**" in render_outcome_summary(collect, Outcome((ended,)))


def test_why_nothing_was_done_comes_first() -> None:
    problem = Diagnostic("another run is applying", hint="wait for it")
    found = [Diagnostic("unknown key `locale`", "engines/a.yaml", 2, 1)]
    text = render_outcome_comment(replace(MERGE, problem=problem, findings=found), Outcome(), CommentState())
    assert "\n\n**Not applied: another run is applying** Hint: wait for it\n\n```\n" in text
    assert "engines/a.yaml:2:1" in text
    assert "Apply: 0 unchanged" not in text


def test_a_lockfile_that_stayed_where_the_run_was_is_told() -> None:
    outcome = Outcome((DONE,), wrote=True)
    text = render_outcome_summary(MERGE, outcome)
    assert "`engines.lock.json` was written where this ran, but not published" in text
    assert "git add" not in text
    assert "not published" not in render_outcome_summary(MERGE, replace(outcome, published=True))


@pytest.mark.parametrize("key", ["shop/{}", "a-–-->{}<@>" * 9])
def test_a_large_outcome_is_cut_and_remembers_what_runs(key: str) -> None:
    many = tuple(replace(DONE, key=key.replace("{}", str(number))) for number in range(2_000))
    outcome = Outcome((*many, RUNNING))
    text = render_outcome_comment(MERGE, outcome, told_by(outcome))
    assert len(text.encode()) <= 60_000
    assert "2,000 created, 1 still running" in text
    assert "more engines, not shown for lack of space" in text
    assert "| `shop` | **still running** |" in text
    read = read_comment(text)
    assert read is not None
    assert read.running == {"op2"}
    again = render_outcome_comment(MERGE, Outcome(), read)
    assert re.search(r"1 still running\.\*\* [\d,]+ engines more, reported earlier\.", again)


def test_what_went_wrong_comes_first_and_says_the_same_once() -> None:
    error = "the link https://acme.example/brand-guidelines answered 404"
    one = Result("", Kind.CREATE, Status.FAILED, error=error)
    failed = [replace(one, key=f"f{n}", engine_id=f"eng_f{n}", file=f"f{n}.yaml") for n in range(3)]
    unclear = Result(
        "u", Kind.REPLACE, Status.UNCERTAIN, previous="eng_0", error="no answer came", hint="look for it"
    )
    done = Result("r", Kind.REPLACE, Status.DONE, "eng_3", previous="eng_2", summary={"instructions": 6})
    gone = Result("g", Kind.RETIRE, Status.DONE, "eng_4")
    outcome = Outcome((DONE, done, gone, RUNNING, unclear, *failed), unchanged=1)
    lines = render_outcome_summary(MERGE, outcome).split("\n")
    counts = "1 created, 1 replaced, 1 retired, 3 failed, 1 uncertain, 1 still running, 1 unchanged"
    assert lines[2] == f"**Apply: {counts}.**"
    shown = prose(error)
    assert lines[4:14] == [
        "| Key | Result | Engine | Details |",
        "|---|---|---|---|",
        f"| `f0` | **failed** | `eng_f0` | {shown} |",
        "| `f1` | **failed** | `eng_f1` | as for `f0` |",
        "| `f2` | **failed** | `eng_f2` | as for `f0` |",
        "| `u` | **uncertain** | was `eng_0` | no answer came |",
        "| `shop` | **still running** | `eng_2` | job `pjb_2` |",
        "| `acme` | created | `eng_1` |  |",
        "| `r` | replaced | `eng_3` (was `eng_2`) | 6 instructions |",
        "| `g` | retired | `eng_4` | stays on the platform |",
    ]
    assert lines[15].startswith("- failed, `f0`, `f1`, `f2`: ")
    assert lines[16] == "- uncertain, `u`: look for it"


@pytest.mark.parametrize("text", ["a|b", "`a|b`", "\\|", "`\\|`", "`\\\\|`", "`x\\\\|@team`", "|" * 9])
def test_no_value_ends_a_cell(text: str) -> None:
    """A bar does unless an odd number of backslashes stands before it, in a code span as well."""
    result = Result(text, Kind.CREATE, Status.FAILED, text, error=text)
    row = next(
        line for line in render_outcome_summary(MERGE, Outcome((result,))).split("\n") if "**failed**" in line
    )
    bars = [len(found[1]) for found in re.finditer(r"(\\*)\|", row)]
    assert sum(number % 2 == 0 for number in bars) == 5


@given(st.lists(texts | st.just(EVIL) | st.just("--> <!-- reconcile:told {} -->"), min_size=5, max_size=5))
def test_foreign_text_does_not_get_out(values: list[str]) -> None:
    key, engine, error, hint, operation = (value or "x" for value in values)
    result = Result(key, Kind.CREATE, Status.RUNNING, engine, error=error, hint=hint, operation_id=operation)
    failed = replace(result, key=key + "2", status=Status.FAILED)
    merge = replace(MERGE, environment=key, folder=engine, run_url=hint, page=error)
    outcome = Outcome((result, failed))
    text = render_outcome_comment(merge, outcome, told_by(outcome))
    first, *_, last = text.split("\n")
    for line in (first, last):
        assert line.count("<!--") == line.count("--") - 1 == line.count(">") == 1
    assert first.startswith("<!-- reconcile:v1 apply ")
    assert last.startswith("<!-- reconcile:told {")
    read = read_comment(text)
    assert read is not None
    assert read.running == {operation}


@pytest.mark.parametrize(
    "body", ["", "x", "<!-- reconcile:told {] -->", "<!-- reconcile:told " + "[" * 9_000]
)
def test_what_cannot_be_read_is_none(body: str) -> None:
    assert read_comment(body) is None
    assert read_comment(f"<!-- reconcile:told {'{' * 5} {'[' * 100_000} }} -->") is None


def test_the_foot_links_to_the_page_of_the_result() -> None:
    merge = replace(MERGE, report_url=f"{PAGE}/run#artifacts")
    assert f"[HTML report](<{PAGE}/run#artifacts>)" in render_outcome_summary(merge, Outcome())
    assert "HTML report" not in render_outcome_summary(MERGE, Outcome())
