from __future__ import annotations

import asyncio
import socket
import time as clock
from collections.abc import Callable, Iterator

import pytest

from reconciler.adapters.github.client import PatientGitHub
from reconciler.core.errors import GitHubError, InvalidInput, ReconcileError
from tests.adapters.far_ends import Answering, answers, far_end, hangs_up_after, raw
from tests.github_fake import FakeGitHub, Reply, Request, Route, Trouble, refusal

TOKEN = "ghp_do_not_tell_this_one"
BUSY = Trouble(Reply(502, b"<html>Bad gateway</html>"))


class Numbers(FakeGitHub):
    """One list, in pages of two, and one thing that can be changed."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 5
        self.leads_to: str | None = None

    def routes(self) -> list[Route]:
        return [
            Route("GET", "/numbers", self._numbers),
            Route("POST", "/thing", lambda request: Reply(201, request.json())),
            Route("DELETE", "/thing", lambda request: Reply(204)),
            Route("GET", "/moved", lambda request: Reply(301, None, {"Location": "/numbers"})),
            Route("GET", "/turning", lambda request: Reply(302, None, {"Location": "/turning"})),
        ]

    def _numbers(self, request: Request) -> Reply:
        page = int(request.query.get("page", ["1"])[0])
        numbers = list(range(self.count)[(page - 1) * 2 : page * 2])
        more = page * 2 < self.count
        url = f"{self.leads_to or self.url}/numbers?page={page + 1}"
        return Reply(200, numbers, {"Link": f'<{url}>; rel="next"'} if more else {})


class Time:
    """A clock that only pauses move."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.pauses: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def github() -> Iterator[Numbers]:
    with Numbers() as fake:
        yield fake


@pytest.fixture
def client(github: Numbers, time: Time) -> Iterator[PatientGitHub]:
    with rest(github.url, time) as made:
        yield made


def rest(url: str, time: Time, token: str = TOKEN) -> PatientGitHub:
    return PatientGitHub(url, token, random=lambda: 0.5, sleep=time.sleep, clock=time)


def failing(call: Callable[[], object]) -> GitHubError:
    with pytest.raises(GitHubError) as caught:
        call()
    assert TOKEN not in str(caught.value)
    return caught.value


def test_a_request_and_its_answer(client: PatientGitHub, github: Numbers) -> None:
    assert client.send("POST", "thing", document={"a": "é"}) == {"a": "é"}
    assert client.send("DELETE", "thing") is None
    headers = github.requests[0].headers
    assert headers["authorization"] == f"Bearer {TOKEN}"
    assert headers["accept"] == "application/vnd.github+json"
    assert headers["x-github-api-version"] == "2022-11-28"
    assert headers["user-agent"].startswith("reconcile/")


def test_all_pages_are_read(client: PatientGitHub, github: Numbers) -> None:
    assert list(client.pages("numbers")) == [[0, 1], [2, 3], [4]]
    assert github.requests[0].query["per_page"] == ["100"]


def test_a_list_that_never_ends_is_given_up(client: PatientGitHub, github: Numbers) -> None:
    github.count = 10**9
    assert "pages" in failing(lambda: list(client.pages("numbers"))).message


def test_a_next_page_on_another_host_is_refused(client: PatientGitHub, github: Numbers) -> None:
    with Numbers() as evil:
        github.leads_to = evil.url
        error = failing(lambda: list(client.pages("numbers")))
        assert "another host" in error.message
        assert evil.requests == []


def test_redirects_are_followed_on_the_same_host_only(
    client: PatientGitHub, github: Numbers, time: Time
) -> None:
    assert client.send("GET", "moved") == [0, 1]
    with Numbers() as evil:
        github.troubles.append(Trouble(Reply(301, None, {"Location": f"{evil.url}/numbers"})))
        assert "another host" in failing(lambda: client.send("GET", "numbers")).message
        assert evil.requests == []
    for target in ("", "http://[", "//elsewhere.invalid/numbers", "file:///etc/passwd"):
        github.troubles.append(Trouble(Reply(302, None, {"Location": target})))
    failing(lambda: client.send("GET", "turning"))
    assert time.pauses == []


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_trouble_of_its_own_passes(client: PatientGitHub, github: Numbers, time: Time, status: int) -> None:
    github.troubles.extend([Trouble(Reply(status, b"<html>"))] * 3)
    assert client.send("GET", "numbers") == [0, 1]
    assert len(time.pauses) == 3
    assert time.pauses == sorted(time.pauses)


def test_trouble_that_lasts_is_told(client: PatientGitHub, github: Numbers, time: Time) -> None:
    github.always = BUSY
    error = failing(lambda: client.send("GET", "numbers"))
    assert (error.status, error.retryable) == (502, True)
    assert "502" in error.message
    assert len(github.requests) == 6
    assert sum(time.pauses) <= 60


def test_a_connection_that_breaks_is_made_again(client: PatientGitHub, github: Numbers) -> None:
    github.troubles.extend([Trouble(hang_up=True), None])
    assert client.send("GET", "numbers") == [0, 1]


def limited(status: int, **headers: str) -> Trouble:
    return Trouble(refusal(status, "API rate limit exceeded", **headers))


