"""Running a sandbox: in a thread of this process (`SandboxServer`), or in the foreground (`serve_forever`).

uvicorn carries it. Its server is told to stop by an event instead of a poll, and to cut what is still open
instead of waiting for it: a sandbox is stopped many times in a test run, often with a hanging request on
purpose.
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, TypeVar, cast

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from uvicorn.protocols.http.h11_impl import H11Protocol

from reconciler.core.errors import UsageError
from reconciler.core.frozen import replace
from reconciler.sandbox.api import PlatformApi
from reconciler.sandbox.control import Control, engines_of, jobs_of
from reconciler.sandbox.faults import FaultBook
from reconciler.sandbox.request_log import RequestRecord
from reconciler.sandbox.sandbox import Sandbox
from reconciler.sandbox.settings import SandboxSettings

_FAREWELL = 0.05  # seconds for close frames to leave
_PATIENCE = 30  # seconds for the loop to answer another thread
_BACKLOG = 2048
_DESCRIPTORS = 8192  # enough for some thousand sockets; macOS starts with 256
_KEEP_ALIVE = (
    75  # longer than any client keeps an idle connection, so that none loses a request to our closing
)
_T = TypeVar("_T")


class SandboxServer:
    """A sandbox in a thread, from `__enter__` to `__exit__`. What it shows of its world is safe to read from
    any thread, and still there after the end. Raises `UsageError` for an address that cannot be listened on,
    `StorageError` for a state file that cannot be used.

    `log`, when given, hears one line about each answered request, from the sandbox's thread.
    """

    url: str

    def __init__(self, settings: SandboxSettings, log: Callable[[str], None] | None = None) -> None:
        self._settings = settings
        self._say = log
        self._sandbox: Sandbox | None = None

    def __enter__(self) -> SandboxServer:
        listener = _listen(self._settings)
        try:
            self._sandbox = Sandbox(self._settings, self._say)
        except BaseException:
            listener.close()
            raise
        self.url = _url(listener)
        ready = threading.Event()
        self._server = _Server(self._sandbox, ready.set)
        self._thread = threading.Thread(target=self._run, args=(listener, ready), name="sandbox", daemon=True)
        self._thread.start()
        ready.wait()
        if not self._server.started:
            self._thread.join()
            raise RuntimeError("the sandbox did not start")
        return self

    def _run(self, listener: socket.socket, ready: threading.Event) -> None:
        try:
            asyncio.run(self._server.serve([listener]))
        finally:
            ready.set()  # whoever waits for the start is not left waiting by a failure

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop_from_any_thread()
        self._thread.join()
        self._running.close()

    @property
    def faults(self) -> FaultBook:
        """Add faults here as over `POST /sandbox/faults`."""
        return self._running.faults

    @property
    def webhook_secret(self) -> str | None:
        return self._running.world.webhook_secret

    def engines(self) -> list[dict[str, Any]]:
        """As `GET /engines/{id}` shows each, oldest first."""
        return self._seen(lambda: engines_of(self._running))

    def jobs(self) -> list[dict[str, Any]]:
        """As `GET /jobs/provisioning/{id}` shows each, with what was submitted, oldest first."""
        return self._seen(lambda: jobs_of(self._running))

    def requests(self) -> list[RequestRecord]:
        return self._seen(lambda: [replace(record) for record in self._running.log.records])

    def end_jobs(self) -> None:
        """Whatever runs ends now."""
        self._seen(lambda: self._running.end_jobs())

    def create_calls(self) -> int:
        """How many calls have made an engine since the start."""
        return self._running.world.create_calls

    @property
    def _running(self) -> Sandbox:
        if self._sandbox is None:
            raise RuntimeError("the sandbox has not been started")
        return self._sandbox

    def _seen(self, look: Callable[[], _T]) -> _T:
        """Looked at by the thread that changes it, as long as there is one."""
        return self._server.ask(look)


def serve_forever(
    settings: SandboxSettings, on_ready: Callable[[str], None], log: Callable[[str], None] | None = None
) -> None:
    """In the foreground, from the main thread, until SIGINT or SIGTERM; then it returns. `on_ready` is given
    the URL once connections are accepted. Raises as `SandboxServer` does."""
    listener = _listen(settings)
    try:
        sandbox = Sandbox(settings, log)
    except BaseException:
        listener.close()
        raise
    _allow_many_sockets()
    server = _Server(sandbox, lambda: on_ready(_url(listener)), signals=True)
    try:
        asyncio.run(server.serve([listener]))
    finally:
        listener.close()
        sandbox.close()


def _allow_many_sockets() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(_DESCRIPTORS, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class _Wire(H11Protocol):
    """Leaves its transport in the scope of each request, sockets included, for those who want to cut it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as its base
        self.app_state = {**self.app_state, "transport": transport}
        super().connection_made(transport)


class _Server(uvicorn.Server):
    def __init__(self, sandbox: Sandbox, on_started: Callable[[], None], signals: bool = False) -> None:
        super().__init__(_config(sandbox))
        self._sandbox = sandbox
        self._on_started = on_started
        self._signals = signals
        self._stop = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def stop_from_any_thread(self) -> None:
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # it has ended by itself
                self._loop.call_soon_threadsafe(self._stop.set)

    def ask(self, look: Callable[[], _T]) -> _T:
        """The answer of `look`, called in the loop; or here, once the loop is no more."""

        async def looked() -> _T:
            return look()

        if self._loop is None or self._loop.is_closed():
            return look()
        return asyncio.run_coroutine_threadsafe(looked(), self._loop).result(_PATIENCE)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """In place of uvicorn's, which raises the signal again at the end."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM) if self._signals else ():
            loop.add_signal_handler(number, self._stop.set)
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)
        self._sandbox.start()
        self._on_started()

    async def main_loop(self) -> None:
        seconds = 0
        while not self._stop.is_set():
            await self.on_tick(seconds * 10)  # uvicorn counts tenths
            seconds += 1
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await self._stop.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        await self._sandbox.stop()
        if self.server_state.tasks:
            await asyncio.sleep(_FAREWELL)
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        if self.server_state.tasks:
            await asyncio.wait(self.server_state.tasks, timeout=0.5)
        for listener in sockets or []:
            listener.close()


def _config(sandbox: Sandbox) -> uvicorn.Config:
    api = PlatformApi(sandbox)
    app = Starlette(
        routes=[*api.routes(), *Control(sandbox).routes()], exception_handlers={HTTPException: api.elsewhere}
    )
    app.router.redirect_slashes = False
    return uvicorn.Config(
        app,
        http=_Wire,
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        loop="asyncio",
        lifespan="off",
        log_config=None,
        log_level="error",
        access_log=False,
        server_header=False,
        backlog=_BACKLOG,
        timeout_keep_alive=_KEEP_ALIVE,
    )


def _listen(settings: SandboxSettings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # The protocol is named because asyncio switches Nagle's delay off (40 ms an answer) only where it says TCP.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((settings.host, settings.port))
        listener.listen(_BACKLOG)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise UsageError(
            f"cannot listen on {settings.host}:{settings.port}: {error.strerror or error}",
            hint="port 0 picks a free one",
        ) from error
    return listener


def _url(listener: socket.socket) -> str:
    host, port = cast(tuple[str, int], listener.getsockname()[:2])
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
