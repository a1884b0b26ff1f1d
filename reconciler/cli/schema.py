"""`reconcile schema`: the JSON Schemas for editors, and whether committed copies are fresh."""

from __future__ import annotations

from pathlib import Path

import click

from reconciler.cli.options import global_options
from reconciler.cli.project import start_folder
from reconciler.core.errors import InvalidInput, StorageError

ENGINE_COPY = "schemas/engine.schema.json"
SETTINGS_COPY = "schemas/settings.schema.json"


@click.command("schema")
@click.option("--settings", "of_settings", is_flag=True, help="The schema of reconcile.yaml instead.")
@click.option("--check", is_flag=True, help="Print nothing; fail when a committed copy is not this schema.")
@global_options
@click.pass_context
def command(ctx: click.Context, of_settings: bool, check: bool) -> None:
    """Print the JSON Schema (draft 2020-12) of engine files.

    Editors with the YAML language server use it through the first line of an engine file: `#
    yaml-language-server: $schema=../schemas/engine.schema.json`. With --check, the copies under schemas/ are
    compared.
    """
    if not check:
        click.echo(_settings_schema() if of_settings else _engine_schema(), nl=False)
        return
    root = start_folder(ctx)
    _compare(root / ENGINE_COPY, _engine_schema(), ENGINE_COPY, "reconcile schema")
    if (root / SETTINGS_COPY).exists():
        _compare(root / SETTINGS_COPY, _settings_schema(), SETTINGS_COPY, "reconcile schema --settings")
    click.echo("the committed schemas are fresh")


def _engine_schema() -> str:
    from reconciler.adapters.engine_model import schema_text  # pydantic, only here

    return schema_text()


def _settings_schema() -> str:
    from reconciler.core.settings_schema import settings_schema_text  # only here

    return settings_schema_text()


def _compare(file: Path, fresh: str, name: str, how: str) -> None:
    try:
        committed = file.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise InvalidInput(f"{name} is missing", hint=f"{how} > {name}") from error
    except OSError as error:
        raise StorageError(f"cannot read {name}: {error.strerror}") from error
    if committed != fresh:
        raise InvalidInput(f"{name} is not what this reconcile generates", hint=f"{how} > {name}")
