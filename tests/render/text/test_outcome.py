"""What people and programs read after a run."""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.adapters.storage.document_schemas import outcome_schema
from reconciler.core.errors import Diagnostic, ExitCode
from reconciler.core.plan.model import Kind, Plan
from reconciler.core.run.outcome import Outcome, Result, Status
from reconciler.render.data.json_view import render_error_json, render_plan_json
from reconciler.render.data.outcome_json import render_outcome_json
from reconciler.render.markdown.outcome import render_outcome_markdown
from reconciler.render.text.outcome import render_outcome
from tests.render.samples import EVERY_KIND, EVIL
from tests.render.strategies import maybe, texts

SCHEMA = outcome_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
RECORD = "git add engines.lock.json && git commit"
CREDIT = "the organization hit its credit limit"
CREATED = Result(
    "acme",
    Kind.CREATE,
    Status.DONE,
    "eng_A",
    job_id="pjb_A",
    summary={"brandVoices": 4, "glossaryItems": 12, "instructions": 1},
)
REPLACED = Result("marketing/website", Kind.REPLACE, Status.DONE, "eng_New", "eng_Old")
FAILED = Result(
    "legal",
    Kind.CREATE,
    Status.FAILED,
    "eng_L",
    job_id="pjb_L",
    error="no crawl: 404",
    file="engines/legal.yaml",
)
UNCERTAIN = Result(
    "support",
    Kind.CREATE,
    Status.UNCERTAIN,
    error="answered 500",
    hint="reconcile resolve support --engine-id '<ENGINE_ID>'",
)
RUNNING = Result("store", Kind.RESUME, Status.RUNNING, "eng_S", job_id="pjb_S")


def shown(
    outcome: Outcome,
    *,
    elapsed: float | None = None,
    ascii_only: bool = False,
    color: bool = False,
    command: str = "apply",
) -> str:
    return render_outcome(
        outcome,
        elapsed=elapsed,
        ascii_only=ascii_only,
        color=color,
        environment="production",
        lockfile="engines.lock.json",
        record=RECORD,
        command=command,
    )


def not_started(number: int) -> tuple[Result, ...]:
    """One whose call was refused, and the others behind it."""
    first = Result("shop/0", Kind.CREATE, Status.NOT_STARTED, error=CREDIT)
    return (
        first,
        *(
            Result(f"shop/{i}", Kind.CREATE, Status.NOT_STARTED, error=f"stopped before its turn: {CREDIT}")
            for i in range(1, number)
        ),
    )


def test_a_good_run_names_every_engine_and_what_to_commit() -> None:
    text = shown(Outcome((CREATED, REPLACED), unchanged=9_996, wrote=True), elapsed=12.34)
    assert "+ acme               created eng_A  (4 brand voices, 12 glossary items, 1 instruction)\n" in text
    assert "± marketing/website  replaced by eng_New, was eng_Old\n" in text
    assert "Apply: 1 created, 1 replaced, 9,996 unchanged in 12.3 s.\n" in text
    assert text.endswith("commit the engine IDs: `git add engines.lock.json && git commit`")


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (Kind.RESUME, "completed eng_1"),
        (Kind.RESTORE, "restored eng_1"),
        (Kind.DISCARD, "keeps its engine; the pending eng_1 was discarded"),
        (Kind.MOVE, "moved here, keeps eng_1"),
        (Kind.RETIRE, "retired; eng_1 stays on the platform"),
    ],
)
def test_every_action_has_words_of_its_own(kind: Kind, words: str) -> None:
    outcome = Outcome((Result("acme", kind, Status.DONE, "eng_1"),), wrote=True)
    assert f"acme  {words}\n" in shown(outcome)
    assert "`eng_1`" in render_outcome_markdown(Plan("production"), outcome)


def test_nothing_done_asks_for_nothing() -> None:
    text = shown(Outcome(unchanged=3))
    assert text == "Apply: 3 unchanged.\nenvironment production · engines.lock.json · unchanged"
    assert shown(Outcome()).startswith("Apply: 0 unchanged.")


