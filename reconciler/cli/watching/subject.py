"""What is watched: a project in a clone, the branch of the remote that it follows, and its ledger.

Remote, branch, environment, project folder, and whether to publish are decided at the start: a commit cannot lead the
watch to another ledger, or away from it. The rest of the settings is read again with every commit.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.adapters.checkout.following import Follower
from reconciler.adapters.project.places import find_git, private_folder
from reconciler.adapters.project.settings import find_root
from reconciler.adapters.system.clock import UtcClock
from reconciler.cli.wiring.api_key import api_key
from reconciler.cli.wiring.publishing import target_of, target_of_run
from reconciler.core.errors import InvalidInput, ReconcileError
from reconciler.core.frozen import dataclass, replace
from reconciler.core.ledger import lease
from reconciler.core.settings.model import SETTINGS, SETTINGS_FILE, Settings
from reconciler.core.settings.resolution import resolve
from reconciler.core.watch.machine import Held, Trouble
from reconciler.core.watch.troubles import trouble_of
from reconciler.project.opened import WRITTEN

if TYPE_CHECKING:
    from reconciler.core.ledger.seal import Seal

LEASE_FILE = "lease.json"

Opening = Callable[[], Settings]


@dataclass(frozen=True, slots=True)
class Subject:
    """`ledger` is the ref that replicas share, None where they do not publish. `trouble` is why the project cannot be
    read as its commit has it. `environment` is None while no commit could be read that names it.
    """

    start: Path
    root: Path
    environment: str | None
    settings: Settings
    remote: str
    branch: str
    address: str
    ledger: str | None
    seal: Seal | None
    follower: Follower
    trouble: Trouble | None = None

    def lease_at(self, tip: str) -> bytes:
        """The lease in this commit of the ledger, as it stands there."""
        return self.follower.read(tip, LEASE_FILE) or b""

    def held(self, content: bytes) -> Held | None:
        """Who holds a lease now. Raises `JournalError`."""
        found = lease.parse(content, self.seal)
        if found.holder is None:
            return None
        now = UtcClock().now()
        left = lease.seconds_left(found, now) + lease.SKEW
        return Held(str(found.holder), max(left, 1.0) if found.held_at(now) else 0.0)

    def holder_pid(self) -> int | None:
        """The process that holds the lease, as far as was seen here last."""
        from reconciler.adapters.git.refs import tracking_ref

        if self.ledger is None:
            return None
        found = lease.parse(self.follower.read(tracking_ref(self.ledger), LEASE_FILE) or b"", self.seal)
        return found.holder.pid if found.holder is not None and found.held_at(UtcClock().now()) else None


def _watched(settings: Settings) -> Settings:
    """A watch publishes unless its flag or variable says otherwise, in CI or not. The file only chooses how: a commit
    with `publish: false` would make every replica create engines of its own.
    """
    setting = SETTINGS["publish"]
    if settings.source_of["publish"] in (setting.flag, setting.variable):
        return settings
    return replace(settings, publish="pr" if settings.publish == "pr" else True)


def _moved_away(subject: Subject, settings: Settings) -> Trouble | None:
    """A commit would lead the watch to another ledger, which has none of the records of this one."""
    if subject.environment is None or settings.environment == subject.environment:
        return None
    return Trouble(
        "files",
        f"the environment changed from `{subject.environment}` to `{settings.environment}`",
        "start the watch again to follow the new one, or revert the commit",
        needs_person=True,
    )


def _other_folder(subject: Subject) -> Trouble | None:
    is_there = subject.start.is_dir()
    if is_there and find_root(subject.start).resolve() == subject.root.resolve():
        return None
    return Trouble(
        "files",
        f"the project is no longer in {subject.root}",
        "start the watch again where the project is now, or revert the commit",
        needs_person=True,
    )


def first_subject(
    start: Path, opening: Opening, flags: dict[str, Any], notice: Callable[[str], object]
) -> Subject:
    """At the start. What cannot be mended by a commit is raised: `InvalidInput`, `UsageError`, `GitError`. A settings
    file with errors is one that can: the branch is followed then as the environment says.
    """
    root = find_root(start)
    try:
        settings, trouble = opening(), None
    except InvalidInput as error:
        if find_git(root) is None:
            raise
        settings, trouble = resolve(flags, os.environ, None), trouble_of(error)
    settings = _watched(settings)
    named = trouble is None or settings.source_of["environment"] != "default"
    target = target_of(root, settings, otherwise=", and start again")
    if trouble is None:
        api_key(settings)
        if settings.publish:
            target_of_run(root, settings)  # what a run would refuse, such as a missing token
    environment = settings.environment if named else None
    places = start, root, environment
    return _subject(places, settings, (settings.remote, target.branch), notice, trouble)


def renewed(subject: Subject, opening: Opening) -> Subject:
    """After a commit: everything but what was decided at the start is as the commit has it."""
    if (trouble := _other_folder(subject)) is not None:
        return replace(subject, trouble=trouble)
    try:
        settings = opening()
    except ReconcileError as error:
        return replace(subject, trouble=trouble_of(error))
    if (trouble := _moved_away(subject, settings)) is not None:
        return replace(subject, trouble=trouble)
    places = subject.start, subject.root, settings.environment
    follows = subject.remote, subject.branch
    return _subject(places, _watched(settings), follows, subject.follower.notice, None)


def _subject(
    places: tuple[Path, Path, str | None],
    settings: Settings,
    follows: tuple[str, str],
    notice: Callable[[str], object],
    trouble: Trouble | None,
) -> Subject:
    start, root, environment = places
    remote, branch = follows
    settings = replace(settings, remote=remote, branch=branch)
    target = target_of(root, settings)
    private = private_folder(root, settings.environment)
    shared = bool(settings.publish)
    inside = target.inside

    def written() -> Sequence[str]:
        return [(inside / name).as_posix() for name in _written(root, settings)]

    follower = Follower(
        root,
        remote,
        branch,
        private=private,
        lockfile=target.path,
        note=private / WRITTEN,
        written=written,
        inputs=[(inside / name).as_posix() for name in (settings.engines, SETTINGS_FILE)],
        keeps=not shared,
        notice=notice,
    )
    ledger = target.ref if shared and trouble is None else None
    address = target.ledger().remote.url()
    return Subject(
        start, root, environment, settings, remote, branch, address, ledger, target.seal, follower, trouble
    )


def _written(root: Path, settings: Settings) -> list[str]:
    """The lockfile, and the outputs that it asks for; one that cannot be read asks for none."""
    from reconciler.adapters.outputs.files import wanted_files
    from reconciler.adapters.storage.lockfile_store import LockfileFile

    try:
        lockfile = LockfileFile(root, settings.lockfile).read()[0]
    except ReconcileError:
        return [settings.lockfile]
    return [settings.lockfile, *wanted_files(lockfile, settings.output_rules)]
