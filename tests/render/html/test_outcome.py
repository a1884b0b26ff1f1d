"""The result of a run as a page."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.core.plan.model import Kind, Plan
from reconciler.core.run.outcome import Outcome, Result, Status
from reconciler.render.html.outcome import RunFacts, render_outcome_html
from reconciler.render.markdown.comment import Occasion
from reconciler.render.phrases.outcome_words import closing_sentence, what_became
from tests.render.html.reading import Page
from tests.render.html.test_page import NOW, check
from tests.render.samples import EVERY_KIND, EVIL, HOSTILE
from tests.render.text.test_outcome import CREATED, FAILED, RECORD, REPLACED, RUNNING, UNCERTAIN

GUARDED = Result("shop", Kind.REPLACE, Status.GUARDED, error="it is protected", hint="remove `protect`")
LATER = Result("later", Kind.CREATE, Status.NOT_STARTED, error="stopped before its turn: no credit")
OUTCOME = Outcome(
    (replace(CREATED, seconds=75.5), REPLACED, FAILED, UNCERTAIN, RUNNING, GUARDED, LATER),
    unchanged=9,
    wrote=True,
)


def page(outcome: Outcome, plan: Plan = EVERY_KIND) -> Page:
    run = RunFacts("apply", NOW, elapsed=92.0, record=RECORD)
    return Page(render_outcome_html(plan, outcome, Occasion(), run))


def test_it_begins_with_the_result() -> None:
    shown = page(OUTCOME)
    assert shown.all("h1")[0].text == "Localization engines: apply for production"
    assert closing_sentence(OUTCOME, "apply", 92.0) in shown.words


def test_what_needs_attention_comes_first_and_is_unfolded() -> None:
    engines = page(OUTCOME).data["engines"]
    assert [one["key"] for one in engines] == [
        *("legal", "support", "shop", "later", "store", "acme", "marketing/website")
    ]
    assert [one["key"] for one in engines if one.get("open")] == ["legal", "support", "shop"]


def test_each_result_says_what_became_of_it() -> None:
    shown = page(OUTCOME)
    assert shown.engine("acme")["happens"] == "Created eng_A."
    assert ["Made", "4 brand voices, 12 glossary items, 1 instruction"] in shown.engine("acme")["about"]
    assert shown.engine("marketing/website")["happens"] == "Replaced by eng_New, was eng_Old."
    assert shown.engine("legal")["happens"] == "No crawl: 404."
    assert shown.engine("legal")["hint"][0][-1] == ["reconcile apply --retry-failed --only legal", "command"]
    assert shown.engine("support")["hint"] == [
        [["reconcile resolve support --engine-id '<ENGINE_ID>'", "command"]]
    ]
    assert shown.engine("shop")["happens"] == "Not replaced: it is protected."
    assert shown.engine("later")["state"] == "not started"


def test_how_long_a_job_took() -> None:
    shown = page(OUTCOME)
    assert ["Took", "1m 15s"] in shown.engine("acme")["about"]
    assert shown.engine("acme")["facts"] == "1m 15s"
    assert all(name != "Took" for name, _ in shown.engine("marketing/website")["about"])


def test_the_change_that_was_asked_for_is_shown_with_the_result() -> None:
    assert page(OUTCOME).engine("marketing/website")["values"][0]["new"] == "Acme Website 2026"


def test_the_steps_to_take_have_commands_to_copy() -> None:
    shown = page(OUTCOME)
    commands = [one.text for one in shown.all("code")]
    assert RECORD in commands
    assert "reconcile apply" in commands


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"halted": "no credit"}, "Stopped creating engines: no credit"),
        ({"interrupted": True}, "Interrupted. Nothing is lost"),
        ({"timed_out": True}, "Deadline reached."),
        ({"detached": True}, "Did not wait for the jobs (--detach)."),
        ({"unwritten": "disk full", "wrote": False}, "engines.lock.json could not be written"),
        ({"unpublished": "no route"}, "The lockfile could not be published:"),
        ({"outputs_failed": ("i18n.json is gone",)}, "i18n.json is gone"),
    ],
)
def test_what_concerns_the_whole_run_is_said(change: dict[str, object], words: str) -> None:
    assert words in page(replace(OUTCOME, **change)).words  # type: ignore[arg-type] # one field at a time


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("kind", Kind)
def test_every_result_has_words(kind: Kind, status: Status) -> None:
    result = Result("acme", kind, status)
    assert page(Outcome((result,))).engine("acme")["state"] == what_became(result)


def test_hostile_results_are_text() -> None:
    results = tuple(
        Result(EVIL, kind, status, EVIL, EVIL, EVIL, EVIL, EVIL, EVIL, EVIL, {EVIL: 1})
        for kind in (Kind.CREATE, Kind.NONE)
        for status in Status
    )
    check(page(Outcome(results, halted=EVIL, unwritten=EVIL, unpublished=EVIL, proposed=EVIL), HOSTILE))
