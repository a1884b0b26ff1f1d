"""The git side: commits with engine files and a lockfile, branches, and the ledger's ref with its log.

Merges of engine files are git's (three-way, file by file); those of the lockfile are what the merge driver does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from random import Random

from reconciler.core.engine.fingerprint import blob_id
from reconciler.core.ledger.journal import Acceptance, Begin, Refusal, Settlement
from reconciler.core.ledger.lease import FREE, Lease
from reconciler.core.ledger.sealed import Sealed
from reconciler.core.lockfile import model as lockfile_format
from reconciler.core.lockfile.merge import merge
from reconciler.core.lockfile.model import EMPTY, Lockfile
from reconciler.core.lockfile.names import engines_of, unresolved_in

MAIN = "main"
PROPOSALS = "reconcile/production"


@dataclass(frozen=True, slots=True)
class File:
    """An engine file: which of the specs it asks for, and whether it protects its engine."""

    spec: str
    protect: bool = False


Files = Mapping[str, File]


@dataclass(frozen=True, slots=True)
class Commit:
    id: str
    parents: tuple[str, ...]
    files: Files
    lock: bytes
    by: str  # who made it: `run`, or what a person did


@dataclass(frozen=True, slots=True)
class LedgerCommit:
    """`published` is the lockfile that was put on the branch last. Up to here the log names `engines`, `operations`,
    `versions` were published, `begun` are operations with their keys, and `answered` are those that it says more of.
    `journal` and the files of `shards` have the `lines`.
    """

    id: str
    parent: str | None
    journal: tuple[Sealed, ...]
    lease: Lease
    published: bytes = b""
    versions: frozenset[bytes] = frozenset()
    operations: frozenset[str] = frozenset()
    engines: frozenset[str] = frozenset()
    begun: Mapping[str, str] = field(default_factory=dict)
    answered: frozenset[str] = frozenset()
    seal: str = ""  # on `published`
    seals: frozenset[str] = frozenset()
    shards: Mapping[int, tuple[Sealed, ...]] = field(default_factory=dict)

    @property
    def lines(self) -> tuple[Sealed, ...]:
        return (*self.journal, *(line for number in sorted(self.shards) for line in self.shards[number]))

    @property
    def open(self) -> dict[str, str]:
        return {name: key for name, key in self.begun.items() if name not in self.answered}


@lru_cache(maxsize=512)  # the same bytes are read by all that looks at them
def read_lock(content: bytes) -> Lockfile:
    return lockfile_format.parse(content, "engines.lock.json") if content.strip() else EMPTY


def merge_locks(base: bytes, ours: bytes, theirs: bytes) -> bytes:
    """What `reconcile lockfile merge` writes; git asks it only where both sides changed the file, and have one."""
    if ours == theirs or theirs == base:
        return ours
    if ours == base:
        return theirs
    if not (ours and theirs):
        return ours or theirs
    before = read_lock(base) if base else None
    merged = merge(before, read_lock(ours), read_lock(theirs)).lockfile
    return lockfile_format.render(merged)


def merge_files(base: Files, ours: Files, theirs: Files, rng: Random) -> dict[str, File]:
    """Git's merge; where both sides changed one file differently, a person takes one of them."""
    merged: dict[str, File] = {}
    for key in sorted({*base, *ours, *theirs}):
        before, mine, yours = base.get(key), ours.get(key), theirs.get(key)
        if mine == yours or yours == before:
            taken = mine
        elif mine == before:
            taken = yours
        else:
            taken = rng.choice((mine, yours))
        if taken is not None:
            merged[key] = taken
    return merged


