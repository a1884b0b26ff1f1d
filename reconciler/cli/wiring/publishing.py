"""Wires the remote: whether runs share through it, under which ref, on which branch, as whom, and by which way."""

from __future__ import annotations

import os
import random
import socket
import time
import uuid
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.adapters.project.places import find_git, private_folder
from reconciler.adapters.storage.durable_files import replace_file
from reconciler.adapters.storage.lockfile_store import LockfileFile
from reconciler.adapters.system.clock import UtcClock
from reconciler.cli import ci
from reconciler.cli.stderr import hears, say
from reconciler.cli.wiring.api_key import known_key
from reconciler.core.commands import URL, git
from reconciler.core.errors import GitError, InvalidInput, RefMoved
from reconciler.core.frozen import dataclass, replace
from reconciler.core.ledger.lease import Holder, give_back
from reconciler.core.ledger.pruning import still_begun
from reconciler.core.ledger.sealed import to_keep
from reconciler.core.settings.model import Settings
from reconciler.project.opened import FETCHED
from reconciler.project.sealing import ledger_ref, seal_of
from reconciler.render.phrases.sanitize import sanitize

if TYPE_CHECKING:
    from reconciler.adapters.git.beside import Beside
    from reconciler.adapters.git.committed_elsewhere import Commits
    from reconciler.adapters.git.drafts import Identity
    from reconciler.adapters.git.ledger import GitLedger
    from reconciler.app.ledger_writer import LedgerWriter
    from reconciler.app.planning import PlanResult
    from reconciler.app.ports import Journal
    from reconciler.cli.pull_requests.publishing import Proposer, Repository
    from reconciler.core.ledger.epoch import SharedTerms, Sharing
    from reconciler.core.ledger.lease import Lease
    from reconciler.core.ledger.remote_snapshot import RemoteSnapshot
    from reconciler.core.ledger.seal import Seal
    from reconciler.core.run.outcome import Outcome

_NOT_SHARED = ", or add `--no-publish`"


def shares(settings: Settings) -> bool:
    """Whether runs of this project share through a remote: as set, otherwise in CI.

    A CI runner's disk does not last. So whether there is a repository and a remote is not asked here: where they are
    missing, a run that is not told `--no-publish` stops before it makes anything.
    """
    return ci.in_ci() if settings.publish is None else bool(settings.publish)


