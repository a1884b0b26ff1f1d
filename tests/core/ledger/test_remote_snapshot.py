"""What ledger and lockfile commits say."""

from __future__ import annotations

from reconciler.core.ledger.journal import JobSummary, Refusal, Settlement, UncertainOutcome
from reconciler.core.ledger.lease import FREE, Holder, take
from reconciler.core.ledger.remote_snapshot import ledger_subject, publish_message
from reconciler.core.lockfile.entry import Retired
from reconciler.core.lockfile.model import EMPTY
from tests.core.build import A, B, accepted, at, begin, current, ended, entry, failed, lockfile, superseded

HELD = take(FREE, Holder("runner", 1, "https://ci.example/1"), "t", at(1), 60.0)


def test_a_ledger_commit_names_what_it_adds() -> None:
    records = [
        begin("1", A, 1),
        accepted("1", 2),
        Refusal("op_2", "no", 402, False, at(3)),
        UncertainOutcome("op_3", "lost", at(3)),
        Settlement("op_3", "retry", at(4)),
    ]
    assert ledger_subject(records, FREE) == (
        "begin acme; accepted eng_1; refused op_2; uncertain op_3; resolved op_3"
    )
    more = [*records, ended("1", 5), JobSummary("op_1", {"instructions": 1}, at(6))]
    assert ledger_subject(more, FREE).endswith("; resolved op_3 and 1 more")


def test_without_records_it_is_about_the_lease() -> None:
    assert ledger_subject([], HELD) == "lease 1 held by https://ci.example/1"
    assert ledger_subject([], FREE) == "lease 0 given back"


def test_a_lockfile_commit_says_what_became_of_each_engine() -> None:
    before = lockfile(
        {"a": entry(current("1", A)), "gone": entry(current("9", A)), "same": entry(current("5", A))}
    )
    after = lockfile(
        {
            "a": entry(current("2", B), None, superseded("1", A)),
            "new": entry(current("3", A)),
            "broken": entry(None, failed("4", A)),
            "same": entry(current("5", A)),
        }
    ).with_retired("gone", (Retired(entry(current("9", A)), at(1)),))
    assert publish_message(before, after, "https://ci.example/1", skip_ci=True) == (
        "Record 4 engines\n\n"
        "a: eng_2 (was eng_1)\n"
        "broken: no engine yet, failed\n"
        "gone: retired or moved (eng_9)\n"
        "new: eng_3\n\n"
        "Run: https://ci.example/1\n"
        "[skip ci]\n"
    )


def test_one_engine_is_in_the_subject() -> None:
    assert publish_message(EMPTY, lockfile({"acme": entry(current("1", A))}), None, skip_ci=False) == (
        "Record acme\n\nacme: eng_1\n"
    )


def test_an_entry_that_only_held_a_refusal_is_removed() -> None:
    before = lockfile({"acme": entry(None, failed("1", A, engine_id=None, job_id=None))})
    assert "acme: removed" in publish_message(before, EMPTY, None, skip_ci=False)


def test_a_thousand_engines_are_cut_with_a_count() -> None:
    after = lockfile({f"e{number:04}": entry(current(str(number), A)) for number in range(1000)})
    lines = publish_message(EMPTY, after, None, skip_ci=False).splitlines()
    assert lines[0] == "Record 1000 engines"
    assert lines[-1] == "… and 900 more"
    assert len(lines) == 103
