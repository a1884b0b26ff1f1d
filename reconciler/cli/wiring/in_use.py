"""What uses engines anywhere: lockfiles here and on the branch, other environments, other projects of the repository,
and the files that IDs go to.

Whoever deletes an engine asks here first. Nothing that cannot be read counts as absent: each is an error, and then
nothing is deleted.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import TYPE_CHECKING

from reconciler.adapters.project.places import find_git
from reconciler.adapters.project.safe_read import SafeFiles
from reconciler.app.recorded import read_recorded_state
from reconciler.core.errors import InvalidInput
from reconciler.core.frozen import replace
from reconciler.core.lockfile import model as lockfile_format
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.lockfile.names import engines_of
from reconciler.core.outputs.named import Read, files_named_by, named_in
from reconciler.core.plan.pruning import in_use, listed_in
from reconciler.core.values import shown
from reconciler.project.opening import settings_of
from reconciler.project.other_lockfiles import ID, SUFFIX, named_by, named_in_work_tree, reader_of

if TYPE_CHECKING:
    from reconciler.adapters.git.remote import GitRemote
    from reconciler.core.ledger.journal import Record
    from reconciler.core.ledger.remote_snapshot import RemoteSnapshot
    from reconciler.core.settings.model import Settings
    from reconciler.project.opened import Project

_MARK = b"outputs"  # in every engine file that has any


class InUse:
    """What uses engines of a project. `settings_of` gives the settings of another environment. `online` looks at the
    remote, where there is one, too; without, what was last seen of it counts.
    """

    def __init__(self, project: Project, settings_of: Callable[[str], Settings], *, online: bool) -> None:
        self._project = project
        self._settings_of = settings_of
        self._online = online
        self._remote = _remote_of(project)
        self._branch: str | None = None

    def look(self) -> RemoteSnapshot | None:
        """The branch and the ledger as they are now; None where there is no remote, or no such branch on it."""
        seen = self._look_for(self._project.settings)
        self._branch = seen.branch if seen is not None else self._branch
        return seen

    def newest_tip(self) -> str | None:
        """Where the branch is now."""
        if self._remote is None or not self._online:
            return None
        ref = f"refs/heads/{self._branch}"
        return self._remote.tips([ref]).get(ref) if self._branch is not None else None

    def _look_for(self, settings: Settings) -> RemoteSnapshot | None:
        if self._remote is None or not self._online:
            return None
        from reconciler.cli.wiring.publishing import target_of

        target = target_of(self._project.root, settings)
        branch = f"refs/heads/{target.branch}"
        return target.ledger().look() if branch in self._remote.tips([branch]) else None

    def reasons(self, folded: Lockfile, shared: RemoteSnapshot | None) -> dict[str, str]:
        """The engines that must stay, of those that the lockfile lists as out of use, and why. `shared` is what was
        seen of the branch. Raises what keeps any of it from being read.
        """
        listed = {one.engine_id for one in listed_in(folded)}
        if not listed:
            return {}
        on_disk = self._project.lockfile.read()[0]
        lockfiles = [folded, on_disk]
        found = in_use(on_disk, " in this checkout")
        if shared is not None:
            for lockfile in (shared.lockfile, shared.recorded):
                found = in_use(lockfile, f" on `{shared.branch}`") | found
            lockfiles += [shared.lockfile, shared.recorded]
            told = (getattr(one.record, "engine_id", None) for one in shared.unverified.records)
            found = {engine: "named by an unverified record" for engine in told if engine} | found
        for name in self._project.settings.lockfiles:
            if name != self._project.settings.environment:
                named, theirs = self._of_environment(name, shared)
                found = dict.fromkeys(named, f"named by the environment `{name}`") | found
                lockfiles += theirs
        files = {file for one in lockfiles for file in files_named_by(one)}
        return {**self._in_outputs(files, listed, shared), **self._of_projects(listed, shared), **found}

    # ── other environments ─────────────────────────────────────────────────────────────────────────────────────────

    def _of_environment(
        self, name: str, shared: RemoteSnapshot | None
    ) -> tuple[Collection[str], list[Lockfile]]:
        """Every engine that another environment names, wherever it stands, and its lockfiles."""
        settings = replace(
            self._settings_of(name),
            lockfile=self._project.settings.lockfiles[name],
            publish=self._project.settings.publish,
        )
        other = replace(self._project, settings=settings)
        state = read_recorded_state(other.lockfile, other.known_journal)
        lockfiles = [state.on_disk, state.folded]
        records: list[Record] = list(state.records)
        theirs = self._look_for(settings)
        if theirs is not None:
            lockfiles += [theirs.lockfile, theirs.recorded]
            records += [*theirs.records, *(one.record for one in theirs.unverified.records)]
        elif (tip := self._tip(shared)) is not None and self._remote is not None:
            [content] = self._remote.read([(tip, self._path(settings.lockfile))])
            lockfiles += [lockfile_format.parse(content, settings.lockfile)] if content else []
        named = {engine for one in lockfiles for engine in engines_of(one)}
        told = (getattr(record, "engine_id", None) for record in records)
        return named | {engine for engine in told if engine is not None}, lockfiles

    # ── other projects ─────────────────────────────────────────────────────────────────────────────────────────────

    def _of_projects(self, engines: Collection[str], shared: RemoteSnapshot | None) -> dict[str, str]:
        """Engines that other lockfiles of the repository name: a project's folder may be a copy of another one's."""
        around = find_git(self._project.root)
        if around is None:
            return {}
        settings = self._project.settings
        own = {self._path(one) for one in (settings.lockfile, *settings.lockfiles.values())}
        here = named_in_work_tree(around[0], own, engines)
        found = {engine: f"named by {path}" for engine, path in here.items()}
        tip = self._tip(shared)
        if tip is not None and self._remote is not None:
            at_tip = _reader_of_commit(self._remote, tip, "")
            for path in self._remote.files_with(tip, ID, ""):
                if path.endswith(SUFFIX) and path not in own:
                    reason = f"named by {shown(path)} on the branch"
                    found = dict.fromkeys(named_by(at_tip(path), engines), reason) | found
        return found

    # ── outputs ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _in_outputs(
        self, files: set[str], engines: Collection[str], shared: RemoteSnapshot | None
    ) -> dict[str, str]:
        read = _reader_of_work_tree(self._project)
        files = files | _asked_for(self._engine_files(), read)
        found = dict(named_in(self._ours(files), read, engines))
        tip = self._tip(shared)
        if tip is not None and self._remote is not None:
            at_tip = _reader_of_commit(self._remote, tip, self._path(""))
            files |= _asked_for(self._engine_files_at(self._remote, tip), at_tip)
            branch = shared.branch if shared is not None else "the branch"
            found = {**named_in(self._ours(files), at_tip, engines, f" on `{branch}`"), **found}
        return found

    def _ours(self, files: Iterable[str]) -> list[str]:
        """Those that IDs are ever written to."""
        rules = self._project.settings.output_rules
        return [file for file in files if rules.refusal(file) is None]

    def _engine_files(self) -> Iterable[str]:
        try:
            engines = self._project.engines
            found, beside = engines.discover()[0], engines.beside()
            return [*found.values(), *beside.files.values(), *beside.unchosen.values()]
        except InvalidInput:
            if self._project.checkout().folder_not_gone() is not None:
                raise
            return ()

    def _engine_files_at(self, remote: GitRemote, tip: str) -> Iterator[str]:
        folder = self._path(self._project.settings.engines)
        prefix = self._path("")
        for path in remote.files_with(tip, _MARK.decode(), folder):
            if path.endswith((".yaml", ".yml")):
                yield path.removeprefix(f"{prefix}/") if prefix else path

    def _tip(self, shared: RemoteSnapshot | None) -> str | None:
        """The branch's newest commit that is known."""
        if shared is not None:
            return shared.branch_tip
        if self._remote is None or self._online:
            return None
        branch = self._project.settings.branch or self._remote.current_branch()
        return None if branch is None else self._remote.seen_last(branch)

    def _path(self, name: str) -> str:
        """A path of the project from the root of the git repository."""
        found = find_git(self._project.root)
        assert found is not None  # there is a remote
        inside = self._project.root.resolve().relative_to(found[0])
        path = (inside / name).as_posix()
        return "" if path == "." else path


