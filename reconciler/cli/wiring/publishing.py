"""Wires the remote: whether runs share through it, under which ref, on which branch, and as whom."""

from __future__ import annotations

import os
import random
import re
import socket
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.adapters.project.places import find_git
from reconciler.adapters.storage.durable_files import replace_file
from reconciler.adapters.system.clock import UtcClock
from reconciler.cli.pull_requests import ci
from reconciler.cli.stderr import hears, say
from reconciler.cli.wiring.project import FETCHED
from reconciler.core.errors import GitError, InvalidInput
from reconciler.core.ledger import journal
from reconciler.core.ledger.lease import Holder
from reconciler.core.settings.model import Settings
from reconciler.render.phrases.sanitize import sanitize

if TYPE_CHECKING:
    from reconciler.adapters.git.ledger import GitLedger
    from reconciler.adapters.git.remote import Identity
    from reconciler.app.ledger_writer import LedgerWriter, Terms
    from reconciler.cli.wiring.project import Project
    from reconciler.core.ledger.remote_snapshot import RemoteSnapshot

_NOT_SHARED = ", or --no-publish"


def shares(project: Project) -> bool:
    """Whether runs of this project share through a remote: as set, otherwise in CI, where the repo knows the remote."""
    if project.settings.publish is not None:
        return bool(project.settings.publish)
    if not ci.in_ci():
        return False
    from reconciler.adapters.git.remote import has_remote

    return has_remote(project.root, project.settings.remote)


def open_ledger(project: Project, *, otherwise: str = "") -> GitLedger:
    """The project's ledger; `otherwise` is what else to do where there can be none.

    Raises `GitError` or `InvalidInput` where remote or branch cannot be told.
    """
    from reconciler.adapters.git.ledger import GitLedger
    from reconciler.adapters.git.remote import GitRemote, Identity

    found = find_git(project.root)
    if found is None:
        raise InvalidInput("publishing needs a git repository", hint=f"git init{otherwise}")
    remote = GitRemote(project.root, project.settings.remote, Identity("reconcile", "reconcile@localhost"))
    if not remote.exists():
        raise GitError(
            f"the repository has no remote `{project.settings.remote}`",
            hint=f"git remote add …, the setting `remote`{otherwise}",
        )
    remote.identity = _identity(project.settings) or remote.configured_identity() or remote.identity
    branch = project.settings.branch or ci.branch() or remote.current_branch()
    if branch is None:
        raise GitError(
            "HEAD is detached, so the branch to publish to is not known",
            hint="name it with the setting `branch` (RECONCILE_BRANCH=main)",
        )
    inside = project.root.resolve().relative_to(found[0])
    ref = ledger_ref(project.settings.environment, inside)
    path = (inside / project.settings.lockfile).as_posix()
    folder = inside.as_posix() if inside.parts else ""
    ledger = GitLedger(
        remote, ref, branch, path, ci.run_url(), project.settings.skip_ci, folder=folder, notice=_noticing()
    )
    return _proposing(project.settings, ledger) if project.settings.publish == "pr" else ledger


def _proposing(settings: Settings, plain: GitLedger) -> GitLedger:
    """The same ledger, with a branch that pull requests come from."""
    from reconciler.adapters.git.proposals import ProposingLedger

    return ProposingLedger(
        plain.remote,
        plain.ref,
        plain.branch,
        plain.path,
        plain.run_url,
        folder=plain.folder,
        notice=plain.notice,
        proposals=proposals_branch(settings.pr_branch, plain.ref),
    )


def _noticing() -> Callable[[str], None]:
    """For the ledger, which may speak from a thread that knows of no command; so it is asked now who wants to hear."""
    heard = hears("info")

    def notice(text: str) -> None:
        if heard:
            click.echo(sanitize(f"note: {text}"), err=True)

    return notice


def proposals_branch(named: str | None, ledger: str) -> str:
    """`reconcile/production`; a project in a subfolder has one of its own, as it has a ledger."""
    return named or ledger.removeprefix("refs/")


def ledger_ref(environment: str, inside: Path) -> str:
    """The ledger of an environment; a project in a subfolder of the repository has its own beside it."""
    if not inside.parts:
        return f"refs/reconcile/{environment}"
    folder = re.sub(r"[^A-Za-z0-9_-]", lambda found: f"%{ord(found[0]):02X}", inside.as_posix())
    return f"refs/reconcile/{environment}+{folder}"


def terms(settings: Settings) -> Terms:
    """On which terms this run holds the lease."""
    from reconciler.app.ledger_writer import Terms

    holder = Holder(socket.gethostname(), os.getpid(), ci.run_url())
    return Terms(holder, str(uuid.uuid4()), settings.lease_ttl)


def pause(attempt: int) -> None:
    """Between two pushes that were overtaken: longer every time, and never as long as the other run's."""
    time.sleep(random.uniform(0.05, min(0.2 * 2**attempt, 5.0)))  # noqa: S311 - jitter, no secret


def _identity(settings: Settings) -> Identity | None:
    """Who is to author commits, as set, or as git's own variables say."""
    from reconciler.adapters.git.remote import Identity

    if settings.author is not None:
        name, _, address = settings.author.partition(" <")
        return Identity(name, address.rstrip(">"))
    for role in ("COMMITTER", "AUTHOR"):
        name, address = (os.environ.get(f"GIT_{role}_{what}", "").strip() for what in ("NAME", "EMAIL"))
        if name and address:
            return Identity(name, address)
    return None


def look_when_free(project: Project, wait: float) -> RemoteSnapshot:
    """What is on the remote, once nobody has the lease. Raises `LeaseHeld` after `wait` seconds."""
    from reconciler.app import leasing

    ledger = open_ledger(project, otherwise=_NOT_SHARED)
    seen = leasing.look_when_free(
        ledger,
        UtcClock(),
        wait=wait,
        sleep=time.sleep,
        has_ended=_has_ended,
        notice=lambda text: say(sanitize(text)),
    )
    return leasing.with_past(ledger, seen, project.journal)


def fetch(project: Project) -> RemoteSnapshot:
    """Look at the remote, and keep its journal here for plans without a network."""
    from reconciler.app.leasing import with_past

    ledger = open_ledger(project)
    seen = with_past(ledger, ledger.look(), project.journal)
    keep(project, seen)
    return seen


def keep(project: Project, seen: RemoteSnapshot) -> None:
    """Write down the remote's journal as it was seen. Raises `StorageError`."""
    file = project.private / FETCHED
    if seen.records:
        file.parent.mkdir(parents=True, exist_ok=True)
        replace_file(file, journal.render(seen.records), str(file))
    else:
        file.unlink(missing_ok=True)


def new_ledger_writer(project: Project, seen: RemoteSnapshot) -> LedgerWriter:
    """The remote's side of a run that was planned from what was seen."""
    from reconciler.app.ledger_writer import LedgerWriter

    return LedgerWriter(
        open_ledger(project, otherwise=_NOT_SHARED), seen, terms(project.settings), UtcClock(), pause
    )


def _has_ended(holder: Holder) -> bool:
    """Whether that run has ended for certain: GitHub says so, where there is a token to ask it."""
    token = os.environ.get("GITHUB_TOKEN", "").strip()
    if holder.run_url is None or not token or "/actions/runs/" not in holder.run_url:
        return False
    from reconciler.adapters.github.runs import run_has_ended

    return run_has_ended(holder.run_url, os.environ.get("GITHUB_API_URL") or "https://api.github.com", token)
