"""`reconcile webhook serve`: a receiver for the platform's webhooks that stands for months."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.command import Group
from reconciler.cli.options import LOG_FORMAT, given, global_options
from reconciler.cli.runs.completion_sources import SECRET, TOKEN, listen_address
from reconciler.cli.wiring.inbox_places import as_place, chosen, enter
from reconciler.cli.wiring.relay import relay_target
from reconciler.core.duration import format_duration, parse_duration
from reconciler.core.errors import InvalidInput, UsageError

if TYPE_CHECKING:
    from reconciler.adapters.receiver.intake import Network
    from reconciler.adapters.receiver.server import Settings

MIN_TOKEN = 16


@click.group("webhook", cls=Group, docs="webhooks.md")
def command() -> None:
    """Receive the platform's webhooks."""


@command.command("serve", example="--inbox inbox.db", docs="webhooks.md")
@click.option(
    "--listen",
    default="127.0.0.1:8788",
    show_default=True,
    metavar="HOST:PORT",
    help="Listen at this address.",
)
@click.option(
    "--inbox",
    callback=as_place,
    metavar="PLACE",
    help="Store deliveries in this file, or at this postgresql:// address; created if missing.",
)
@click.option(
    "--secret-file",
    type=Path,
    metavar="FILE",
    help=f"Read signing secrets from FILE, besides {SECRET}, and again when it changes.",
)
@click.option(
    "--quarantine", is_flag=True, help="Keep deliveries that cannot be verified while no secret is set."
)
@click.option(
    "--tolerance",
    default="5m",
    show_default=True,
    metavar="TIME",
    help="Accept deliveries that are at most this old, or early.",
)
@click.option(
    "--request-timeout",
    default="10s",
    show_default=True,
    metavar="TIME",
    help="Give a whole request this long.",
)
@click.option(
    "--prefix",
    default="",
    metavar="PATH",
    help="Expect this path in front, left there by a proxy, such as /hooks.",
)
@click.option(
    "--trusted-proxy",
    multiple=True,
    metavar="NETWORK",
    help="Believe X-Forwarded-For from this network. Repeatable.",
)
@click.option("--tls-cert", type=Path, metavar="FILE", help="Serve HTTPS with this certificate chain.")
@click.option("--tls-key", type=Path, metavar="FILE", help="Read the private key of --tls-cert from FILE.")
@click.option(
    "--keep", default="30d", show_default=True, metavar="TIME", help="Keep claimed events this long."
)
@click.option(
    "--relay",
    metavar="github:OWNER/REPO",
    help="Pass each event on to this repository, as repository_dispatch.",
)
@LOG_FORMAT
@global_options
@click.pass_context
def serve_command(ctx: click.Context, /, **flags: Any) -> None:
    """Verify deliveries and store them in the inbox, until Ctrl-C.

    Confirms a delivery to its sender only once it is stored. POST / and POST /OPERATION take deliveries. GET /healthz,
    /readyz and /metrics are for the operator. GET /events is for readers on other hosts that have the token of
    RECONCILE_INBOX_TOKEN.
    """
    enter(given(ctx, "directory"))
    settings = _settings(flags, os.environ.get(TOKEN, ""))
    from reconciler.adapters.receiver.log import ServeLog
    from reconciler.adapters.receiver.server import serve_forever
    from reconciler.adapters.receiver.signing_secrets import Secrets
    from reconciler.adapters.system import trail
    from reconciler.cli.scrubbing import without_secrets

    secrets = Secrets(os.environ.get(SECRET, ""), SECRET, flags["secret_file"])
    if not secrets.keys and not flags["quarantine"]:
        raise InvalidInput(
            "no signing secret is set, so no delivery can be verified",
            hint=f"set {SECRET} or use --secret-file; before the first run, when there is none, use --quarantine",
        )
    level, as_json = given(ctx, "log_level") or "info", flags["log_format"] == "json"
    log = ServeLog(_write, time.time, level=level, as_json=as_json)
    trail.listen(lambda level, line: log.say(level, "outgoing", what=without_secrets(line, os.environ)))
    serve_forever(settings, secrets, log, lambda url: log.say("info", "listening", url=url))
    log.say("info", "ended")


def _settings(flags: dict[str, Any], token: str) -> Settings:
    from reconciler.adapters.receiver.intake import Rules
    from reconciler.adapters.receiver.server import Settings

    if (flags["tls_cert"] is None) != (flags["tls_key"] is None):
        raise UsageError("--tls-cert and --tls-key go together")
    if token and (len(token) < MIN_TOKEN or not token.isascii() or not token.isprintable() or " " in token):
        raise InvalidInput(
            f"{TOKEN} must be at least {MIN_TOKEN} ASCII characters without spaces",
            hint="run `openssl rand -hex 32` to create one",
        )
    host, port = listen_address(flags["listen"])
    rules = Rules(
        tolerance=_seconds(flags, "tolerance", 1, 3600),
        quarantine=flags["quarantine"],
        prefix=_prefix(flags["prefix"]),
        proxies=tuple(_network(text) for text in flags["trusted_proxy"]),
    )
    return Settings(
        inbox=chosen(flags["inbox"], "--inbox", os.environ),
        host=host,
        port=port,
        rules=rules,
        token=token or None,
        request_timeout=_seconds(flags, "request_timeout", 1, 300),
        keep=_seconds(flags, "keep", 3600, 3650 * 86400),
        tls_cert=flags["tls_cert"],
        tls_key=flags["tls_key"],
        relay=relay_target(flags["relay"], os.environ),
    )


def _seconds(flags: dict[str, Any], name: str, least: float, most: float) -> float:
    option = "--" + name.replace("_", "-")
    try:
        seconds = parse_duration(flags[name])
    except InvalidInput as error:
        raise UsageError(f"{option} {error.message}", hint=error.hint) from error
    if not least <= seconds <= most:
        raise UsageError(f"{option} must be from {format_duration(least)} to {format_duration(most)}")
    return seconds


def _prefix(text: str) -> str:
    path = text.rstrip("/")
    if path and not (path.startswith("/") and path.isascii() and path.isprintable() and "?" not in path):
        raise UsageError("--prefix must be a path", hint="write a path such as /hooks")
    return path


def _network(text: str) -> Network:
    import ipaddress

    try:
        return ipaddress.ip_network(text)
    except ValueError as error:
        raise UsageError(
            f"--trusted-proxy {text} is not an address or network",
            hint="write an address such as 127.0.0.1, or a network such as 10.0.0.0/8",
        ) from error


def _write(line: str) -> None:
    click.echo(line, err=True)
