"""Hypothesis strategies for the core's values: specs, entries, lockfiles and journals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import strategies as st

from reconciler.core.engine.fingerprint import fingerprint
from reconciler.core.engine.spec import Source, Spec, record_of
from reconciler.core.ledger.fold import fold
from reconciler.core.ledger.journal import (
    Acceptance,
    Begin,
    Decision,
    End,
    JobSummary,
    Pruned,
    Pruning,
    Record,
    Refusal,
    Settlement,
    UncertainOutcome,
    Update,
    UpdateBegin,
    UpdateRefusal,
)
from reconciler.core.ledger.pruning import deleted_by, prune_of
from reconciler.core.lockfile.entry import (
    FAILED,
    IN_PROGRESS,
    UNCERTAIN,
    Entry,
    Hold,
    Pending,
    Provisioned,
    Retired,
    Superseded,
)
from reconciler.core.lockfile.model import EMPTY, Lockfile
from reconciler.core.plan.pruning import listed_in
from tests.core.build import A, B, C, at

texts = st.text(st.characters(codec="utf-8"), max_size=12)
names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
urls = st.builds("https://example.com/{}".format, st.sampled_from("abcdef"))
locales = st.lists(st.sampled_from(["de", "fr", "ja", "pt-BR", "no"]), unique=True, max_size=4).map(tuple)
sources = st.one_of(
    st.builds(Source, st.just("link"), urls),
    st.builds(Source, st.just("content"), texts, st.sampled_from([None, "glossary.md", "tone.md"])),
)
specs = st.builds(Spec, names, st.none() | texts, locales, st.lists(sources, max_size=4).map(tuple))
few_specs = st.sampled_from([A, B, C])
keys = st.sampled_from(["acme", "blog", "marketing/website", "ünïcode", "a.b"])
times = st.sampled_from([at(0), at(71, 5), at(1234)])
perhaps_times = st.sampled_from([None, at(9)])
summaries = st.sampled_from([None, {"instructions": 6, "brandVoices": 2}])
perhaps_numbers = st.sampled_from([None, None, 1, 2])
perhaps_kept = st.sampled_from([None, {"protect": True}])
ids = st.integers(1000, 10**9)
files = st.sampled_from(
    [{}, {"engines/a.yaml": "b10b" * 10}, {"engines/a.yaml": "b10b" * 10, "b.md": "1d" * 20}]
)


def _of(spec: Spec) -> tuple[str, dict[str, object]]:
    return fingerprint(spec), record_of(spec)


@st.composite
def currents(draw: st.DrawFn) -> Provisioned:
    print_, record = _of(draw(few_specs))
    name = draw(ids)
    return Provisioned(
        engine_id=f"eng_{name}",
        fingerprint=print_,
        spec=record,
        files=draw(files),
        job_id=draw(st.sampled_from([None, f"pjb_{name}"])),
        operation_id=draw(st.sampled_from([None, f"op_{name}"])),
        provisioned_at=draw(perhaps_times),
        summary=draw(summaries),
        revision=draw(perhaps_numbers),
        updated_at=draw(perhaps_times),
        updating=draw(st.sampled_from([(), (), (3,), (3, 4)])),
    )


@st.composite
def pendings(draw: st.DrawFn) -> Pending:
    print_, record = _of(draw(few_specs))
    name, status = draw(ids), draw(st.sampled_from([IN_PROGRESS, FAILED, UNCERTAIN]))
    made = status == IN_PROGRESS or (status == FAILED and draw(st.booleans()))
    return Pending(
        status=status,
        operation_id=f"op_{name}",
        fingerprint=print_,
        spec=record,
        files=draw(files),
        engine_id=f"eng_{name}" if made else None,
        job_id=f"pjb_{name}" if made else None,
        submitted_at=draw(perhaps_times),
        error=None if status == IN_PROGRESS else "it went wrong",
        instead_of=draw(st.sampled_from([None, None, None, f"eng_{name + 1}"])),
    )


@st.composite
def superseded(draw: st.DrawFn) -> Superseded:
    print_, record = _of(draw(few_specs))
    name, status = draw(ids), draw(st.sampled_from([None, IN_PROGRESS, FAILED]))
    return Superseded(
        engine_id=f"eng_{name}",
        fingerprint=print_,
        spec=record,
        replaced_at=draw(times),
        files=draw(files),
        job_id=f"pjb_{name}",
        operation_id=f"op_{name}",
        summary=draw(summaries) if status is None else None,
        status=status,
        error="it broke" if status == FAILED else None,
        submitted_at=draw(perhaps_times),
        revision=draw(perhaps_numbers) if status is None else None,
    )


@st.composite
def unresolved(draw: st.DrawFn) -> Pending:
    """A call with an unknown outcome."""
    one = draw(pendings())
    return replace(one, status=UNCERTAIN, engine_id=None, job_id=None, error="it went wrong")


@st.composite
def holds(draw: st.DrawFn) -> Hold:
    print_, record = _of(draw(few_specs))
    return Hold(f"d-{draw(ids)}", print_, record, "Ada <ada@example.com>", draw(times)[:19] + "Z")


@st.composite
def with_marks(draw: st.DrawFn, entry: Entry) -> Entry:
    """With some of its earlier engines being deleted."""
    past = sorted(one.engine_id for one in entry.superseded)
    chosen = draw(st.just([]) | st.lists(st.sampled_from(past), unique=True)) if past else []
    return replace(entry, pruning=dict.fromkeys(sorted(chosen), "2026-11-24T11:30:00Z"))


entries = (
    st.builds(
        Entry,
        st.none() | currents(),
        st.none() | pendings(),
        st.lists(superseded(), max_size=2).map(tuple),
        uncertain=st.just(()) | st.lists(unresolved(), max_size=2).map(tuple),
        hold=st.none() | st.none() | holds(),
    )
    .filter(lambda entry: not entry.empty and len(set(entry.engine_ids)) == len(entry.engine_ids))
    .flatmap(with_marks)
)
retired = st.builds(Retired, entries, times)


@st.composite
def lockfiles(draw: st.DrawFn) -> Lockfile:
    lock = EMPTY.with_entries(draw(st.dictionaries(keys, entries, max_size=3)))
    for key, some in draw(
        st.dictionaries(keys, st.lists(retired, min_size=1, max_size=2), max_size=1)
    ).items():
        lock = lock.with_retired(key, tuple(some))
    return lock


@st.composite
def histories(draw: st.DrawFn, operation: str, key: str, second: int) -> list[Record]:
    """What a journal may hold of one operation, in the order in which it came to be known."""
    spec, name = draw(few_specs), operation.removeprefix("op_")
    print_, record = _of(spec)
    gone = draw(st.sampled_from([None, None, "eng_0", "eng_1"]))
    files = {f"engines/{key}.yaml": "b10b" * 10}
    first = Begin(operation, key, print_, record, files, at(second), instead_of=gone)
    accepted = Acceptance(operation, f"pjb_{name}", f"eng_{name}", at(second + 1))
    end = draw(
        st.sampled_from(
            [
                End(operation, "completed", at(second + 2)),
                End(operation, "failed", at(second + 2), "it broke"),
                End(operation, "failed", at(second + 2)),
            ]
        )
    )
    doubt = UncertainOutcome(operation, "the answer was lost", at(second + 1))
    other = f"eng_other_{name}"
    chosen: list[list[Record]] = [
        [],
        [Refusal(operation, "no", 402, False, at(second + 1))],
        [Refusal(operation, "no", 400, True, at(second + 1))],
        [doubt],
        [doubt, Settlement(operation, "retry", at(second + 2))],
        [doubt, Settlement(operation, "forget", at(second + 2))],
        [doubt, Settlement(operation, "engine", at(second + 2), other, f"pjb_other_{name}")],
        [doubt, Settlement(operation, "engine", at(second + 2), other)],
        [doubt, Settlement(operation, "engine", at(second + 2), other), accepted],
        [doubt, Settlement(operation, "forget", at(second + 2)), accepted, end],
        [accepted],
        [accepted, end],
        [accepted, end, JobSummary(operation, {"instructions": 6}, at(second + 3))],
        [accepted, end, End(operation, "completed", at(second + 5))],
        [doubt, accepted, end],
    ]
    return [first, *draw(st.sampled_from(chosen))]


@st.composite
def journals(draw: st.DrawFn, max_operations: int = 5) -> list[Record]:
    """Whole histories of some operations, one after the other for each key, as runs would write them, and what people
    decided in between.
    """
    records: list[Record] = []
    for number in range(draw(st.integers(0, max_operations))):
        key = draw(st.sampled_from(["acme", "blog"]))
        records += draw(histories(f"op_{number}", key, number * 10))
        records += draw(decisions(number, key))
        records += draw(updates(number, key))
        records += draw(st.just([]) | prunes(records, number))
    return records


@st.composite
def updates(draw: st.DrawFn, number: int, key: str) -> list[Record]:
    """Changes in place of engines that may serve then, with their answers, if they got any; some come late."""
    records: list[Record] = []
    for turn in range(draw(st.sampled_from([0, 0, 1, 2]))):
        print_, record = _of(draw(few_specs))
        engine_id = f"eng_{draw(st.integers(0, number))}"
        name, when = f"u-{number}-{turn}", at(number * 10 + 6 + turn)
        files = {f"engines/{key}.yaml": f"b{number}{turn}b" * 10}
        count = 2 * number + turn + 1
        records.append(UpdateBegin(name, key, engine_id, count, when))
        done = Update(name, key, engine_id, count, print_, record, files, when, draw(perhaps_kept))
        refused = UpdateRefusal(name, key, engine_id, count, "no", 400, when)
        records += draw(st.lists(st.sampled_from([done, refused]), max_size=1))
    return records


@st.composite
def decisions(draw: st.DrawFn, number: int, key: str) -> list[Record]:
    """What a person may have decided then, by the engines that the operations of `histories` make."""
    print_, record = _of(draw(few_specs))
    made = st.sampled_from([f"eng_{one}" for one in range(number + 1)])
    when, name = at(number * 10 + 5), f"d-{number}"
    kind = draw(st.sampled_from(["", "", "adopt", "rollback", "rollback", "release", "delete"]))
    match kind:
        case "adopt":
            files = {f"engines/{key}.yaml": "b10b" * 10}
            return [
                Decision(
                    name,
                    key,
                    kind,
                    when,
                    f"eng_own_{number}",
                    f"op_{number}",
                    None,
                    None,
                    print_,
                    files,
                    None,
                    record,
                )
            ]
        case "rollback":
            to, served = draw(made), draw(made)
            rollback = Decision(name, key, kind, when, to, f"op_{number}", served, None, print_)
            return [replace(rollback, spec=record, by="Ada")]
        case "delete":
            return [Decision(name, key, kind, when, draw(made))]
        case "release":
            return [Decision(name, key, kind, when, about=f"d-{draw(st.integers(0, number))}")]
    return []


@st.composite
def prunes(draw: st.DrawFn, records: list[Record], number: int) -> list[Record]:
    """The deletion of an engine that is out of use by then, as far as it got."""
    idle = [one for one in listed_in(fold(EMPTY, records)) if not one.running]
    if not idle:
        return []
    chosen = draw(st.sampled_from(idle))
    begun, ended = at(number * 10 + 6), at(number * 10 + 7)
    operation, result = prune_of(chosen.engine_id), draw(st.sampled_from(["deleted", "deleted", "kept"]))
    first = Pruning(operation, chosen.key, chosen.engine_id, chosen.left, begun)
    last = Pruned(operation, chosen.key, chosen.engine_id, result, ended, begun)
    return draw(st.sampled_from([[first], [first, last], [last]]))


def engine_ids_in(records: Sequence[Record]) -> set[str]:
    """Every engine that a journal says exists: those that it says were deleted are not among them."""
    known = Decision | Pruning | Pruned | UpdateBegin | Update | UpdateRefusal  # about one that there is
    telling = (
        one
        for one in records
        if not isinstance(one, known) or (isinstance(one, Decision) and one.kind == "adopt")
    )
    named = (getattr(record, "engine_id", None) for record in telling)
    return {engine_id for engine_id in named if engine_id is not None} - deleted_by(records)
