"""Changes in place in the fold: from the begin the engine is marked, and an answer counts while its begin is open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from reconciler.core.engine.fingerprint import fingerprint
from reconciler.core.engine.spec import LifecycleOptions, Spec, record_of
from reconciler.core.errors import JournalError
from reconciler.core.ledger.fold import fold
from reconciler.core.ledger.journal import Record, Update, UpdateBegin, UpdateRefusal, parse, render
from reconciler.core.ledger.updates import next_number
from reconciler.core.lockfile.entry import Entry, Hold, Provisioned
from reconciler.core.lockfile.model import EMPTY, Lockfile
from tests.core.build import T0, A, B, C, accepted, at, begin, current, ended, entry, lockfile

SERVING = lockfile({"acme": entry(current("1", A))})
FILES = {"engines/acme.yaml": "b10b" * 10}


def updating(number: int, second: int, engine_id: str = "eng_1") -> UpdateBegin:
    return UpdateBegin(f"u{number}", "acme", engine_id, number, at(second))


def updated(number: int, now: Spec, second: int, **more: Any) -> Update:
    made = Update(f"u{number}", "acme", "eng_1", number, fingerprint(now), record_of(now), FILES, at(second))
    return replace(made, **more)


def refused(number: int, second: int) -> Record:
    return UpdateRefusal(f"u{number}", "acme", "eng_1", number, "no", 400, at(second))


def acme(records: Sequence[Record], lock: Lockfile = SERVING) -> Entry:
    after = fold(lock, records)
    assert fold(after, records) == after
    found = after.entry("acme")
    assert found is not None
    return found


def serving(records: Sequence[Record], lock: Lockfile = SERVING) -> Provisioned:
    found = acme(records, lock).current
    assert found is not None
    return found


def test_the_engine_is_marked_from_the_begin_to_the_answer() -> None:
    assert serving([updating(1, 1)]) == replace(current("1", A), updating=(1,))
    done = serving([updating(1, 1), updated(1, B, 2)])
    assert done == replace(current("1", B), files=FILES, revision=1, updated_at=at(2)[:19] + "Z")
    assert (done.operation_id, done.provisioned_at) == ("op_1", T0)
    assert next_number(done) == 2


def test_what_is_refused_leaves_no_trace() -> None:
    assert serving([updating(1, 1), refused(1, 2)]) == current("1", A)


def test_a_refusal_says_nothing_of_the_call_before_it() -> None:
    records: list[Record] = [updating(1, 1), updating(2, 2), refused(2, 3)]
    marked = serving(records)
    assert marked == replace(current("1", A), updating=(1,))
    assert next_number(marked) == 2
    assert serving([*records, updating(3, 4), updated(3, A, 5)]).updating == ()


def test_an_answer_that_comes_late_leaves_the_newer_call_open() -> None:
    begun: list[Record] = [updating(1, 1), updating(2, 2)]
    late = serving([*begun, updated(1, B, 3)])
    assert (late.fingerprint, late.updating) == (fingerprint(B), (2,))
    newest = serving([*begun, updated(2, A, 3), updated(1, B, 4)])
    assert (newest.fingerprint, newest.updating) == (fingerprint(A), ())


def test_an_old_fact_does_not_undo_a_newer_change() -> None:
    newer = lockfile({"acme": entry(current("1", A, revision=1, updated_at=T0))})
    assert fold(newer, [updating(1, 1), updated(1, B, 2)]) == newer
    other = lockfile({"acme": entry(current("2", A))})
    assert fold(other, [updating(1, 1), updated(1, B, 2)]) == other
    assert fold(SERVING, [updating(1, 1), updated(1, B, 2)], past={"u1"}) == SERVING
    assert fold(EMPTY, [updating(1, 1), updated(1, B, 2)]) == EMPTY


def test_there_and_back_again_ends_where_it_began() -> None:
    back = serving([updating(1, 1), updated(1, B, 2), updating(2, 3), updated(2, A, 4)])
    assert (back.fingerprint, back.revision) == (fingerprint(A), 2)


def test_an_engine_that_was_replaced_meanwhile_keeps_what_became_of_it() -> None:
    replaced: list[Record] = [begin("2", C, 2), accepted("2", 3), ended("2", 4)]
    [past] = acme([updating(1, 1), *replaced]).superseded
    assert (past.engine_id, past.fingerprint, past.updating) == ("eng_1", fingerprint(A), (1,))
    [past] = acme([updating(1, 1), *replaced, updated(1, B, 5)]).superseded
    assert (past.fingerprint, past.updating, past.revision) == (fingerprint(B), (), 1)


def test_what_the_file_says_beside_its_spec_is_kept_and_a_hold_on_it_is_over() -> None:
    hold = Hold("d-1", fingerprint(C), record_of(C), "Ada", T0)
    held = lockfile({"acme": replace(entry(current("1", A)), hold=hold)})
    done = acme([updating(1, 1), updated(1, B, 2, kept={"protect": True})], held)
    assert (done.hold, done.kept) == (None, LifecycleOptions(True))


def test_the_facts_are_written_and_read() -> None:
    facts = (updating(1, 1), updated(1, B, 2, kept={"protect": True}), refused(2, 3))
    assert parse(render(facts), "journal")[0] == facts


def test_a_number_counts_from_one() -> None:
    with pytest.raises(JournalError):
        parse(render([updating(0, 1)]), "journal")
