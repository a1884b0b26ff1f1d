"""The engines of an organization, out of a list whose shape nobody documents.

Of an engine only its ID is sure. Name and time of creation are used where they can be, and a list may be nested, cut
or mixed with other things. What is read is checked by the same validators as everywhere, and says what exists; that an
engine is missing from it says nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any, NamedTuple

from reconciler.core.engine.spec import meaning_of_text
from reconciler.core.values import ID, LINE, MAX_NAME

NOT_A_LIST = "what the platform answered is no list of engines"

MOST_ENGINES = 20_000
_MOST_VALUES = 1_000_000
_DEEPEST = 12
_IDS = ("engineId", "engine_id", "id", "_id")
_NAMES = ("name", "engineName", "engine_name", "displayName", "title")
_TIMES = ("createdAt", "created_at", "created", "creationTime", "createdTime", "createdOn", "creationDate")
_JOBS = ("jobId", "job_id", "provisioningJobId")
_INSIDE_TIME = ("$date", "seconds", "_seconds")
_MORE = ("nextCursor", "next_cursor", "nextPageToken", "nextPage", "hasMore", "has_more", "truncated")
_TOTALS = ("total", "totalCount", "total_count")
_PREFIX = "eng_"
_EARLIEST, _LATEST = 946_684_800.0, 4_102_444_800.0  # 2000 and 2100: any other number is no time
_UNTOLD = 1e19  # nanoseconds that are centuries away


class NotListed(ValueError):
    """The document holds no list, not even an empty one."""


class ListedEngine(NamedTuple):
    """`name` is None where there is none that an engine file could have; `created_at` is in seconds since 1970."""

    engine_id: str
    name: str | None = None
    created_at: float | None = None
    job_id: str | None = None


class Listing(NamedTuple):
    """`complete` is False where the answer says that there are more, or was cut."""

    engines: tuple[ListedEngine, ...] = ()
    complete: bool = True


class _Found(NamedTuple):
    engine_id: str
    content: Mapping[str, Any]
    depth: int
    in_list: bool
    among_engines: bool


def listing_of(document: object) -> Listing:
    """The engines in a document. Raises `NotListed` where it has no list at all."""
    reading = _Reading()
    reading.read(document)
    if not reading.found and not reading.lists:
        raise NotListed
    engines = {one.engine_id: _engine(one) for one in reversed(_chosen(reading.found))}
    kept = tuple(reversed(engines.values()))[:MOST_ENGINES]
    complete = not reading.more and len(kept) == len(engines) and reading.total <= len(engines)
    return Listing(kept, complete)


class _Reading:
    """Breadth first, so that of two places the outer one comes first."""

    def __init__(self) -> None:
        self.found: list[_Found] = []
        self.lists = False
        self.more = False  # it says that there are more, or not all of it was looked at
        self.total = 0

    def read(self, document: object) -> None:
        waiting: deque[tuple[object, int, bool, bool]] = deque([(document, 0, False, False)])
        seen = 0
        while waiting:
            value, depth, in_list, among = waiting.popleft()
            seen += 1
            if depth > _DEEPEST or seen > _MOST_VALUES:
                self.more = True
                return
            if isinstance(value, list):
                self.lists = True
                waiting.extend((one, depth + 1, True, among) for one in value if isinstance(one, dict | list))
            elif isinstance(value, dict):
                self._take(value, depth, in_list, among)
                for name, one in value.items():
                    if isinstance(one, dict | list):
                        within = among or name.lower() in ("engine", "engines")
                        waiting.append((_named(name, one), depth + 1, in_list, within))

    def _take(self, value: dict[str, Any], depth: int, in_list: bool, among: bool) -> None:
        engine_id = next((value[name] for name in _IDS if ID.accepts(value.get(name))), None)
        if engine_id is not None:
            self.found.append(_Found(engine_id, value, depth, in_list, among))
            return
        self.more |= any(value.get(name) for name in _MORE)
        totals = (value.get(name) for name in _TOTALS)
        self.total = max([self.total, *(one for one in totals if type(one) is int)])


def _named(name: str, value: Any) -> Any:
    """What stands under an engine's ID is that engine."""
    if isinstance(value, dict) and name.startswith(_PREFIX) and not any(one in value for one in _IDS):
        return {**value, "id": name}
    return value


def _chosen(found: list[_Found]) -> list[_Found]:
    """Those that are engines: by their IDs, else by where they stand."""
    known = [one for one in found if one.engine_id.startswith(_PREFIX)]
    if known or not found:
        return known
    among = [one for one in found if one.among_engines] or found
    listed = [one for one in among if one.in_list] or among
    depth = min(one.depth for one in listed)
    return [one for one in listed if one.depth == depth]


def _engine(found: _Found) -> ListedEngine:
    content = found.content
    name = next((content[one] for one in _NAMES if isinstance(content.get(one), str)), None)
    times = (_time(content[one]) for one in _TIMES if one in content)
    job = next((content[one] for one in _JOBS if ID.accepts(content.get(one))), None)
    return ListedEngine(
        found.engine_id, _name(name), next((one for one in times if one is not None), None), job
    )


def _name(text: str | None) -> str | None:
    if not LINE.accepts(text) or len(text) > MAX_NAME:
        return None
    return meaning_of_text(text).strip() or None


def _time(value: object) -> float | None:
    """Seconds since 1970, out of a number of (milli-, micro-, nano-) seconds, or a text."""
    if isinstance(value, dict):
        return next((_time(value[name]) for name in _INSIDE_TIME if name in value), None)
    if isinstance(value, str):
        text = value.strip()[:40]
        if not text.isascii() or not text.replace(".", "", 1).isdigit():
            return _moment(text)
        value = float(text)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < _UNTOLD:
        return None
    for unit in (1, 1e3, 1e6, 1e9):
        if _EARLIEST <= value / unit < _LATEST:
            return value / unit
    return None


def _moment(text: str) -> float | None:
    from datetime import UTC, datetime

    try:
        moment = datetime.fromisoformat(text)
        seconds = (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
    return seconds if _EARLIEST <= seconds < _LATEST else None
