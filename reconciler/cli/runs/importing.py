"""An engine that exists becomes the one of a key: looked up, compared with its engine file or given one, recorded."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

import click

from reconciler.adapters.outputs.files import LockfileAndOutputs
from reconciler.adapters.project.scaffold import create_file
from reconciler.adapters.project.starter import starter_text
from reconciler.adapters.storage.durable_files import read_regular
from reconciler.adapters.storage.lease_file import FileLease
from reconciler.adapters.system.clock import UtcClock
from reconciler.app.deciding import Stores, adopt, check_adoptable
from reconciler.app.recorded import read_recorded_state
from reconciler.cli.runs.deciding import finish_cut_off
from reconciler.cli.screen import must_ask
from reconciler.cli.stderr import warn
from reconciler.cli.wiring.api_key import known_key
from reconciler.cli.wiring.engine_lookup import details_of
from reconciler.core.commands import key_variable, reconcile
from reconciler.core.engine.overlay import Named, chosen
from reconciler.core.engine.spec import Desired
from reconciler.core.errors import InvalidInput, LockfileError, PlatformError, UsageError
from reconciler.core.lockfile.model import parse
from reconciler.core.lockfile.names import engines_of
from reconciler.core.platform.engine import Details
from reconciler.project.opened import WRITTEN, Project
from reconciler.render.phrases.sanitize import sanitize


def import_engine(project: Project, key: str, engine_id: str, *, as_is: bool) -> str | None:
    """Returns the engine's file, once it is recorded with it; None where somebody thought better of it.

    Raises `UsageError` where it cannot become the engine of this key, or its file says something else and there is
    nobody to ask.
    """
    finished = finish_cut_off(project, f"set {key_variable()}", "adopt", key)
    if finished is not None and finished.engine_id == engine_id:
        return files_of(project).get(key)
    check_adoptable(read_recorded_state(project.lockfile, project.known_journal).folded, key, engine_id)
    _check_name(project, key)
    _check_other_environments(project, engine_id)
    found = _look_up(project, engine_id)
    wanted = _recorded_as_it_is(project, key, found, engine_id, as_is=as_is)
    return None if wanted is None else wanted.file


def _check_name(project: Project, key: str) -> None:
    """Raises `UsageError` for a key whose file would be no engine of this environment."""
    files, beside, choice = files_of(project), project.engines.beside, project.settings.choice
    if not files or key in files:
        return
    others = beside()
    bases = Named({*files, *others.unchosen, *others.bases, key}, choice).bases
    if key in bases:
        base, environment = bases[key]
        raise UsageError(
            f"`{key}` is the name of an overlay: that of `{base}` for the environment `{environment}`",
            hint="choose another key",
        )
    if not chosen(choice, key):
        raise UsageError(
            f"`{key}` is not chosen for the environment `{choice.environment}`",
            hint="choose another key, or change `include` or `exclude` in the settings",
        )


def files_of(project: Project) -> Mapping[str, str]:
    """The engine files by key; none where there are none yet."""
    folder = project.root / project.settings.engines
    there = folder.is_dir() and any(path.is_file() for path in folder.rglob("*.y*ml"))
    return project.engines.discover()[0] if there else {}


def _recorded_as_it_is(
    project: Project, key: str, found: Details | None, engine_id: str, *, as_is: bool
) -> Desired | None:
    """The engine's file, once it is recorded with it; None where somebody thought better of it."""
    path = files_of(project).get(key)
    wanted = None if path is None else _loaded(project, key, path)
    if wanted is not None and not as_is and not _confirmed(wanted, found, key, engine_id):
        return None
    with FileLease(project.private).hold(), ExitStack() as stack:
        if wanted is None:
            wanted = stack.enter_context(_starter_file(project, key, found, engine_id))
        _record(project, wanted, engine_id)
    return wanted


def _check_other_environments(project: Project, engine_id: str) -> None:
    """Raises `UsageError` for an engine that another environment's lockfile names."""
    for environment, name in project.settings.lockfiles.items():
        if environment == project.settings.environment:
            continue
        try:
            content = read_regular(project.root / name, name)
            known = content is not None and engine_id in engines_of(parse(content, name))
        except LockfileError as error:
            warn(sanitize(error.message))
            continue
        if known:
            raise UsageError(
                f"{engine_id} is recorded in {name} already, for the environment `{environment}`"
            )


def _look_up(project: Project, engine_id: str) -> Details | None:
    try:
        return details_of(project.settings, engine_id)
    except PlatformError as error:
        warn(sanitize(error.message))
        return None


def _loaded(project: Project, key: str, path: str) -> Desired:
    loaded = project.engines.load(key, path, project.id_length)
    if isinstance(loaded, list):
        raise InvalidInput(f"{path} is not valid", diagnostics=loaded)
    return loaded


@contextmanager
def _starter_file(project: Project, key: str, found: Details | None, engine_id: str) -> Iterator[Desired]:
    """An engine file with what the platform says. It goes again where the engine is not recorded: left alone, the next
    run would create a second engine for it.
    """
    path = f"{project.settings.engines}/{key}.yaml"
    if found is None or found.name is None:
        set_key = f", or set {key_variable()}" if known_key(project.settings) is None else ""
        again = reconcile("import", arguments=[key, engine_id])
        raise UsageError(
            f"{engine_id} cannot be read from the platform, so its engine file cannot be written",
            hint=f"write {path} yourself{set_key}; then run `{again}`",
        )
    if elsewhere := project.checkout().not_gone({key: []}):
        raise InvalidInput(f"`{sanitize(key)}` has an engine file already", diagnostics=elsewhere)
    if (
        create_file(
            project.root, path, starter_text(path, found.name, found.description, found.locales or ())
        ).action
        != "created"
    ):
        raise InvalidInput(f"{path} is not an engine file", hint="move it out of the way")
    try:
        yield _loaded(project, key, path)
    except BaseException:
        (project.root / path).unlink(missing_ok=True)
        raise
    click.echo(f"created  {path}")


def _confirmed(wanted: Desired, found: Details | None, key: str, engine_id: str) -> bool:
    """Whether to go on where the platform says something else than the file. Raises `UsageError` without a terminal."""
    differences = [] if found is None else list(_differences(wanted, found))
    if not differences:
        return True
    click.echo(f"{wanted.file} differs from {engine_id}:")
    for field, here, there in differences:
        click.echo(f"  {field}: {_value(there)} on the platform, {_value(here)} in the file")
    anyway = reconcile("import", "--as-is", arguments=[key, engine_id])
    try:
        must_ask("import", yes=False)
    except UsageError as error:
        raise UsageError(
            f"{wanted.file} differs from the engine", hint=f"edit the file, or run `{anyway}`"
        ) from error
    return click.confirm("Import it as it is?", err=True)


def _differences(wanted: Desired, found: Details) -> list[tuple[str, str, str]]:
    spec = wanted.spec
    pairs = [
        ("name", spec.name, found.name),
        ("description", spec.description or "", found.description),
        ("locales", ", ".join(sorted(spec.locales)), ", ".join(sorted(found.locales or ())) or None),
    ]
    return [(field, here, there) for field, here, there in pairs if there is not None and here != there]


def _value(text: str) -> str:
    return sanitize(json.dumps(text[:200], ensure_ascii=False))


def _record(project: Project, wanted: Desired, engine_id: str) -> None:
    lockfile = LockfileAndOutputs(
        project.root, project.settings.lockfile, project.settings.output_rules, note=project.private / WRITTEN
    )
    adopt(Stores(lockfile, project.known_journal, UtcClock()), wanted, engine_id)
    for problem in lockfile.problems:
        warn(problem)
