"""Wires the pull request of `--publish pr`: which repository it is opened in, and what it says.

The ledger has everything that a pull request is for, so what fails here loses nothing: the next run does it.
"""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.cli import ci
from reconciler.cli.stderr import say
from reconciler.core.errors import InvalidInput, ReconcileError
from reconciler.core.frozen import dataclass, field, replace
from reconciler.core.patterns import lazy_pattern
from reconciler.core.settings.model import Settings

if TYPE_CHECKING:
    from reconciler.adapters.github.pulls import Shown, Wanted
    from reconciler.core.lockfile.model import Lockfile
    from reconciler.core.run.outcome import Outcome

_NAME = r"[A-Za-z0-9_-][A-Za-z0-9_.-]*/[A-Za-z0-9_.-]*[A-Za-z0-9_-]"
_REPOSITORY = lazy_pattern(_NAME)
_ADDRESS = lazy_pattern(rf"(?:^|[@/])(?:[A-Za-z0-9-]+\.)*github\.[A-Za-z0-9.:-]+?[:/]({_NAME}?)(?:\.git)?/?$")


@dataclass(frozen=True, slots=True)
class Repository:
    """Where pull requests are opened: `owner/name`, and the token that may."""

    name: str
    token: str = field(repr=False)


def repository_of(
    root: Path,
    remote: str,
    what: str = "publishing by pull request",
    permission: str = "pull-requests: write",
) -> Repository:
    """Before anything is created: raises `InvalidInput` where `what` could not be done afterwards."""
    token = _token(what, permission)
    return Repository(_name(root, remote, what), token)


@dataclass(frozen=True, slots=True)
class Proposer:
    """Opens pull requests from the branch `head` into the branch `into`. `ledger` and `lockfile` are what their text
    names: the ledger's ref, and the lockfile's path in the git repository.
    """

    repository: Repository
    settings: Settings
    head: str
    into: str
    ledger: str
    lockfile: str

    def add_to(self, outcome: Outcome, base: Lockfile, proposed: Lockfile) -> Outcome:
        """The outcome, with the pull request that turns one lockfile into the other; or why it was not opened."""
        try:
            shown = self.propose(base, proposed)
        except ReconcileError as error:
            hint = f"; {error.hint}" if error.hint else ""
            why = f"the pull request was not opened: {error.message}{hint}"
            return replace(outcome, published=False, unpublished=why)
        return replace(outcome, published=False, proposed=shown.url)

    def propose(self, base: Lockfile, proposed: Lockfile) -> Shown:
        """Open the pull request that turns one lockfile into the other, or update it.

        Raises `GitHubError` and `InvalidInput`.
        """
        from reconciler.adapters.github.client import PUBLIC, PatientGitHub
        from reconciler.adapters.github.pulls import PullRequests

        address = os.environ.get("GITHUB_API_URL") or PUBLIC
        with PatientGitHub(address, self.repository.token, random=random.random) as github:
            pulls = PullRequests(github, self.repository.name, _notice)
            shown = pulls.show(self._wanted(base, proposed))
        say(f"pull request #{shown.number} {shown.done}: {shown.url}".rstrip(": "))
        return shown

    def _wanted(self, base: Lockfile, proposed: Lockfile) -> Wanted:
        from reconciler.adapters.github.pulls import Wanted
        from reconciler.render.markdown.proposal import TITLE, render_proposal

        settings = self.settings
        title, body = render_proposal(
            base,
            proposed,
            environment=settings.environment,
            lockfile=self.lockfile,
            ledger=self.ledger,
            run_url=ci.run_url(),
        )
        labels = tuple(label.strip() for label in (settings.pr_labels or "").split(",") if label.strip())
        return Wanted(self.head, self.into, title, body, TITLE, labels, settings.pr_auto_merge)


def _token(what: str, permission: str) -> str:
    token = os.environ.get("GITHUB_TOKEN", "").strip()
    if not token:
        raise InvalidInput(
            f"{what} needs GITHUB_TOKEN",
            hint=f"in GitHub Actions `env: {{GITHUB_TOKEN: ${{{{ github.token }}}}}}`, and `{permission}`",
        )
    return token


def _name(root: Path, remote: str, what: str) -> str:
    """`owner/name`, as GitHub Actions says, or as the remote's address does."""
    name = os.environ.get("GITHUB_REPOSITORY", "").strip()
    if not name:
        from reconciler.adapters.git.drafts import Identity
        from reconciler.adapters.git.remote import GitRemote

        found = _ADDRESS.search(GitRemote(root, remote, Identity("", "")).url())
        name = found[1] if found else ""
    if not _REPOSITORY.fullmatch(name):
        raise InvalidInput(
            f"{what} needs a GitHub repository, but none is known",
            hint="set GITHUB_REPOSITORY to OWNER/NAME; on other hosts, publish to the branch itself",
        )
    return name


def _notice(text: str) -> None:
    say(f"note: {text}")
