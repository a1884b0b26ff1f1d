"""What a page of the corpus is at a first look and at a second, and what must be found."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

from reconciler.core.sources.look import PageKind, Refusal
from tests.adapters.web.articles import page
from tests.adapters.web.site import Answer, Site


class Found(StrEnum):
    FRESH = "fresh"
    STALE = "stale"
    DEAD = "dead"
    UNKNOWN = "unknown"
    REFUSED = "refused"


class Case(NamedTuple):
    """`first` and `second` put the page up. `kind` and `refusal` are checked where they are named."""

    kind_of_page: str
    host: str
    path: str
    first: Answer
    second: Answer
    found: Found
    kind: PageKind | None = None
    refusal: Refusal | None = None
    moved_for_good: bool = False


Make = Callable[[Site, str, int], Case]  # site, host, number


def case_of(host: str, number: int, first: Answer, second: Answer, found: Found, **more: object) -> Case:
    return Case(host.removesuffix(".test"), host, f"/{number}", first, second, found, **more)  # type: ignore[arg-type]


def html_of(host: str, number: int, **options: str) -> str:
    return page(f"{host} {number}", **options)  # type: ignore[arg-type]
