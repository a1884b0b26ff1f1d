"""`reconcile schema`: the JSON Schemas for editors and programs, and whether committed copies are fresh."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from reconciler.adapters.storage.durable_files import read_regular
from reconciler.cli.command import Command
from reconciler.cli.invocation import invocation_of
from reconciler.cli.opening import start_folder
from reconciler.cli.options import global_options
from reconciler.core.commands import into_file, reconcile, show_commands_for
from reconciler.core.errors import InvalidInput

ENGINE, OVERLAY, SETTINGS, LOCKFILE, PLAN, OUTCOME = (
    *("engine", "overlay", "settings"),
    *("lockfile", "plan", "outcome"),
)
PLANS = "plans"


@click.command("schema", cls=Command, example="--settings", docs="engine-files.md")
@click.option("--engine", "kind", flag_value=ENGINE, help="Print the schema of engine files (the default).")
@click.option("--overlay", "kind", flag_value=OVERLAY, help="Print the schema of an environment's overlays.")
@click.option("--settings", "kind", flag_value=SETTINGS, help="Print the schema of reconcile.yaml.")
@click.option("--lockfile", "kind", flag_value=LOCKFILE, help="Print the schema of the lockfile.")
@click.option("--plan", "kind", flag_value=PLAN, help="Print the schema of `reconcile plan --format json`.")
@click.option(
    "--plans",
    "kind",
    flag_value=PLANS,
    help="Print the schema of `reconcile plan --all-projects --format json`.",
)
@click.option(
    "--outcome", "kind", flag_value=OUTCOME, help="Print the schema of `reconcile apply --format json`."
)
@click.option("--check", is_flag=True, help="Compare the committed copies, and fail if one is outdated.")
@global_options
@click.pass_context
def command(ctx: click.Context, kind: str | None, check: bool) -> None:
    """Print the JSON Schema of engine files, or of another document.

    Editors with the YAML language server read it from the first line of an engine file:
    `# yaml-language-server: $schema=../schemas/engine.schema.json`. With --check, compares the copies under schemas/:
    that of engine files, and those of the others that are there. The dialect is draft 2020-12.
    """
    if not check:
        click.echo(_SCHEMAS[kind or ENGINE](), nl=False)
        return
    root = start_folder(ctx)
    show_commands_for(invocation_of(ctx, root, root))
    for each, fresh in _SCHEMAS.items():
        name = f"schemas/{each}.schema.json"
        how = reconcile("schema", *([f"--{each}"] if each != ENGINE else []))
        if each == ENGINE or (root / name).exists():
            _compare(root / name, fresh(), name, how)
    click.echo("the committed schemas are up to date")


def _engine_schema() -> str:
    from reconciler.adapters.engine_files.model import schema_text  # pydantic, only here

    return schema_text()


def _overlay_schema() -> str:
    from reconciler.adapters.engine_files.model import overlay_schema_text  # pydantic, only here

    return overlay_schema_text()


def _settings_schema() -> str:
    from reconciler.core.settings.schema import settings_schema_text  # only here

    return settings_schema_text()


def _lockfile_schema() -> str:
    from reconciler.core.lockfile.schema import lockfile_schema_text  # only here

    return lockfile_schema_text()


def _plan_schema() -> str:
    from reconciler.adapters.storage.document_schemas import plan_schema, schema_text  # pydantic, only here

    return schema_text(plan_schema())


def _plans_schema() -> str:
    from reconciler.adapters.storage.document_schemas import plans_schema, schema_text  # pydantic, only here

    return schema_text(plans_schema())


def _outcome_schema() -> str:
    from reconciler.adapters.storage.document_schemas import (  # pydantic, only here
        outcome_schema,
        schema_text,
    )

    return schema_text(outcome_schema())


_SCHEMAS: dict[str, Callable[[], str]] = {
    ENGINE: _engine_schema,
    OVERLAY: _overlay_schema,
    SETTINGS: _settings_schema,
    LOCKFILE: _lockfile_schema,
    PLAN: _plan_schema,
    PLANS: _plans_schema,
    OUTCOME: _outcome_schema,
}


def _compare(file: Path, fresh: str, name: str, how: str) -> None:
    committed = read_regular(file, name)
    if committed is None:
        raise InvalidInput(f"{name} is missing", hint=into_file(how, name))
    if committed != fresh.encode():
        raise InvalidInput(f"{name} is out of date", hint=into_file(how, name))
