"""How the event stream is reachable: refusals, redirects, certificates, proxies."""

from __future__ import annotations

import json
from http import HTTPStatus

import pytest
from websockets.http11 import Response

from reconciler.adapters.platform.event_stream import EventStream
from reconciler.core.errors import InvalidInput, PlatformError
from reconciler.core.platform.job import News, Progress
from tests.adapters.calls import run
from tests.adapters.far_ends import (
    KEY,
    Certificate,
    Request,
    answers,
    far_end,
    raw,
    tunnels,
)
from tests.adapters.sockets import JOB, Scripted, headers, heard, snapshot, stream, watch


class TestRefusals:
    @pytest.mark.parametrize("status", [401, 403, 404])
    def test_what_no_waiting_heals(self, status: int) -> None:
        body = json.dumps({"message": f"no, {KEY}"}).encode()
        server = Scripted([], refusals=[Response(status, HTTPStatus(status).phrase, headers(), body)])
        with pytest.raises(PlatformError, match=f"{status}.: no, •••") as caught:
            watch(server)
        assert (caught.value.status, caught.value.retryable) == (status, False)
        assert caught.value.hint
        assert len(server.upgrades) == 1

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_no_redirect_is_followed(self, status: int) -> None:
        async def work() -> int:
            async with far_end(answers(raw(400))) as other:
                location = f"{other.url}/elsewhere"
                async with far_end(answers(raw(status, b"", f"Location: {location}"))) as end:
                    with pytest.raises(PlatformError, match="not followed") as caught:
                        await heard(end.url)
                    assert caught.value.status == status
                    assert len(end.requests) == 1
                return other.connections

        assert run(work()) == 0

    def test_a_certificate_that_is_not_trusted(self, certificate: Certificate) -> None:
        async def work() -> None:
            async with Scripted([snapshot("completed")]).served(tls=certificate.context) as server:
                await heard(server.url.replace("http:", "https:"))

        with pytest.raises(PlatformError, match="is not trusted"):
            run(work())

    def test_addresses_and_keys_are_checked_as_for_calls(self) -> None:
        with pytest.raises(InvalidInput, match="plain http"):
            stream("http://api.lingo.dev")
        with pytest.raises(InvalidInput, match="API key"):
            EventStream("https://api.lingo.dev", "a\nb", random=lambda: 0.5)

    def test_a_socks_proxy(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1080")
        with pytest.raises(PlatformError, match="SOCKS"):
            stream("https://api.lingo.dev")


class TestProxies:
    def through(
        self, certificate: Certificate, monkeypatch: pytest.MonkeyPatch, refusal: bytes | None = None
    ) -> tuple[list[News | Progress], list[Request]]:
        async def work() -> tuple[list[News | Progress], list[Request]]:
            async with (
                Scripted([snapshot("completed")]).served(tls=certificate.context) as server,
                far_end(tunnels(refusal)) as proxy,
            ):
                monkeypatch.setenv("SSL_CERT_FILE", str(certificate.file))
                monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
                return await heard(server.url.replace("http:", "https:")), proxy.requests

        return run(work())

    def test_the_proxy_variables_are_honoured(
        self, certificate: Certificate, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        news, seen = self.through(certificate, monkeypatch)
        assert news == [News(JOB, "completed")]
        assert [request.method for request in seen] == ["CONNECT"]
        assert "x-api-key" not in seen[0].headers

    def test_a_proxy_that_wants_a_password(
        self, certificate: Certificate, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with pytest.raises(PlatformError, match="the proxy refused"):
            self.through(certificate, monkeypatch, raw(407))

    def test_plain_http_to_this_machine_never_goes_through_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def work() -> tuple[list[News | Progress], int]:
            async with (
                Scripted([snapshot("completed")]).served() as server,
                far_end(answers(raw(502))) as proxy,
            ):
                for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
                    monkeypatch.setenv(name, proxy.url)
                return await heard(server.url), proxy.connections

        assert run(work()) == ([News(JOB, "completed")], 0)
