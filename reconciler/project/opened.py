"""A project as it was opened: where it is, its settings, and its files, wired from values alone."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.adapters.project.places import object_id_length, private_folder
from reconciler.adapters.storage.journal_store import JournalFile
from reconciler.adapters.storage.lockfile_store import LockfileFile
from reconciler.core.errors import GitError
from reconciler.core.frozen import dataclass
from reconciler.core.settings.model import SETTINGS_FILE, Settings

if TYPE_CHECKING:
    from reconciler.adapters.engine_files.files import EngineFiles
    from reconciler.app.ports import Checkout
    from reconciler.core.ledger.seal import Seal

JOURNAL = "journal.jsonl"
FETCHED = "fetched.jsonl"  # the remote's journal, as of the last look
WRITTEN = "lockfile.sha256"  # what a run on this machine wrote last


def _no_key() -> str | None:
    return None


def _unheard(text: str) -> None:
    """For those who do not ask for warnings."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is known of the process around a project: its API key, whether it is a CI run, and the branch of that; and
    where warnings go that are no part of a plan.
    """

    key: Callable[[], str | None] = _no_key
    in_ci: bool = False
    branch: str | None = None
    warn: Callable[[str], None] = _unheard


@dataclass(frozen=True)
class Project:
    """Everything a command needs of a project; nothing is read before it is asked for."""

    root: Path
    settings: Settings
    settings_file: str | None = SETTINGS_FILE  # relative to the root; None where it is elsewhere
    surroundings: Surroundings = Surroundings()

    @property
    def engines(self) -> EngineFiles:
        from reconciler.adapters.engine_files.files import EngineFiles  # not every command reads them

        return EngineFiles(
            self.root,
            self.settings.engines,
            rules=lambda: self.settings.output_rules,
            choice=self.settings.choice,
        )

    def checkout(self) -> Checkout:
        """What git says of the work tree, for those who find something missing."""
        from reconciler.adapters.checkout.checked_out import GitCheckout  # git, only then

        return GitCheckout(self.root, self.settings.engines, at_desk=not self.surroundings.in_ci)

    @property
    def lockfile(self) -> LockfileFile:
        return LockfileFile(self.root, self.settings.lockfile, self._refuse_lost, note=self.private / WRITTEN)

    def _refuse_lost(self) -> None:
        from reconciler.adapters.checkout.lost_lockfile import (
            refuse_if_in_head,  # git, only without a lockfile
        )

        with suppress(GitError):  # to look needs no git; a run asks again before it makes anything
            refuse_if_in_head(self.root, self.settings.lockfile)

    @property
    def private(self) -> Path:
        """The folder of journal and lease."""
        return private_folder(self.root, self.settings.environment)

    @property
    def journal(self) -> JournalFile:
        """What this machine recorded."""
        return JournalFile(self.private / JOURNAL, shares=self._has_remote)

    @property
    def known_journal(self) -> JournalFile:
        """The same, and what was fetched of the remote's journal; for those who do not look at the remote itself."""
        return JournalFile(self.private / JOURNAL, self.private / FETCHED, self._has_remote, self._seal)

    def _seal(self) -> Seal | None:
        from reconciler.project.sealing import seal_of  # only with records of a ledger

        return seal_of(self.root, self.settings, self.surroundings.key)

    def _has_remote(self) -> bool:
        from reconciler.adapters.git.remote import has_remote  # git, only with something to keep for it

        return has_remote(self.root, self.settings.remote)

    @property
    def id_length(self) -> int:
        return object_id_length(self.root)
