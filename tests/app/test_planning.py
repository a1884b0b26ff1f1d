from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest

from reconciler.app.planning import Request, make_plan, validate_engines
from reconciler.app.selection import select
from reconciler.core.engine.fingerprint import blob_id
from reconciler.core.engine.spec import Source, Spec
from reconciler.core.errors import Diagnostic, InvalidInput, JournalError, LockfileError, Severity, UsageError
from reconciler.core.ledger import journal
from reconciler.core.ledger.journal import Decision, Record
from reconciler.core.lockfile import model as lockfile_format
from reconciler.core.lockfile.entry import Pending, Provisioned
from reconciler.core.plan.model import Kind, Plan
from tests.app.ports import MemoryEngines, Scene
from tests.core.build import accepted, at, begin, current, ended, entry, failed, lockfile, pending

ACME, BLOG, SHOP = Spec("Acme"), Spec("Blog"), Spec("Shop")
ACME_2 = Spec("Acme", locales=("de",))


def recorded(key: str, spec: Spec) -> Provisioned:
    """An engine whose files are what MemoryEngines has for the spec."""
    return current(key, spec, files={f"engines/{key}.yaml": blob_id(repr(spec).encode())})


def kinds(plan: Plan) -> dict[str, Kind]:
    return {action.key: action.kind for action in plan.actions}


# ── the fast path ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_of_unchanged_engines_no_file_is_read() -> None:
    scene = Scene(
        {"acme": ACME, "blog": BLOG},
        lockfile({"acme": entry(recorded("acme", ACME)), "blog": entry(recorded("blog", BLOG))}),
    )
    plan = scene.plan().plan
    assert scene.engines.loaded == []
    assert plan.actions == ()
    assert plan.unchanged == ("acme", "blog")


def test_only_what_changed_is_read() -> None:
    before = lockfile({"acme": entry(recorded("acme", ACME)), "blog": entry(recorded("blog", BLOG))})
    scene = Scene({"acme": ACME_2, "blog": BLOG, "new": SHOP}, before)
    plan = scene.plan().plan
    assert scene.engines.loaded == ["acme", "new"]
    assert kinds(plan) == {"acme": Kind.REPLACE, "new": Kind.CREATE}
    assert plan.unchanged == ("blog",)


@pytest.mark.parametrize(
    "spoil",
    [
        {"files": {"engines/acme.yaml": 5}},
        {"files": {"engines/acme.yaml": None}},
        {"files": ["engines/acme.yaml"]},
        {"spec": []},
        {"spec": {"name": "Acme", "sources": {}}},
        {"spec": {"name": "Acme", "sources": ["text"]}},
        {"engineId": 7},
        {"engineId": ""},
        {"fingerprint": ""},
        {"pending": None},
    ],
)
def test_an_entry_that_nobody_could_have_written_is_one_clear_error(spoil: dict[str, object]) -> None:
    scene = spoiled(spoil)
    with pytest.raises(LockfileError) as caught:
        scene.plan()
    assert caught.value.hint


@pytest.mark.parametrize("spoil", [{"files": {}}, {"files": {"engines/other.yaml": "0" * 40}}])
def test_an_entry_that_says_too_little_is_looked_at_in_full(spoil: dict[str, object]) -> None:
    scene = spoiled(spoil)
    assert scene.plan().plan.unchanged == ("acme",)
    assert scene.engines.loaded == ["acme"]


def spoiled(spoil: dict[str, object]) -> Scene:
    """One unchanged engine, and an entry that was edited by hand."""
    scene = Scene({"acme": ACME})
    document = dict(lockfile({"acme": entry(recorded("acme", ACME))}).engines["acme"]) | spoil
    scene.lockfile.content = lockfile_format.render(lockfile_format.Lockfile({"acme": document}))
    return scene


def test_a_source_file_without_a_recorded_id_is_not_taken_as_unchanged() -> None:
    """A bad merge dropped the id of the glossary: nothing would ever notice an edit of it."""
    spec = Spec("Acme", sources=(Source("content", "Formal.", "engines/glossary.md"),))
    scene = Scene({"acme": spec}, lockfile({"acme": entry(recorded("acme", spec))}))
    assert scene.plan().plan.unchanged == ("acme",)
    assert scene.engines.loaded == ["acme"]


@pytest.mark.parametrize("make", [pending, failed])
def test_a_pending_entry_is_looked_at_in_full(make: Callable[..., Pending]) -> None:
    files = {"engines/acme.yaml": blob_id(repr(ACME).encode())}
    scene = Scene({"acme": ACME}, lockfile({"acme": entry(None, make("x", ACME, files=files))}))
    scene.plan()
    assert scene.engines.loaded == ["acme"]


def test_another_fingerprint_version_means_neither_a_read_nor_a_replacement() -> None:
    old = current(
        "acme", ACME, fingerprint="v0:1234", files={"engines/acme.yaml": blob_id(repr(ACME).encode())}
    )
    scene = Scene({"acme": ACME}, lockfile({"acme": entry(old)}))
    assert scene.plan().plan.unchanged == ("acme",)
    assert scene.engines.loaded == []
    scene.lockfile.content = lockfile_format.render(
        lockfile({"acme": entry(current("a", ACME, fingerprint="v0:1"))})
    )
    assert scene.plan().plan.unchanged == ("acme",)
    assert scene.engines.loaded == ["acme"]


