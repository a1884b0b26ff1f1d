"""Looks at git for `reconcile doctor`: may this machine push the ledger, who has the lease, who merges lockfiles?

Asking git for a push that it then does not make (`--dry-run`) goes as far as the remote's word on whether one may push
at all. Its hooks and rules for single branches are only heard of with a real push. Nothing is created, on neither side.
"""

from __future__ import annotations

from pathlib import Path

from reconciler.adapters.checkout.merge_driver import NAME, configured_driver
from reconciler.adapters.git.command import GitFailed, call_git, run_git
from reconciler.adapters.git.ledger import GitLedger
from reconciler.adapters.git.push import push_error
from reconciler.adapters.git.refs import LEASE_FILE
from reconciler.core.ledger import lease
from reconciler.core.ledger.lease import Lease


def check_push(ledger: GitLedger, seconds: float) -> None:
    """Raises `PushRefused` or `RemoteUnreachable` where a push of the ledger would not get through."""
    root, remote = ledger.remote.root, ledger.remote.remote
    nothing = (
        call_git(root, ["hash-object", "-t", "tree", "--stdin"]).decode().strip()
    )  # git knows it by heart
    only = ["--dry-run", "--porcelain", "--no-verify", "--no-follow-tags", "--recurse-submodules=no"]
    command = ["push", *only, "--end-of-options", remote, f"{nothing}:{ledger.ref}-doctor"]
    try:
        call_git(root, command, network=True, timeout=seconds)
    except GitFailed as error:
        raise push_error(error, remote) from error


def read_lease(ledger: GitLedger, tip: str | None) -> Lease:
    """The lease as the remote has it; `tip` is its ledger's. Raises `UnreadableLease`, `GitError`."""
    if tip is None:
        return lease.FREE
    ledger.remote.fetch([ledger.ref])
    [content] = ledger.remote.read([(tip, LEASE_FILE)])
    return lease.parse(content or b"", ledger.seal)


def merge_driver_here(root: Path, lockfile: str) -> tuple[bool, str | None]:
    """Whether the repo's attributes name our merge driver for the lockfile, and the command that this clone has."""
    said = run_git(root, ["check-attr", "-z", "merge", "--", lockfile])
    return said.rstrip("\0").rpartition("\0")[2] == NAME, configured_driver(root)
