"""The lease as a value: who has it, until when, and how it is written."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.core.errors import JournalError
from reconciler.core.ledger import lease as lease_format
from reconciler.core.ledger.lease import (
    FREE,
    SKEW,
    Holder,
    Lease,
    give_back,
    parse,
    render,
    renew,
    seconds_left,
    take,
)
from reconciler.core.ledger.seal import seal_for

ME = Holder("runner-1", 4711, "https://github.com/acme/web/actions/runs/1")
NOW, LATER = "2026-11-24T11:00:00.000Z", "2026-11-24T11:05:00.000Z"
TOMORROW = "2026-11-25T10:00:00.000Z"
SEAL = seal_for("key", "/x", "refs/reconcile/production")
HELD = take(FREE, ME, "token", NOW, 300.0)


def test_taking_it_counts_up_and_ends_in_time() -> None:
    assert (HELD.fencing, HELD.holder, HELD.taken_at, HELD.expires_at) == (1, ME, NOW, LATER)
    assert take(HELD, ME, "other", LATER, 1.0).fencing == 2


def test_it_is_held_until_it_expires_and_the_clocks_agree() -> None:
    assert HELD.held_at(NOW)
    assert HELD.held_at("2026-11-24T11:05:19.000Z")
    assert SKEW == 20.0
    assert not HELD.held_at("2026-11-24T11:05:20.001Z")
    assert not FREE.held_at(NOW)
    assert not replace(HELD, expires_at=None).held_at(NOW)


def test_it_belongs_to_the_run_with_its_token() -> None:
    assert HELD.belongs_to("token")
    assert not HELD.belongs_to("other")
    assert not replace(give_back(HELD), token="token").belongs_to("token")


def test_renewing_moves_the_end_and_says_when() -> None:
    renewed = renew(HELD, LATER, 60.0)
    assert renewed == replace(HELD, expires_at="2026-11-24T11:06:00.000Z", renewed_at=LATER)


FOREVER = "9999-12-31T23:59:59.999Z"


@pytest.mark.parametrize("verified", [True, False])
@pytest.mark.parametrize(
    ("since", "now", "held"),
    [
        (NOW, NOW, True),
        (NOW, "2026-11-25T09:59:00.000Z", True),
        (NOW, "2026-11-25T10:01:00.000Z", False),  # an hour less than a day, as clocks go
        ("2026-11-24T11:59:00.000Z", NOW, True),  # by a clock that is fast
        ("2026-11-24T11:59:00.000Z", "2026-11-25T11:00:01.000Z", False),
        ("2026-11-24T12:01:00.000Z", NOW, False),  # from a future that no clock is in
        (FOREVER, NOW, False),
    ],
)
def test_it_never_holds_longer_than_a_day(since: str, now: str, held: bool, verified: bool) -> None:
    forever = replace(HELD, taken_at=since, renewed_at=None, expires_at=FOREVER, verified=verified)
    assert forever.held_at(now) is held
    renewed = replace(forever, taken_at="2026-11-01T00:00:00.000Z", renewed_at=since)
    assert renewed.held_at(now) is held


def test_nobody_takes_it_for_longer_than_a_day() -> None:
    assert take(FREE, ME, "t", NOW, 1e9).expires_at == renew(HELD, NOW, 1e9).expires_at == TOMORROW


def test_only_what_our_key_sealed_is_ours() -> None:
    other = parse(render(HELD, seal_for("other", "/x", "r")), SEAL)
    for one in (other, parse(render(HELD), SEAL), parse(render(HELD, SEAL)), _retold(b"token", b"mine")):
        assert not one.verified
        assert not one.belongs_to(one.token or "")
        assert one.held_at(NOW)  # it may be a colleague's
    rewritten = render(other, SEAL)
    assert not parse(rewritten, SEAL).verified
    assert parse(rewritten, seal_for("other", "/x", "r")) == HELD  # who holds it finds it as it was
    assert parse(render(FREE)) == FREE  # what nobody has needs no word for it


def _retold(old: bytes, new: bytes) -> Lease:
    return parse(render(HELD, SEAL).replace(b'"token": "' + old, b'"token": "' + new), SEAL)


def test_given_back_it_is_free_and_the_number_stays() -> None:
    assert give_back(HELD) == Lease(1)


def test_the_time_that_is_left() -> None:
    assert seconds_left(HELD, "2026-11-24T11:04:58.500Z") == 1.5
    assert seconds_left(HELD, "2026-11-24T11:05:02.000Z") == -2.0
    assert seconds_left(FREE, NOW) == 0.0


def test_a_holder_is_named_so_that_people_find_it() -> None:
    assert str(ME) == "https://github.com/acme/web/actions/runs/1"
    assert str(Holder("laptop", 7)) == "process 7 on laptop"


@pytest.mark.parametrize(
    "lease", [FREE, HELD, give_back(HELD), take(HELD, Holder("laptop", 7), "t", NOW, 1.5)]
)
def test_it_comes_back_as_it_was_written(lease: Lease) -> None:
    assert parse(render(lease, SEAL), SEAL) == lease
    assert render(lease).endswith(b"}\n")


def test_nothing_is_a_free_lease() -> None:
    assert parse(b"") == parse(b" \n") == FREE


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"[]",
        b"null",
        b"{}",
        b'{"version": 1}',
        b'{"version": 1, "fencing": "x"}',
        b'{"version": 1, "fencing": 1, "holder": {}}',
        b'{"version": 1, "fencing": 1, "holder": "me"}',
        render(HELD).replace(b"2026-11-24T11:05:00.000Z", b"tomorrow"),
        render(HELD).replace(b"4711", b'"pid"'),
        render(HELD).replace(b"11:05:00.000Z", b"11:05:00"),
        render(HELD).replace(b'renewedAt": "2026', b'renewedAt": "x'),  # in no time zone
        render(HELD).replace(b'"2026-11-24T11:05:00.000Z"', b"1790000000"),
        b"[" * 100_000,
        b"\xff",
    ],
)
def test_what_is_not_one_is_an_error_with_a_way_out(content: bytes) -> None:
    with pytest.raises(JournalError, match="cannot be read") as caught:
        parse(content)
    assert "reconcile lease break" in (caught.value.hint or "")


def test_a_newer_one_is_refused_in_words() -> None:
    with pytest.raises(
        JournalError, match="version 3, but this reconcile supports versions up to 2"
    ) as caught:
        parse(render(HELD).replace(b'"version": 1', b'"version": 3'))
    assert "upgrade" in (caught.value.hint or "")
    assert "reconcile lease break" in (caught.value.hint or "")  # whoever can push could say that it is newer
    assert lease_format.VERSION == 1


def test_a_fencing_number_at_the_end_of_numbers_stops_nobody() -> None:
    forged = parse(b'{"version": 1, "fencing": 9007199254740991}')
    assert parse(render(take(forged, HELD.holder, "t", HELD.taken_at, 60.0))).holder == HELD.holder  # type: ignore[arg-type]
