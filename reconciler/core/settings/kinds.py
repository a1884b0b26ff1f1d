"""The kinds of values a setting can have: what is accepted, what it becomes, and how JSON Schema says it.

Each kind has `parse(value, as_text)`. `as_text` tells that the value comes from the environment or the
command line, where everything is text; in a file a number is a number. A refusal is `InvalidInput` whose
message wants the setting's name in front of it. It never repeats the value: a secret may have been put into
the wrong variable.

Plain classes and lazily compiled patterns, because every start of the command pays for importing this.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.core.duration import DURATION_PATTERN, duration_pattern, format_duration, parse_duration
from reconciler.core.errors import InvalidInput
from reconciler.core.values import relative_path

JsonSchema = dict[str, Any]

_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_LOOPBACK = rf"(?:localhost|127\.{_OCTET}\.{_OCTET}\.{_OCTET}|\[::1\])"
_HOST = r"(?:[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])"
_PATH = r"(?:/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*)?"
URL_PATTERN = rf"^(?:https://{_HOST}|http://{_LOOPBACK})(?::[0-9]{{1,5}})?{_PATH}$"

# A name that can be the last part of a git ref (`git check-ref-format`), and so of a file and a URL.
NAME_PATTERN = r"^(?!.*\.\.)(?!.*(?:\.|\.lock)$)[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$"

# A branch: names as above, joined by slashes.
BRANCH_PATTERN = r"^(?!.*\.\.)(?!.*(?:\.|\.lock)(?:/|$))(?!.*/[./])[A-Za-z0-9_][A-Za-z0-9._/-]{0,199}(?<!/)$"
_ONE_GLOB = r"(?!\.\.?/)(?![^,]*/\.\.?/)(?![^,]*://)(?![/\s])[^,\\\x00-\x1f\x7f]{0,254}[^,\s/\\\x00-\x1f\x7f]"
GLOB_PATTERN = rf"^{_ONE_GLOB}$"
_MOST_PATTERNS = 100
KEY_PATTERN = r"^LINGO_API_KEY(?:_[A-Z0-9_]{1,80})?$"
PATH_PATTERN = r"^(?!.*(?:^|/)\.\.(?:/|$))(?!.*://)(?!\s)[^\x00-\x1f\x7f]{1,1000}(?<!\s)$"
_POSTGRES_PATTERN = r"^postgres(?:ql)?://[!-~]{0,2000}$"
LABELS_PATTERN = r"^(?!.*(?:\.\.|://))[^,\x00-\x1f\x7f]{1,50}(?:,[^,\x00-\x1f\x7f]{1,50}){0,19}$"
NETWORKS_PATTERN = r"^[A-Za-z0-9_.:/\-]{1,253}(?:[ ]*,[ ]*[A-Za-z0-9_.:/\-]{1,253}){0,49}$"
AUTHOR_PATTERN = r"^[^<>\x00-\x1f]{1,100} <[^<>\s]{1,200}>$"

_ON = ("true", "yes", "on", "1")
_OFF = ("false", "no", "off", "0")


def matches(pattern: str, text: str) -> bool:
    import re

    return re.fullmatch(pattern, text) is not None


def whole(value: object) -> object:
    """A number that is whole counts as one however it is written (`8.0`), as it does in JSON Schema."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


class WholeNumber:
    __slots__ = ("least", "most")

    def __init__(self, least: int, most: int) -> None:
        self.least = least
        self.most = most

    def parse(self, value: object, as_text: bool) -> int:
        digits = isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 12
        if as_text and digits:
            value = int(str(value))
        value = whole(value)
        if type(value) is not int or not self.least <= value <= self.most:
            hint = "write it without quotes" if digits and not as_text else None
            raise InvalidInput(f"must be a whole number from {self.least} to {self.most}", hint=hint)
        return value

    def schema(self) -> JsonSchema:
        return {"type": "integer", "minimum": self.least, "maximum": self.most}


class Duration:
    """Seconds. Written as `30m` or as a number of seconds, from just above nothing to `longest`."""

    __slots__ = ("longest",)

    def __init__(self, longest: float) -> None:
        self.longest = longest

    def parse(self, value: object, as_text: bool) -> float:
        if isinstance(value, str) and (as_text or value == value.strip()):
            value = parse_duration(value)
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise InvalidInput("must be a duration", hint="write 90s, 30m or 1h30m")
        if not 0 < value <= self.longest:  # false for NaN, too
            raise InvalidInput(f"must be longer than 0s and at most {format_duration(self.longest)}")
        return float(value)

    def schema(self) -> JsonSchema:
        number = {"type": "number", "exclusiveMinimum": 0, "maximum": self.longest}
        days, rest = divmod(self.longest, 86400)
        pattern = DURATION_PATTERN if rest else duration_pattern(int(days))
        return {"anyOf": [{"type": "string", "pattern": pattern}, number]}


