"""Lengths of time as people write and read them.

Settings, flags and environment variables take the same form (`30m`, `1h30m`), and every view shows a length
of time by the same rule, so that columns of elapsed times line up.
"""

from __future__ import annotations

from reconciler.core.errors import InvalidInput

_UNITS = {
    "d": 86400.0,
    "h": 3600.0,
    "m": 60.0,
    "s": 1.0,
    "ms": 0.001,
}  # longest first, as they must be written
_HINT = "write 90s, 30m, 1h30m or 500ms; a number without a unit is seconds"
_NUMBER = r"([0-9]{1,15}(?:\.[0-9]{1,9})?)"

# For JSON Schema, too. Units go from long to short, each at most once; a blank between them is fine.
DURATION_PATTERN = f"^(?:{_NUMBER}|(?=[0-9])" + " ?".join(f"(?:{_NUMBER}{unit})?" for unit in _UNITS) + ")$"


def parse_duration(text: str) -> float:
    """Seconds in `90s`, `1h30m`, `500ms`, `1m 05s` or a plain number of seconds.

    Raises `InvalidInput` whose message wants a subject in front of it ("--timeout …") and never repeats the
    text.
    """
    import re

    match = re.fullmatch(DURATION_PATTERN, text.strip())
    if match is None:
        raise InvalidInput("must be a length of time", hint=_HINT)
    plain, *amounts = match.groups()
    if plain is not None:
        return float(plain)
    return sum(
        float(amount) * size
        for amount, size in zip(amounts, _UNITS.values(), strict=True)
        if amount is not None
    )


def format_duration(seconds: float) -> str:
    """`350ms`, `42s`, `1m 05s`, `2h 05m`, `3d 04h`: the two largest units, rounded down as a clock does."""
    if seconds < 0.001:  # a clock that was set back ends here as well
        return "0s"
    if seconds < 1:
        return f"{int(seconds * 1000)}ms"
    whole = int(seconds)
    for large, small, small_name, large_name in (
        (86400, 3600, "h", "d"),
        (3600, 60, "m", "h"),
        (60, 1, "s", "m"),
    ):
        if whole >= large:
            return f"{whole // large}{large_name} {whole % large // small:02d}{small_name}"
    return f"{whole}s"
