"""How long to wait between tries: exponential growth with full jitter.

Full jitter, because a thousand waiters that lose one server together would otherwise come back together.
Chance comes from the caller, so that the same values give the same delays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator


def delays(
    random: Callable[[], float],
    *,
    first: float,
    ceiling: float,
    floor: float = 0.0,
    factor: float = 2.0,
) -> Iterator[float]:
    """Seconds to wait before each next try, for ever.

    The n-th value lies anywhere between `floor` and `first * factor**n`, the latter capped at `ceiling`.
    `random` returns numbers in [0, 1). Needs 0 <= floor <= first <= ceiling, and a factor of at least 1.
    """
    if not (0 <= floor <= first <= ceiling and factor >= 1):
        raise ValueError(f"no backoff from {floor} and {first} to {ceiling} by {factor}")
    return _delays(random, first, ceiling, floor, factor)


def _delays(
    random: Callable[[], float], first: float, ceiling: float, floor: float, factor: float
) -> Iterator[float]:
    highest = first
    while True:
        yield floor + random() * (highest - floor)
        highest = min(ceiling, highest * factor)