def test_a_failure_says_file_reason_and_command() -> None:
    text = shown(Outcome((FAILED, replace(FAILED, key="a b", error="two\nlines", file=None))))
    assert "2 engines failed:\n! legal  engines/legal.yaml  eng_L  job pjb_L\n    no crawl: 404\n" in text
    assert "edit engines/legal.yaml, or try again: reconcile apply --retry-failed --only legal\n" in text
    assert "    two\n    lines\n    hint: try again: reconcile apply --retry-failed --only 'a b'\n" in text
    assert "git add" not in text  # the lockfile did not change


def test_a_failure_of_an_earlier_run_is_told_apart() -> None:
    before = replace(FAILED, kind=Kind.NONE, error="failed: no crawl: 404", hint="edit it")
    text = shown(Outcome((before, FAILED)))
    assert "    failed in an earlier run and is skipped: no crawl: 404\n    hint: edit it\n" in text
    assert "    no crawl: 404\n" in text


def test_equal_failures_are_one_entry() -> None:
    text = shown(Outcome(tuple(replace(FAILED, key=f"shop/{i}") for i in range(13))))
    assert "! 13 engines: shop/0, shop/1, " in text
    assert "shop/9, … and 3 more\n" in text
    assert text.count("no crawl: 404") == 1
    assert "hint: edit their files, or try again: reconcile apply --retry-failed\n" in text


def test_an_uncertain_engine_keeps_its_exact_command() -> None:
    text = shown(Outcome((UNCERTAIN,)))
    assert (
        "? support\n    answered 500\n    hint: reconcile resolve support --engine-id '<ENGINE_ID>'\n" in text
    )
    many = shown(Outcome(tuple(replace(UNCERTAIN, key=f"shop/{i}") for i in range(900))))
    assert "and 890 more; `reconcile status` lists each" in many
    assert many.count("hint:") == 10


def test_running_jobs_are_named_with_the_way_on() -> None:
    text = shown(Outcome((replace(RUNNING, error="the key was refused"),), timed_out=True))
    assert (
        "1 job still running:\n↻ store  job pjb_S of eng_S\n    not waited for: the key was refused\n" in text
    )
    assert "Deadline reached." in text
    assert text.endswith("run `reconcile apply` again, which waits for the jobs that are still running")
    assert "… and 5 more\n" in shown(Outcome((RUNNING,) * 15))
    assert "(--detach)" in shown(Outcome((RUNNING,), detached=True))


def test_one_cause_for_many_is_said_once() -> None:
    text = shown(Outcome((CREATED, *not_started(900)), halted=CREDIT, wrote=True))
    assert "900 engines not created:\n  shop/0, shop/1, " in text
    assert "shop/9, … and 890 more\n    the organization hit its credit limit\n" in text
    assert text.count(CREDIT) == 2  # there, and as what stopped the run
    assert "once the cause is fixed (key, credit, quota" in text
    assert len(text.splitlines()) < 16


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (401, "check LINGO_API_KEY"),
        (402, "credit limit"),
        (404, "LINGO_API_URL"),
        (429, "quota"),
        (418, "the cause is fixed"),
    ],
)
def test_what_to_do_follows_from_what_the_platform_refused(status: int, said: str) -> None:
    text = shown(Outcome(tuple(not_started(2)), halted="no", halted_status=status))
    (step,) = [line for line in text.splitlines() if "run `reconcile apply` again" in line]
    assert said in step


def test_an_interrupted_run_says_that_nothing_is_lost() -> None:
    assert "Interrupted. Nothing is lost" in shown(Outcome((RUNNING,), interrupted=True))


def test_an_unwritten_lockfile_is_said_loudly_with_every_engine() -> None:
    outcome = Outcome((CREATED, FAILED, RUNNING, UNCERTAIN), unwritten="no space left on device")
    text = shown(outcome, color=True)
    assert "\x1b[31mERROR: engines.lock.json could not be written." in text
    plain = shown(outcome)
    assert "    no space left on device\n    Engines that exist on the platform:\n" in plain
    assert "      acme  eng_A  pjb_A  done\n      legal  eng_L  pjb_L  failed\n" in plain
    assert "      store  eng_S  pjb_S  running\n    They are in the journal" in plain
    assert "git add" not in plain
    assert "Keep this list" in shown(replace(outcome, halted="the journal cannot be written"))
    assert "Engines that exist" not in shown(Outcome(unwritten="read-only"))