class Switch:
    """On or off, or one of a few words that say how."""

    __slots__ = ("words",)

    def __init__(self, *words: str) -> None:
        self.words = words

    def parse(self, value: object, as_text: bool) -> bool | str:
        if as_text and isinstance(value, str) and value.lower() in _ON + _OFF:
            return value.lower() in _ON
        if not isinstance(value, bool) and value not in self.words:
            raise InvalidInput(f"must be {', '.join(('true', *self.words))} or false")
        return value if isinstance(value, bool) else str(value)

    def schema(self) -> JsonSchema:
        return {"enum": [True, False, *self.words]} if self.words else {"type": "boolean"}


class Choice:
    """One of a few words."""

    __slots__ = ("words",)

    def __init__(self, *words: str) -> None:
        self.words = words

    def parse(self, value: object, as_text: bool) -> str:
        if not isinstance(value, str) or value not in self.words:
            raise InvalidInput(f"must be {', '.join(self.words[:-1])} or {self.words[-1]}")
        return value

    def schema(self) -> JsonSchema:
        return {"enum": list(self.words)}


class Name:
    """A short name that is safe in a git ref, a file name and a URL."""

    __slots__ = ()

    def parse(self, value: object, as_text: bool) -> str:
        if not isinstance(value, str):
            raise InvalidInput("must be a name", hint="write it in quotes" if value is not None else None)
        if not matches(NAME_PATTERN, value):
            raise InvalidInput(
                "must be a name of letters, digits, `.`, `_` and `-` that is valid in a git ref",
                hint="write a name like staging-eu, without `..`, a leading `.` or `-`, or a trailing `.` or `.lock`",
            )
        return value

    def schema(self) -> JsonSchema:
        return {"type": "string", "pattern": NAME_PATTERN}


class Text:
    """A text of a certain form, such as a branch's name; `example` shows the form."""

    __slots__ = ("example", "pattern", "what")

    def __init__(self, what: str, pattern: str, example: str) -> None:
        self.what = what
        self.pattern = pattern
        self.example = example

    def parse(self, value: object, as_text: bool) -> str:
        if not isinstance(value, str) or not matches(self.pattern, value):
            raise InvalidInput(f"must be {self.what}", hint=f"like {self.example}")
        return value

    def schema(self) -> JsonSchema:
        return {"type": "string", "pattern": self.pattern}


class Inbox:
    """A receiver's file, or a PostgreSQL database. A password in its address stands in the environment only."""

    __slots__ = ()

    def parse(self, value: object, as_text: bool) -> str:
        if isinstance(value, str) and "://" in value:
            from reconciler.core.settings.postgres_url import parse_postgres  # where there is one

            if parse_postgres(value).secrets and not as_text:
                raise InvalidInput(
                    "must not contain a password", hint="put it in PGPASSWORD or a pgpass file"
                )
            return value
        if isinstance(value, str) and ("=" in value or ":" in value):
            from reconciler.core.settings.postgres_url import refuse_lookalike

            refuse_lookalike(value)
        if not isinstance(value, str) or not matches(PATH_PATTERN, value):
            raise InvalidInput(
                "must be a path without `..`, or the address of a PostgreSQL database",
                hint="like /var/lib/reconcile/inbox.db or postgresql://reconcile@db.example.com/inbox",
            )
        return value

    def schema(self) -> JsonSchema:
        return {"type": "string", "pattern": f"{PATH_PATTERN}|{_POSTGRES_PATTERN}"}


class Url:
    """Where a call that may carry a key goes: HTTPS, or plain HTTP to this machine. No slash at the end."""

    __slots__ = ()

    def parse(self, value: object, as_text: bool) -> str:
        if not isinstance(value, str):
            raise InvalidInput("must be a URL", hint="write https://…")
        if not matches(URL_PATTERN, value):
            raise _refused_url(value)
        scheme, _, rest = value.partition("://")
        authority, slash, path = rest.partition("/")
        _check_authority(authority)
        return f"{scheme}://{authority.lower()}{slash}{path}".rstrip("/")

    def schema(self) -> JsonSchema:
        return {"type": "string", "pattern": URL_PATTERN}


