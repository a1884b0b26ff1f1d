"""What the platform says of an engine that exists, or existed: answers to `GET`, `PUT` and `DELETE /engines/{id}`.

The endpoint is on one page of the platform's documentation and missing on a newer one (docs/platform.md). So *gone*
means something only beside another engine that is found, and whoever asks about several decides that.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from reconciler.core.engine.spec import meaning_of_text
from reconciler.core.frozen import dataclass
from reconciler.core.patterns import lazy_pattern
from reconciler.core.platform.job import message_of, short_wait
from reconciler.core.strict_json import JsonRefused, read_json
from reconciler.core.values import LINE, LOCALE, MAX_NAME, TEXT, as_line, shown

_NAMED = 5  # locales that are named in a warning
_MOST_LOCALES = 1000
_MOST_TEXT = 10_000  # characters of a description that is not usable, as it is shown
_NOT_OFFERED = frozenset({405, 501})
_DENIED = frozenset({401, 403})
_REGION = lazy_pattern(r"[A-Za-z]{2}")
_SCRIPT = lazy_pattern(r"[A-Za-z]{4}")


class Details(NamedTuple):
    """Name, description and target locales, as far as the platform tells them: None is what it does not tell, "" and ()
    are a description and locales that it says there are not.
    """

    name: str | None = None
    description: str | None = None
    locales: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """The engine exists. `details` has what an engine file can have; `left_out` says what it cannot have, for people;
    `told` has all of it, for showing and comparing only.
    """

    details: Details = Details()
    told: Details = Details()
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Gone:
    """404: there is no such engine, or no such endpoint."""


@dataclass(frozen=True, slots=True)
class NotOffered:
    """The platform has no such endpoint, or not with this method."""

    status: int


@dataclass(frozen=True, slots=True)
class Denied:
    """The key is wrong (401), or has no access to this engine (403)."""

    status: int
    message: str


@dataclass(frozen=True, slots=True)
class Throttled:
    """The quota is exhausted, and waiting as long as it was worth did not help. Nothing was done."""

    message: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Nothing can be concluded. `sent` is False where no request left, so that nothing can have been done."""

    reason: str
    status: int | None = None
    sent: bool = True


@dataclass(frozen=True, slots=True)
class Deleted:
    """The engine is deleted, with everything that it held."""


DeletionAnswer = Deleted | Gone | NotOffered | Denied | Throttled | Unreadable
EngineAnswer = Found | Gone | NotOffered | Denied | Throttled | Unreadable


def judge_engine(engine_id: str, status: int, body: bytes) -> EngineAnswer:
    """What an answer to `GET /engines/{id}` means. `body` may be cut at the reader's cap."""
    if not 200 <= status < 300:
        return judge_refusal(status, body)
    try:
        document = read_json(body, unique=False)
    except JsonRefused:
        document = None
    if not isinstance(document, dict):
        return Unreadable("the platform's answer is not an engine", status)
    if document.get("id", engine_id) != engine_id:
        return Unreadable(f"the platform's answer is about another engine: {shown(document['id'])}", status)
    details = read_details(document)
    return Found(details, told_details(document), tuple(_left_out(document, details)))


def judge_deletion(status: int, body: bytes) -> DeletionAnswer:
    """What an answer to `DELETE /engines/{id}` means."""
    return Deleted() if 200 <= status < 300 else judge_refusal(status, body)


def judge_refusal(status: int, body: bytes) -> Gone | NotOffered | Denied | Throttled | Unreadable:
    """What an answer other than a 2xx means, whatever was asked of an engine."""
    if status == 404:
        return Gone()
    if status in _NOT_OFFERED:
        return NotOffered(status)
    message = message_of(status, body)
    if status in _DENIED:
        return Denied(status, message)
    if status == 429:
        return Throttled(message)
    return Unreadable(f"the platform answered {status}: {message}", status)


def why_unknown(answer: EngineAnswer | None) -> str:
    """Why an answer, or none, says nothing of an engine, as the end of a sentence."""
    match answer:
        case Unreadable(reason=reason):
            return reason
        case Denied(status=status, message=message):
            return f"the platform refused ({status}): {message}"
        case Throttled(message=message):
            return f"the platform refused (429): {message}"
        case NotOffered(status=status):
            return f"the platform does not offer looking up engines ({status})"
        case Gone():
            return "the platform has none of the recorded engines (404), so it may not offer looking them up"
        case _:
            return "the platform was not asked in time"


def pause_before(status: int, retry_after: str | None) -> float | None:
    """The seconds after which the same call is worth repeating; None where it is not: the quota lasts, or it is no
    matter of quota."""
    return short_wait(retry_after) if status == 429 else None


def read_details(document: Mapping[str, Any]) -> Details:
    """What of an answer an engine file can have, without what does not count in one either."""
    name, description = document.get("name"), document.get("description")
    locales = document.get("targetLocales")
    return Details(
        meaning_of_text(name).strip()
        if LINE.accepts(name) and name.strip() and len(name) <= MAX_NAME
        else None,
        meaning_of_text(description).strip() if TEXT.accepts(description) and description.strip() else None,
        tuple(dict.fromkeys(filter(LOCALE.accepts, locales))) if isinstance(locales, list) else None,
    )


def told_details(document: Mapping[str, Any]) -> Details:
    """All that an answer tells, fit for showing, with locales in the case of engine files. A description that is null
    is one that there is not.
    """
    usable = read_details(document)
    name, description = document.get("name"), document.get("description")
    if usable.name is None and isinstance(name, str) and name.strip():
        usable = usable._replace(name=as_line(meaning_of_text(name).strip())[: 3 * MAX_NAME])
    if usable.description is None and "description" in document:
        if description is None or (isinstance(description, str) and not description.strip()):
            usable = usable._replace(description="")
        elif isinstance(description, str):
            usable = usable._replace(description=as_line(meaning_of_text(description))[:_MOST_TEXT])
    locales = document.get("targetLocales")
    if isinstance(locales, list):
        told = (shown(_canonical(one)) for one in locales[:_MOST_LOCALES] if isinstance(one, str))
        usable = usable._replace(locales=tuple(dict.fromkeys(told)))
    return usable


def _canonical(tag: object) -> object:
    """A locale in the case that engine files have it in; what is none stays as it is."""
    if not isinstance(tag, str) or len(tag) > 255 or LOCALE.accepts(tag):
        return tag
    language, *rest = re.split("[-_]", tag)
    parts = [language.lower()]
    for part in rest:
        if "x" in parts or not (_REGION.fullmatch(part) or _SCRIPT.fullmatch(part)):
            parts.append(part.lower())
        elif len(part) == 2:
            parts.append(part.upper())
        else:
            parts.append(part.title())
    joined = "-".join(parts)
    return joined if LOCALE.accepts(joined) else tag


def _left_out(document: Mapping[str, Any], details: Details) -> Sequence[str]:
    """What of an answer is not usable, for people."""
    description, locales = document.get("description"), document.get("targetLocales")
    told = ["its description"] if description and details.description is None else []
    known = details.locales or ()
    unknown = [one for one in locales if one not in known] if isinstance(locales, list) else []
    told += [f"the locale {shown(one)}" for one in unknown[:_NAMED]]
    return [*told, f"{len(unknown) - _NAMED} more locales"] if len(unknown) > _NAMED else told
