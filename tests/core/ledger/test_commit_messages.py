"""What ledger and lockfile commits say."""

from __future__ import annotations

import re

import pytest

from reconciler.core.ledger.commit_messages import ledger_subject, publish_message, word_for
from reconciler.core.ledger.journal import Acceptance, JobSummary, Refusal, Settlement, UncertainOutcome
from reconciler.core.ledger.lease import FREE, Holder, take
from reconciler.core.lockfile.entry import Retired
from reconciler.core.lockfile.model import EMPTY
from tests.core.build import (
    A,
    B,
    accepted,
    at,
    begin,
    current,
    ended,
    entry,
    failed,
    lockfile,
    superseded,
    uncertain,
)

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
        "- a: eng_2 (was eng_1)\n"
        "- broken: no engine yet, failed\n"
        "- gone: retired (eng_9)\n"
        "- new: eng_3\n\n"
        "Run: https://ci.example/1\n"
        "[skip ci]\n"
    )


def test_a_move_is_told_from_a_retirement() -> None:
    kept, waiting = entry(current("1", A)), entry(None, uncertain("2", A))
    before = lockfile({"acme": kept, "b/old": waiting, "gone": entry(current("9", A))})
    after = lockfile({"shop/web": kept, "b/new": waiting})
    message = publish_message(
        before, after.with_retired("gone", (Retired(entry(current("9", A)), at(1)),)), None, skip_ci=False
    )
    assert message == (
        "Record 3 engines\n\n"
        "- b/new: no engine yet, uncertain, moved from b/old\n"
        "- gone: retired (eng_9)\n"
        "- shop/web: eng_1, moved from acme\n"
    )
    one = publish_message(lockfile({"acme": kept}), lockfile({"shop/web": kept}), None, skip_ci=False)
    assert one == "Record shop/web\n\n- shop/web: eng_1, moved from acme\n"


def test_a_key_that_was_retired_before_and_a_new_engine_of_the_same_key_are_told_apart() -> None:
    """One retirement more than before is what counts, and an engine that stays retired has not moved."""
    earlier = (Retired(entry(current("1", A)), at(1)),)
    before = lockfile({"acme": entry(current("2", A))}).with_retired("acme", earlier)
    after = EMPTY.with_retired("acme", (*earlier, Retired(entry(current("2", A)), at(2))))
    assert "- acme: retired (eng_2)\n" in publish_message(before, after, None, skip_ci=False)
    dropped = EMPTY.with_retired("acme", earlier)
    assert "- acme: removed (eng_2)\n" in publish_message(before, dropped, None, skip_ci=False)


def test_one_engine_is_in_the_subject() -> None:
    assert publish_message(EMPTY, lockfile({"acme": entry(current("1", A))}), None, skip_ci=False) == (
        "Record acme\n\n- acme: eng_1\n"
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


@pytest.mark.parametrize(
    "name",
    [
        "[skip ci]", "***NO_CI***", "fixes #12", "closes acme/engines#1", "fixes GH-12", "@acme/team", "Run: https://evil.example/1",
        "Reconcile-Ledger: refs/reconcile/production", "Signed-off-by: a <a@example.com>", "a\nskip-checks: true",
        "\x1b[2J", "\u202egpj", "\ud800",
    ],
)  # fmt: skip
def test_no_name_says_anything_to_a_host_or_to_us(name: str) -> None:
    one = lockfile({name: entry(current("1", A))})
    two = lockfile({"a": entry(current("1", A)), name: entry(current("2", A))})
    messages = [
        publish_message(EMPTY, one, None, skip_ci=False),
        publish_message(EMPTY, two, None, skip_ci=False),
        ledger_subject([Acceptance("op_1", name, "job_1", at(1))], FREE),
    ]
    for message in messages:
        assert not set("[]*#@<>\x1b\u202e\ud800") & set(message)
        for line in message.splitlines():
            assert re.fullmatch(r"Record \S+( engines)?|- \S+: eng_\d|accepted \S+|", line), line
        message.encode()


def test_no_engine_makes_a_trailer() -> None:
    keys = ("Run", "Signed-off-by", "Reconcile-Ledger")
    message = publish_message(
        EMPTY, lockfile({key: entry(current("1", A)) for key in keys}), None, skip_ci=False
    )
    assert not re.search(r"^(Run|Signed-off-by|Reconcile-Ledger):", message, re.MULTILINE)


def test_names_that_are_one_word_stay_as_they_are() -> None:
    for name in ("acme", "marketing/website-2", "größe/日本語", "a_b.c"):
        assert word_for(name) == name
    assert word_for("x" * 300) == "x" * 200 + "…"
