from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace

import pytest

from reconciler.core.display import display_width
from reconciler.core.engine.spec import Source, Spec
from reconciler.core.plan.model import Action, Change, Kind, Plan
from reconciler.render.phrases.words import TERSE_ABOVE
from reconciler.render.text.plan import render_plan
from tests.render.samples import EVERY_KIND, INVALID, LARGE, NOTHING


def one(action: Action, max_lines: int = 40) -> str:
    return render_plan(Plan("production", (action,)), max_lines=max_lines)


def test_nothing_to_do_is_one_line() -> None:
    assert render_plan(NOTHING) == "No changes. 10,000 engines are up to date."
    assert render_plan(Plan("x", unchanged=("a",))) == "No changes. 1 engine is up to date."
    assert render_plan(Plan("x")) == "No changes."


def test_engines_that_wait_for_a_person_are_no_change() -> None:
    waiting = tuple(action for action in EVERY_KIND.actions if action.condition is not None)
    shown = render_plan(Plan("x", waiting, unchanged=("a", "b")))
    assert shown.endswith("No changes to apply. 3 engines need attention, 2 are up to date.")
    assert "reconcile resolve support --engine-id '<ENGINE_ID>'" in shown


def test_the_end_says_what_it_comes_to_and_costs() -> None:
    lines = render_plan(EVERY_KIND).split("\n")
    assert lines[-3] == (
        "Plan: 1 to create, 1 to replace, 1 to recreate, 1 to resume, 1 to restore, 1 to discard, 1 to move, "
        "1 to retire, 1 failed, 1 uncertain, 1 drifted, 9,991 unchanged."
    )
    assert lines[-2].startswith("3 provisioning jobs will be created (billed by the platform).")


def test_a_change_without_a_job_says_so() -> None:
    shown = one(Action("a", Kind.RETIRE, "engine file removed", engine_id="eng_1"))
    assert "Plan: 1 to retire.\nNo provisioning jobs will be created.\n" in shown


def test_what_a_cut_off_run_left_is_to_be_recorded() -> None:
    shown = render_plan(Plan("x", unchanged=("a", "b"), unwritten=1))
    assert shown.startswith(
        "Plan: 1 to record, 2 unchanged.\nNo provisioning jobs will be created.\n1 result of earlier runs "
    )


@pytest.mark.parametrize("action", EVERY_KIND.actions, ids=lambda action: action.key)
def test_every_action_names_engine_file_and_reason(action: Action) -> None:
    shown = one(action)
    assert action.key in shown.split("\n")[0]
    assert action.file is None or action.file in shown
    assert action.reason in shown
    assert action.kind is Kind.CREATE or action.condition or str(action.engine_id) in shown


def test_an_invalid_plan_shows_findings_only() -> None:
    shown = render_plan(INVALID)
    assert shown.endswith("3 errors, 1 warning in 3 files.")
    assert "Plan:" not in shown


def test_attention_comes_last() -> None:
    heads = [line for line in render_plan(EVERY_KIND).split("\n") if re.match(r"\S+ [a-z/]+ ", line)]
    assert max(index for index, head in enumerate(heads) if head[0] in "+±~↻↶×-") < min(
        index for index, head in enumerate(heads) if head[0] in "!?"
    )


def test_colour_only_where_it_is_asked_for() -> None:
    colored = render_plan(EVERY_KIND, color=True)
    assert "\x1b[32m" in colored
    assert re.sub(r"\x1b\[\d+m", "", colored) == render_plan(EVERY_KIND)
    assert "\x1b" not in render_plan(EVERY_KIND)


def test_long_texts_are_cut_with_a_count() -> None:
    old = "\n".join(f"line {number}" for number in range(100))
    change = Change(
        "sources", "sha256:1", "sha256:2", content=True, old_text=old, new_text=old.replace("line", "row")
    )
    action = Action("a", Kind.REPLACE, "engine file changed", changes=(change,))
    assert "… 191 more lines" in one(action, max_lines=10)
    assert "more line" not in one(action, max_lines=201)


def test_long_lines_are_cut_around_the_difference() -> None:
    old, new = "x" * 5_000 + " old end", "x" * 5_000 + " new end"
    shown = one(Action("a", Kind.REPLACE, "changed", changes=(Change("description", old, new),)))
    assert "old end" in shown
    assert "new end" in shown
    assert max(map(len, shown.split("\n"))) < 600


def test_without_the_old_text_digests_and_sizes_stand_for_it() -> None:
    change = Change(
        "sources", "sha256:" + "a" * 64, "sha256:" + "b" * 64, content=True, old_chars=183, new_chars=201
    )
    shown = one(Action("a", Kind.REPLACE, "changed", changes=(change,)))
    assert "(183 → 201 characters)" in shown
    assert "sha256:aaaaaaaaaaaa → sha256:bbbbbbbbbbbb" in shown


def test_many_new_engines_take_one_line_each_within_the_width() -> None:
    shown = render_plan(LARGE, width=60)
    new = [line for line in shown.split("\n") if line.startswith("+ ")]
    assert len(new) == 500
    assert max(map(display_width, new)) <= 60
    few = replace(LARGE, actions=LARGE.actions[:TERSE_ABOVE])
    assert render_plan(few).count("will be created\n") == TERSE_ABOVE


def test_wide_characters_are_cut_by_cells() -> None:
    spec = Spec("翻訳" * 40, None, ("ja",), (Source("link", "https://acme.com"),))
    many = tuple(Action(f"k{number}", Kind.CREATE, "new", spec=spec) for number in range(TERSE_ABOVE + 1))
    line = render_plan(Plan("x", many), width=50).split("\n")[0]
    assert 48 <= display_width(line) <= 50
    assert line.endswith("…")


def test_the_no_change_path_imports_nothing_heavy() -> None:
    program = (
        "import sys, reconciler.render.text.plan, reconciler.render.data.json_view;"
        "print(*{'difflib', 'textwrap', 'rich', 'click', 'pydantic', 'git', 'html'} & set(sys.modules))"
    )
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == ""
