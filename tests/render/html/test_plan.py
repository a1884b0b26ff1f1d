"""A plan as a page: the words of the other views, and every difference side by side."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.core.engine.spec import Source, Spec
from reconciler.core.plan.model import Action, Change, Condition, Kind, Origin, Plan
from reconciler.core.run.outcome import Result, Status
from reconciler.render.html.differences import Differences
from reconciler.render.html.plan import render_plan_html
from reconciler.render.markdown.comment import Occasion
from reconciler.render.phrases.comment_words import consequences
from reconciler.render.phrases.origins import origin_sentence
from reconciler.render.phrases.outcome_words import what_was_done
from reconciler.render.phrases.style import Look, style_of
from reconciler.render.phrases.words import counted_as, summary_sentence, what_happens
from reconciler.render.text.history import HistoryRow
from tests.render.html.reading import Page
from tests.render.html.test_page import NOW, page
from tests.render.samples import CHANGES, EVERY_KIND, GUARDED, INVALID, LARGE, NOTHING


def test_it_begins_with_the_words_of_the_other_views() -> None:
    shown = page(EVERY_KIND)
    assert shown.all("h1")[0].text == "Localization engines: plan for production"
    assert summary_sentence(EVERY_KIND) in shown.words
    for sentence in consequences(EVERY_KIND, "engines.lock.json", "Merging"):
        assert sentence in shown.words


def test_the_bar_and_the_filters_count_what_the_summary_counts() -> None:
    shown = page(EVERY_KIND)
    counts = {name: number for name, number in EVERY_KIND.summary().items() if number}
    chips = {
        one.attributes["data-state"]: one.text
        for one in shown.all("button")
        if "data-state" in one.attributes
    }
    assert chips.keys() == counts.keys()
    for name, number in counts.items():
        assert chips[name].endswith(f"{number:,} {counted_as(name)}")
    bar = shown.all("rect")
    assert len(bar) == len(counts)
    assert sum(float(one.attributes["width"]) for one in bar) == pytest.approx(1_000, abs=1)
    assert min(float(one.attributes["width"]) for one in bar) > 5, "one in ten thousand can be seen"
    assert shown.data["states"].keys() == counts.keys()


def test_every_engine_is_there_the_most_pressing_first() -> None:
    data = page(EVERY_KIND).data
    assert {one["key"] for one in data["engines"]} == {action.key for action in EVERY_KIND.actions}
    assert data["plain"] == list(EVERY_KIND.unchanged)
    assert [one["key"] for one in data["engines"]][:2] == ["support", "legal"]
    assert data["engines"][0]["group"] == "Needs attention"
    for action in EVERY_KIND.actions:
        assert data["states"][page(EVERY_KIND).engine(action.key)["state"]]


def test_commands_of_an_uncertain_engine_are_set_apart() -> None:
    engine = page(EVERY_KIND).engine("support")
    assert engine["open"]
    assert engine["hint"][1:] == [
        [
            ["if it is the engine of this file: ", "text"],
            ["reconcile resolve support --engine-id '<ENGINE_ID>'", "command"],
        ],
        [["if not, to create it: ", "text"], ["reconcile resolve support --retry", "command"]],
        [["if not, to leave it out: ", "text"], ["reconcile resolve support --forget", "command"]],
    ]


def test_a_guard_says_why_and_what_can_be_done() -> None:
    engine = page(GUARDED).engine("marketing/website")
    assert engine["guard"] == "Would be replaced, but is held back: it is protected."
    assert engine["label"] == "replace, held back"
    assert engine["state"] == "guarded"
    assert engine["hint"][0] == [["remove ", "text"], ["protect", "code"], [" in a separate commit", "text"]]


def test_values_stand_side_by_side() -> None:
    assert page(EVERY_KIND).engine("marketing/website")["values"] == [
        {"field": "name", "old": "Acme Website", "new": "Acme Website 2026"},
        {"field": "description", "old": CHANGES[1].old, "new": CHANGES[1].new},
        {"field": "locales", "old": "es", "new": "pt-BR"},
        {"field": "link", "old": "https://acme.com/old-brand", "new": "https://acme.com/brand-guidelines"},
    ]


def test_lines_of_a_text_stand_side_by_side() -> None:
    glossary, without, added, gone = page(EVERY_KIND).engine("marketing/website")["texts"]
    assert glossary["title"] == "engines/glossary.md (147 → 170 characters)"
    assert glossary["rows"] == [
        "@@ -1,9 +1,10 @@",
        *(["# Glossary"], [""], ["Acme is never translated."]),
        ["Use the formal tone in German.", "Use the Sie-form in German."],
        *([""], ["- cart: Warenkorb"]),
        ["- checkout: Kasse", "- checkout: Bestellung"],
        *(["- invoice: Rechnung"], ["- refund: Erstattung"]),
        [None, "- voucher: Gutschein"],
    ]
    assert without["rows"] == [["sha256:ca978112ca1b", "sha256:3e23e8160039"]], "git has no old text"
    assert (added["sides"], added["rows"]) == (1, [[None, "Be kind."]])
    assert (gone["sides"], gone["rows"][0][1]) == (1, None)


def test_drift_shows_both_sides() -> None:
    drift = (Change("name", "Acme", "Acme by hand"), Change("locales", None, "it"))
    action = Action("acme", Kind.NONE, "changed there", condition=Condition.DRIFTED, drift=drift)
    engine = page(Plan("production", (action,))).engine("acme")
    assert engine["drift"] == [
        {"field": "name", "old": "Acme", "new": "Acme by hand"},
        {"field": "locales", "old": None, "new": "it"},
    ]
    assert engine["facts"] == "name, locales +it"


def test_a_new_engine_shows_all_that_is_asked_for() -> None:
    engine = page(EVERY_KIND).engine("docs/help")
    assert [one["field"] for one in engine["values"]] == ["name", "description", "locales", "link"]
    assert all("old" not in one for one in engine["values"])
    assert [one["title"] for one in engine["texts"]] == [
        "engines/glossary.md (146 characters)",
        "text in the engine file (8 characters)",
    ]


def test_texts_are_bounded_one_by_one_and_together() -> None:
    long = "\n".join("word " * 50 for _ in range(10_000))
    create = Action("a", Kind.CREATE, "new", spec=Spec("A", None, (), (Source("content", long),)))
    rows = Differences().of(create)["texts"][0]["rows"]
    assert (len(rows), rows[-1]) == (41, "… 9,960 more lines")
    differences = Differences(room=12_000)
    assert len(differences.of(create)["texts"][0]["rows"]) == 41
    assert differences.of(create)["texts"][0]["rows"] == ["… not shown for lack of space"]
    one_line = "x" * 1_000_000
    change = Change(
        "sources", "sha256:a", "sha256:b", content=True, old_text=one_line, new_text=one_line + "y"
    )
    assert len(str(Differences().of(Action("a", Kind.REPLACE, "r", changes=(change,))))) < 2_000


def test_whose_change_it_is() -> None:
    origins = [Origin.BRANCH, Origin.MERGED, Origin.RUNNING]
    actions = tuple(replace(one, origin=origins[index % 3]) for index, one in enumerate(EVERY_KIND.actions))
    shown = page(replace(EVERY_KIND, actions=actions))
    assert shown.data["origins"] == {
        "branch": "this branch",
        "merged": "merged, not applied yet",
        "running": "another run is working on it",
    }
    chips = {one.attributes["data-origin"] for one in shown.all("button") if "data-origin" in one.attributes}
    assert chips == {"branch", "merged", "running"}
    assert shown.engine("apps/ios")["origin"] == "merged"
    assert origin_sentence(Plan("", actions)) in shown.words


def test_history_of_changed_and_of_unchanged_engines() -> None:
    def row(key: str, at: str, status: str, engine: str, took: str = "") -> HistoryRow:
        return HistoryRow(at, key, status, engine, "Ann <ann@acme.com>", "https://ci/runs/7", took)

    told = {
        "legal": [
            row("legal", "2026-11-02T10:00:00Z", "failed", "eng_2"),
            row("legal", "2026-11-01T10:00:00Z", "completed", "eng_1", "3m 05s"),
        ],
        "shop/7": [row("shop/7", "2026-11-01T10:00:00Z", "completed", "eng_7")],
    }
    shown = Page(render_plan_html(EVERY_KIND, Occasion(), now=NOW, history=told))
    assert shown.engine("legal")["history"] == [
        ["2026-11-02 10:00", "failed", "eng_2", "", "Ann (run 7)"],
        ["2026-11-01 10:00", "created", "eng_1", "3m 05s", "Ann (run 7)"],
    ]
    assert shown.engine("shop/7")["state"] == "unchanged"
    assert "shop/7" not in shown.data["plain"]


def test_findings_and_a_plan_that_could_not_be_made() -> None:
    assert "engines/docs/help.yaml:4:14" in page(EVERY_KIND).words
    shown = page(INVALID)
    assert "No plan could be made: 3 errors, 1 warning in 3 files." in shown.words
    assert "did you mean locales?" in shown.words
    assert shown.all("svg") == []
    assert shown.data["engines"] == []


def test_without_a_script_engines_are_named_and_counted() -> None:
    shown = page(LARGE)
    lines = shown.words.partition("need JavaScript.")[2]
    assert "shop/market-499 Will be created." in lines
    many = replace(
        LARGE, actions=tuple(replace(one, key=f"{one.key}-{n}") for n in range(2) for one in LARGE.actions)
    )
    assert "… and 500 more engines" in page(many).words


def test_nothing_changes() -> None:
    shown = page(NOTHING)
    assert "No changes. 10,000 engines are up to date." in shown.words
    assert len(shown.data["plain"]) == 10_000


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_has_words_and_a_sign(kind: Kind) -> None:
    """A new kind of action appears in every view once it has these."""
    action = Action("acme", kind, "a reason", engine_id="eng_1", file="engines/acme.yaml")
    assert what_happens(action)
    assert Look().sign(action)
    assert style_of(action)
    assert what_was_done(Result("acme", kind, Status.DONE))
    plan = Plan("production", (action,))
    if kind is not Kind.NONE:
        assert counted_as(kind.value)
        assert page(plan).engine("acme")["state"] == kind.value


@pytest.mark.parametrize("condition", Condition)
def test_every_condition_has_words(condition: Condition) -> None:
    action = Action("acme", Kind.NONE, "a reason", condition=condition)
    assert page(Plan("production", (action,))).engine("acme")["state"] == condition.value
