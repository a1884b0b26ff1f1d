"""`reconcile sandbox`: a local platform to try workflows on, without a key."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from reconciler.cli.command import Command
from reconciler.cli.opening import open_project
from reconciler.cli.options import given, global_options
from reconciler.core.commands import key_variable, reconcile
from reconciler.core.errors import ReconcileError


@click.command("sandbox", cls=Command, example="--port 0 --job-seconds 1", docs="sandbox.md")
@click.option("--host", default="127.0.0.1", show_default=True, help="Listen on this address.")
@click.option(
    "--port", type=int, default=8787, show_default=True, help="Listen on this port; 0 picks a free one."
)
@click.option("--latency", type=float, default=0.0, metavar="SECONDS", help="Wait before each answer.")
@click.option(
    "--job-seconds",
    type=float,
    default=5.0,
    show_default=True,
    metavar="SECONDS",
    help="Let each job run this long.",
)
@click.option(
    "--fail",
    "fail_rate",
    type=float,
    default=0.0,
    metavar="RATE",
    help="Fail this share of jobs, from 0 to 1.",
)
@click.option("--state", "state_file", type=Path, metavar="FILE", help="Keep everything in this SQLite file.")
@global_options
@click.pass_context
def command(ctx: click.Context, /, **flags: Any) -> None:
    """Run a local platform to try things on, until Ctrl-C.

    It speaks the provisioning API and creates no real engines. Ask for faults with a word in an engine's description,
    or over HTTP.
    """
    from reconciler.sandbox.server import serve_forever  # starlette and uvicorn, only here
    from reconciler.sandbox.settings import SandboxSettings

    settings = SandboxSettings(**flags)
    with suppress(ReconcileError):  # in a project, commands go by its --env and its variable for the key
        open_project(ctx)
    log = _log if given(ctx, "log_level") in ("info", "debug") else None
    serve_forever(settings, lambda url: _welcome(url, settings.api_keys[0]), log)


def _welcome(url: str, key: str) -> None:
    click.echo(f"the sandbox platform is listening on {url}. In another terminal, run:\n")
    click.echo(f"  export LINGO_API_URL={url} {key_variable()}={key}")
    click.echo(f"  export RECONCILE_MCP_URL={url}/mcp\n  {reconcile('')}\n")
    click.echo("Press Ctrl-C to stop it")
    sys.stdout.flush()


def _log(line: str) -> None:
    click.echo(line, err=True)
