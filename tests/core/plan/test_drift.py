"""What the platform's answers come to: who is gone, what was changed, and what nobody knows."""

from __future__ import annotations

import pytest

from reconciler.core.engine.spec import Spec, record_of
from reconciler.core.errors import PlatformError, Severity
from reconciler.core.plan.drift import ENOUGH, Actual, conclude, differences, says_enough, with_drift
from reconciler.core.plan.model import Action, Change, Condition, Kind, Plan, exit_code_of
from reconciler.core.platform.engine import (
    Denied,
    Details,
    EngineAnswer,
    Found,
    Gone,
    NotOffered,
    Throttled,
    Unreadable,
)
from tests.core.build import A, B, current, entry, lockfile

KEYS = ("acme", "blog", "shop")
LOCK = lockfile({key: entry(current(key, A)) for key in KEYS})
SERVING = {key: f"eng_{key}" for key in KEYS}
FOUND = Found()


def actual(*answers: EngineAnswer | None) -> Actual:
    told = {SERVING[key]: one for key, one in zip(KEYS, answers, strict=True) if one is not None}
    return conclude(LOCK, SERVING, told)


def told(known: Actual) -> str:
    (finding,) = known.findings
    return finding.message


def test_one_is_gone_where_another_is_found() -> None:
    known = actual(Gone(), FOUND, FOUND)
    assert known.gone == {"eng_acme"}
    assert known.alive == {"eng_blog", "eng_shop"}
    assert known.to_read(overwrites=False) == {"acme"}
    assert known.findings == ()


@pytest.mark.parametrize("other", [None, Unreadable("no answer"), Throttled("quota"), NotOffered(405)])
def test_nothing_is_concluded_where_no_other_is_found(other: EngineAnswer | None) -> None:
    known = actual(Gone(), Gone(), other)
    assert (known.gone, known.lost) == (frozenset(), frozenset())
    assert known.findings


def test_a_missing_capability_is_one_notice() -> None:
    for known in (
        actual(Gone(), Gone(), Gone()),
        actual(NotOffered(405), None, None),
        actual(NotOffered(501), Gone(), None),
    ):
        (finding,) = known.findings
        assert finding.severity is Severity.NOTICE
        assert finding.message.startswith("drift is unknown: ")
        assert known.gone == frozenset()


def test_a_quota_that_lasts_is_one_warning_and_the_rest_is_unknown() -> None:
    known = actual(FOUND, Throttled("come back tomorrow"), None)
    assert told(known) == "2 engines of 3 not looked up: the quota is exhausted (429): come back tomorrow"
    assert known.gone == frozenset()


def test_what_cannot_be_read_is_one_warning() -> None:
    known = actual(FOUND, Unreadable("no answer arrived"), Unreadable("other"))
    assert told(known) == "2 engines could not be looked up: no answer arrived (`blog`, `shop`)"
    assert told(actual(FOUND, FOUND, None)) == "1 engine of 3 not looked up in time (`shop`)"


def test_a_key_that_is_refused_is_one_error() -> None:
    for answers in ((Denied(401, "no"), FOUND, None), (Denied(403, "no"), Denied(403, "no"), None)):
        with pytest.raises(PlatformError) as caught:
            actual(*answers)
        assert caught.value.message == f"the platform refused the API key ({caught.value.status}): no"


def test_one_engine_of_another_organization_does_not_stop_the_others() -> None:
    known = actual(Denied(403, "no"), FOUND, Gone())
    assert known.gone == {"eng_shop"}
    assert told(known) == "1 engine of another organization (403): `acme`"


# ── differences ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("there", "changes"),
    [
        (Details(), ()),
        (Details("Acme", "Production", ("fr", "de")), ()),
        (Details("Acme 2"), (Change("name", "Acme", "Acme 2"),)),
        (Details(description=""), (Change("description", "Production", None),)),
        (Details(locales=("de", "it")), (Change("locales", old="fr"), Change("locales", new="it"))),
        (Details(locales=()), (Change("locales", old="de"), Change("locales", old="fr"))),
    ],
)
def test_both_values_of_what_differs(there: Details, changes: tuple[Change, ...]) -> None:
    assert differences(record_of(A), there) == changes


def test_what_means_the_same_is_no_drift() -> None:
    record = record_of(Spec("Acme\u0301 ", " a  \r\nb\n", ("de",)))
    assert differences(record, Details("Acm\u00e9", "a\nb", ("de",))) == ()
    assert differences(record_of(Spec("Acme")), Details("Acme", "", ())) == ()


def test_drift_is_reported_and_ends_a_plan_with_two_where_that_is_asked_for() -> None:
    known = actual(Found(told=Details("Mine")), FOUND, FOUND)
    (action,) = with_drift([], known.drifted, LOCK, {"acme": "engines/acme.yaml"})
    assert (action.kind, action.condition, action.engine_id) == (Kind.NONE, Condition.DRIFTED, "eng_acme")
    assert action.drift == (Change("name", "Acme", "Mine"),)
    assert action.reason == "its name was changed on the platform"
    assert "--fix-drift --only acme` to overwrite it" in (action.hint or "")
    assert known.to_read(overwrites=True) == {"acme"}
    assert known.to_read(overwrites=False) == frozenset()
    plan = Plan("production", (action,))
    assert not plan.changes_anything
    assert (exit_code_of(plan, detailed=True), exit_code_of(plan, detailed=False)) == (2, 0)


def test_drift_stands_with_what_is_done_anyway() -> None:
    planned = Action("acme", Kind.REPLACE, "engine file changed")
    known = actual(Found(told=Details("Mine")), FOUND, Found(told=Details("Other")))
    both = with_drift([planned], known.drifted, LOCK, {})
    assert [(one.key, one.kind, len(one.drift)) for one in both] == [
        ("acme", Kind.REPLACE, 1),
        ("shop", Kind.NONE, 1),
    ]
    assert both[0].condition is None


# ── when to stop asking ────────────────────────────────────────────────────────────────────────────────────────


def asked(*answers: EngineAnswer) -> int:
    """After how many answers no further engine is asked for."""
    so_far: dict[str, EngineAnswer] = {}
    for number, answer in enumerate(answers, start=1):
        so_far[str(number)] = answer
        if says_enough(so_far, str(number)):
            return number
    return -1


def test_when_no_further_engine_is_asked_for() -> None:
    silent, many = Unreadable("no answer"), 3 * ENOUGH
    assert asked(*[FOUND] * many) == -1
    assert asked(*[Gone()] * many) == -1  # each of them may be gone
    assert asked(*[silent] * many) == ENOUGH
    assert asked(FOUND, *[silent] * many) == -1
    assert asked(NotOffered(405), FOUND) == 1
    assert asked(*[FOUND] * 5, Throttled("quota"), FOUND) == 6
    assert asked(FOUND, Denied(401, "no")) == 2
    assert asked(FOUND, Denied(403, "no"), FOUND) == -1
    assert asked(*[Denied(403, "no")] * many) == ENOUGH


def test_an_entry_without_an_engine_that_serves_is_not_looked_up() -> None:
    from reconciler.core.plan.drift import serving
    from tests.core.build import pending

    assert serving(lockfile({"acme": entry(None, pending("1", B))}), ["acme"]) == {}
