"""Takes secrets out of a text that a person may pass on: the log of a crash, and what `--log-level debug` shows.

By value where this process was given them, and by shape where they come from elsewhere: a file, an answer, a command
line. Rather too much is taken out than too little.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from urllib.parse import quote

from reconciler.adapters.system import trail
from reconciler.core.user_info import without_user_info

REMOVED = "[removed]"
_SECRET_NAME = re.compile(
    r"KEY|TOKEN|SECRET|PASS|PASSWD|CREDENTIAL|AUTH|COOKIE|BEARER|JWT|WEBHOOK|DSN|[A-Z]_?PWD"
    r"|GIT_CONFIG_VALUE|GIT_CONFIG_PARAMETERS",
    re.I,
)
_FOLDERS = frozenset({"PWD", "OLDPWD"})  # named like passwords
_SHORTEST = 6  # characters; shorter values are words such as `true`, without which a text cannot be read
_SHAPES = re.compile(
    r"\b(?:lk|whsec|gh[opsur]|github_pat|xox[abprs])[_-][\w+/=-]{6,}|\bglpat-[\w-]{6,}|\beyJ[\w-]{8,}\.[\w.-]+"
    r"|(?<=\bbearer )[^\s'\"]{6,}|(?<=\bbasic )[^\s'\"]{6,}",
    re.I,
)
_NAMED = re.compile(
    r"(authorization[\"']?\s*[:=]\s*)[^\n]+"
    r"|((?:api[_-]?key|token|secret|passw(?:or)?d|credential|signature|cookie)[\"']?\s*[:=]\s*[\"']?)"
    r"[^\s\"'&,;}\])]{3,}",
    re.I,
)
_FRAME = re.compile(r'\s*File ".*", line \d+')


def without_secrets(text: str, environ: Mapping[str, str]) -> str:
    """`text` without secret values of the environment, URLs' user info, what looks like a key, and the home folder."""
    for name, form in _secrets(frozenset(environ.items()), trail.hidden()):
        text = text.replace(form, f"[{name}]")
    text = _SHAPES.sub(REMOVED, without_user_info(text))
    text = "\n".join(_without_named(text.split("\n")))
    home = environ.get("HOME", "").rstrip("/")
    return text.replace(f"{home}/", "~/") if home else text


def without_values(arguments: Sequence[str]) -> list[str]:
    """The arguments without the values of options that are named like secrets."""
    kept: list[str] = []
    secret = False
    for word in arguments:
        name, equals, _ = word.partition("=")
        is_option = word.startswith("-") and bool(_SECRET_NAME.search(name))
        if secret and not word.startswith("--"):
            kept.append(REMOVED)
        else:
            kept.append(f"{name}={REMOVED}" if is_option and equals else word)
        secret = is_option and not equals
    return kept


def _without_named(lines: Iterable[str]) -> Iterator[str]:
    """`token=…` and the like. A line of source below its place has names for values, and stays as it is."""
    source = False
    for line in lines:
        yield line if source else _NAMED.sub(lambda found: f"{found[1] or found[2]}{REMOVED}", line)
        source = bool(_FRAME.match(line))


@lru_cache(maxsize=2)
def _secrets(environment: frozenset[tuple[str, str]], hidden: frozenset[str]) -> list[tuple[str, str]]:
    """Secret values with their names, the longest first, in each form in which a message may quote them. A key file
    has many lines.
    """
    named = [
        (name, value) for name, value in environment if name not in _FOLDERS and _SECRET_NAME.search(name)
    ]
    found = {
        (name, form)
        for name, value in [*named, *(("removed", value) for value in hidden)]
        for one in {value, *value.splitlines()}
        for form in {one, one.strip(), repr(one)[1:-1], quote(one, safe=""), quote(one)}
        if len(form) >= _SHORTEST
    }
    return sorted(found, key=lambda each: (-len(each[1]), each))
