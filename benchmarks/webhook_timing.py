"""Whether the time of verifying a webhook tells a forger how much of his signature is right.

The first wrong byte stands at one of several places; each place is measured by two groups that are the same in every
way, so how far such twins are apart is the noise. All groups take turns in an order that chance gives anew in every
round. The second row is the same measurement of a comparison that does stop at the first wrong byte: it shows what
would be noticed. Only when asked for by name: `python -m benchmarks webhook_timing`.
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable, Iterator
from itertools import pairwise
from time import perf_counter_ns

from benchmarks.table import Row
from reconciler.core.platform.webhook import Signed, SigningKeys, Verdict, verify

ROUNDS = 20_000
QUICK_ROUNDS = 2_000
CALLS = 8  # in one measurement: the clock itself takes as long as a few comparisons
PLACES = (0, 1, 8, 15, 22, 30, 37, 42)  # of the 43 characters that matter
NOW = 1_700_000_000.0
BODY = b'{"type":"provisioning.completed","jobId":"pjb_A1b2C3d4E5f6","engineId":"eng_X1y2Z3a4B5c6"}'
_WEBHOOK_ID, _MOMENT = b"msg_A1b2C3d4", b"1700000000"
_KEYS = SigningKeys([b"a key of the right length, it is"])
_RIGHT = b"v1," + _KEYS.sign(b"%b.%b.%b" % (_WEBHOOK_ID, _MOMENT, BODY))[0]

Judge = Callable[[bytes], object]


def rows(quick: bool) -> Iterator[Row]:
    rounds = QUICK_ROUNDS if quick else ROUNDS
    yield _row("verifying, by the first wrong byte's place", _judged, rounds, "<= 2 x that")
    yield _row("the same with a comparison that stops there", _leaking, rounds, "")


def _row(what: str, judge: Judge, rounds: int, target: str) -> Row:
    medians = _medians(judge, rounds)
    apart = [statistics.mean(twins) for twins in medians]
    noise = max(abs(one - other) for one, other in medians)
    spread = max(apart) - min(apart)
    measured = f"{min(apart) / 1000:.2f} µs at {len(PLACES)} places, at most {spread:.0f} ns apart"
    verdict = "ok" if spread <= 2 * noise else "over"
    return Row(what, measured, f"twins up to {noise:.0f} ns apart", target, verdict if target else "")


def _medians(judge: Judge, rounds: int) -> list[tuple[float, float]]:
    """In nanoseconds for each place, of both its groups."""
    signatures = [_wrong_from(place) for place in PLACES for _ in range(2)]
    taken: list[list[int]] = [[] for _ in signatures]
    order = list(range(len(signatures)))
    chance = random.Random(1)
    for _ in range(rounds):
        chance.shuffle(order)
        for group in order:
            signature = signatures[group]
            start = perf_counter_ns()
            for _ in range(CALLS):
                judge(signature)
            taken[group].append(perf_counter_ns() - start)
    medians = [statistics.median(times) / CALLS for times in taken]
    return list(pairwise(medians))[::2]


def _wrong_from(place: int) -> bytes:
    """The right signature up to there, and no right byte after it."""
    at = place + len(b"v1,")
    wrong = bytes(ord("B") if byte == ord("A") else ord("A") for byte in _RIGHT[at:-1])
    return _RIGHT[:at] + wrong + b"="


def _judged(signature: bytes) -> Verdict:
    return verify(Signed(_WEBHOOK_ID, _MOMENT, signature), BODY, _KEYS, NOW)


def _leaking(signature: bytes) -> bool:
    _judged(signature)
    return all(one == other for one, other in zip(_RIGHT, signature, strict=True))