def settings_beside(project: Project, name: str) -> Settings:
    """The settings of another environment, as the project's settings file has them: flags and variables are about the
    one that a run is for. Raises `InvalidInput` where that file is outside of the project.
    """
    if project.settings_file is None:
        raise InvalidInput("the settings are outside the project, so other environments cannot be looked at")
    return settings_of(project.root, project.root, project.settings_file, {"environment": name}, {})


def _remote_of(project: Project) -> GitRemote | None:
    if find_git(project.root) is None:
        return None
    from reconciler.adapters.git.drafts import Identity
    from reconciler.adapters.git.remote import GitRemote

    remote = GitRemote(project.root, project.settings.remote, Identity("", ""))
    return remote if remote.exists() else None


def _asked_for(paths: Iterable[str], read: Read) -> set[str]:
    """The outputs that engine files ask for. Raises `InvalidInput` for one that cannot be read."""
    found: set[str] = set()
    for path in paths:
        data = read(path)
        if data is None or _MARK not in data:
            continue
        from reconciler.adapters.engine_files.outputs import outputs_of
        from reconciler.adapters.yaml.reader import read_yaml

        try:
            found |= {output.file for output in outputs_of(read_yaml(data, path).value)}
        except (InvalidInput, KeyError, TypeError, AttributeError) as error:
            raise InvalidInput(
                f"{path} is not valid, so it is unknown where its engine's ID is written", hint="fix it first"
            ) from error
    return found


def _reader_of_work_tree(project: Project) -> Read:
    return reader_of(SafeFiles(str(project.root)))


def _reader_of_commit(remote: GitRemote, commit: str, folder: str) -> Read:
    def read(file: str) -> bytes | None:
        if "\n" in file:
            raise InvalidInput(f"{shown(file)} has a line break in its name, so it cannot be read from git")
        [content] = remote.read([(commit, f"{folder}/{file}" if folder else file)])
        return content

    return read
