"""A merge with the branch's lockfile changes nothing of what serves there."""

from __future__ import annotations

from reconciler.core.lockfile.leading import with_serving_of
from reconciler.core.lockfile.merge import merge
from reconciler.core.lockfile.model import EMPTY
from tests.core.build import A, B, current, entry, failed, lockfile, pending, superseded

BRANCH = lockfile({"acme": entry(current("1", A))})
AHEAD = "2027-01-01T00:00:00Z"


def test_an_engine_of_a_clock_that_is_ahead_is_kept_in_reserve() -> None:
    desk = lockfile({"acme": entry(current("2", B, provisioned_at=AHEAD)), "blog": entry(current("3", A))})
    led = with_serving_of(BRANCH, merge(EMPTY, desk, BRANCH).lockfile, ())
    acme = led.entry("acme")
    assert acme is not None
    assert (acme.current, acme.engine_ids) == (current("1", A), ("eng_1", "eng_2"))
    assert led.entry("blog") == entry(current("3", A))


def test_a_job_that_only_the_desk_knows_of_takes_nobodys_place_when_it_ends() -> None:
    merged = lockfile({"acme": entry(current("1", A), pending("2", B))})
    acme = with_serving_of(BRANCH, merged, ()).entry("acme")
    assert acme is not None
    assert (acme.pending, acme.superseded[0].status, acme.engine_ids) == (
        None,
        "in_progress",
        ("eng_1", "eng_2"),
    )
    assert with_serving_of(BRANCH, merged, {"op_2"}) is merged  # a run of the ledger began it
    reported = lockfile({"acme": entry(current("1", A), failed("2", B))})
    assert with_serving_of(BRANCH, reported, ()) is reported


def test_a_job_whose_engine_serves_on_the_branch_by_now_is_no_second_engine() -> None:
    """It ended in a run elsewhere, while a desk had an engine of its own for the key."""
    desk = lockfile({"acme": entry(current("2", B, provisioned_at=AHEAD), pending("1", A))})
    acme = with_serving_of(BRANCH, desk, ()).entry("acme")
    assert acme is not None
    assert (acme.current, acme.pending, acme.engine_ids) == (current("1", A), None, ("eng_1", "eng_2"))


def test_what_the_branch_has_nothing_for_or_has_as_well_stays_as_merged() -> None:
    replaced = lockfile({"acme": entry(current("2", B), None, superseded("1", A))})
    assert with_serving_of(replaced, replaced, ()) is replaced
    waiting = lockfile({"acme": entry(None, pending("1", A))})
    done = lockfile({"acme": entry(current("1", A))})
    assert with_serving_of(waiting, done, ()) is done


def test_what_a_run_wrote_here_and_could_not_publish_serves_as_its_facts_say() -> None:
    """It need not be put in reserve and restored: the ledger has it from the run."""
    facts = lockfile({"acme": entry(current("2", B), None, superseded("1", A))})
    assert with_serving_of(BRANCH, facts, {"op_2"}, facts) is facts
    other = lockfile({"acme": entry(current("3", B), None, superseded("1", A))})
    led = with_serving_of(BRANCH, other, {"op_2"}, facts).entry("acme")
    assert led is not None
    assert (led.current, led.engine_ids) == (current("1", A), ("eng_1", "eng_3"))