@dataclass(frozen=True, slots=True)
class PublishTarget:
    """Where a run publishes, as whom, and whether by pull request: decided once, before anything is done.

    `inside` is the project's folder from the root of its git repository; `repository` is where a run opens pull
    requests, None for those that open none. Without a `seal` it can be read there, and nothing be written.
    `commits` makes the lockfile's commit, where git does not.
    """

    root: Path
    settings: Settings
    identity: Identity
    branch: str
    inside: Path
    repository: Repository | None = None
    seal: Seal | None = None
    commits: Commits | None = None

    @property
    def proposes(self) -> bool:
        """Whether the lockfile goes to the branch by pull requests."""
        return self.settings.publish == "pr"

    @property
    def ref(self) -> str:
        """The ledger."""
        return ledger_ref(self.settings.environment, self.inside)

    @property
    def proposals(self) -> str:
        """The branch that pull requests come from: `reconcile/production`; a project in a subfolder has its own."""
        return self.settings.pr_branch or self.ref.removeprefix("refs/")

    @property
    def path(self) -> str:
        """The lockfile's, from the root of the git repository."""
        return (self.inside / self.settings.lockfile).as_posix()

    def ledger(self) -> GitLedger:
        """A new one, whose time limits are those of its user."""
        from reconciler.adapters.git.committed_elsewhere import HostCommittedLedger
        from reconciler.adapters.git.ledger import GitLedger
        from reconciler.adapters.git.proposals import ProposingLedger

        if self.proposes:
            return self._made(ProposingLedger, proposals=self.proposals)
        kind = GitLedger if self.commits is None else partial(HostCommittedLedger, host=self.commits)
        return self._made(kind, skip_ci=self.settings.skip_ci)

    def ledger_of(self, shard: int) -> GitLedger:
        """The same, as one shard of a plan writes it."""
        from reconciler.adapters.git.shard_ledger import ShardLedger  # only for shards

        return self._made(ShardLedger, shard=shard)

    def _made(self, kind: Callable[..., GitLedger], **more: Any) -> GitLedger:
        from reconciler.adapters.git.remote import GitRemote

        notice, sign = _noticing(), self.settings.sign
        return kind(
            GitRemote(self.root, self.settings.remote, self.identity, sign=sign, notice=notice),
            self.ref,
            self.branch,
            self.path,
            ci.run_url(),
            folder=self.inside.as_posix() if self.inside.parts else "",
            notice=notice,
            output_rules=self.settings.output_rules,
            seal=self.seal,
            **more,
        )

    def look_when_free(
        self,
        wait: float,
        journal: Journal,
        check: Callable[[Lease, str], None] | None = None,
        ledger: GitLedger | None = None,
    ) -> RemoteSnapshot:
        """What is on the remote, beside this machine's journal and lockfile, once nobody has the lease, or `check`
        lets this run have it. Raises `LeaseHeld` after `wait` seconds.
        """
        from reconciler.app import leasing
        from reconciler.core.ledger.epoch import refuse_if_held

        ledger = ledger or self.ledger()
        seen = leasing.look_when_free(
            ledger,
            UtcClock(),
            wait=wait,
            sleep=time.sleep,
            has_ended=_has_ended,
            notice=say,
            check=check or refuse_if_held,
        )
        return leasing.with_past(ledger, seen, journal, self._lockfile())

    def with_past(self, seen: RemoteSnapshot, journal: Journal) -> RemoteSnapshot:
        """What was seen, with what the ledger's log says of it."""
        from reconciler.app import leasing

        return leasing.with_past(self.ledger(), seen, journal, self._lockfile())

    def close_shared(self, sharing: Sharing) -> None:
        """See that no shard of this plan begins any more. Raises `GitError`."""
        from reconciler.app import leasing

        leasing.close_shared(self.ledger(), UtcClock(), sharing, _has_ended)

    def _lockfile(self) -> LockfileFile:
        return LockfileFile(self.root, self.settings.lockfile)

    def writer(self, seen: RemoteSnapshot, beside: Beside | None = None) -> LedgerWriter:
        """The remote's side of a run that was planned from what was seen. What is `beside` the lockfile goes to the
        branch with it.
        """
        from reconciler.app.ledger_writer import LedgerWriter, Terms

        ledger = self.ledger()
        ledger.beside = beside
        terms = Terms(this_run(), str(uuid.uuid4()), self.settings.lease_ttl)
        return LedgerWriter(ledger, seen, terms, UtcClock(), _pause)

    def shard_writer(self, ledger: GitLedger, seen: RemoteSnapshot, terms: SharedTerms) -> LedgerWriter:
        """That of a shard: by the ledger that it looked with, which knows what its own file holds."""
        from reconciler.app.ledger_writer import LedgerWriter

        return LedgerWriter(ledger, seen, terms, UtcClock(), _pause)

    def keep(self, seen: RemoteSnapshot) -> None:
        """Write down the remote's journal as it was seen, for plans without a network. Raises `StorageError`."""
        file = private_folder(self.root, self.settings.environment) / FETCHED
        if seen.records or seen.unverified:
            file.parent.mkdir(parents=True, exist_ok=True)
            replace_file(file, to_keep(seen.records, seen.unverified), str(file))
        else:
            file.unlink(missing_ok=True)

    def check_seal(self, hint: str) -> None:
        """Raises `InvalidInput` where nothing can be written to the remote, since there is no API key."""
        if self.seal is None:
            raise InvalidInput(
                f"no API key, which signs what is recorded on `{self.settings.remote}`",
                hint=hint,
            )

    # ── by pull request ────────────────────────────────────────────────────────────────────────────────────────────

    def seen_by_run(self, planned: PlanResult) -> RemoteSnapshot | None:
        """What a run goes on from: without the records that the branch has, since their pull request was merged."""
        seen = planned.recorded.shared
        if seen is None or not self.proposes or planned.recorded.unwritten:
            return seen
        return self.ledger().with_all_published(seen)

    def empty_if_merged(self, planned: PlanResult) -> None:
        """The branch has everything that the ledger holds, since the pull request was merged: the journal is emptied.

        Another run that is faster does the same, and what cannot be pushed now the next run pushes.
        """
        seen = planned.recorded.shared
        if not self.proposes or seen is None or not seen.records or planned.recorded.unwritten:
            return
        if planned.plan.invalid or planned.plan.changes_anything:
            return
        if len(still_begun(seen.records, seen.lockfile)) == len(seen.records):  # nothing else is left
            return
        try:
            self.keep(self.ledger().publish(seen, seen.lockfile, seen.records, give_back(seen.lease)))
        except RefMoved:
            return
        except GitError as error:
            _say(f"the journal on the remote could not be emptied: {error.message}")
            return
        _say(f"the branch has everything that was proposed; emptied the journal on `{self.settings.remote}`")

    def with_pull_request(self, seen: RemoteSnapshot, outcome: Outcome) -> Outcome:
        """The outcome, with the pull request that brings what was pushed to the branch, if there is to be one."""
        proposer = self._proposer()
        if proposer is None or not outcome.published or seen.proposal is None:
            return outcome
        return proposer.add_to(outcome, seen.lockfile, seen.proposal.lockfile)

    def propose(self, seen: RemoteSnapshot) -> str | None:
        """Open that pull request, or bring it up to date. Returns its address. Raises `GitHubError` and
        `InvalidInput`.
        """
        proposer = self._proposer()
        if proposer is None or seen.proposal is None:
            return None
        return proposer.propose(seen.lockfile, seen.proposal.lockfile).url

    def _proposer(self) -> Proposer | None:
        if self.repository is None:
            return None
        from reconciler.cli.pull_requests.publishing import Proposer

        return Proposer(
            self.repository, self.settings, self.proposals, self.branch, ledger=self.ref, lockfile=self.path
        )


