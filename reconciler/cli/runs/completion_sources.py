"""The ways in which a run hears that jobs ended: the WebSocket, an inbox of webhooks, or both; wired as asked for."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.adapters.project.places import private_folder, refuse_link_out
from reconciler.cli.stderr import hears, warn
from reconciler.cli.wiring.inbox_places import place_of
from reconciler.core.errors import InvalidInput, ReconcileError, UsageError
from reconciler.core.settings.model import Settings
from reconciler.core.settings.trust import check_inbox

if TYPE_CHECKING:
    from reconciler.adapters.inbox.stores import InboxPlace
    from reconciler.app.ports import Deliveries
    from reconciler.core.ledger.webhook_facts import Delivery
    from reconciler.core.platform.webhook import Event

SECRET = "LINGO_WEBHOOK_SECRET"  # noqa: S105 # a variable's name
TOKEN = "RECONCILE_INBOX_TOKEN"  # noqa: S105 # the same
_KEYS = ("LINGO_API_KEY", "LINGODOTDEV_API_KEY")  # and all whose names begin so
_SECRETS = (SECRET, TOKEN, "GITHUB_TOKEN")
OWN_INBOX = "inbox.db"  # of `--listen` without `--inbox`, in the private folder


@dataclass
class CompletionSources:
    """`websocket` tells whether jobs are watched there. `given` are deliveries that came with the command itself.
    `callback_url` goes out with create calls: as set, or that of a receiver of our own beside a sandbox.
    """

    websocket: bool = True
    callback_url: str | None = None
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
                warn(f"{error.message}; continuing without webhooks")
        return [one._replace(event=one.event.without(_secrets())) for one in found]


class _Scrubbed:
    """Implements the port `Deliveries`: the same, with none of our secrets in what it tells."""

    def __init__(self, deliveries: Deliveries) -> None:
        self._deliveries = deliveries
        self.waiting, self.claim, self.hurry = deliveries.waiting, deliveries.claim, deliveries.hurry

    async def follow(self) -> AsyncIterator[Event]:
        async for event in self._deliveries.follow():
            yield event.without(_secrets())


def _secrets() -> list[str]:
    return [
        value.strip()
        for name, value in os.environ.items()
        if (name in _SECRETS or name.startswith(_KEYS)) and value.strip()
    ]


@contextmanager
def completion_sources_of(
    root: Path, settings: Settings, *, listen: str | None = None, event: str | None = None
) -> Iterator[CompletionSources]:
    """The ways that settings and flags ask for, for the length of a block. `listen` is the address of a receiver of our
    own, `event` the file of a webhook that was relayed.
    """
    check_inbox(settings)
    if settings.inbox is not None and settings.inbox_url is not None:
        raise InvalidInput(
            "both inbox and inbox_url are set",
            hint="keep one of them: the receiver is on this machine or on another",
        )
    if listen is not None and settings.inbox_url is not None:
        raise InvalidInput(
            "--listen starts a receiver, but inbox_url names another one", hint="remove one of them"
        )
    has_inbox = listen is not None or settings.inbox is not None or settings.inbox_url is not None
    via = settings.via or ("both" if has_inbox else "websocket")
    if listen is not None and via == "websocket":
        raise UsageError("--listen has no effect with --via websocket", hint="remove one of them")
    if via != "websocket" and not has_inbox:
        raise InvalidInput(
            f"waiting by {via} needs an inbox of webhooks",
            hint="use --inbox, --inbox-url or --listen; see docs/webhooks.md",
        )
    with ExitStack() as stack:
        sources = CompletionSources(via != "webhook", settings.callback_url, given=_given(event))
        if via != "websocket":
            inbox = inbox_of(root, settings)
            if listen is not None:
                url = _listening(stack, inbox, settings.api_url, listen)
                sources.callback_url = sources.callback_url or url
            sources.deliveries = _Scrubbed(_deliveries(stack, inbox, settings.inbox_url))
        yield sources


def check_callback(sources: CompletionSources) -> None:
    """Raises `InvalidInput` for a run that would create engines and then wait for webhooks that nobody sends."""
    if not sources.websocket and sources.callback_url is None:
        raise InvalidInput(
            "waiting by webhook needs a callback URL",
            hint="set callback_url to the receiver's address (RECONCILE_CALLBACK_URL), or use --via both",
        )


def _deliveries(stack: ExitStack, inbox: InboxPlace, inbox_url: str | None) -> Deliveries:
    by = f"{socket.gethostname()} {os.getpid()}"
    if inbox_url is not None:
        import random

        from reconciler.adapters.inbox.remote import RemoteInbox  # httpx, only for a remote one

        token = os.environ.get(TOKEN, "").strip()
        if not token:
            raise InvalidInput(
                "no token for the receiver", hint=f"set {TOKEN} here and where the receiver runs"
            )
        remote = RemoteInbox(inbox_url, token, by, random.random)
        stack.callback(remote.close)
        return remote
    from reconciler.adapters.inbox.feed import InboxFeed
    from reconciler.adapters.inbox.stores import store_at  # sqlite3 or psycopg, only for one of them

    feed = InboxFeed(store_at(inbox), by, time.time)
    stack.callback(feed.close)
    return feed


def inbox_of(root: Path, settings: Settings) -> InboxPlace:
    """Where it is, as settings say; otherwise a file of our own."""
    if settings.inbox is None:
        return private_folder(root, settings.environment) / OWN_INBOX
    if "://" in settings.inbox:
        return place_of(settings.inbox)
    inbox = root / Path(settings.inbox).expanduser()
    refuse_link_out(root, inbox, settings.inbox)
    return inbox


def _listening(stack: ExitStack, inbox: InboxPlace, api_url: str, listen: str) -> str | None:
    """A receiver in this process, up to the end of the run; its URL where the platform is on this machine as well."""
    from reconciler.adapters.platform.endpoint import is_loopback, parse_endpoint
    from reconciler.adapters.receiver.log import ServeLog
    from reconciler.adapters.receiver.server import Settings as ReceiverSettings
    from reconciler.adapters.receiver.signing_secrets import Secrets
    from reconciler.adapters.receiver.thread import running

    host, port = listen_address(listen)
    secrets = Secrets(os.environ.get(SECRET, ""), SECRET)
    if not secrets.keys:
        raise InvalidInput(
            "no signing secret is set, so no webhook can be verified",
            hint=f"set {SECRET}; for the first run with a callback URL, before there is one, use the WebSocket",
        )
    if isinstance(inbox, Path):
        inbox.parent.mkdir(parents=True, exist_ok=True)
    log = ServeLog(
        lambda line: click.echo(line, err=True), time.time, level="warning" if hears("warning") else "error"
    )
    url = stack.enter_context(running(ReceiverSettings(inbox=inbox, host=host, port=port), secrets, log))
    local = is_loopback(parse_endpoint(api_url).host) and is_loopback(host)
    return url if local else None


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
