"""A ledger whose lockfile goes to the branch by pull requests: the port `Ledger` where nobody may push to the branch.

The lockfile's commit goes to a branch of our own, on top of the target's newest tip. What the ledger holds stays there
until the target has it all: so every plan, of any run and clone, folds it in, whatever becomes of the pull request.

Our branch holds nothing that could not be made again, and is made again whenever the target has moved or more is to be
recorded. That is the only push that is no fast-forward, and the remote compares first. A branch that we did not make is
never touched, nor one of another project or environment: ours carry the ledger's name in their commits.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.adapters.git.drafts import Draft
from reconciler.adapters.git.ledger import GitLedger
from reconciler.adapters.git.remote import Commit, Update
from reconciler.adapters.storage.kill_points import step
from reconciler.core.errors import GitError, LockfileError, PushRefused
from reconciler.core.frozen import replace
from reconciler.core.ledger.commit_messages import publish_message
from reconciler.core.ledger.journal import Record
from reconciler.core.ledger.lease import Lease
from reconciler.core.ledger.remote_snapshot import Proposal, RemoteSnapshot
from reconciler.core.lockfile import model as lockfile_format
from reconciler.core.lockfile.model import EMPTY, Lockfile

_LOOKED_AT = (
    20  # commits of our branch in which one of ours is looked for; the others were put on top by hand
)
_TRAILER = "Reconcile-Ledger"
_TIMES = frozenset(("retiredAt", "replacedAt"))


@dataclass(slots=True)
class ProposingLedger(GitLedger):
    """`proposals` is the name of our branch; `notice` is also told what was replaced on it."""

    proposals: str = "reconcile"

    def look(self, unreadable: Lease | None = None) -> RemoteSnapshot:
        """See the port."""
        seen = GitLedger.look(self, unreadable)
        tip = self.remote.fetch([self._proposals_ref]).get(self._proposals_ref)
        return seen if tip is None else replace(seen, proposal=Proposal(tip, self._lockfile_at(tip)))

    def _publish(
        self, seen: RemoteSnapshot, lockfile: Lockfile, told: Sequence[Record], held: Lease
    ) -> RemoteSnapshot:
        """The branch has it all already: then the journal is emptied. Otherwise it is kept."""
        if lockfile == seen.lockfile:
            done = GitLedger._publish(self, seen, lockfile, told, held)
            self._withdraw(seen)
            return replace(done, proposal=None)
        kept = self._draft(seen, told, held, seen.ledger_tip)
        tip = self.remote.fetch([self._proposals_ref]).get(self._proposals_ref)
        if tip is not None and self._is_up_to_date(tip, seen, lockfile):
            [ledger_tip] = self.remote.commit([kept])
            updates = []
        else:
            if tip is not None:
                self._check_ours(tip)
            ledger_tip, made = self.remote.commit([kept, self._proposal(seen, lockfile)])
            updates = [Update(self._proposals_ref, made, compared=True, expected=tip)]
            tip = made
        step("publishing push about to leave")
        self.remote.push([self._ledger_update(seen, ledger_tip), *updates])
        step("lockfile proposed")
        proposal = Proposal(tip, lockfile)
        unverified = self._unverified(seen, told)
        return replace(
            seen,
            ledger_tip=ledger_tip,
            records=tuple(told),
            unverified=unverified,
            lease=held,
            proposal=proposal,
        )

    def mends_outputs(self) -> bool:
        """They wait for the next pull request."""
        return False

    def _withdraw(self, seen: RemoteSnapshot) -> None:
        """Nothing is left to propose, and what our branch still says must not be merged: it is deleted.

        GitHub closes its pull request then.
        """
        proposal = seen.proposal
        if proposal is None or proposal.lockfile == seen.lockfile:
            return
        try:
            merged = seen.branch_tip is not None and self.remote.is_ancestor(proposal.tip, seen.branch_tip)
            if merged or not self._is_ours(self.remote.history(proposal.tip, 1)[0]):
                return
            self.remote.push([Update(self._proposals_ref, "", compared=True, expected=proposal.tip)])
        except GitError as error:
            self.notice(f"do not merge the branch `{self.proposals}`, it is out of date: {error.message}")
        else:
            self.notice(f"deleted the branch `{self.proposals}`: nothing is left to propose")

    @property
    def _proposals_ref(self) -> str:
        return f"refs/heads/{self.proposals}"

    def _proposal(self, seen: RemoteSnapshot, lockfile: Lockfile) -> Draft:
        """Never with `[skip ci]`: a pull request without its checks could not be merged."""
        message = publish_message(seen.lockfile, lockfile, self.run_url, skip_ci=False)
        return self.lockfile_draft(seen, lockfile, f"{message}\n{_TRAILER}: {self.ref}\n")

    def _is_up_to_date(self, tip: str, seen: RemoteSnapshot, lockfile: Lockfile) -> bool:
        """Whether our branch says this, on top of the target's tip. Times of what calls nobody do not count: a plan
        that retires an engine does so again in every run until it is merged.
        """
        if self.remote.parents(tip) != [seen.branch_tip] or not self._is_ours(self.remote.history(tip, 1)[0]):
            return False
        said: bool = _timeless(self._lockfile_at(tip)) == _timeless(lockfile)
        return said

    def _check_ours(self, tip: str) -> None:
        """Raises `PushRefused` for a branch that somebody else made; says so where commits came on top by hand."""
        log = self.remote.history(tip, _LOOKED_AT)
        if not self._made_by_us(log):
            self.remote.fetch_more(self._proposals_ref, _LOOKED_AT)
            log = self.remote.history(tip, _LOOKED_AT)
        if not self._made_by_us(log):
            raise PushRefused(
                f"the branch `{self.proposals}` on the remote `{self.remote.remote}` is not ours and stays as it is",
                hint="choose another branch with the setting `pr_branch`, or delete that one; nothing is lost",
            )
        if not self._is_ours(log[0]):
            self.notice(
                f"the branch `{self.proposals}` had manual commits up to {tip[:12]}; recreating it without them"
            )

    def _made_by_us(self, log: Sequence[Commit]) -> bool:
        """Whether the newest commit of a run is one for our ledger: below it may be any that were merged."""
        newest = next((one for one in log if f"\n{_TRAILER}: " in one.message), None)
        return newest is not None and self._is_ours(newest)

    def _is_ours(self, commit: Commit) -> bool:
        return f"{_TRAILER}: {self.ref}" in commit.message.split("\n")

    def _lockfile_at(self, tip: str) -> Lockfile:
        """Only to compare with: one that cannot be read is as good as none."""
        [content] = self.remote.read([(tip, self.path)])
        try:
            return lockfile_format.parse(content, self.path) if content else EMPTY
        except LockfileError:
            return EMPTY


def _timeless(lockfile: Lockfile) -> Any:
    return _without_times(json.loads(lockfile_format.render(lockfile)))


def _without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_times(part) for name, part in value.items() if name not in _TIMES}
    return [_without_times(part) for part in value] if isinstance(value, list) else value
