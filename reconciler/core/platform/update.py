"""What an answer to `PUT /engines/{id}` means, and what a look at the engine says of one that was lost.

The call is idempotent: it sends all that can be changed in place, and the same again changes nothing. So an answer that
was lost is made up for by looking, and by the same call once more. What stays unknown blocks nothing.
"""

from __future__ import annotations

from enum import Enum, auto

from reconciler.core.engine.spec import Spec, meaning_of_text
from reconciler.core.frozen import dataclass
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
from reconciler.core.platform.job import message_of
from reconciler.core.strict_json import JsonRefused, read_json

UPDATE_TRIES = 3
_ABOUT_SPEC = frozenset({400, 413, 422})
_NOT_OFFERED = frozenset({405, 501})
_HALTING = frozenset({401, 402, 403, 407, 429})
NO_UPDATES = "the platform does not offer changing engines in place"


class Reach(Enum):
    """For whom else a refusal holds."""

    ENGINE = auto()  # for nobody else
    UPDATES = auto()  # for every change in place
    RUN = auto()  # for every call: key, credit, quota, connection


@dataclass(frozen=True, slots=True)
class Updated:
    """The engine has what was asked for."""

    engine_id: str


@dataclass(frozen=True, slots=True)
class NotUpdated:
    """Nothing was changed. `status` is the HTTP status, or None when no request reached the platform."""

    message: str
    status: int | None = None
    reach: Reach = Reach.ENGINE

    @property
    def about_spec(self) -> bool:
        """Whether what the file asks for was refused."""
        return self.status in _ABOUT_SPEC

    @property
    def gone(self) -> bool:
        """Whether the platform knows no such engine."""
        return self.status == 404 and self.reach is Reach.ENGINE


@dataclass(frozen=True, slots=True)
class Unconfirmed:
    """The engine may have what was asked for, or not. The next run finds out."""

    reason: str

    def also(self, look: Unconfirmed) -> Unconfirmed:
        """After a look that told nothing either."""
        return Unconfirmed(f"{self.reason}; {look.reason}")


UpdateAnswer = Updated | NotUpdated | Unconfirmed


def wanted_details(spec: Spec) -> Details:
    """What the engine has once it is as asked for."""
    description = meaning_of_text(spec.description) if spec.description else ""
    return Details(meaning_of_text(spec.name), description, spec.locales)


def judge_update(engine_id: str, status: int, body: bytes) -> UpdateAnswer:
    """What the answer says by itself; of a 404 only a look at the engine tells what is missing."""
    if 200 <= status < 300:
        return Updated(engine_id) if _is_answer(body) else Unconfirmed("the platform's answer is unreadable")
    message = message_of(status, body)
    if status in _NOT_OFFERED:
        return NotUpdated(NO_UPDATES, status, Reach.UPDATES)
    if status in _HALTING or 300 <= status < 400:
        return NotUpdated(message, status, Reach.RUN)
    if 400 <= status < 500 and status != 408:
        return NotUpdated(message, status)
    return Unconfirmed(f"the platform answered {status}: {message}")


def _is_answer(body: bytes) -> bool:
    """Whether it may be the platform's own: JSON, or nothing at all; a page of some proxy's is neither."""
    if not body.strip():
        return True
    try:
        read_json(body, unique=False)
    except JsonRefused:
        return False
    return True


def judge_look(engine_id: str, seen: EngineAnswer, wanted: Details) -> UpdateAnswer | None:
    """What a look at the engine says after an answer that was lost; None where it shows other values."""
    match seen:
        case Found(told=told):
            return Updated(engine_id) if _shows(told, wanted) else None
        case Gone():
            return NotUpdated("the platform knows no such engine", 404)
        case Denied(status, message):
            return NotUpdated(message, status, Reach.RUN)
        case Throttled(message):
            return Unconfirmed(f"the engine cannot be read: {message}")
        case Unreadable(reason):
            return Unconfirmed(f"the engine cannot be read: {reason}")
        case NotOffered(status):
            return Unconfirmed(f"the engine cannot be read: the platform does not offer it ({status})")


def _shows(told: Details, wanted: Details) -> bool:
    """Whether all of it is told, and as wanted; the order of locales does not count."""
    if told.name is None or told.description is None or told.locales is None:
        return False
    same_locales = set(told.locales) == set(wanted.locales or ())
    return (told.name, told.description) == (wanted.name, wanted.description) and same_locales


def judge_missing(seen: EngineAnswer, body: bytes) -> NotUpdated:
    """What a 404 to the call meant: no such engine; or no such endpoint, where the engine is there, or where it is not
    the platform that speaks, in JSON.
    """
    if isinstance(seen, Found) or body.strip()[:1] != b"{":
        return NotUpdated(NO_UPDATES, 404, Reach.UPDATES)
    return NotUpdated("the platform knows no such engine", 404)
