"""Far ends for what no decent server does: half answers, garbage, closed connections, a proxy, bad certificates."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

KEY = "key-4711-do-not-tell"


@dataclass
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    reader: asyncio.StreamReader = field(repr=False)


Answering = Callable[[Request, asyncio.StreamWriter], Awaitable[bool | None]]


@dataclass
class FarEnd:
    """A server that answers each request with what `answering` writes; a connection ends when that returns False."""

    answering: Answering
    tls: ssl.SSLContext | None = None
    port: int = 0
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    gone: asyncio.Event = field(default_factory=asyncio.Event)  # a client hung up
    _writers: list[asyncio.StreamWriter] = field(default_factory=list)
    _conversations: set[asyncio.Task[object]] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"http{'s' if self.tls else ''}://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        conversation = asyncio.current_task()
        assert conversation is not None
        self._conversations.add(conversation)
        conversation.add_done_callback(self._conversations.discard)
        self.connections += 1
        self._writers.append(writer)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                request = await read_request(reader)
                self.requests.append(request)
                if await self.answering(request, writer) is False:
                    break
                await writer.drain()
        self.gone.set()
        writer.close()

    async def close_connections(self) -> None:
        """Until they are closed."""
        for writer in self._writers:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for writer in self._writers), return_exceptions=True)

    async def seen_off(self) -> None:
        """Until everyone who answers has seen that the connection is gone, and all sockets are closed."""
        for _ in range(3):
            await asyncio.sleep(
                0
            )  # a connection accepted in this moment has its conversation after three turns
        for writer in self._writers:
            writer.close()
        async with asyncio.timeout(20):
            await asyncio.gather(*self._conversations, return_exceptions=True)
            for writer in self._writers:
                writer.transport.abort()  # TLS would wait for the other side's farewell
            await asyncio.gather(*(writer.wait_closed() for writer in self._writers), return_exceptions=True)


@contextlib.asynccontextmanager
async def far_end(answering: Answering, tls: ssl.SSLContext | None = None) -> AsyncIterator[FarEnd]:
    end = FarEnd(answering, tls)
    server = await asyncio.start_server(end.serve, "127.0.0.1", 0, ssl=tls)
    end.port = server.sockets[0].getsockname()[1]
    try:
        yield end
    finally:
        server.close()
        await end.seen_off()


async def read_request(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, path, _ = head[0].split(" ")
    pairs = (line.split(": ", 1) for line in head[1:] if line)
    headers = {name.lower(): value for name, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(method, path, headers, body, reader)


def raw(status: int, body: bytes = b"", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} Something", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def answers(*replies: bytes) -> Answering:
    """One reply after another; the last one for ever."""
    left = list(replies)

    async def answering(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(left.pop(0) if len(left) > 1 else left[0])

    return answering


def hangs_up_after(reply: bytes) -> Answering:
    async def answering(request: Request, writer: asyncio.StreamWriter) -> bool:
        writer.write(reply)
        return False

    return answering


async def says_nothing(request: Request, writer: asyncio.StreamWriter) -> bool:
    """Until the client hangs up."""
    await request.reader.read()
    return False


def tunnels(refusal: bytes | None = None) -> Answering:
    """A proxy: CONNECT host:port, then bytes both ways."""

    async def answering(request: Request, writer: asyncio.StreamWriter) -> bool:
        if refusal is not None:
            writer.write(refusal)
            return False
        host, port = request.path.rsplit(":", 1)
        assert host == "127.0.0.1"
        onward_reader, onward = await asyncio.open_connection(host, int(port))
        writer.write(b"HTTP/1.1 200 Established\r\n\r\n")
        await asyncio.gather(_pump(request.reader, onward), _pump(onward_reader, writer))
        return False

    return answering


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


@dataclass(frozen=True)
class Certificate:
    file: Path
    key: Path

    @property
    def context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.file, self.key)
        return context


def make_certificate(folder: Path, names: str = "IP:127.0.0.1,DNS:localhost") -> Certificate:
    """A certificate for this machine, or for other names, that nobody trusts unless told so."""
    certificate = Certificate(folder / "cert.pem", folder / "key.pem")
    wanted = "-x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=far-end"
    files = ["-keyout", str(certificate.key), "-out", str(certificate.file)]
    subprocess.run(
        ["openssl", "req", *wanted.split(), "-addext", f"subjectAltName={names}", *files],
        check=True,
        capture_output=True,
    )
    return certificate