@dataclass(slots=True)
class Repo:
    """The remote. `ledger` is the tip of the ledger's ref; commits that no ref names any more are still kept."""

    commits: dict[str, Commit] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    ledger_commits: dict[str, LedgerCommit] = field(default_factory=dict)
    ledger: str | None = None
    blobs: dict[str, bytes] = field(default_factory=dict)  # lockfiles by their ids

    def add(self, parents: tuple[str, ...], files: Files, lock: bytes, by: str) -> Commit:
        commit = Commit(f"c{len(self.commits)}", parents, dict(files), lock, by)
        self.commits[commit.id] = commit
        self.blobs[blob_id(lock)] = lock
        return commit

    def add_ledger(
        self,
        parent: str | None,
        lines: tuple[Sealed, ...],
        lease: Lease,
        published: str | None,
        seal: str,
        shards: Mapping[int, tuple[Sealed, ...]] | None = None,
    ) -> LedgerCommit:
        """`published` is the id of the lockfile that was put on the branch last, `seal` what stands on that. The
        journal's `lines` and the files of shards are all that the commit has.
        """
        records = tuple(one.record for part in (lines, *(shards or {}).values()) for one in part)
        before = LedgerCommit("", None, (), FREE) if parent is None else self.ledger_commits[parent]
        content = b"" if published is None else self.blobs[published]
        answers = [one for one in records if isinstance(one, (Acceptance, Settlement, Refusal))]
        made = {
            one.engine_id for one in answers if not isinstance(one, Refusal) and one.engine_id is not None
        }
        commit = LedgerCommit(
            f"l{len(self.ledger_commits)}",
            parent,
            lines,
            lease,
            content,
            before.versions | ({content} if content else frozenset()),
            before.operations | {one.operation for one in records},
            before.engines | made,
            {**before.begun, **{one.operation: one.key for one in records if isinstance(one, Begin)}},
            before.answered | {one.operation for one in answers},
            seal,
            before.seals | ({seal} if seal else frozenset()),
            dict(shards or {}),
        )
        self.ledger_commits[commit.id] = commit
        return commit

    def tip(self, branch: str = MAIN) -> Commit:
        return self.commits[self.branches[branch]]

    def ancestors(self, commit: str) -> set[str]:
        """The commit itself and all before it."""
        seen, left = {commit}, [commit]
        while left:
            for parent in self.commits[left.pop()].parents:
                if parent not in seen:
                    seen.add(parent)
                    left.append(parent)
        return seen

    def is_ancestor(self, one: str, two: str) -> bool:
        return one in self.ancestors(two)

    def merge_base(self, one: str, two: str) -> Commit:
        """The newest commit that both have; every repo here begins with one commit."""
        common = self.ancestors(one) & self.ancestors(two)
        return self.commits[max(common, key=lambda name: int(name[1:]))]

    def first_parents(self, commit: str) -> Iterator[Commit]:
        """The commit and what came before it on its branch, newest first."""
        name: str | None = commit
        while name is not None:
            yield self.commits[name]
            name = next(iter(self.commits[name].parents), None)

    def taken_back(self) -> set[str]:
        """Engines and open calls that people put on main or a branch by hand, and threw away again before any run
        published them: git has them.
        """

        def named(lock: bytes) -> set[str]:
            return engines_of(read_lock(lock)) | unresolved_in(read_lock(lock))

        published = set().union(*map(named, self.ledger_now().versions))
        log = (self.commits[one].lock for one in self.ancestors(self.branches[MAIN]))
        return set().union(*map(named, log)) - published

    def merged(self, ours: str, theirs: str, rng: Random) -> tuple[dict[str, File], bytes]:
        """Files and lockfile of a merge. Raises `LockfileError` where the driver leaves a conflict."""
        base = self.merge_base(ours, theirs)
        mine, yours = self.commits[ours], self.commits[theirs]
        files = merge_files(base.files, mine.files, yours.files, rng)
        return files, merge_locks(base.lock, mine.lock, yours.lock)

    def ledger_now(self) -> LedgerCommit:
        if self.ledger is None:
            return LedgerCommit("", None, (), FREE)
        return self.ledger_commits[self.ledger]
