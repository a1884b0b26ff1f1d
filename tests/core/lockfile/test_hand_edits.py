"""What no run changes in a lockfile is an edit by hand, and what runs, merges and people do is none."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.engine.spec import LifecycleOptions, Output, record_of
from reconciler.core.errors import Severity
from reconciler.core.lockfile import model, transitions
from reconciler.core.lockfile.entry import Entry, Provisioned, Retired
from reconciler.core.lockfile.hand_edits import edits, findings, findings_between
from reconciler.core.lockfile.merge import merge
from reconciler.core.lockfile.model import EMPTY, Lockfile
from tests.core.branches import three_and_pruned
from tests.core.build import T0, A, B, C, current, entry, failed, lockfile, pending, superseded, uncertain

FILES = {"engines/acme.yaml": "b10b" * 10}
SERVES = current("a", A, files=FILES)
BEFORE = lockfile({"acme": entry(SERVES), "blog": entry(current("b", B))})


def words(before: Lockfile, now: Lockfile, *, ancestor: bool = True) -> list[tuple[str, str]]:
    return [(one.key, one.what) for one in edits(before, now, ancestor=ancestor)]


def with_acme(part: Provisioned) -> Lockfile:
    return BEFORE.with_entry("acme", Entry(part))


@pytest.mark.parametrize(
    ("edited", "what"),
    [
        (replace(SERVES, engine_id="eng_x"), ["engineId eng_a → eng_x"]),
        (replace(SERVES, job_id="pjb_x"), ["jobId pjb_a → pjb_x"]),
        (replace(SERVES, operation_id="op_x"), ["operationId op_a → op_x"]),
        (replace(SERVES, spec=record_of(B)), ["its spec"]),
        (replace(SERVES, fingerprint="v1:0"), ["its fingerprint"]),
        (replace(SERVES, engine_id="eng_x", operation_id=None, job_id=None), ["eng_a is missing"]),
        (replace(SERVES, engine_id="eng_x", operation_id="op_x", job_id="pjb_x"), ["eng_a is missing"]),
        (replace(SERVES, engine_id="eng_x", spec=record_of(C)), ["engineId eng_a → eng_x", "its spec"]),
    ],
)
def test_what_an_operation_made_does_not_change(edited: Provisioned, what: list[str]) -> None:
    assert words(BEFORE, with_acme(edited)) == [("acme", one) for one in what]


def test_an_engine_that_is_nowhere_any_more() -> None:
    gone = BEFORE.with_entry("acme", None)
    assert words(BEFORE, gone) == [("acme", "eng_a is missing")]
    assert words(BEFORE, gone, ancestor=False) == []
    assert words(gone, BEFORE) == []  # a new entry may come from any run
    assert words(EMPTY, BEFORE) == words(BEFORE, BEFORE) == []


def test_outputs_come_from_the_files_that_an_entry_names() -> None:
    kept = LifecycleOptions(outputs=(Output("app.env", key="ACME"),))
    edited = Entry(SERVES, kept=kept)
    assert words(BEFORE, BEFORE.with_entry("acme", edited)) == [("acme", "its outputs")]
    read_again = replace(SERVES, files={"engines/acme.yaml": "b10c" * 10})
    assert words(BEFORE, BEFORE.with_entry("acme", Entry(read_again, kept=kept))) == []
    beside = Entry(SERVES, pending("n", B), kept=kept)
    assert words(BEFORE, BEFORE.with_entry("acme", beside)) == []


ACME = entry(SERVES)
REPLACED = transitions.complete(entry(SERVES, pending("n", B)), "2026-11-24T12:00:00Z")
SUBMITTED = entry(None, uncertain("n", B))


@pytest.mark.parametrize(
    ("before", "now"),
    [
        (ACME, entry(SERVES, pending("n", B))),  # a run at a desk began
        (ACME, REPLACED),  # and ended
        (REPLACED, transitions.restore(REPLACED, "eng_a", FILES, T0)),
        (ACME, transitions.refile(ACME, SERVES.fingerprint, {"engines/acme.yaml": "b10c" * 10})),
        (entry(SERVES, pending("n", B)), transitions.drop(entry(SERVES, pending("n", B)), T0)),
        (entry(SERVES, pending("n", B)), entry(SERVES, failed("n", B))),
        (entry(None, uncertain("n", B)), entry(SERVES)),  # forgotten, and made anew
        (
            entry(None, uncertain("n", B)),
            transitions.adopt(entry(None, uncertain("n", B)), "op_n", "eng_n", T0),
        ),
        (transitions.adopt(SUBMITTED, "op_n", "eng_n", T0), SUBMITTED),  # taken back again
        (ACME, replace(ACME, current=replace(SERVES, provisioned_at="2027-01-01T00:00:00Z"))),
        (ACME, replace(ACME, current=replace(SERVES, fingerprint="v2:other"))),  # another algorithm
        (ACME, replace(ACME, superseded=(superseded("o", C),))),
    ],
)
def test_what_runs_and_people_do_is_no_edit(before: Entry, now: Entry) -> None:
    assert words(BEFORE.with_entry("acme", before), BEFORE.with_entry("acme", now)) == []


def test_moves_retirements_and_merges_are_no_edits() -> None:
    moved = BEFORE.with_entries({"acme": None, "eu/acme": ACME})
    retired = BEFORE.with_entry("acme", None).with_retired("acme", (Retired(ACME, T0),))
    assert words(BEFORE, moved) == words(BEFORE, retired) == []
    assert words(retired, BEFORE) == []
    ours = BEFORE.with_entry("acme", REPLACED)
    theirs = BEFORE.with_entries({"acme": entry(SERVES, pending("m", C)), "shop": entry(current("s", C))})
    for base in (BEFORE, None):
        merged = merge(base, ours, theirs).lockfile
        assert words(BEFORE, merged) == words(ours, merged) == words(theirs, merged) == []
    edited = retired.with_retired("acme", (Retired(entry(replace(SERVES, engine_id="eng_x")), T0),))
    assert words(retired, edited) == [("acme", "engineId eng_a → eng_x")]


@given(st.integers(0, 2**32 - 1))
def test_histories_of_branches_and_their_merges_have_no_edits(seed: int) -> None:
    (base, ours, theirs), pruned = three_and_pruned(seed)
    merged = merge(base, ours, theirs).lockfile
    expected = {f"{engine_id} is missing" for engine_id in pruned}  # served, and retired and deleted since
    for before, now in ((base, ours), (base, theirs), (base, merged), (ours, merged), (theirs, merged)):
        assert [told for _, told in words(before, now) if told not in expected] == []


def test_what_was_deleted_on_the_platform_is_no_edit() -> None:
    past = lockfile({"acme": entry(SERVES, None, superseded("o", C))}, blog=entry(current("b", B)))
    assert words(past, BEFORE.with_entry("acme", ACME)) == []
    assert words(past, past.with_retired("blog", ())) == []
    assert words(past, past.with_entry("acme", None)) == [("acme", "eng_a is missing")]


def test_findings_are_warnings_at_the_line_of_the_key() -> None:
    now = with_acme(replace(SERVES, engine_id="eng_x", spec=record_of(B)))
    content = model.render(now)
    [found] = findings_between(model.render(BEFORE), now, content, "engines.lock.json", "commit 1234")
    assert found.message == (
        "engines.lock.json was edited by hand since commit 1234: `acme`: engineId eng_a → eng_x, its spec"
    )
    assert found.severity is Severity.WARNING
    assert content.decode().splitlines()[(found.line or 0) - 1] == '    "acme": {'
    assert findings_between(b"{", now, content, "engines.lock.json", "commit 1234") == []


def test_many_edits_are_summed_up() -> None:
    before = lockfile({f"e{number:02}": entry(current(f"{number}", A)) for number in range(25)})
    told = findings(edits(before, EMPTY), b"", "engines.lock.json", "commit 1234")
    assert len(told) == 21
    assert told[-1].message.endswith("in 5 more engines")
    assert told[0].line is None
