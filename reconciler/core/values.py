"""What each kind of value may be: one validator for a kind, used wherever such a value is read.

Engine files, settings, lockfile, ledger, plan files, inbox and platform all ask here. So what one reader refuses no
other lets in, and what was read can stand in a path, a commit, a command or a line of text. Patterns are compiled when
they are first needed, since every start of the command pays for importing this.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import TypeGuard

from reconciler.core.errors import InvalidInput
from reconciler.core.patterns import lazy_pattern

MAX_ID = 128
MAX_KEY = 4096  # characters; no file system has longer paths
MAX_LINE = 10_000
MAX_NAME = 200
MAX_PLACE = 500  # characters of a pointer or a variable
MAX_URL = 2048
_SHORT, _REMEMBERED = 128, 2048
_MOST = 2**53 - 1  # what JSON's readers agree on

POINTER_PATTERN = r"^(?:/(?:[^~/]|~[01])*)+$"  # RFC 6901, and not the whole document
VARIABLE_PATTERN = r"^[A-Za-z_][A-Za-z0-9_]*$"
# Language, script, region, variants, extensions, private use: the canonical case of RFC 5646, section 2.1.
LOCALE_PATTERN = (
    r"^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?(-([a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*"
    r"(-[a-wyz0-9](-[a-z0-9]{2,8})+)*(-x(-[a-z0-9]{1,8})+)?$"
)
_CONTROLS = "\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff"  # and halves of characters
_CONTROLS_IN_TEXT = "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff"


class Kind:
    """A kind of text: `what` says in a sentence what it must be, after "must be"."""

    __slots__ = ("_further", "_known", "_pattern", "_surely", "pattern", "what")

    def __init__(
        self,
        what: str,
        pattern: str,
        further: Callable[[str], bool] | None = None,
        *,
        surely: Callable[[str], bool] = lambda text: False,
    ) -> None:
        """`surely` knows the ordinary ones without the pattern, which takes long to compile."""
        self.what = what
        self.pattern = pattern  # of the whole text
        self._surely = surely
        self._pattern = lazy_pattern(pattern)
        self._further = further
        self._known: set[str] = set()  # short ones that were accepted: most come again and again

    def accepts(self, value: object) -> TypeGuard[str]:
        """Whether it is one. Never raises."""
        if not isinstance(value, str):
            return False
        if value in self._known:
            return True
        fits = self._surely(value) or self._pattern.fullmatch(value) is not None
        if not fits or not (self._further is None or self._further(value)):
            return False
        if len(value) <= _SHORT:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known.add(value)
        return True

    def accepts_all(self, values: Collection[str]) -> bool:
        """Whether each of them is one: for many, at half the cost of asking for each."""
        if None in map(self._pattern.fullmatch, values):
            return False
        return self._further is None or all(map(self._further, values))


def _is_moment(text: str) -> bool:
    from datetime import datetime  # for what is read from outside only

    try:
        datetime.fromisoformat(text)
    except ValueError:  # no such day
        return False
    return True


def _is_plain(path: str) -> bool:
    # Nearly every path has no name that begins with a point, and need not be taken apart.
    return "/." not in f"/{path}" or not any(
        part in (".", "..") or part.lower() == ".git" for part in path.split("/")
    )


def _is_tidy(path: str) -> bool:
    try:
        return relative_path(path) == path
    except InvalidInput:
        return False


ID = Kind("an ID of letters, digits, `_` and `-`", rf"[A-Za-z0-9_-]{{1,{MAX_ID}}}")
KEY = Kind(
    "an engine key, like marketing/website",
    rf"(?=.{{1,{MAX_KEY}}}\Z)[^./\\][^/\\]*(?:/[^./\\][^/\\]*)*",
    str.isprintable,
)
TIME = Kind(
    "a time in UTC, like 2026-11-24T11:08:13Z",
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?Z",
    _is_moment,
)
FINGERPRINT = Kind("a fingerprint, like v1:…", r"v[0-9]{1,4}:[0-9A-Za-z_-]{1,128}")
DIGEST = Kind("a digest, like sha256:…", r"sha256:[0-9a-f]{1,64}")
OBJECT_ID = Kind("a git object ID", r"[0-9a-f]{40}|[0-9a-f]{64}")
LOCALE = Kind("a BCP-47 locale", LOCALE_PATTERN)
LINE = Kind(
    f"one line of at most {MAX_LINE:,} characters, without control characters",
    f"[^{_CONTROLS}]{{1,{MAX_LINE}}}",
    surely=lambda text: 0 < len(text) <= MAX_LINE and text.isprintable(),
)
TEXT = Kind(
    "a text without control characters",
    f"[^{_CONTROLS_IN_TEXT}]*",
    surely=lambda text: text.replace("\n", " ").isprintable(),
)
PATH = Kind(
    "a path inside the project",
    rf"[^/\\{_CONTROLS}]+(?:/[^/\\{_CONTROLS}]+)*",
    _is_plain,
    surely=lambda path: path.isprintable() and "\\" not in path and all(path.split("/")),
)  # of a file that is read
OUTPUT_PATH = Kind("a path inside the project", r".+", _is_tidy)
POINTER = Kind("a JSON Pointer", POINTER_PATTERN, lambda text: len(text) <= MAX_PLACE and text.isprintable())
VARIABLE = Kind("the name of a variable", VARIABLE_PATTERN, lambda text: len(text) <= MAX_PLACE)
COUNTED = Kind("the name of a count", r"[A-Za-z][A-Za-z0-9]{0,63}")
LINK = Kind(
    f"a web address of at most {MAX_URL:,} characters",
    rf"(?s:.{{1,{MAX_URL}}})",
    lambda url: why_no_link(url) is None,
)


def as_line(text: str) -> str:
    """A text as a `LINE`: what cannot be in one becomes a blank."""
    if LINE.accepts(text):
        return text
    line = " ".join(re.sub(f"[{_CONTROLS}]", " ", text[: 2 * MAX_LINE]).split())
    return line[:MAX_LINE] or "-"


def shown(value: object) -> str:
    """A foreign value as a message may repeat it: one short line."""
    if isinstance(value, str):
        return as_line(value[:80])
    if value is None or isinstance(value, int):
        return "nothing" if value is None else repr(value)[:80]
    return type(value).__name__


def is_count(value: object) -> TypeGuard[int]:
    """Whether it is a whole number that can be shown and counted with; `true` is none."""
    return type(value) is int and 0 <= value <= _MOST


def is_number(value: object) -> TypeGuard[int]:
    """Whether it is such a number that counts from 1."""
    return is_count(value) and value > 0


def are_keys(keys: Collection[str]) -> bool:
    """Whether all of them are engine keys: for ten thousand at the cost of a few."""
    joined = f"/{'/'.join(keys)}/"
    return not keys or (
        joined.isprintable()
        and "//" not in joined
        and "/." not in joined
        and "\\" not in joined
        and (len(joined) <= MAX_KEY or max(map(len, keys)) <= MAX_KEY)
    )


def relative_path(value: object) -> str:
    """A path below the project's root, with `./` and `//` tidied away.

    Raises `InvalidInput`, whose message wants the name of what holds the path in front of it.
    """
    if not isinstance(value, str) or not value.strip():
        raise InvalidInput("must be a path below the project's root", hint="write a path like l10n/engines")
    if "\\" in value:
        raise InvalidInput("must use forward slashes", hint="write a/b, also on Windows")
    if value.startswith(("/", "~")) or value[1:2] == ":" or "://" in value:
        raise InvalidInput("must be relative to the project's root", hint="write a path like l10n/engines")
    parts = [part for part in value.split("/") if part not in ("", ".")]
    if ".." in parts or not parts:
        raise InvalidInput(
            "must stay below the project's root", hint="use a path without `..`, and not the root itself"
        )
    if any(part.lower() == ".git" for part in parts):
        raise InvalidInput("must not be in a .git folder")
    if not value.isprintable() or value != value.strip() or len(value) > 255:
        raise InvalidInput("must be a plain path of at most 255 characters, without surrounding spaces")
    return "/".join(parts)


_ORDINARY_LINK = r"https?://[a-z0-9.-]+(?::[0-9]{1,4})?(?:[/?#][!-~]*)?"  # spares taking the address apart
_AUTHORITY = r"(\[[0-9A-Fa-f:.]+\]|[^\[\]:]*)(?::([0-9]*))?"


def why_no_link(url: str) -> str | None:
    """Why it is no web address, as the end of a sentence; None for one. User names and passwords are refused."""
    if re.fullmatch(_ORDINARY_LINK, url):
        return None
    if not url.isprintable() or any(character.isspace() for character in url):
        return "it contains spaces"
    if not url.startswith(("https://", "http://")):
        return "it does not begin with `https://` or `http://`"
    authority = re.split("[/?#]", url.partition("://")[2], maxsplit=1)[0]
    user, at, place = authority.rpartition("@")
    found = re.fullmatch(_AUTHORITY, place)
    if found is None or _misleads(authority) or not _exists(found[1], found[2] or "0"):
        return "its host or port is malformed"
    if not found[1]:
        return "it has no host"
    return "it contains a user name or password" if at or user else None


def _exists(host: str, port: str) -> bool:
    """Whether there can be such a port, and such an address between brackets."""
    if host.startswith("["):
        import ipaddress

        try:
            ipaddress.IPv6Address(host[1:-1])
        except ValueError:
            return False
    return len(port) <= 5 and int(port) <= 65535


def _misleads(authority: str) -> bool:
    """Whether it holds a character that some reader takes for one that ends a host."""
    if authority.isascii():
        return False
    import unicodedata

    plain = "".join(c for c in authority if c not in "@:#?")
    return any(c in unicodedata.normalize("NFKC", plain) for c in "/?#@:")
