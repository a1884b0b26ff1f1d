"""How many engines one run may replace, retire, create or delete: a number, a share, or the one that allows more.

A share alone would hold back the one change of a small project, a number alone the yearly one of a large project; so
the default says both.

Apart from `guards`: the settings import this at every start of the command, and guards would load plans with it.
"""

from __future__ import annotations

from typing import Any

from reconciler.core.errors import InvalidInput
from reconciler.core.frozen import dataclass

LIMIT_PATTERN = r"^(?:[0-9]{1,6}|(?:[0-9]{1,6} or )?(?:100|[0-9]{1,2}) ?%)$"
_MOST = 999_999


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `number` engines, or `percent` of those that are recorded, whichever is more."""

    number: int = 0
    percent: int = 0

    def of(self, engines: int) -> int:
        """The most that are let through where this many are recorded."""
        return max(self.number, engines * self.percent // 100)

    def __str__(self) -> str:
        if self.percent == 0:
            return str(self.number)
        share = f"{self.percent}%"
        return f"{self.number} or {share}" if self.number else share


DEFAULT_LIMIT = Limit(5, 30)
DEFAULT_CREATES = Limit(50, 100)
DEFAULT_PRUNES = Limit(20, 50)


@dataclass(frozen=True, slots=True)
class Policy:
    """What one run may do. For the keys in `allow_replace`, `allow_retire` and `allow_prune` nothing is held back."""

    max_replace: Limit = DEFAULT_LIMIT
    max_retire: Limit = DEFAULT_LIMIT
    max_create: Limit = DEFAULT_CREATES
    allow_replace: frozenset[str] = frozenset()
    allow_retire: frozenset[str] = frozenset()
    max_prune: Limit = DEFAULT_PRUNES
    allow_prune: frozenset[str] = frozenset()

    def allows(self, danger: str, key: str) -> bool:
        allowed = {"replace": self.allow_replace, "retire": self.allow_retire, "prune": self.allow_prune}
        return key in allowed.get(danger, ())

    def most(self, danger: str, engines: int) -> int | None:
        """How many of them one run may do where so many engines are recorded; None: any number. A share of nothing
        holds no first run back.
        """
        limit = self.limit(danger)
        unbounded = danger == "create" and engines == 0 and limit.percent > 0
        return None if unbounded else limit.of(engines)

    def limit(self, danger: str) -> Limit:
        limit: Limit = getattr(self, f"max_{danger}")
        return limit


DEFAULT_POLICY = Policy()


class LimitKind:
    """A limit as a setting: `5`, `30%` or `5 or 30%`; `0` lets nothing through, `100%` everything."""

    __slots__ = ()

    def parse(self, value: object, as_text: bool) -> Limit:
        import re

        if isinstance(value, float) and value.is_integer():  # as in JSON Schema, `5.0` is a whole number
            value = int(value)
        if type(value) is int and 0 <= value <= _MOST:
            return Limit(value)
        if not isinstance(value, str) or not re.fullmatch(LIMIT_PATTERN, value):
            raise InvalidInput("must be a number of engines, a percentage, or both", hint="write 5 or 30%")
        if not value.endswith("%"):
            return Limit(int(value))
        count, _, percent = value.removesuffix("%").strip().rpartition(" or ")
        return Limit(int(count or 0), int(percent))

    def schema(self) -> dict[str, Any]:
        number = {"type": "integer", "minimum": 0, "maximum": _MOST}
        return {"anyOf": [{"type": "string", "pattern": LIMIT_PATTERN}, number]}