def test_short_limits_are_waited_out(client: PatientGitHub, github: Numbers, time: Time) -> None:
    end = str(int(clock.time()) + 10)
    reset = {"x_ratelimit_remaining": "0", "x_ratelimit_reset": end}
    github.troubles.extend(
        [limited(429, retry_after="7"), limited(403, retry_after="3"), limited(403, **reset)]
    )
    assert client.send("GET", "numbers") == [0, 1]
    assert time.pauses[:2] == [7, 3]
    assert 1 <= time.pauses[2] <= 12


def test_a_503_that_says_until_when_is_waited_out(client: PatientGitHub, github: Numbers, time: Time) -> None:
    github.troubles.append(Trouble(Reply(503, b"<html>", {"Retry-After": "9"})))
    assert client.send("GET", "numbers") == [0, 1]
    assert time.pauses == [9]


def test_long_limits_are_not(client: PatientGitHub, github: Numbers, time: Time) -> None:
    github.always = limited(403, x_ratelimit_remaining="0", x_ratelimit_reset="99999999999")
    error = failing(lambda: client.send("GET", "numbers"))
    assert "rate limit" in error.message
    assert error.retryable
    assert time.pauses == []


def test_pauses_add_up(client: PatientGitHub, github: Numbers, time: Time) -> None:
    github.always = limited(429, retry_after="25")
    failing(lambda: client.send("GET", "numbers"))
    assert time.pauses == [25, 25]


def test_a_secondary_limit_without_a_time(client: PatientGitHub, github: Numbers, time: Time) -> None:
    github.always = Trouble(refusal(403, "You have exceeded a secondary rate limit."))
    failing(lambda: client.send("GET", "numbers"))
    assert time.pauses == [60]  # GitHub's advice, and all the patience there is


@pytest.mark.parametrize("value", ["", "soon", "-5", "9" * 400, "1e3", "٣"])
def test_odd_limits_are_limits_all_the_same(client: PatientGitHub, github: Numbers, value: str) -> None:
    github.always = limited(
        429, x_ratelimit_remaining="0", x_ratelimit_reset=value.encode().decode("latin-1")
    )
    assert "rate limit" in failing(lambda: client.send("GET", "numbers")).message


@pytest.mark.parametrize(
    ("status", "words", "hint"),
    [
        (401, "does not accept the token", "github.token"),
        (403, "Resource not accessible by integration", "pull-requests: write"),
        (404, "GET /numbers", "GITHUB_REPOSITORY"),
        (410, "410", ""),
        (422, "Body is too long", ""),
    ],
)
def test_refusals_say_what_to_do(
    client: PatientGitHub, github: Numbers, time: Time, status: int, words: str, hint: str
) -> None:
    said = {403: "Resource not accessible by integration", 422: f"Body is too long {TOKEN}"}.get(status, "No")
    github.troubles.append(Trouble(refusal(status, said)))
    error = failing(lambda: client.send("GET", "numbers"))
    assert words in error.message
    assert hint in (error.hint or "")
    assert error.status == status
    assert time.pauses == []


@pytest.mark.parametrize("body", [b"<html>Hello</html>", b"[" * 100_000, b"\xff\xfe{"])
def test_what_is_no_json_is_not_github(client: PatientGitHub, github: Numbers, body: bytes) -> None:
    github.troubles.append(Trouble(Reply(200, body)))
    assert "not GitHub's API" in failing(lambda: client.send("GET", "numbers")).message


def asked(answering: Answering, time: Time) -> GitHubError:
    async def ask() -> GitHubError:
        async with far_end(answering) as end:
            return await asyncio.to_thread(failing, lambda: _get(end.url, time))

    return asyncio.run(ask())


def _get(url: str, time: Time) -> object:
    with rest(url, time) as client:
        return client.send("GET", "numbers")


@pytest.mark.parametrize(
    "answering",
    [hangs_up_after(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"), hangs_up_after(b"nonsense\r\n\r\n")],
)
def test_half_an_answer_is_none(answering: Answering, time: Time) -> None:
    assert "broke the connection" in asked(answering, time).message


def test_an_answer_without_a_message(time: Time) -> None:
    body = b'{"message": {"a": 1}}'
    assert asked(answers(raw(418, body)), time).message.endswith(": Something")
    without_reason = raw(418, body).replace(b" Something", b" ")
    assert asked(answers(without_reason), time).message.endswith(": no reason given")


def test_nobody_is_there(time: Time) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    error = failing(lambda: _get(f"http://127.0.0.1:{port}", time))
    assert "cannot be reached" in error.message
    assert "GITHUB_API_URL" in (error.hint or "")
    assert "LINGO" not in f"{error.message} {error.hint}"


@pytest.mark.parametrize(
    "url", ["http://github.example", "ftp://127.0.0.1", "https://", "https://a:b@github.example", "x"]
)
def test_addresses_that_the_token_is_not_sent_to(url: str, time: Time) -> None:
    with pytest.raises(InvalidInput, match="GITHUB_API_URL"):
        rest(url, time)


@pytest.mark.parametrize("token", ["", "a b", "a\nb", "ä"])
def test_tokens_that_are_none(token: str, time: Time) -> None:
    with pytest.raises(ReconcileError, match="GITHUB_TOKEN"):
        rest("http://127.0.0.1:1", time, token)
