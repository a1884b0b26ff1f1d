"""A local GitHub: the part of its REST API that we use, on a real socket, with its limits and its troubles.

`FakeGitHub` answers dispatches and what a GitHub App asks for. For more endpoints, subclass it and extend `routes`.
Everything that comes in is in `requests`; what is to go wrong with the next requests is put into `troubles`.
"""

from __future__ import annotations

import json
import re
import secrets
import socket
import struct
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qs, urlsplit

REPOSITORY = "acme/engines"
TOKEN = "github_pat_for_this_test_only"
_MAX_PAYLOAD = 64 * 1000  # "less than 64KB", read as strictly as it can be


@dataclass(frozen=True)
class Request:
    """`words` are what the route's pattern caught; header names are in lower case."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes
    words: tuple[str, ...] = ()

    @property
    def token(self) -> str:
        return self.headers.get("authorization", "").removeprefix("Bearer ")

    def json(self) -> Any:
        return json.loads(self.body)


class Reply(NamedTuple):
    """`headers` come besides the usual ones. `document` goes out as JSON, bytes as they are."""

    status: int
    document: Any = None
    headers: Mapping[str, str] = {}


class Trouble(NamedTuple):
    """What happens to one request: it waits, then the answer is this one instead of the right one. `hang_up` breaks
    the connection where the answer would begin; with `after` the request has been carried out before."""

    reply: Reply | None = None
    seconds: float = 0.0
    hang_up: bool = False
    after: bool = False


Handler = Callable[[Request], Reply]


class Route(NamedTuple):
    method: str
    pattern: str  # of the whole path
    handler: Handler


def refusal(status: int, message: str, **headers: str) -> Reply:
    """Header names are given with underscores."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, {"message": message, "documentation_url": "https://docs.github.com/rest"}, named)


@dataclass
class App:
    """A GitHub App. `life` is how many seconds its tokens are good for."""

    public_key: Any
    installation: int = 4242
    repository: str = REPOSITORY
    life: float = 3600.0
    issued: list[str] = field(default_factory=list)


