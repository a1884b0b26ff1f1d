"""Which engine a person goes back to."""

from __future__ import annotations

import pytest

from reconciler.app.deciding import target_of_rollback
from reconciler.core.engine.fingerprint import fingerprint
from reconciler.core.engine.spec import record_of
from reconciler.core.errors import UsageError
from reconciler.core.frozen import replace
from reconciler.core.lockfile.entry import Hold, Superseded
from tests.core.build import A, B, C, at, current, entry, lockfile, superseded


def made(second: int) -> str:
    return at(second)[:19] + "Z"


def earlier(name: str, second: int) -> Superseded:
    spec = {"1": A, "2": B, "3": C}[name]
    return superseded(name, spec, provisioned_at=made(second))


HOLD = Hold("d-1", fingerprint(C), record_of(C), "Ada", made(9))


def test_without_a_hold_it_is_the_one_that_was_replaced_last() -> None:
    lock = lockfile({"acme": entry(current("1", A, provisioned_at=made(1)), None, earlier("2", 2))})
    assert target_of_rollback(lock, "acme", None)[1].engine_id == "eng_2"


def test_under_a_hold_it_goes_further_back_and_never_forward_again() -> None:
    held = entry(current("2", B, provisioned_at=made(2)), None, earlier("1", 1), earlier("3", 3))
    lock = lockfile({"acme": replace(held, hold=HOLD)})
    assert target_of_rollback(lock, "acme", None)[1].engine_id == "eng_1"
    assert target_of_rollback(lock, "acme", "eng_3")[1].engine_id == "eng_3"


def test_at_the_oldest_one_the_others_are_listed() -> None:
    held = entry(current("1", A, provisioned_at=made(1)), None, earlier("3", 3), earlier("2", 2))
    with pytest.raises(UsageError, match="no earlier engine") as refused:
        target_of_rollback(lockfile({"acme": replace(held, hold=HOLD)}), "acme", None)
    assert refused.value.hint is not None
    assert "eng_2, eng_3" in refused.value.hint