def _check_authority(authority: str) -> None:
    """What a pattern cannot tell: whether the port and a bracketed address exist."""
    host, bracket, rest = authority.rpartition("]")
    port = rest.rpartition(":")[2] if ":" in rest else ""
    if port and not 1 <= int(port) <= 65535:
        raise InvalidInput("must be a URL whose port is between 1 and 65535")
    if bracket:
        import ipaddress

        try:
            ipaddress.IPv6Address(host[1:])
        except ValueError as error:
            raise InvalidInput("must be a URL with a valid IPv6 address between the brackets") from error


def _refused_url(text: str) -> InvalidInput:
    """Why a URL is not taken, in words that do not show it: it may hold a password."""
    scheme, separator, rest = text.partition("://")
    authority = rest.partition("/")[0]
    if "@" in authority.partition("?")[0].partition("#")[0]:
        return InvalidInput(
            "must not contain a user name or password", hint="put the API key in LINGO_API_KEY, nowhere else"
        )
    if not separator or scheme not in ("http", "https"):
        return InvalidInput(
            "must be a URL that begins with https://", hint="write a URL like https://api.lingo.dev"
        )
    if "?" in rest or "#" in rest:
        return InvalidInput("must not have a query or a fragment", hint="remove what follows `?` or `#`")
    if scheme == "http" and matches(URL_PATTERN, f"https://{rest}"):
        return InvalidInput(
            "must begin with https://",
            hint="use https://; plain http is allowed only for this machine: 127.0.0.1, [::1] or localhost",
        )
    return InvalidInput("must be a URL like https://host:port/path", hint="use plain letters, without spaces")


class RelativePath:
    """A file or folder below the project's root, with forward slashes; `./` and `//` are tidied away."""

    __slots__ = ("suffix",)

    def __init__(self, suffix: str = "") -> None:
        self.suffix = suffix

    def parse(self, value: object, as_text: bool) -> str:
        path = relative_path(value)
        if f"{path}/".lower().startswith(".github/workflows/"):
            raise InvalidInput(
                "must not be in .github/workflows", hint="GitHub takes every YAML file there for a workflow"
            )
        if self.suffix and not (str(value).endswith(self.suffix) and path.rpartition("/")[2] != self.suffix):
            raise InvalidInput(
                f"must end in {self.suffix}", hint="choose a .json name; applications import the file as JSON"
            )
        return path

    def schema(self) -> JsonSchema:
        suffix = self.suffix.replace(".", r"\.")
        workflows = (
            r"(?!(?:\.?/)*\.[Gg][Ii][Tt][Hh][Uu][Bb]/(?:\.?/)*[Ww][Oo][Rr][Kk][Ff][Ll][Oo][Ww][Ss](?:/|$))"
        )
        inside = r"(?!\s)(?!.*\s$)(?![/~])(?!.:)(?!.*://)(?!.*(?:^|/)(?:\.\.|\.[Gg][Ii][Tt])(?:/|$))(?!(?:\.?/)*\.?$)"
        last = rf"[^\\]*[^/\\]{suffix}$" if suffix else r"[^\\]+$"
        return {"type": "string", "maxLength": 255, "pattern": "^" + workflows + inside + last}


class Patterns:
    """Patterns of engine keys, a list or a text with commas. `*` also crosses `/`."""

    __slots__ = ()

    def parse(self, value: object, as_text: bool) -> tuple[str, ...]:
        if isinstance(value, str):
            text = value.removeprefix("[").removesuffix("]") if as_text else value
            value = [part.strip() for part in text.split(",")]
        if not isinstance(value, list) or not 0 < len(value) <= _MOST_PATTERNS:
            raise InvalidInput(
                f"must be a list of 1 to {_MOST_PATTERNS} patterns", hint="like [marketing/*, shop]"
            )
        for one in value:
            if not isinstance(one, str) or not matches(GLOB_PATTERN, one):
                raise InvalidInput(
                    "must be patterns of engine keys",
                    hint="like marketing/*: without suffix and without the folder",
                )
        return tuple(value)

    def schema(self) -> JsonSchema:
        one = {"type": "string", "pattern": GLOB_PATTERN}
        many = {"type": "array", "minItems": 1, "maxItems": _MOST_PATTERNS, "items": one}
        listed = rf"^\s*{_ONE_GLOB}\s*(?:,\s*{_ONE_GLOB}\s*){{0,{_MOST_PATTERNS - 1}}}$"
        return {"anyOf": [many, {"type": "string", "pattern": listed}]}


def nullable(schema: Mapping[str, Any]) -> JsonSchema:
    return {"anyOf": [dict(schema), {"type": "null"}]}
