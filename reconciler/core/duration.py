"""Lengths of time as people write and read them.

Settings, flags and environment variables take the same form (`30m`, `1h30m`), and every view shows a length
of time by the same rule, so that columns of elapsed times line up.
"""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.core.errors import InvalidInput

_DAY = 86400
_UNITS = {
    "d": 86400.0,
    "h": 3600.0,
    "m": 60.0,
    "s": 1.0,
    "ms": 0.001,
}  # longest first, as they must be written
_CARRY = {"h": 23, "m": 59, "s": 59, "ms": 999}  # the most of a unit that follows a longer one
_HINT = "write 90s, 30m, 1h30m or 500ms; a number without a unit is seconds"
# Whatever the bound: no number of more than 15 digits, and a fraction in the last place alone.
_SOUND = r"(?!.*[0-9]{16})(?!.*\.[0-9]{10})(?!.*\.[0-9]+(?:ms|[dhms]) ?[0-9])"


def duration_pattern(days: int | None = None) -> str:
    """What `parse_duration` reads, for JSON Schema, too; with a number of days, nothing that is longer, and no 0.

    Units go from long to short, each at most once; a blank between them is fine. Only the first may be more than the
    next longer unit holds, so that the first alone decides what is too long.
    """
    forms = [f"{_number(days and days * _DAY)}"]
    for index, (unit, size) in enumerate(_UNITS.items()):
        shorter = list(_UNITS)[index + 1 :]
        rest = "".join(f"(?: ?{_up_to(_CARRY[name])}{_FRACTION}{name})?" for name in shorter)
        forms.append(_number(days and round(days * _DAY / size), unit, rest, shorter))
    nonzero = "" if days is None else "(?=.*[1-9])"
    return f"^{nonzero}{_SOUND}(?:{'|'.join(forms)})$"


_FRACTION = r"(?:\.[0-9]+)?"
_ZERO = r"0+(?:\.0+)?"


def _number(most: int | None, unit: str = "", rest: str = "", shorter: Sequence[str] = ()) -> str:
    """A first number up to `most` of its unit, and what may follow: at the very most, nothing but zeros."""
    if most is None:
        return f"[0-9]+{_FRACTION}{unit}{rest}"
    zeros = "".join(f"(?: ?{_ZERO}{name})?" for name in shorter)
    return rf"(?:{_up_to(most - 1)}{_FRACTION}{unit}{rest}|0*{most}(?:\.0+)?{unit}{zeros})"


def _up_to(most: int) -> str:
    """Whole numbers from 0 to `most`, zeros in front included."""
    digits = str(most)
    forms = [digits]
    for place, digit in enumerate(digits):
        if digit != "0":
            forms.append(f"{digits[:place]}[0-{int(digit) - 1}]" + "[0-9]" * (len(digits) - place - 1))
    shorter = f"|[0-9]{{1,{len(digits) - 1}}}" if len(digits) > 1 else ""
    return f"0*(?:{'|'.join(forms)}{shorter})"


DURATION_PATTERN = duration_pattern()


def parse_duration(text: str) -> float:
    """Seconds in `90s`, `1h30m`, `500ms`, `1m 05s` or a plain number of seconds.

    Raises `InvalidInput` whose message wants a subject in front of it ("--timeout …") and never repeats the
    text.
    """
    import re

    text = text.strip()
    if re.fullmatch(DURATION_PATTERN, text) is None:
        raise InvalidInput("must be a duration", hint=_HINT)
    amounts = re.findall(r"([0-9.]+)(ms|[dhms]|$)", text)
    return sum(float(amount) * _UNITS.get(unit, 1.0) for amount, unit in amounts)


def seconds_between(at: str | None, then: str) -> float | None:
    """From one moment to a later one, never negative; None if one is missing or no time (a lockfile can be edited)."""
    from datetime import datetime

    try:
        since = datetime.fromisoformat(at) if at else None
        return None if since is None else max(0.0, (datetime.fromisoformat(then) - since).total_seconds())
    except (ValueError, TypeError):  # TypeError: one of the two has no time zone
        return None


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
