"""What one look at a page found, as a value: no client, no stream, nothing of the connection.

Hostile fields, which the page's author chose: `url`s after a redirect, `etag`, `last_modified`, `media_type`,
`charset`, `language`, `title`, `text`. They are bounded here and escaped nowhere: whoever shows one passes it through
`render/phrases/sanitize`. `reason` is one printable line of ours, though it may quote a host or an address.
"""

from __future__ import annotations

from enum import StrEnum

from reconciler.core.frozen import dataclass, field
from reconciler.core.sources.main_text import DIGEST_VERSION

MAX_HEADER = 512  # characters kept of an ETag, a date, a media type
MAX_URL = 2048  # characters of an address; a longer one is refused
MAX_TEXT = 200_000  # characters kept of a main text. The digest is of all of it


class Outcome(StrEnum):
    """A failure is never taken for absence: only 404 and 410 are `DEAD`."""

    OK = "ok"  # read: `text_digest`, `words` and `text` are there
    UNCHANGED = "unchanged"  # 304: the far end says it is as the last look recorded it
    DEAD = "dead"  # 404 or 410, at the address or where it leads
    UNKNOWN = "unknown"  # no answer, or one without a text to compare: `reason` says why, `kind` what came
    REFUSED = "refused"  # we did not ask: private address, robots.txt, scheme, port


class PageKind(StrEnum):
    """What came, judged by the page itself. Only `TEXT` has something to learn from."""

    TEXT = "text"
    LOGIN = "login"  # asks to sign in: 401, 403, 407, a redirect to a sign-in page, a page that is a password form
    CHALLENGE = "challenge"  # a check for robots stands before it
    SCRIPT = "script"  # the text is made by JavaScript, which is not run
    NEARLY_EMPTY = "nearly_empty"
    NOT_FOUND = "not_found"  # says "not found" with status 200
    NOT_TEXT = "not_text"  # PDF, image, archive, data


class Refusal(StrEnum):
    """Why we did not ask."""

    ADDRESS = "address"  # malformed, no http(s), user name or password, a port that is not for the web
    PRIVATE = "private"  # a private, local or otherwise special network address
    ROBOTS = "robots"  # robots.txt forbids it
    REDIRECTS = "redirects"  # too many, or in a circle


@dataclass(frozen=True, slots=True)
class Redirect:
    """One step. `permanent` for 301 and 308; `status` 200 is a page that sends browsers on (meta refresh)."""

    url: str  # where it leads, absolute
    status: int

    @property
    def permanent(self) -> bool:
        return self.status in (301, 308)


@dataclass(frozen=True, slots=True)
class Target:
    """A page to look at, with what an earlier look recorded.

    `final_url` is where the redirects led then: the ETag belongs to that address, and is sent to no other.

    Leave `etag` and `last_modified` out where the recorded digest is of another version than `DIGEST_VERSION`: a 304
    would keep a digest that nothing can be compared with.
    """

    url: str
    etag: str | None = None
    last_modified: str | None = None
    final_url: str = ""  # empty for `url` itself


@dataclass(frozen=True, slots=True)
class PageLook:
    """One page, looked at once. Equal looks have equal fields but for `text`."""

    url: str  # as asked for
    outcome: Outcome
    reason: str = (
        ""  # for people, where the outcome is not `OK`: the end of a sentence, such as `returned 503`
    )
    status: int | None = None  # of the last answer; None where none came
    kind: PageKind | None = None  # None where no body was read
    refusal: Refusal | None = None
    final_url: str = ""  # where the redirects led; `url` without any
    redirects: tuple[Redirect, ...] = ()
    etag: str | None = None
    last_modified: str | None = None
    size: int = 0  # bytes of the body, decompressed
    media_type: str = ""
    charset: str = ""  # as which it was read
    reader: str = ""  # library and release that took the text out of the page, such as `trafilatura/2.3.1`
    text_digest: str | None = None  # `m1:sha256:…`
    words: int = 0
    language: str = ""  # a guess, such as `de`; empty where unsure
    title: str = ""
    retry_after: int | None = None  # seconds the far end asked to wait, where it said so
    text: str | None = field(default=None, compare=False, repr=False)  # at most `MAX_TEXT` characters

    @property
    def moved_for_good(self) -> bool:
        """Whether the address should be replaced by `final_url`: every step of the way is permanent."""
        return bool(self.redirects) and all(one.permanent for one in self.redirects)


class Comparison(StrEnum):
    SAME = "same"
    CHANGED = "changed"
    INCOMPARABLE = "incomparable"  # read by other rules or another library: record the page anew


def compare(recorded_digest: str, recorded_reader: str, look: PageLook) -> Comparison:
    """Whether the text of a page that was read (`OK`) is the recorded one.

    Libraries differ in what they take for main text, and so do their releases. A different digest from a different
    reader says nothing about the page.
    """
    if look.text_digest == recorded_digest:
        return Comparison.SAME
    version = recorded_digest.partition(":")[0]
    if look.text_digest is None or version != DIGEST_VERSION or recorded_reader != look.reader:
        return Comparison.INCOMPARABLE
    return Comparison.CHANGED


def same_text(looks: tuple[PageLook, ...]) -> tuple[tuple[PageLook, ...], ...]:
    """The groups of pages, in the given order, that were read and have one and the same text."""
    groups: dict[str, list[PageLook]] = {}
    for look in looks:
        if look.text_digest is not None and look.kind is PageKind.TEXT:
            groups.setdefault(look.text_digest, []).append(look)
    return tuple(tuple(group) for group in groups.values() if len(group) > 1)