def test_a_journal_that_was_not_emptied_is_no_alarm() -> None:
    text = shown(Outcome((CREATED,), wrote=True, unwritten="permission denied"))
    assert "ERROR" not in text
    assert (
        "engines.lock.json is written, but the journal could not be emptied:\n    permission denied\n" in text
    )
    assert "git add" in text


def test_long_runs_are_in_minutes() -> None:
    assert "Apply: 1 created in 2m 05s." in shown(Outcome((CREATED,), wrote=True), elapsed=125)


def test_without_a_way_to_record_none_is_told() -> None:
    text = render_outcome(Outcome((CREATED,), wrote=True), environment="e", lockfile="l")
    assert "commit the engine IDs" not in text
    plan = Plan("production")
    assert "commit the engine IDs" not in render_outcome_markdown(plan, Outcome((CREATED,), wrote=True))
    markdown = render_outcome_markdown(plan, Outcome((CREATED,), wrote=True), record=RECORD)
    assert markdown.endswith(f"- commit the engine IDs: `{RECORD}`")


def test_collecting_is_called_so() -> None:
    """And what is to be done next is collecting as well, unless something is to be started."""
    outcome = Outcome((replace(CREATED, kind=Kind.RESUME), RUNNING), detached=True, wrote=True)
    text = shown(outcome, command="collect")
    assert "Collect: 1 resumed, 1 still running.\nDid not wait for the jobs (--no-wait).\n" in text
    assert text.endswith("run `reconcile collect` again, which waits for the jobs that are still running")
    markdown = render_outcome_markdown(Plan("production"), outcome, command="collect")
    assert "**Collect: 1 resumed, 1 still running.**" in markdown
    assert "run `reconcile collect` again" in markdown
    assert "apply" not in (text + markdown).lower()
    outcome = Outcome(not_started(1), halted=CREDIT)
    assert "run `reconcile apply` again, which creates" in shown(outcome, command="collect")


def test_json_carries_plan_outcome_and_exit_code() -> None:
    outcome = Outcome((CREATED, replace(FAILED, hint="h")), unchanged=2, wrote=True, halted=CREDIT)
    document = json.loads(render_outcome_json(EVERY_KIND, outcome, 1))
    assert document["schemaVersion"] == 1
    assert document["digest"] == EVERY_KIND.digest
    assert document["exitCode"] == 1
    first, second = document["outcome"].pop("results")
    assert first == {
        "key": "acme",
        "action": "create",
        "status": "done",
        "engineId": "eng_A",
        "jobId": "pjb_A",
        "summary": {"brandVoices": 4, "glossaryItems": 12, "instructions": 1},
    }
    assert second["hint"] == "h"
    assert second["file"] == "engines/legal.yaml"
    assert document["outcome"] == {
        "counts": {
            "done": 1,
            "running": 0,
            "failed": 1,
            "uncertain": 0,
            "drifted": 0,
            "guarded": 0,
            "not_started": 0,
            "unchanged": 2,
        },
        "wrote": True,
        "published": False,
        "interrupted": False,
        "timedOut": False,
        "detached": False,
        "halted": CREDIT,
    }