def test_new_ids_have_the_length_that_is_asked_for_and_recorded_ones_keep_theirs() -> None:
    sha256 = {"engines/acme.yaml": blob_id(repr(ACME).encode(), 64)}
    scene = Scene({"acme": ACME, "new": SHOP}, lockfile({"acme": entry(current("a", ACME, files=sha256))}))
    plan = scene.plan(id_length=64).plan
    assert scene.engines.loaded == ["new"]
    assert [len(blob) for action in plan.actions for blob in action.files.values()] == [64]


# ── --only ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("only", "planned"),
    [
        ((), {"acme", "eu/blog", "eu/fr/shop"}),
        (("acme",), {"acme"}),
        (("eu/*",), {"eu/blog", "eu/fr/shop"}),
        (("*shop", "acme"), {"acme", "eu/fr/shop"}),
        (("eu/bl[ao]g",), {"eu/blog"}),
        (("*",), {"acme", "eu/blog", "eu/fr/shop"}),
    ],
)
def test_only_chooses_by_key_or_glob(only: tuple[str, ...], planned: set[str]) -> None:
    scene = Scene({"acme": ACME, "eu/blog": BLOG, "eu/fr/shop": SHOP})
    assert kinds(scene.plan(only=only).plan).keys() == planned
    assert set(scene.engines.loaded) == planned


def test_a_pattern_without_a_match_is_an_error_even_beside_one_that_matches() -> None:
    scene = Scene({"acme": ACME, "eu/blog": BLOG})
    with pytest.raises(UsageError, match="no engine matches `acmee`") as caught:
        scene.plan(only=("eu/*", "acmee"))
    assert caught.value.hint == "did you mean `acme`?"
    with pytest.raises(UsageError) as far:
        scene.plan(only=("zzzzzzzzz",))
    assert far.value.hint


def test_a_key_with_special_characters_is_chosen_by_its_name() -> None:
    assert select(["a[1]"], ["a[1]", "a1"])("a[1]")
    assert select(["a[1]"], ["a1"])("a1")


def test_case_counts() -> None:
    with pytest.raises(UsageError):
        select(["ACME"], ["acme"])


def test_only_can_name_an_engine_whose_file_is_gone() -> None:
    before = lockfile({"gone": entry(recorded("gone", SHOP)), "also": entry(recorded("also", BLOG))})
    scene = Scene({"acme": ACME}, before)
    assert kinds(scene.plan(only=("gone",)).plan) == {"gone": Kind.RETIRE}


@pytest.mark.parametrize("only", [("new",), ("old",), ("new", "old"), ()])
def test_a_move_needs_one_of_its_sides(only: tuple[str, ...]) -> None:
    scene = Scene({"new": ACME, "other": BLOG}, lockfile({"old": entry(recorded("old", ACME))}))
    plan = scene.plan(only=only).plan
    expected = {"new": Kind.MOVE} if only else {"new": Kind.MOVE, "other": Kind.CREATE}
    assert kinds(plan) == expected
    assert plan.actions[0].from_key == "old"


def test_a_move_that_was_not_asked_for_is_not_made() -> None:
    scene = Scene({"new": ACME, "other": BLOG}, lockfile({"old": entry(recorded("old", ACME))}))
    assert kinds(scene.plan(only=("other",)).plan) == {"other": Kind.CREATE}


def test_what_was_not_asked_for_is_neither_unchanged_nor_wrong() -> None:
    scene = Scene({"acme": ACME, "blog": BLOG}, lockfile({"blog": entry(recorded("blog", BLOG))}))
    scene.engines.wrong["bad"] = [Diagnostic("wrong", "engines/bad.yaml")]
    plan = scene.plan(only=("acme",)).plan
    assert plan.unchanged == ()
    assert not plan.invalid
    assert kinds(plan) == {"acme": Kind.CREATE}


# ── what is wrong ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_one_wrong_file_makes_the_plan_invalid_and_every_finding_is_told() -> None:
    scene = Scene({"acme": ACME})
    scene.engines.wrong = {
        "a": [Diagnostic("one", "engines/a.yaml"), Diagnostic("two", "engines/a.yaml")],
        "b": [Diagnostic("three", "engines/b.yaml")],
    }
    scene.engines.problems = [Diagnostic("four", "engines/link.yaml")]
    plan = scene.plan().plan
    assert plan.invalid
    assert plan.actions == ()
    assert plan.unchanged == ()
    assert sorted(one.message for one in plan.diagnostics) == ["four", "one", "three", "two"]


def test_a_warning_alone_leaves_the_plan_valid() -> None:
    scene = Scene({"acme": ACME})
    scene.engines.problems = [Diagnostic("odd", "engines/x.yaml", severity=Severity.WARNING)]
    plan = scene.plan().plan
    assert not plan.invalid
    assert kinds(plan) == {"acme": Kind.CREATE}
    assert plan.diagnostics


