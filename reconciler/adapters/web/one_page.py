"""One look at one page: robots.txt, the request, its redirects, the text, and what it all means."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from reconciler.adapters.web.exchange import Answer, Exchanges, NoAnswer
from reconciler.adapters.web.extraction import Readers, Unreadable
from reconciler.adapters.web.guarded_network import NotPublic
from reconciler.adapters.web.limits import Limits
from reconciler.adapters.web.pace import Pace, Resting, retry_after
from reconciler.adapters.web.page_text import Read
from reconciler.adapters.web.robots import Robots
from reconciler.adapters.web.web_address import WebAddress, joined, parse
from reconciler.core.frozen import replace
from reconciler.core.patterns import lazy_pattern
from reconciler.core.sources.look import Outcome, PageKind, PageLook, Redirect, Refusal, Target
from reconciler.core.sources.page_kind import leads_to_front_page, leads_to_login

_MOVED = (301, 302, 303, 307, 308)
_GONE = (404, 410)
_LOGIN = (401, 403, 407)
_ETAG = lazy_pattern(r'(?:W/)?"[\x21\x23-\x7e]{0,500}"')
_DATE = lazy_pattern(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT")
_KINDS = {
    PageKind.LOGIN: "requires signing in",
    PageKind.CHALLENGE: "answers with a bot check",
    PageKind.SCRIPT: "needs JavaScript to show its text",
    PageKind.NEARLY_EMPTY: "has almost no main text",
    PageKind.NOT_FOUND: 'says "not found" although it returned 200',
    PageKind.NOT_TEXT: "is neither HTML nor text",
}


class _Stop(Exception):
    """The look is over before a page was read."""

    def __init__(self, outcome: Outcome, reason: str, **fields: Any) -> None:
        super().__init__(reason)
        self.outcome, self.reason, self.fields = outcome, reason, fields


class _Came(NamedTuple):
    answer: Answer
    read: Read | None  # of a 200
    conditional: bool  # whether it was asked "unless it is as it was"


class OnePage:
    """Looks at pages with what all looks share."""

    def __init__(
        self, exchanges: Exchanges, readers: Readers, robots: Robots, pace: Pace, limits: Limits
    ) -> None:
        self._exchanges, self._readers, self._robots = exchanges, readers, robots
        self._pace, self._limits = pace, limits

    async def look(self, target: Target) -> PageLook:
        """Raises `PlatformError` for a proxy that cannot be used, and nothing for what the far end does."""
        redirects: list[Redirect] = []
        look = PageLook(target.url, Outcome.UNKNOWN, final_url=target.url)
        try:
            came = await self._follow(target, redirects)
            look = replace(look, **_fields(came))
            look = _judged(look, came, target, redirects)
        except _Stop as stop:
            look = replace(look, outcome=stop.outcome, reason=stop.reason, **stop.fields)
        final = redirects[-1].url if redirects else target.url
        return replace(look, final_url=final, redirects=tuple(redirects))

    async def _follow(self, target: Target, redirects: list[Redirect]) -> _Came:
        """The page at the end of the redirects, which are put down as they are followed."""
        address = _parsed(target.url, "")
        seen = {address.url}
        while True:
            came = await self._ask(address, _conditions(target, address))
            location = _leads_on(came)
            if location is None:
                return came
            address = _parsed(location, "redirects to an address that cannot be checked: ", address)
            redirects.append(Redirect(address.url, came.answer.status))
            if address.url in seen:
                cookies = " (it may need cookies)" if "set-cookie" in came.answer.headers else ""
                raise _Stop(Outcome.UNKNOWN, f"redirects in a loop{cookies}", refusal=Refusal.REDIRECTS)
            if len(redirects) > self._limits.redirects:
                why = f"redirects more than {self._limits.redirects} times"
                raise _Stop(Outcome.UNKNOWN, why, refusal=Refusal.REDIRECTS)
            seen.add(address.url)

    async def _ask(self, address: WebAddress, conditions: Mapping[str, str]) -> _Came:
        try:
            rules = await self._robots.rules_for(address)
            if rules.unreadable:
                raise _Stop(Outcome.UNKNOWN, rules.unreadable)
            if not rules.allows(address):
                raise _Stop(Outcome.REFUSED, "is disallowed by robots.txt", refusal=Refusal.ROBOTS)
            self._pace.at_least(address.host, rules.pause)
            return await self._patiently(address, conditions)
        except NotPublic as error:
            why = f"was not requested: {error}"
            raise _Stop(Outcome.REFUSED, why, refusal=Refusal.PRIVATE) from error
        except (NoAnswer, Resting, Unreadable) as error:
            status = error.status if isinstance(error, NoAnswer) else None
            raise _Stop(Outcome.UNKNOWN, str(error), status=status) from error

    async def _patiently(self, address: WebAddress, conditions: Mapping[str, str]) -> _Came:
        """Once more after a connection that broke, or when the host asks for a short wait."""
        for last in (False, True):
            try:
                came = await self._once(address, conditions)
            except NoAnswer as error:
                if last or not error.broken:
                    raise
                continue
            wait = retry_after(came.answer.headers, time.time()) if came.answer.status in (429, 503) else None
            if wait is not None:
                self._pace.rest(address.host, min(wait, 86400.0))
            if last or wait is None or wait > self._limits.wait:
                return came
        raise AssertionError("the last try returns or raises")

    async def _once(self, address: WebAddress, conditions: Mapping[str, str]) -> _Came:
        async with self._pace.turn(address.host):
            try:
                answer = await self._exchanges.get(address, conditions)
            except NoAnswer as error:
                self._pace.answered(address.host, in_time=not error.late)
                raise
            self._pace.answered(address.host, in_time=True)
            if answer.status != 200:
                return _Came(answer, None, bool(conditions))
            media_type, charset = content_type(answer.headers)
            read = await self._readers.read(answer.body, media_type, charset)
            return _Came(answer, read, bool(conditions))


def _parsed(url: str, prefix: str, base: WebAddress | None = None) -> WebAddress:
    try:
        return parse(url) if base is None else joined(base, url)
    except ValueError as error:
        why = f"{prefix}{error}" if prefix else f"cannot be checked: {error}"
        raise _Stop(Outcome.REFUSED, why, refusal=Refusal.ADDRESS) from error


def _conditions(target: Target, address: WebAddress) -> dict[str, str]:
    """Only for the very address that they were recorded for: another page may have the same ETag by chance."""
    try:
        recorded = parse(target.final_url or target.url).url
    except ValueError:
        return {}
    conditions = {}
    if address.url == recorded:
        if target.etag and _ETAG.fullmatch(target.etag):
            conditions["If-None-Match"] = target.etag
        if target.last_modified and _DATE.fullmatch(target.last_modified):
            conditions["If-Modified-Since"] = target.last_modified
    return conditions


def _leads_on(came: _Came) -> str | None:
    """Where this answer sends its reader."""
    if came.answer.status in _MOVED:
        return came.answer.headers.get("location", "")
    if came.read is not None and came.read.refresh and came.read.kind != PageKind.TEXT:
        return came.read.refresh
    return None


def content_type(headers: Mapping[str, str]) -> tuple[str, str]:
    """Media type and charset, each in lower case and empty where there is none."""
    media_type, *parameters = headers.get("content-type", "").lower().split(";")
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "charset":
            return media_type.strip(), value.strip(" \t\"'")
    return media_type.strip(), ""


def _fields(came: _Came) -> dict[str, Any]:
    headers, read = came.answer.headers, came.read
    wait = retry_after(headers, time.time())
    fields: dict[str, Any] = {
        "status": came.answer.status,
        "etag": headers.get("etag") or None,
        "last_modified": headers.get("last-modified") or None,
        "size": len(came.answer.body),
        "media_type": content_type(headers)[0],
        "retry_after": None if wait is None else int(min(wait, 1e9)),
    }
    if read is not None:
        fields |= {"kind": PageKind(read.kind), "charset": read.charset, "reader": read.reader}
        fields |= {"words": read.words, "language": read.language, "title": read.title, "text": read.text}
    return fields


def _judged(look: PageLook, came: _Came, target: Target, redirects: list[Redirect]) -> PageLook:
    """The outcome, by status first and by the page itself where the status says that it came."""
    status = came.answer.status
    final = redirects[-1].url if redirects else target.url
    if status == 304 and came.conditional:
        etag, date = look.etag or target.etag, look.last_modified or target.last_modified
        return replace(look, outcome=Outcome.UNCHANGED, etag=etag, last_modified=date)
    if status in _GONE:
        return replace(look, outcome=Outcome.DEAD, reason=f"returned {status}")
    if redirects and leads_to_login(target.url, final):
        return replace(look, reason="redirects to a sign-in page", kind=PageKind.LOGIN, words=0, text=None)
    if redirects and leads_to_front_page(target.url, final):
        why = "redirects to the front page of its site"
        return replace(look, reason=why, kind=PageKind.NOT_FOUND, words=0, text=None)
    if status in _LOGIN:
        challenge = status == 403 and "cf-mitigated" in came.answer.headers
        kind = PageKind.CHALLENGE if challenge else PageKind.LOGIN
        why = _KINDS[kind] if challenge else f"returned {status}: it is not public"
        return replace(look, reason=why, kind=kind)
    if came.read is None:
        wait = f" and asks to wait {look.retry_after:,} s" if look.retry_after else ""
        return replace(look, reason=f"returned {status}{wait}")
    if look.kind is not PageKind.TEXT:
        assert look.kind is not None
        return replace(look, reason=_KINDS[look.kind])
    return replace(look, outcome=Outcome.OK, text_digest=came.read.digest)
