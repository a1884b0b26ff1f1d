"""`reconcile sandbox`: a local platform to try workflows on, without a key."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from reconciler.cli.options import given, global_options


@click.command("sandbox")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=int, default=8787, show_default=True, help="Port; 0 picks a free one.")
@click.option("--latency", type=float, default=0.0, metavar="SECONDS", help="Added before each answer.")
@click.option("--job-seconds", type=float, default=5.0, show_default=True, help="How long a job runs.")
@click.option("--fail", "fail_rate", type=float, default=0.0, metavar="RATE", help="Share of jobs that fail.")
@click.option("--state", "state_file", type=Path, metavar="FILE", help="Keep everything in this SQLite file.")
@global_options
@click.pass_context
def command(ctx: click.Context, /, **flags: Any) -> None:
    """Run a local platform that speaks the provisioning API, until Ctrl-C.

    It makes no real engines. Faults can be asked for, by a word in an engine's description or over HTTP:
    docs/sandbox.md.
    """
    from reconciler.sandbox.server import serve_forever  # starlette and uvicorn, only here
    from reconciler.sandbox.settings import SandboxSettings

    settings = SandboxSettings(**flags)
    log = _log if given(ctx, "log_level") in ("info", "debug") else None
    serve_forever(settings, lambda url: _welcome(url, settings.api_keys[0]), log)


def _welcome(url: str, key: str) -> None:
    click.echo(f"the sandbox platform listens at {url}; in another terminal:\n")
    click.echo(f"  export LINGO_API_URL={url} LINGO_API_KEY={key}\n  reconcile\n")
    click.echo("Ctrl-C ends it")
    sys.stdout.flush()


def _log(line: str) -> None:
    click.echo(line, err=True)