def test_markdown_is_short_and_counts_what_it_leaves_out() -> None:
    done = tuple(replace(CREATED, key=f"shop/{i}") for i in range(2_000))
    outcome = Outcome((FAILED, UNCERTAIN, RUNNING, *not_started(50), *done), wrote=True, halted=CREDIT)
    text = render_outcome_markdown(Plan("production"), outcome, limit=5_000)
    assert len(text.encode()) <= 5_000
    assert re.search(r"^\| `legal` \| \*\*failed\*\* \| .* \| no crawl: 404 \|$", text, re.M)
    assert re.search(r"^\| `support` \| \*\*uncertain\*\* \| .* \| answered 500 \|$", text, re.M)
    assert "- uncertain, `support`: reconcile resolve support" in text
    assert re.search(r"^\| `shop/0` \| \*\*not started\*\* \|  \| the organization hit", text, re.M)
    assert re.search(r"^\| `shop/1` \| \*\*not started\*\* \|  \| as for `shop/0` \|$", text, re.M)
    assert text.index("`legal`") < text.index("`support`") < text.index("`shop/0`")
    assert re.search(r"^\| … \| [12],\d\d\d more engines, not shown for lack of space \| \| \|$", text, re.M)
    alarm = render_outcome_markdown(
        Plan("production"), Outcome((CREATED,), unwritten="full", interrupted=True)
    )
    assert "**Not written**" in alarm
    assert "**Interrupted**" in alarm


RESULTS = st.builds(
    Result,
    texts,
    st.sampled_from(Kind),
    st.sampled_from(Status),
    engine_id=maybe,
    previous=maybe,
    job_id=maybe,
    error=maybe,
    hint=maybe,
    file=maybe,
)
OUTCOMES = st.builds(
    Outcome, st.lists(RESULTS, max_size=4).map(tuple), wrote=st.booleans(), halted=maybe, unwritten=maybe
)


ANY_OUTCOMES = st.builds(
    Outcome,
    st.lists(RESULTS, max_size=3).map(tuple),
    unchanged=st.integers(0, 9),
    halted=maybe,
    unwritten=maybe,
    unpublished=maybe,
    proposed=maybe,
    outputs_failed=st.lists(texts, max_size=2).map(tuple),
    interrupted=st.booleans(),
    detached=st.booleans(),
)


@given(ANY_OUTCOMES, st.sampled_from(ExitCode))
def test_json_of_any_outcome_is_as_its_schema_says(outcome: Outcome, code: int) -> None:
    VALIDATOR.validate(json.loads(render_outcome_json(EVERY_KIND, outcome, code)))


@pytest.mark.parametrize(
    "wrong",
    [
        {"outcome": {}},
        {"outcome": None},
        {"digest": None},
        {"exitCode": 9},
        {"unknown": 1},
        {"actions": [{"key": "x"}]},
    ],
)
def test_the_schema_refuses_what_is_none(wrong: dict[str, Any]) -> None:
    document = json.loads(render_outcome_json(EVERY_KIND, Outcome((CREATED,)), 0)) | wrong
    assert not VALIDATOR.is_valid({name: value for name, value in document.items() if value is not None})


def test_without_an_outcome_there_is_an_error_or_a_finding() -> None:
    plan = json.loads(render_plan_json(EVERY_KIND, exit_code=0))
    assert not VALIDATOR.is_valid(plan)
    VALIDATOR.validate(json.loads(render_error_json("no key", exit_code=3)))
    invalid = Plan("production", diagnostics=(Diagnostic("bad"),))
    VALIDATOR.validate(json.loads(render_plan_json(invalid, exit_code=3)))


def test_the_committed_schema_is_fresh() -> None:
    file = Path(__file__).parents[3] / "schemas/outcome.schema.json"
    assert json.loads(file.read_text(encoding="utf-8")) == SCHEMA
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@given(OUTCOMES)
def test_foreign_text_is_harmless(outcome: Outcome) -> None:
    plain = render_outcome(outcome, environment=EVIL, lockfile=EVIL)
    colored = render_outcome(outcome, color=True, environment=EVIL, lockfile=EVIL)
    markdown = render_outcome_markdown(Plan(EVIL, lockfile=EVIL), outcome)
    for view in (plain, re.sub(r"\x1b\[\d+m", "", colored), markdown):
        unseen = {c for c in view if c not in "\n\t\u200c\u200d" and unicodedata.category(c)[0] == "C"}
        assert {c for c in unseen if unicodedata.category(c) != "Cn"} == set()
    assert re.search(r"^\s*::\S|##\[|##vso\[", plain, re.MULTILINE) is None
    assert render_outcome(outcome, ascii_only=True, environment=EVIL, lockfile=EVIL).isascii()
    assert render_outcome_json(Plan(EVIL), outcome, 1).isascii()
