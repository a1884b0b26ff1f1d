"""Wires the seal on the ledger: the API key, where there is one, for this repository, environment and project."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.adapters.git.refs import tracking_ref
from reconciler.adapters.project.places import find_git
from reconciler.core.commands import Option, key_variable, reconcile
from reconciler.core.digests import sha256
from reconciler.core.patterns import lazy_pattern

if TYPE_CHECKING:
    from reconciler.core.ledger.seal import Seal
    from reconciler.core.settings.model import Settings

RESOLVE_WORKFLOW = "engines-resolve.yml"
_LATIN_1 = 0xFF
_LONGEST_NAME = 250  # bytes of a name that git can lock
_SPECIAL = lazy_pattern(r"[^A-Za-z0-9_-]")
_ESCAPED = lazy_pattern(r"%([0-9A-F]{2})|%u([0-9A-F]{4,6})_")
_IS_AWAY = lazy_pattern(
    r"[A-Za-z][A-Za-z0-9+.-]*://|[^/]*:", re.DOTALL
)  # by a scheme, or in the short form of SSH


def seal_of(
    root: Path, settings: Settings, key_of_run: Callable[[], str | None], address: str | None = None
) -> Seal | None:
    """What this project's ledger is sealed with; None without a key or a remote. Nothing is sent anywhere. `address` is
    the remote's, where it is known.
    """
    from reconciler.adapters.git.drafts import Identity
    from reconciler.adapters.git.remote import GitRemote
    from reconciler.core.ledger.seal import seal_for

    found, key = find_git(root), key_of_run()
    if found is None or key is None:
        return None
    if address is None:
        address = GitRemote(root, settings.remote, Identity("", "")).url()
    if not address:
        return None
    if not _IS_AWAY.match(address):
        address = str((found[0] / address).resolve())
    return seal_for(key, address, ledger_ref(settings.environment, root.resolve().relative_to(found[0])))


def ledger_ref(environment: str, inside: Path) -> str:
    """The ledger of an environment; a project in a subfolder of the repository has its own beside it. No two folders
    have one name, and none is longer than file systems take, here as well as where the ref is kept in the clone.
    """
    if not inside.parts:
        return f"refs/reconcile/{environment}"
    ref = f"refs/reconcile/{environment}+{_SPECIAL.sub(_escaped, inside.as_posix())}"
    if len(tracking_ref(ref).rpartition("/")[2]) <= _LONGEST_NAME:
        return ref
    return f"refs/reconcile/{environment}+%_{sha256(os.fsencode(inside.as_posix()))}"


def older_ledger_ref(environment: str, inside: Path) -> str | None:
    """What `ledger_ref` was before 0.3.0 for a folder with characters beyond Latin-1, which another folder's name could
    lead to as well; None where it is the same.
    """
    path = inside.as_posix()
    if all(ord(char) <= _LATIN_1 for char in path):
        return None
    return f"refs/reconcile/{environment}+{_SPECIAL.sub(lambda found: f'%{ord(found[0]):02X}', path)}"


def folder_read_from(ref: str) -> str:
    """The folder whose ledger has this name."""
    name = ref.partition("+")[2]
    return _ESCAPED.sub(lambda found: chr(int(found[1] or found[2], 16)), name)


def _escaped(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"%{code:02X}" if code <= _LATIN_1 else f"%u{code:04X}_"


def how_to_resolve(key: str, decision: str, given: Mapping[str, str]) -> str:
    """How to resolve a call that runs on the remote know of where there is no API key: `decision` is `engine`, `retry`
    or `forget`, `given` are the IDs that go with it.
    """
    fields = [f"key={key}", f"decision={decision}", *(f"{name}={value}" for name, value in given.items())]
    workflow = shlex.join([word for field in fields for word in ("-f", field)])
    options: list[Option] = [(f"--{name}", value) for name, value in given.items()]
    options += [] if decision == "engine" else [f"--{decision}"]
    return "\n".join(
        (
            "run the workflow that has the key, with `gh` or from its Actions page:",
            f"gh workflow run {RESOLVE_WORKFLOW} {workflow}",
            f"or set {key_variable()} and run again here:",
            reconcile("resolve", *options, arguments=[key]),
        )
    )
