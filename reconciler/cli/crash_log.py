"""The log that a bug of ours leaves behind, so that it can be reported the first time it happens.

It holds what a maintainer asks for first, and none of the secrets this process was given. Secrets are removed by value
where the environment has them, and by shape where they come from elsewhere (a keyring, a file, an answer).
"""

from __future__ import annotations

import itertools
import os
import platform
import re
import shlex
import tempfile
import traceback
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from reconciler.cli.version import version_text
from reconciler.core.errors import ReconcileError
from reconciler.core.patterns import lazy_pattern
from reconciler.core.user_info import without_user_info

_SECRET_NAME = lazy_pattern(
    r"KEY|TOKEN|SECRET|PASS|CREDENTIAL|AUTH|COOKIE|GIT_CONFIG_VALUE|GIT_CONFIG_PARAMETERS", re.I
)
_SHORTEST = (
    6  # shorter values are words such as `1` or `true`: replacing them would only make the log unreadable
)
_SHAPES = lazy_pattern(
    r"\b(?:lk|whsec|gh[opsur]|github_pat)_[\w+/=-]{6,}|\bglpat-[\w-]{6,}"
    r"|(?<=\bbearer )[^\s'\"]{6,}|(?<=\bbasic )[^\s'\"]{6,}",
    re.IGNORECASE,
)


def crash_text(error: BaseException, arguments: Sequence[str], environ: Mapping[str, str]) -> str:
    """What a report needs to know, without secrets."""
    lines = [
        f"reconcile {version_text(ask_git=False)}",
        f"Python    {platform.python_version()} ({platform.python_implementation()})",
        f"platform  {platform.platform()}",
        f"time      {datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        f"command   {shlex.join(['reconcile', *arguments])}",
        "",
        *traceback.format_exception(error),
    ]
    return without_secrets("\n".join(line.rstrip("\n") for line in lines) + "\n", environ)


def without_secrets(text: str, environ: Mapping[str, str]) -> str:
    """`text` without secret values of the environment, URLs' user info, what looks like a key, and the home folder."""
    for name, form in sorted(_secrets(environ), key=lambda each: len(each[1]), reverse=True):
        text = text.replace(form, f"[{name}]")
    text = _SHAPES.sub("[removed]", without_user_info(text))
    home = environ.get("HOME", "").rstrip("/")
    return text.replace(f"{home}/", "~/") if home else text


def _secrets(environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Secret values with their names, in each form in which a message may quote them. A key file has many lines."""
    for name, value in environ.items():
        if not _SECRET_NAME.search(name):
            continue
        for one in {value, *value.splitlines()}:
            for form in {one, one.strip(), repr(one)[1:-1], quote(one, safe="")}:
                if len(form) >= _SHORTEST:
                    yield name, form


def write_crash_log(text: str, arguments: Sequence[str]) -> Path:
    """Write it for this user's eyes only, and return where. Raises `OSError`."""
    try:
        return _write(_state_folder(arguments), text)
    except (OSError, ReconcileError):  # no run was here yet, or git's folder cannot be read or written
        return _write(Path(tempfile.gettempdir()), text)


def _state_folder(arguments: Sequence[str]) -> Path:
    """Where runs of this repo keep their journal; it may not exist. Outside of git, the folder for temporary files."""
    from reconciler.adapters.project.places import find_git  # for a crash only

    given = [then for word, then in itertools.pairwise(arguments) if word == "-C"]
    found = find_git(Path(given[-1] if given else "."))
    return Path(tempfile.gettempdir()) if found is None else found[1] / "reconcile"


def _write(folder: Path, text: str) -> Path:
    stamp = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    descriptor, name = tempfile.mkstemp(
        ".log", f"reconcile-crash-{stamp}-", folder
    )  # always a new file, mode 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as stream:
            stream.write(text)
    except OSError:
        os.unlink(name)
        raise
    return Path(name)