class FakeGitHub:
    """A context manager; `url` is what GITHUB_API_URL is to be. The port stays the same over `stop` and `start`.

    `tokens` maps each good token to when it ends, in unix seconds, None for never. `readers` are those that may only
    read. `repositories` are all there are.
    """

    def __init__(self) -> None:
        self.repositories = {REPOSITORY}
        self.tokens: dict[str, float | None] = {TOKEN: None}
        self.readers: set[str] = set()
        self.apps: dict[str, App] = {}
        self.dispatches: list[dict[str, Any]] = []
        self.clock: Callable[[], float] = time.time
        self.requests: list[Request] = []
        self.troubles: deque[Trouble | None] = deque()
        self.always: Trouble | None = None  # for each request that `troubles` has nothing for
        self.refuses: Callable[[dict[str, Any]], bool] = lambda document: (
            False
        )  # dispatches answered with 422
        self._turn = threading.Lock()
        self._server: _Server | None = None
        self._port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def routes(self) -> list[Route]:
        """Extended by subclasses; the first that fits answers."""
        return [
            Route("POST", r"/repos/([^/]+/[^/]+)/dispatches", self._dispatch),
            Route("GET", r"/repos/([^/]+/[^/]+)/installation", self._installation),
            Route("POST", r"/app/installations/([0-9]+)/access_tokens", self._access_token),
        ]

    def start(self) -> None:
        self._server = _Server(("127.0.0.1", self._port), _Exchange)
        self._server.fake = self
        self._port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        """From now on connections are refused, and the open ones broken."""
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()
            server.hang_up()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # ── who may do what ────────────────────────────────────────────────────────────────────────────────────────────

    def allowed(self, request: Request, repository: str, *, write: bool) -> Reply | None:
        """None, or what GitHub says to a request that may not do this."""
        with self._turn:
            ends = self.tokens.get(request.token, 0.0)
        if ends is not None and ends <= self.clock():
            return refusal(401, "Bad credentials")
        if repository not in self.repositories:
            return refusal(404, "Not Found")
        if write and request.token in self.readers:
            return refusal(403, "Resource not accessible by personal access token")
        return None

    def _app_of(self, request: Request) -> App | None:
        import jwt

        try:
            name = jwt.decode(request.token, options={"verify_signature": False})["iss"]
            app = self.apps[name]
            claims = jwt.decode(
                request.token,
                app.public_key,
                algorithms=["RS256"],
                options={"require": ["iss", "iat", "exp"], "verify_exp": False, "verify_iat": False},
            )
        except (jwt.PyJWTError, KeyError):
            return None
        now = self.clock()
        return app if claims["iat"] <= now < claims["exp"] <= now + 600 else None

    # ── endpoints ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _dispatch(self, request: Request) -> Reply:
        refused = self.allowed(request, request.words[0], write=True)
        if refused is not None:
            return refused
        document = request.json()
        payload = document.get("client_payload", {})
        if not isinstance(document.get("event_type"), str) or not 0 < len(document["event_type"]) <= 100:
            return refusal(422, "Invalid request.\n\nevent_type is not valid")
        if not isinstance(payload, dict) or len(payload) > 10:
            return refusal(422, "No more than 10 properties are allowed; 11 were supplied.")
        if max(len(request.body), len(json.dumps(document))) >= _MAX_PAYLOAD + 1 or self.refuses(document):
            return refusal(422, "client_payload is too large.")
        with self._turn:
            self.dispatches.append(document)
        return Reply(204)

    def _installation(self, request: Request) -> Reply:
        app = self._app_of(request)
        if app is None:
            return refusal(401, "A JSON web token could not be decoded")
        if request.words[0] != app.repository:
            return refusal(404, "Not Found")
        return Reply(200, {"id": app.installation})

    def _access_token(self, request: Request) -> Reply:
        app = self._app_of(request)
        if app is None:
            return refusal(401, "A JSON web token could not be decoded")
        if int(request.words[0]) != app.installation:
            return refusal(404, "Not Found")
        wanted = request.json()
        if wanted.get("repositories") != [app.repository.partition("/")[2]]:
            return refusal(422, "There is at least one repository that does not exist or is not accessible")
        token, ends = "ghs_" + secrets.token_hex(18), self.clock() + app.life
        with self._turn:
            self.tokens[token] = ends
            app.issued.append(token)
        moment = datetime.fromtimestamp(ends, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return Reply(201, {"token": token, "expires_at": moment, "permissions": wanted.get("permissions")})

    # ── the wire ───────────────────────────────────────────────────────────────────────────────────────────────────

    def answer(self, request: Request) -> Reply | None:
        """None to hang up."""
        with self._turn:
            trouble = self.troubles.popleft() if self.troubles else self.always
            self.requests.append(request)
        if trouble is not None:
            time.sleep(trouble.seconds)
            if trouble.after:
                self._routed(request)
            if trouble.hang_up or trouble.reply is not None:
                return None if trouble.hang_up else trouble.reply
        return self._routed(request)

    def _routed(self, request: Request) -> Reply:
        for route in self.routes():
            found = re.fullmatch(route.pattern, request.path)
            if found is not None and route.method == request.method:
                words = found.groups()
                return route.handler(
                    Request(request.method, request.path, request.query, request.headers, request.body, words)
                )
        return refusal(404, "Not Found")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    fake: FakeGitHub

    def __init__(self, *arguments: Any) -> None:
        self._open: set[socket.socket] = set()
        super().__init__(*arguments)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        for connection in list(self._open):
            with suppress(OSError):  # it may have ended already
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that broke is what some tests are about; nothing else is let through."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Exchange(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16  # one packet for an answer
    server: _Server
    timeout = 60

    def log_message(self, format: str, *args: Any) -> None:
        """Tests look at `requests`."""

    def _any(self) -> None:
        address = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        reply = self.server.fake.answer(
            Request(self.command, address.path, parse_qs(address.query), headers, body)
        )
        if reply is None:
            self.close_connection = True
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return
        content = b""
        if reply.document is not None:
            content = (
                reply.document if isinstance(reply.document, bytes) else json.dumps(reply.document).encode()
            )
        self.send_response(reply.status)
        for name, value in {"Content-Type": "application/json; charset=utf-8", **reply.headers}.items():
            self.send_header(name, value)
        if reply.status != 204:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _any
