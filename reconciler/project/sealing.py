"""Wires the seal on the ledger: the API key, where there is one, for this repository, environment and project."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.adapters.project.places import find_git
from reconciler.core.commands import Option, key_variable, reconcile
from reconciler.core.patterns import lazy_pattern

if TYPE_CHECKING:
    from reconciler.core.ledger.seal import Seal
    from reconciler.core.settings.model import Settings

RESOLVE_WORKFLOW = "engines-resolve.yml"
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
    """The ledger of an environment; a project in a subfolder of the repository has its own beside it."""
    if not inside.parts:
        return f"refs/reconcile/{environment}"
    folder = re.sub(r"[^A-Za-z0-9_-]", lambda found: f"%{ord(found[0]):02X}", inside.as_posix())
    return f"refs/reconcile/{environment}+{folder}"


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