def test_no_engine_file_and_unreadable_records_are_errors_never_an_empty_plan() -> None:
    scene = Scene({}, lockfile({"acme": entry(recorded("acme", ACME))}))
    with pytest.raises(InvalidInput):
        scene.plan()
    scene = Scene({"acme": ACME})
    scene.lockfile.content = b"{"
    with pytest.raises(LockfileError):
        scene.plan()
    scene.lockfile.content = b""
    scene.journal.content = b"{}\n"
    with pytest.raises(JournalError):
        scene.plan()


# ── where things stand ─────────────────────────────────────────────────────────────────────────────────────────────


def test_the_journal_counts_in_the_plan() -> None:
    scene = Scene({"acme": ACME, "blog": BLOG, "shop": SHOP})
    scene.journal.content = journal.render(
        [
            begin("a", ACME, 1),
            accepted("a", 2),
            ended("a", 3),
            begin("b", BLOG, 1, key="blog"),
            accepted("b", 2),
            begin("s", SHOP, 1, key="shop"),
        ]
    )
    plan = scene.plan().plan
    assert kinds(plan) == {"blog": Kind.RESUME, "shop": Kind.NONE}
    assert plan.unchanged == ("acme",)
    assert plan.unwritten == 3
    assert plan.summary()["uncertain"] == 1


def test_an_engine_that_only_the_journal_retired_is_unwritten() -> None:
    """Made and retired before any lockfile had it: whoever empties the journal now would lose it."""
    scene = Scene({"acme": ACME})
    scene.lockfile.content = lockfile_format.render(lockfile({"acme": entry(current("a", ACME))}))
    retire = Decision("d-1", "blog", "retire", at(5), engine_id="eng_b")
    made = [begin("b", BLOG, 1, key="blog"), accepted("b", 2), ended("b", 3)]
    scene.journal.content = journal.render([*made, retire])
    planned = scene.plan()
    assert [one.entry.engine_ids for one in planned.recorded.folded.retired_of("blog")] == [("eng_b",)]
    assert planned.plan.unwritten == 1
    assert planned.plan.changes_anything


def test_what_the_journal_repeats_is_not_unwritten() -> None:
    scene = Scene({"acme": ACME})
    records: list[Record] = [begin("a", ACME, 1), accepted("a", 2), ended("a", 3)]
    scene.journal.content = journal.render(records)
    scene.lockfile.content = lockfile_format.render(scene.plan().recorded.folded)
    assert scene.plan().plan.unwritten == 0
    assert not scene.plan().plan.changes_anything


def test_the_standing_digest_tells_lockfile_and_journal_apart() -> None:
    scene = Scene({"acme": ACME})
    assert scene.plan().recorded.digest == "absent"
    seen = {"absent"}
    content = lockfile_format.render(lockfile({"blog": entry(recorded("blog", BLOG))}))
    lines = journal.render([begin("a", ACME, 1)])
    for scene.lockfile.content, scene.journal.content in [(content, b""), (b"", lines), (content, lines)]:
        digest = scene.plan().recorded.digest
        assert digest.startswith("sha256:")
        assert digest not in seen
        seen.add(digest)
    scene.journal.content = b""
    assert scene.plan().recorded.digest == "sha256:" + hashlib.sha256(content).hexdigest()


def test_a_torn_line_of_the_journal_counts_for_nothing() -> None:
    scene = Scene({"acme": ACME})
    before = scene.plan()
    scene.journal.content = journal.render([begin("a", ACME, 1)])[:-9]
    after = scene.plan()
    assert after.recorded == before.recorded
    assert after.plan.digest == before.plan.digest


def test_plans_of_the_same_files_are_the_same_whatever_their_order() -> None:
    specs = {"b": BLOG, "a": ACME, "c": SHOP}
    one, two = Scene(specs).plan().plan, Scene(dict(reversed(specs.items()))).plan().plan
    assert one == two
    assert one.digest == two.digest


def test_ten_times_the_engines_are_ten_times_the_looks() -> None:
    for count in (100, 1000):
        specs = {f"e{number}": Spec(f"E{number}") for number in range(count)}
        scene = Scene(specs, lockfile({key: entry(recorded(key, spec)) for key, spec in specs.items()}))
        planned = make_plan(scene.engines, scene.lockfile, scene.journal, Request())
        assert len(planned.plan.unchanged) == count
        assert len(scene.engines.hashed) == count


# ── validate ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_validating_reads_every_file_or_those_that_are_named() -> None:
    engines = MemoryEngines({"acme": ACME, "blog": BLOG}, {"bad": [Diagnostic("wrong", "engines/bad.yaml")]})
    valid, diagnostics = validate_engines(engines)
    assert (list(valid), [one.message for one in diagnostics]) == (["acme", "blog"], ["wrong"])
    assert validate_engines(engines, ["engines/acme.yaml"]) == ({"acme": valid["acme"]}, [])
    with pytest.raises(InvalidInput, match="none of these paths"):
        validate_engines(engines, ["README.md"])
