"""How the platform is reachable: no connection, certificates, proxies, addresses and keys."""

from __future__ import annotations

import asyncio
import logging
import re
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.adapters.platform.client import PlatformClient
from reconciler.adapters.platform.exchange import Timeouts
from reconciler.adapters.system import trail
from reconciler.core.errors import InvalidInput, PlatformError
from reconciler.core.platform.job import Accepted, Answer, Refused
from tests.adapters.calls import ACCEPTED, QUICK, SPEC, Pauses, client, closed_port, create, run
from tests.adapters.far_ends import (
    KEY,
    Certificate,
    Request,
    answers,
    far_end,
    raw,
    says_nothing,
    tunnels,
)


class TestNeverConnected:
    """Nothing happened: tried three times, then refused, and the run stops creating."""

    def test_refused_connections(self) -> None:
        pauses = Pauses()
        port = closed_port()
        answer = run(create(f"http://127.0.0.1:{port}", pauses))
        assert answer == Refused(
            f"127.0.0.1:{port} refuses connections (check that the platform is up, and LINGO_API_URL)"
        )
        assert answer.halts
        assert len(pauses) == 2

    def test_a_platform_that_comes_up_meanwhile(self) -> None:
        port = closed_port()
        started: list[asyncio.Server] = []

        async def work() -> Answer:
            async with far_end(answers(ACCEPTED)) as end:

                async def start_it(seconds: float) -> None:
                    started.append(await asyncio.start_server(end.serve, "127.0.0.1", port))

                async with PlatformClient(
                    f"http://127.0.0.1:{port}", KEY, random=lambda: 0.0, sleep=start_it, timeouts=QUICK
                ) as platform:
                    answer = await platform.create("op-1", SPEC, None)
                started[0].close()
                return answer

        assert isinstance(run(work()), Accepted)

    def test_a_host_name_that_does_not_exist(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def unknown(*args: object, **kwargs: object) -> list[object]:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

        monkeypatch.setattr(socket, "getaddrinfo", unknown)
        answer = run(create("https://api.lingo.invalid"))
        assert isinstance(answer, Refused)
        assert answer.status is None
        assert (
            "the host name of api.lingo.invalid cannot be resolved: Name or service not known"
            in answer.message
        )
        assert "DNS" in answer.message

    def test_a_certificate_that_is_not_trusted_is_not_tried_twice(self, certificate: Certificate) -> None:
        async def work() -> tuple[Answer, int]:
            async with far_end(answers(ACCEPTED), certificate.context) as end:
                return await create(end.url, pauses), len(end.requests)

        pauses = Pauses()
        answer, asked = run(work())
        assert isinstance(answer, Refused)
        assert answer.status is None
        assert "is not trusted: self-signed certificate" in answer.message
        assert "SSL_CERT_FILE" in answer.message
        assert (asked, pauses) == (0, [])

    def test_https_to_a_server_without_it(self) -> None:
        async def work() -> Answer:
            async with far_end(answers(raw(400))) as end:
                return await create(end.url.replace("http:", "https:"))

        answer = run(work())
        assert isinstance(answer, Refused)
        assert answer.status is None

    def test_a_handshake_that_never_ends(self) -> None:
        async def work() -> Answer:
            async with far_end(says_nothing) as end:
                return await create(end.url.replace("http:", "https:"), timeouts=Timeouts(0.1, 0.1, 0.1, 5))

        answer = run(work())
        assert isinstance(answer, Refused)
        assert "the connection to" in answer.message


class TestCertificatesAndProxies:
    @pytest.fixture(autouse=True)
    def _trusted(self, certificate: Certificate, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate.file))

    def test_the_certificate_variable_is_honoured(self, certificate: Certificate) -> None:
        async def work() -> Answer:
            async with far_end(answers(ACCEPTED), certificate.context) as end:
                return await create(end.url)

        assert isinstance(run(work()), Accepted)

    def test_certificates_that_cannot_be_read(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        missing = tmp_path / "missing.pem"
        monkeypatch.setenv("SSL_CERT_FILE", str(missing))
        with pytest.raises(PlatformError, match="cannot be read") as caught:
            client("https://api.lingo.dev")
        assert str(missing) in caught.value.message

    def through(
        self,
        certificate: Certificate,
        monkeypatch: pytest.MonkeyPatch,
        variables: Callable[[int, int], dict[str, str]],
        refusal: bytes | None = None,
    ) -> tuple[Answer, list[Request], int]:
        async def work() -> tuple[Answer, list[Request], int]:
            async with (
                far_end(answers(ACCEPTED), certificate.context) as end,
                far_end(tunnels(refusal)) as proxy,
            ):
                for name, value in variables(proxy.port, end.port).items():
                    monkeypatch.setenv(name, value)
                return await create(end.url), proxy.requests, len(end.requests)

        return run(work())

    @pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
    def test_the_proxy_variables_are_honoured(
        self, certificate: Certificate, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        answer, seen, asked = self.through(
            certificate, monkeypatch, lambda proxy, _: {name: f"http://me:secret@127.0.0.1:{proxy}"}
        )
        assert isinstance(answer, Accepted)
        assert asked == 1
        assert [request.method for request in seen] == ["CONNECT"]
        assert seen[0].headers["proxy-authorization"].startswith("Basic ")
        assert "x-api-key" not in seen[0].headers

    @pytest.mark.parametrize("value", ["127.0.0.1", "*", "127.0.0.1:{port}"])
    def test_no_proxy(self, certificate: Certificate, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
        answer, seen, asked = self.through(
            certificate,
            monkeypatch,
            lambda proxy, end: {"HTTPS_PROXY": f"127.0.0.1:{proxy}", "NO_PROXY": value.format(port=end)},
        )
        assert isinstance(answer, Accepted)
        assert (seen, asked) == ([], 1)

    @pytest.mark.parametrize(("status", "tries"), [(407, 1), (403, 1), (502, 3)])
    def test_a_proxy_that_refuses(
        self, certificate: Certificate, monkeypatch: pytest.MonkeyPatch, status: int, tries: int
    ) -> None:
        answer, seen, asked = self.through(
            certificate, monkeypatch, lambda proxy, _: {"HTTPS_PROXY": f"127.0.0.1:{proxy}"}, raw(status)
        )
        assert isinstance(answer, Refused)
        assert answer.status is None
        assert f"the proxy refused the connection: {status}" in answer.message
        assert (len(seen), asked) == (tries, 0)

    def test_a_proxy_that_hangs_up_made_nothing(
        self, certificate: Certificate, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The request to the proxy left, but the create call did not: that is told apart."""
        answer, seen, _ = self.through(
            certificate, monkeypatch, lambda proxy, _: {"HTTPS_PROXY": f"127.0.0.1:{proxy}"}, b"HTTP/1.1 "
        )
        assert isinstance(answer, Refused)
        assert len(seen) == 3

    def test_plain_http_to_this_machine_never_goes_through_a_proxy(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def work() -> tuple[Answer, int]:
            async with far_end(answers(ACCEPTED)) as end, far_end(answers(raw(502))) as proxy:
                for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
                    monkeypatch.setenv(name, proxy.url)
                return await create(end.url), proxy.connections

        assert run(work()) == (Accepted("pjb_1", "eng_1"), 0)

    @pytest.mark.parametrize(
        "value", ["socks5://user:secret@127.0.0.1:1080", "ftp://secret.example", "http://", "http://a:secret"]
    )
    def test_a_proxy_that_cannot_be_used(self, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
        monkeypatch.setenv("HTTPS_PROXY", value)
        with pytest.raises(PlatformError, match="HTTPS_PROXY") as caught:
            client("https://api.lingo.dev")
        assert "secret" not in caught.value.message
        assert caught.value.hint


class TestKeyAndAddress:
    @pytest.mark.parametrize(
        "key", ["", " k-123", "k-123 ", "k-\n123", "k-1\r\nX-Evil: 1", "k-ä123", "k-\x00123", "k 123"]
    )
    def test_keys_that_fit_no_header(self, key: str) -> None:
        with pytest.raises(InvalidInput, match="the API key") as caught:
            PlatformClient("https://api.lingo.dev", key, random=lambda: 0.5)
        assert "123" not in f"{caught.value.message}{caught.value.hint}"
        assert "LINGO_API_KEY" in str(caught.value.hint)

    @pytest.mark.parametrize(
        "url",
        [
            "",
            "api.lingo.dev",
            "ftp://api.lingo.dev",
            "https://",
            "https://user:pw@api.lingo.dev",
            "https://a:99999",
            "https://a/?q=1",
            "https://a/#x",
            "https://a b",
            "https://a\n",
            "https://[::1",
            "https://ä.dev",
            "https://a:0",
        ],
    )
    def test_addresses_that_are_none(self, url: str) -> None:
        with pytest.raises(InvalidInput, match="API address") as caught:
            client(url)
        assert caught.value.hint

    @pytest.mark.parametrize(
        "host", ["api.lingo.dev", "10.0.0.1", "localhost.evil.com", "127.1", "[::ffff:127.0.0.1]"]
    )
    def test_plain_http_beyond_this_machine(self, host: str) -> None:
        with pytest.raises(InvalidInput, match="plain http"):
            client(f"http://{host}:8080")

    @pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1", "127.9.9.9", "[::1]"])
    def test_plain_http_on_this_machine(self, host: str) -> None:
        assert repr(client(f"http://{host}:8080/x/")) == f"PlatformClient(http://{host.lower()}:8080/x)"

    def test_the_key_is_in_no_log_and_no_repr(self, caplog: pytest.LogCaptureFixture) -> None:
        async def work() -> list[str]:
            async with far_end(answers(ACCEPTED)) as end, client(end.url) as platform:
                await platform.create("op-1", SPEC, None)
                return [repr(platform), str(vars(platform).get("_connections"))]

        with caplog.at_level(logging.DEBUG):
            shown = run(work())
        noted = trail.last()[-1][1]
        assert re.fullmatch(
            r"POST http://127\.0\.0\.1:\d+/jobs/provisioning: 202 in \d+ ms, \d+ bytes sent, \d+ received",
            noted,
        )
        assert KEY not in "".join(shown) + caplog.text + noted
        assert "the text of a source" not in caplog.text