def this_run() -> Holder:
    """Who holds the lease that this process takes."""
    return Holder(socket.gethostname(), os.getpid(), ci.run_url())


def target_of(root: Path, settings: Settings, *, otherwise: str = "") -> PublishTarget:
    """Where the project publishes; `otherwise` is what else to do where that is nowhere.

    Raises `GitError` or `InvalidInput` where remote or branch cannot be told.
    """
    from reconciler.adapters.git.drafts import Identity
    from reconciler.adapters.git.remote import GitRemote

    found = find_git(root)
    if found is None:
        raise InvalidInput("publishing needs a git repository", hint=f"run `{git('init')}`{otherwise}")
    remote = GitRemote(root, settings.remote, Identity("reconcile", "reconcile@localhost"))
    address = remote.url()
    if not address:
        raise GitError(
            f"the repository has no remote `{settings.remote}`",
            hint=f"run `{git('remote', 'add', settings.remote, URL)}`, or set `remote` to another{otherwise}",
        )
    identity = _identity(settings) or remote.configured_identity() or remote.identity
    branch = settings.branch or ci.branch() or remote.current_branch()
    if branch is None:
        raise GitError(
            "HEAD is detached, so the branch to publish to is unknown",
            hint=f"set `branch` (RECONCILE_BRANCH=main){otherwise}",
        )
    inside = root.resolve().relative_to(found[0])
    if not inside.as_posix().isascii():
        from reconciler.cli.wiring.older_ledger import refuse_older_ledger  # for few

        refuse_older_ledger(remote, found[0], settings.environment, inside)
    seal = seal_of(root, settings, lambda: known_key(settings), address)
    return PublishTarget(root, settings, identity, branch, inside, seal=seal)


