"""The address of a PostgreSQL database, as `--inbox` and `RECONCILE_INBOX` take it: what is accepted, and what of it
may be shown.

Stricter than libpq, which takes an unencoded `@` or `/` in a password for the end of it and then says the rest of the
password in an error. No refusal here repeats any part of the address, since it may hold one.
"""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.core.errors import InvalidInput, UsageError
from reconciler.core.frozen import dataclass, field
from reconciler.core.patterns import lazy_pattern
from reconciler.core.suggest import did_you_mean

SCHEMES = ("postgresql://", "postgres://")
EXAMPLE = "postgresql://reconcile@db.example.com/inbox?sslmode=verify-full"
_LONGEST = 2048
_USER = lazy_pattern(r"(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*")
_PASSWORD = lazy_pattern(r"(?:[A-Za-z0-9._~!$&'()*+,;=:-]|%[0-9A-Fa-f]{2})*")
_HOST = lazy_pattern(r"(?:\[[0-9A-Fa-f:.%A-Za-z]+\]|(?:[A-Za-z0-9._-]|%[0-9A-Fa-f]{2})*)(?::([0-9]{1,5}))?")
_DATABASE = lazy_pattern(r"(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*")
_QUERY = lazy_pattern(r"(?:[A-Za-z0-9._~!$'()*+,;:@/?=&-]|%[0-9A-Fa-f]{2})*")
_LOOKALIKE = lazy_pattern(
    r"(?i)\s*(?:postgres(?:ql)?:|(?:host|hostaddr|port|user|password|dbname|service|sslmode|passfile)\s*=)"
)
_SECRETS = frozenset({"password", "sslpassword"})
# What libpq knows (https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS), less what is not
# for us: another protocol, another client's encoding.
_KNOWN = (
    *("host", "hostaddr", "port", "dbname", "user", "password", "passfile", "service", "servicefile"),
    *(
        "sslmode",
        "sslrootcert",
        "sslcert",
        "sslkey",
        "sslpassword",
        "sslcrl",
        "sslcrldir",
        "sslsni",
        "sslcertmode",
    ),
    *(
        "sslnegotiation",
        "sslcompression",
        "sslkeylogfile",
        "ssl_min_protocol_version",
        "ssl_max_protocol_version",
    ),
    *("target_session_attrs", "load_balance_hosts", "connect_timeout", "application_name", "options"),
    *("keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout"),
    *(
        "require_auth",
        "channel_binding",
        "requirepeer",
        "gssencmode",
        "gsslib",
        "gssdelegation",
        "krbsrvname",
    ),
)


@dataclass(frozen=True)
class PostgresPlace:
    """`url` is all that libpq needs; `name` leads to the same without the password, and may be shown and pasted."""

    url: str = field(repr=False)
    name: str
    secrets: frozenset[str] = field(repr=False)
    parameters: tuple[tuple[str, str], ...] = field(repr=False)
    hosts: tuple[str, ...]

    def __str__(self) -> str:
        return self.name


def refuse_password(text: str, flag: str) -> None:
    """Raises `UsageError` for an address with a password on the command line, which every user can read."""
    if not is_postgres(text):
        return
    try:
        place = parse_postgres(text)
    except InvalidInput as error:
        raise UsageError(f"{flag} {error.message}", hint=error.hint) from error
    if place.secrets:
        raise UsageError(
            f"{flag} must not contain a password: other users of this machine can read command lines",
            hint=f"export PGPASSWORD='<PASSWORD>', or use a pgpass file, with {flag} '{place.name}'",
        )


def refuse_lookalike(text: str) -> None:
    """Raises `InvalidInput` for an address in another form, which would pass for the name of a file and be shown."""
    if _LOOKALIKE.match(text):
        raise InvalidInput(
            "must be written as an address that begins with postgresql://", hint=f"like {EXAMPLE}"
        )


def is_postgres(text: str) -> bool:
    return text.startswith(SCHEMES)


def parse_postgres(text: str) -> PostgresPlace:
    """Raises `InvalidInput`, whose message wants what it is about in front of it and shows nothing of the address."""
    scheme, _, rest = text.partition("://")
    if f"{scheme}://" not in SCHEMES:
        raise InvalidInput("must begin with postgresql://", hint=f"like {EXAMPLE}")
    if len(text) > _LONGEST or not (text.isascii() and text.isprintable()) or " " in text:
        raise InvalidInput(
            f"must be printable ASCII without spaces, at most {_LONGEST} characters",
            hint="percent-encode other characters: %20 is a space",
        )
    before, _, query = rest.partition("?")
    authority, slash, database = before.partition("/")
    user_info, _, hosts = authority.rpartition("@")
    user, _, password = user_info.partition(":")
    _check("user name", _USER, user)
    _check("password", _PASSWORD, password)
    if not _DATABASE.fullmatch(database):
        raise InvalidInput(
            "must end with one name of a database", hint="in a password, write %2F for / and %40 for @"
        )
    if not _QUERY.fullmatch(query) or "%00" in text:
        raise InvalidInput("has parameters that cannot be read", hint="percent-encode other characters")
    names = tuple(_hosts(hosts))
    parameters = tuple(_parameters(query))
    secrets = {_decoded(password), password, *(value for name, value in parameters if name in _SECRETS)}
    kept = [one for one in query.split("&") if one and _decoded(one.partition("=")[0]) not in _SECRETS]
    if user:  # not before an `@`: everything up to one is cut out of what is printed
        kept.insert(0, f"user={user}")
    name = f"postgresql://{hosts}{slash}{database}" + (f"?{'&'.join(kept)}" if kept else "")
    return PostgresPlace(text, name, frozenset(secrets - {""}), parameters, names)


def _check(what: str, pattern: object, text: str) -> None:
    if not pattern.fullmatch(text):  # type: ignore[attr-defined] # a lazy one
        raise InvalidInput(
            f"has a {what} with characters that must be encoded",
            hint="percent-encode them: %40 is @, %2F is /, %3A is :",
        )


def _hosts(text: str) -> Iterator[str]:
    for one in text.split(","):
        found = _HOST.fullmatch(one)
        if found is None or (found[1] and not 1 <= int(found[1]) <= 65535):
            raise InvalidInput(
                "must name hosts like db.example.com:5432, separated by commas", hint=f"like {EXAMPLE}"
            )
        yield _decoded(one.removesuffix(f":{found[1]}") if found[1] else one)


def _parameters(query: str) -> Iterator[tuple[str, str]]:
    found = [one.partition("=") for one in query.split("&")] if query else []
    if not all(equals for _, equals, _ in found):
        raise InvalidInput("has a parameter without a value", hint="write name=value&name=value")
    seen: set[str] = set()
    for name, value in ((_decoded(name), _decoded(value)) for name, _, value in found):
        if name not in _KNOWN:
            meant = did_you_mean(name, _KNOWN)
            hint = f"did you mean {meant}?" if meant else "check the names before each `=`"
            raise InvalidInput("has a parameter that PostgreSQL does not know", hint=hint)
        if name in seen:
            raise InvalidInput(f"has the parameter {name} twice", hint="remove one of them")
        seen.add(name)
        yield name, value


def _decoded(text: str) -> str:
    """As libpq does it: only `%XX`, and a `+` is one."""
    if "%" not in text:
        return text
    first, *others = text.encode().split(b"%")
    return (first + b"".join(bytes([int(one[:2], 16)]) + one[2:] for one in others)).decode(
        "utf-8", "replace"
    )
