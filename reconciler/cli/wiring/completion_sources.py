"""The ways in which a run hears that jobs ended: the WebSocket, an inbox of webhooks, or both; wired as asked for."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.stderr import hears, warn
from reconciler.core.errors import InvalidInput, ReconcileError, UsageError
from reconciler.core.settings.model import Settings

if TYPE_CHECKING:
    from reconciler.app.ports import Deliveries
    from reconciler.cli.wiring.project import Project
    from reconciler.core.ledger.webhook_facts import Delivery

SECRET = "LINGO_WEBHOOK_SECRET"  # noqa: S105 # a variable's name
TOKEN = "RECONCILE_INBOX_TOKEN"  # noqa: S105 # the same
OWN_INBOX = "inbox.db"  # of `--listen` without `--inbox`, in the private folder


@dataclass
class CompletionSources:
    """`websocket` tells whether jobs are watched there. `given` are deliveries that came with the command itself."""

    websocket: bool = True
    deliveries: Deliveries | None = None
    given: Sequence[Delivery] = ()

    def waiting(self) -> list[Delivery]:
        """What was delivered and not taken yet. Where there is the WebSocket as well, an inbox may be out of reach."""
        found = list(self.given)
        if self.deliveries is not None:
            try:
                found += self.deliveries.waiting()
            except ReconcileError as error:
                if not self.websocket:
                    raise
                warn(f"{error.message}; going on without webhooks")
        return found


@contextmanager
def completion_sources_of(
    project: Project, flags: Mapping[str, Any]
) -> Iterator[tuple[Project, CompletionSources]]:
    """The ways that settings and flags ask for, for the length of a block, and the project as they make it: a receiver
    of our own gives a sandbox on this machine its callback URL.
    """
    settings = project.settings
    listen, event = flags.get("listen"), flags.get("event")
    if settings.inbox is not None and settings.inbox_url is not None:
        raise InvalidInput(
            "both inbox and inbox_url are set", hint="the receiver is on this machine or another"
        )
    if listen is not None and settings.inbox_url is not None:
        raise InvalidInput("--listen makes a receiver, and inbox_url names another one", hint="leave one out")
    has_inbox = listen is not None or settings.inbox is not None or settings.inbox_url is not None
    via = settings.via or ("both" if has_inbox else "websocket")
    if listen is not None and via == "websocket":
        raise UsageError("--listen is of no use with --via websocket", hint="leave one of them out")
    if via != "websocket" and not has_inbox:
        raise InvalidInput(
            f"waiting by {via} needs an inbox of webhooks",
            hint="--inbox FILE, --inbox-url URL, or --listen HOST:PORT; see docs/webhooks.md",
        )
    with ExitStack() as stack:
        completion_sources = CompletionSources(websocket=via != "webhook", given=_given(event))
        if via != "websocket":
            if listen is not None:
                project = _listening(stack, project, listen)
            completion_sources.deliveries = _deliveries(stack, project)
        yield project, completion_sources


def check_callback(settings: Settings, completion_sources: CompletionSources) -> None:
    """Raises `InvalidInput` for a run that would create engines and then wait for webhooks that nobody sends."""
    if not completion_sources.websocket and settings.callback_url is None:
        raise InvalidInput(
            "waiting by webhook needs a callback URL",
            hint="set callback_url to the receiver's address (RECONCILE_CALLBACK_URL), or use --via both",
        )


def _deliveries(stack: ExitStack, project: Project) -> Deliveries:
    settings = project.settings
    by = f"{socket.gethostname()} {os.getpid()}"
    if settings.inbox_url is not None:
        import random

        from reconciler.adapters.inbox.remote import RemoteInbox  # httpx, only for a remote one

        token = os.environ.get(TOKEN, "").strip()
        if not token:
            raise InvalidInput(
                "there is no token for the receiver", hint=f"set {TOKEN} here and where the receiver runs"
            )
        remote = RemoteInbox(settings.inbox_url, token, by, random.random)
        stack.callback(remote.close)
        return remote
    from reconciler.adapters.inbox.feed import InboxFeed  # sqlite3, only for a local one

    feed = InboxFeed(_inbox(project), by, time.time)
    stack.callback(feed.close)
    return feed


def _inbox(project: Project) -> Path:
    if project.settings.inbox is None:
        return project.private / OWN_INBOX
    return project.root / Path(project.settings.inbox).expanduser()


def _listening(stack: ExitStack, project: Project, listen: str) -> Project:
    """A receiver in this process, up to the end of the run."""
    from reconciler.adapters.platform.endpoint import is_loopback, parse_endpoint
    from reconciler.adapters.receiver.log import ServeLog
    from reconciler.adapters.receiver.server import Settings
    from reconciler.adapters.receiver.signing_secrets import Secrets
    from reconciler.adapters.receiver.thread import running

    host, port = listen_address(listen)
    secrets = Secrets(os.environ.get(SECRET, ""), SECRET)
    if not secrets.keys:
        raise InvalidInput(
            "no signing secret is set, so no webhook could be verified",
            hint=f"set {SECRET}; before the first run with a callback URL there is none: use the WebSocket then",
        )
    inbox = _inbox(project)
    inbox.parent.mkdir(parents=True, exist_ok=True)
    log = ServeLog(
        lambda line: click.echo(line, err=True), time.time, level="warning" if hears("warning") else "error"
    )
    url = stack.enter_context(running(Settings(inbox=inbox, host=host, port=port), secrets, log))
    settings = project.settings
    local = is_loopback(parse_endpoint(settings.api_url).host) and is_loopback(host)
    if settings.callback_url is None and local:
        return replace(project, settings=replace(settings, callback_url=url))
    return project


def listen_address(text: str) -> tuple[str, int]:
    """The host and port in `HOST:PORT`, `[V6]:PORT` or `:PORT` (all addresses). Raises `UsageError`."""
    host, colon, port = text.rpartition(":")
    if colon and port.isascii() and port.isdigit() and len(port) <= 5 and int(port) < 65536:
        bare = host.removeprefix("[").removesuffix("]")
        if (":" in bare) == (host != bare):
            return bare or "0.0.0.0", int(port)  # noqa: S104 # asked for
    raise UsageError("--listen must be HOST:PORT", hint="such as 127.0.0.1:8788, 0.0.0.0:8788 or [::1]:8788")


def _given(event: str | None) -> list[Delivery]:
    if event is None:
        return []
    from reconciler.adapters.github.event_file import read_event_file
    from reconciler.adapters.receiver.signing_secrets import Secrets

    found = read_event_file(Path(event), Secrets(os.environ.get(SECRET, ""), SECRET).keys)
    if found.notice is not None:
        warn(f"{event}: {found.notice}")
    return [found.delivery] if found.delivery is not None else []