def target_of_run(root: Path, settings: Settings) -> PublishTarget | None:
    """Where a run publishes that is about to record something; None where runs do not share.

    Raises as `target_of` does, and `InvalidInput` where no pull request could be opened afterwards.
    """
    if not shares(settings):
        return None
    if settings.publish_by == "api":
        return _target_by_api(root, settings)
    if settings.publish != "pr":
        return target_of(root, settings, otherwise=_NOT_SHARED)
    from reconciler.cli.pull_requests.publishing import repository_of

    repository = repository_of(root, settings.remote)
    target = replace(target_of(root, settings), repository=repository)
    if target.proposals == target.branch:
        raise InvalidInput(
            f"the setting `pr_branch` is `{target.branch}`, which is also the target of the pull requests",
            hint="remove it, or choose another branch",
        )
    return target


def _target_by_api(root: Path, settings: Settings) -> PublishTarget:
    from reconciler.adapters.github.client import PUBLIC
    from reconciler.adapters.github.commits import BranchCommits
    from reconciler.cli.pull_requests.publishing import repository_of

    if settings.publish == "pr":
        raise InvalidInput(
            "`publish_by: api` commits to the branch itself, but `publish: pr` does not",
            hint="remove one of them",
        )
    repository = repository_of(root, settings.remote, "publishing by GitHub's API", "contents: write")
    address, graph = os.environ.get("GITHUB_API_URL") or PUBLIC, os.environ.get("GITHUB_GRAPHQL_URL")
    commits = BranchCommits(address, repository.token, repository.name, graph_url=graph)
    return replace(target_of(root, settings, otherwise=_NOT_SHARED), commits=commits)


def fetch(root: Path, settings: Settings, journal: Journal) -> RemoteSnapshot:
    """Look at the remote, and keep its journal here for plans without a network. `journal` is this machine's."""
    from reconciler.app.leasing import with_past

    target = target_of(root, settings)
    ledger = target.ledger()
    seen = with_past(ledger, ledger.look(), journal, LockfileFile(root, settings.lockfile))
    target.keep(seen)
    return seen


def _noticing() -> Callable[[str], None]:
    """For the ledger, which may speak from a thread that knows of no command; so it is asked now who wants to hear."""
    heard = hears("info")

    def notice(text: str) -> None:
        if heard:
            click.echo(sanitize(f"note: {text}"), err=True)

    return notice


def _say(text: str) -> None:
    say(f"note: {text}")


def _pause(longest: float) -> None:
    """Between two tries to push, never as long as another run's."""
    time.sleep(random.uniform(min(0.05, longest), longest))  # noqa: S311 - jitter, no secret


def _identity(settings: Settings) -> Identity | None:
    """Who is to author commits, as set, or as git's own variables say."""
    from reconciler.adapters.git.drafts import Identity

    if settings.author is not None:
        name, _, address = settings.author.partition(" <")
        return Identity(name, address.rstrip(">"))
    roles = (("GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"), ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL"))
    for role in roles:
        name, address = (os.environ.get(variable, "").strip() for variable in role)
        if name and address:
            return Identity(name, address)
    return None


def _has_ended(holder: Holder) -> bool:
    """Whether that run has ended for certain: GitHub says so, where there is a token to ask it."""
    token = os.environ.get("GITHUB_TOKEN", "").strip()
    if holder.run_url is None or not token or "/actions/runs/" not in holder.run_url:
        return False
    from reconciler.adapters.github.client import PUBLIC
    from reconciler.adapters.github.runs import run_has_ended

    return run_has_ended(holder.run_url, os.environ.get("GITHUB_API_URL") or PUBLIC, token)
