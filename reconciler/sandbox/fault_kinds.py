"""Every fault one can ask the sandbox for, and the two ways to write one down.

Over HTTP: `{"on": "create", "do": "status=429", "times": 1, "retryAfter": 5}`. In an engine's name or
description, so that a YAML file is enough: `[sandbox: status=429 retry-after=5, webhook-late=3]`.
docs/sandbox.md lists the same table, and a test holds the two together.
"""

from __future__ import annotations

import math
import re
from functools import lru_cache
from typing import Literal, NamedTuple

from reconciler.core.frozen import dataclass
from reconciler.core.patterns import lazy_pattern

Value = Literal["none", "status", "seconds", "count", "text"]


class Kind(NamedTuple):
    value: Value = "none"
    default: str | float = ""


_HTTP = {
    "status": Kind("status", 500),
    "error-after": Kind("status", 500),
    "lost-answer": Kind(),
    "drop": Kind(),
    "hang": Kind(),
    "hang-before": Kind(),
    "slow": Kind("seconds", 5),
    "html": Kind("status", 502),
    "html-200": Kind(),
    "garbage": Kind("status", 202),
    "garbage-202": Kind(),
    "empty": Kind("status", 202),
    "huge": Kind("status", 500),
    "no-message": Kind("status", 500),
    "odd": Kind("count", 0),
    "redirect": Kind("text", "/redirected"),
}

LISTING = {
    "tool-error": Kind("text", "The tool failed"),
    "rpc-error": Kind("count", 32603),
    "not-json": Kind(),
    "empty-list": Kind(),
    "huge-list": Kind("count", 30_000),
    "no-times": Kind(),
    "with-jobs": Kind(),
    "shape": Kind("count", 0),
    "json": Kind(),
    "open-stream": Kind(),
}

KINDS: dict[str, dict[str, Kind]] = {
    "create": _HTTP,
    "job": {
        "fail": Kind("text"),
        "never": Kind(),
        "job-seconds": Kind("seconds", 10),
        "unknown-status": Kind("text", "indexing"),
    },
    "job-get": _HTTP,
    "ws": {
        "refuse": Kind("status", 403),
        "drop": Kind(),
        "drop-mid": Kind(),
        "close": Kind("count", 1011),
        "garbage": Kind(),
        "huge": Kind("count", 4_000_000),
        "silent": Kind(),
        "no-snapshot": Kind(),
        "slow": Kind("seconds", 5),
    },
    "engine": _HTTP,
    "engine-update": _HTTP,
    "engine-delete": _HTTP,
    "webhook": {
        "late": Kind("seconds", 5),
        "double": Kind(),
        "forged": Kind(),
        "stale": Kind(),
        "wrong-job": Kind(),
        "reordered": Kind(),
        "never": Kind(),
    },
    "me": _HTTP,
    "process": _HTTP,
    "mcp": {**_HTTP, **LISTING},
}

_MARK = lazy_pattern(r"\[sandbox:([^\]]{0,500})\]")
_ITEM = lazy_pattern(r"(?P<do>[^=\s]+(?:\s*=\s*.*?)?)(?P<options>(?:\s+(?:times|retry-after)=\S*)*)")
_DO = lazy_pattern(r"(?P<kind>[a-z0-9-]+)(?:\s*=\s*(?P<value>.*))?", re.DOTALL)
_PREFIXED = ("job-get", "ws", "webhook", "engine-update", "engine-delete", "engine", "process")


class UnknownFault(ValueError):
    """A fault that is not in the table, or has no sense; the message says what would be."""


@dataclass(frozen=True)
class Fault:
    """`value` is a number for a status, seconds or a count, otherwise text; `times` None: always."""

    place: str
    kind: str
    value: str | float
    times: int | None = None
    match: str = ""
    retry_after: float | None = None

    @property
    def number(self) -> float:
        return float(self.value)

    @property
    def text(self) -> str:
        return str(self.value)

    def view(self) -> dict[str, object]:
        return {
            "on": self.place,
            "do": self.kind if self.value == "" else f"{self.kind}={self.value}",
            "times": self.times,
            "match": self.match,
            "retryAfter": self.retry_after,
        }


def parse_fault(
    place: str, do: str, *, times: int | None = None, match: str = "", retry_after: float | None = None
) -> Fault:
    """`do` is `kind` or `kind=value`. What a job does may be asked for on `create` as well as on `job`."""
    found = _DO.fullmatch(do.strip())
    if place not in KINDS:
        raise UnknownFault(f"no faults on {place!r}; there are faults on {', '.join(KINDS)}")
    if found is None:
        raise UnknownFault(f"{do!r} is not a fault; write kind or kind=value")
    name = found["kind"]
    if place == "create" and name not in KINDS["create"] and name in KINDS["job"]:
        place = "job"
    if name not in KINDS[place]:
        raise UnknownFault(f"no fault {name!r} on {place}; there are {', '.join(sorted(KINDS[place]))}")
    if times is not None and times < 1:
        raise UnknownFault("times counts from 1")
    if retry_after is not None and not (math.isfinite(retry_after) and retry_after >= 0):
        raise UnknownFault("retry-after is a number of seconds")
    value = _value(name, KINDS[place][name], found["value"])
    return Fault(place, name, value, times, match, retry_after)


def faults_in(text: str) -> tuple[Fault, ...]:
    """Those asked for in an engine's name or description. Raises `UnknownFault` for what cannot be read."""
    return tuple(fault for mark in _MARK.finditer(text) for fault in _in_mark(mark[1]))


@lru_cache(maxsize=256)
def _in_mark(inside: str) -> tuple[Fault, ...]:
    # YAML may have folded the text, so any white space is one blank.
    return tuple(_item(" ".join(item.split())) for item in inside.split(","))


def _item(item: str) -> Fault:
    found = _ITEM.fullmatch(item)
    if found is None:
        raise UnknownFault(f"[sandbox: …]: {item!r} is not a fault; write kind or kind=value")
    options = dict(option.split("=", 1) for option in found["options"].split())
    place, do = _placed(found["do"])
    try:
        times = int(options["times"]) if "times" in options else None
        retry_after = float(options["retry-after"]) if "retry-after" in options else None
    except ValueError as error:
        raise UnknownFault(f"[sandbox: …]: {item!r}: times and retry-after are numbers") from error
    return parse_fault(place, do, times=times, retry_after=retry_after)


def _placed(do: str) -> tuple[str, str]:
    """`ws-drop` is `drop` on `ws`; without a prefix it is about the create call or the job."""
    for place in _PREFIXED:
        if do.startswith(place + "-"):
            return place, do.removeprefix(place + "-")
    return "create", do


def _value(name: str, kind: Kind, given: str | None) -> str | float:
    if given is None or given == "":
        return kind.default
    if kind.value == "none":
        raise UnknownFault(f"{name} takes no value")
    if kind.value == "text":
        return given
    try:
        number = float(given) if kind.value == "seconds" else int(given)
    except ValueError as error:
        raise UnknownFault(f"{name}={given}: a number is expected") from error
    if not math.isfinite(number) or number < 0 or (kind.value == "status" and not _can_have_body(number)):
        raise UnknownFault(f"{name}={given}: out of range")
    return number


def _can_have_body(status: float) -> bool:
    return 200 <= status <= 599 and status not in (204, 205, 304)
