"""GitHub's REST API: one connection, asked in two ways.

`GitHub` asks once, and raises nothing for what GitHub says or does not say: a relay that runs for months takes every
answer as one more fact. `PatientGitHub` is for a command that has about a minute: it waits out short limits, tries
again, and says at the end why not.

The token goes to the configured address only: over HTTPS unless that is this machine. A redirect or a next page that
leads to another host is refused. What GitHub says is shown without the token.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator, Mapping
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import urlencode

from reconciler.adapters.platform.endpoint import (
    Endpoint,
    check_key,
    parse_endpoint,
    proxy_for,
    tls_context,
    user_agent,
    without_key,
)
from reconciler.adapters.platform.unreachable import why_unreachable
from reconciler.adapters.system import trail
from reconciler.adapters.system.httpx_library import httpx
from reconciler.core.errors import GitHubError, InvalidInput
from reconciler.core.platform.backoff import delays
from reconciler.core.platform.job import shorten

PUBLIC = "https://api.github.com"
PATIENCE = 60.0  # seconds for all pauses and repeated requests of one `PatientGitHub`
_VERSION = "2022-11-28"  # of the API
_LONGEST = 1 << 20  # bytes read of an answer
_LONGEST_PAGE = 64 << 20  # a page of a hundred comments has at most some 25 MB
_MOST_PAGES = 100
_MOVED = (301, 302, 307, 308)
_REDIRECTS = 3
_TRIES = 6
_UNTOLD = 60.0  # seconds, where a limit was hit and nothing says until when; GitHub's own advice
_LONGEST_LIMIT = 2 * 3600.0  # limits are counted by the hour


class Timeouts(NamedTuple):
    """Seconds; `silence` while reading or writing, `total` for the whole exchange."""

    connect: float = 10.0
    silence: float = 30.0
    total: float = 60.0


TIMEOUTS = Timeouts()


class Answer(NamedTuple):
    """`status` is None when no answer came; no waiting heals that where it is `lasting`. `message` is what GitHub says,
    or why nothing came: one line, without the token. `pause` is the seconds for which GitHub asks to be left alone,
    `leads_to` the address of a redirect or of the next page.
    """

    status: int | None
    message: str
    body: bytes = b""
    pause: float | None = None
    leads_to: str | None = None
    lasting: bool = False

    @property
    def document(self) -> Mapping[str, Any]:
        """The object that came; an empty one for anything else."""
        return _object_in(self.body)


class GitHub:
    """A connection to the API. An async context manager, closed at its end. Of an answer `longest` bytes are read.

    Raises `PlatformError` for a proxy or certificates that cannot be used.
    """

    def __init__(self, endpoint: Endpoint, timeouts: Timeouts = TIMEOUTS, longest: int = _LONGEST) -> None:
        self.endpoint = endpoint
        self._total, self._longest = timeouts.total, longest
        proxy = proxy_for(endpoint)
        self._proxied = proxy is not None
        self._client = httpx.AsyncClient(
            headers={"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": _VERSION}
            | {"User-Agent": user_agent(), "Accept-Encoding": "identity"},
            verify=tls_context() if endpoint.secure else False,
            proxy=proxy,
            trust_env=False,
            follow_redirects=False,
            timeout=httpx.Timeout(timeouts.silence, connect=timeouts.connect),
            limits=httpx.Limits(max_connections=2, keepalive_expiry=20.0),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def ask(self, method: str, *segments: str, token: str, content: bytes | None = None) -> Answer:
        """One request, once. `content` is JSON."""
        return await self.ask_at(method, self.endpoint.http(*segments), token=token, content=content)

    async def ask_at(self, method: str, url: str, *, token: str, content: bytes | None = None) -> Answer:
        """As `ask`, for an address that GitHub gave. The caller has made sure that the token may be sent there."""
        headers = {"Authorization": f"Bearer {token}"}
        if content is not None:
            headers["Content-Type"] = "application/json"
        try:
            with trail.exchange(method, url, len(content or b"")) as exchanged:
                async with (
                    asyncio.timeout(self._total),
                    self._client.stream(method, url, headers=headers, content=content) as response,
                ):
                    body = await self._body_of(response)
                exchanged.status, exchanged.received = response.status_code, len(body)
        except (httpx.HTTPError, OSError) as error:  # a TimeoutError is an OSError, and so is what TLS raises
            message, lasting = self._why(error)
            return Answer(None, without_key(message, token), lasting=lasting)
        said = "" if response.is_success else _message_in(body)
        next_page = response.links.get("next", {}).get("url")
        return Answer(
            response.status_code,
            without_key(said or shorten(response.reason_phrase) or "no reason given", token),
            body,
            _pause_of(response, body),
            response.headers.get("location", "") if response.status_code in _MOVED else next_page,
        )

    async def _body_of(self, response: httpx.Response) -> bytes:
        body = bytearray()
        async for part in response.aiter_bytes():
            body += part[: self._longest - len(body)]
            if len(body) >= self._longest:
                break
        return bytes(body)

    def _why(self, error: Exception) -> tuple[str, bool]:
        """Why no answer came, and whether a person has to change something."""
        place = self.endpoint.authority
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
            cause = why_unreachable(error, self.endpoint, self._proxied)
            return cause.message, cause.lasting
        if isinstance(error, httpx.TimeoutException | TimeoutError):
            return f"{place} did not answer in time", False
        if isinstance(error, httpx.ProxyError):
            return f"{place} is behind a proxy that refuses the connection", False
        return f"{place} broke the connection: {shorten(str(error)) or type(error).__name__}", False


class PatientGitHub:
    """The same for a command. A context manager, closed at its end; not for use inside an event loop.

    Requests are repeated after lost answers too. Whoever sends something that is not idempotent looks afterwards at
    what is there (`comments` does). Raises `InvalidInput` for an address or token that must not be used,
    `PlatformError` for a proxy or certificates that cannot be. `random` gives the jitter of pauses, `sleep` and `clock`
    are in seconds.
    """

    def __init__(
        self,
        api_url: str,
        token: str,
        *,
        random: Callable[[], float],
        sleep: Callable[[float], object] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        patience: float = PATIENCE,
    ) -> None:
        self._github = GitHub(github_endpoint(api_url), longest=_LONGEST_PAGE)
        self._token = _checked(token)
        self._random, self._sleep, self._clock = random, sleep, clock
        self._end = clock() + patience
        self._runner = asyncio.Runner()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._runner as runner:
            runner.run(self._github.__aexit__(kind, error, trace))

    def send(self, method: str, *segments: str, document: Any = None) -> Any:
        """One request and its answer as JSON; None where it is empty. Raises `GitHubError` unless it is a 2xx."""
        url = self._github.endpoint.http(*segments)
        return self._read(self._patient(method, url, document), f"{method} {httpx.URL(url).path}")

    def ask_graph(self, query: str, **variables: str) -> Any:
        """The answer to a GraphQL query. Raises `GitHubError`."""
        url = graphql_url(self._github.endpoint)
        answer = self._patient("POST", url, {"query": query, "variables": variables})
        return self._read(answer, f"POST {httpx.URL(url).path}")

    def pages(self, *segments: str, **query: str) -> Iterator[list[Any]]:
        """The pages of a list, to the last one. Raises `GitHubError`."""
        url = f"{self._github.endpoint.http(*segments)}?{urlencode({'per_page': '100', **query})}"
        for _ in range(_MOST_PAGES):
            answer = self._patient("GET", url, None)
            page = self._read(answer, f"GET {httpx.URL(url).path}")
            yield page if isinstance(page, list) else []
            if answer.leads_to is None:
                return
            url = self._same_host(url, answer.leads_to)
        raise GitHubError(
            f"GitHub returned more than {_MOST_PAGES} pages", hint="report this: no list should be that long"
        )

    def _patient(self, method: str, url: str, document: Any) -> Answer:
        """The answer to a request, after as many tries as there is patience for."""
        content = None if document is None else json.dumps(document).encode()
        pauses = delays(self._random, floor=0.2, first=1.0, ceiling=10.0)
        redirects = tries = 0
        while True:
            tries += 1
            answer = self._runner.run(self._github.ask_at(method, url, token=self._token, content=content))
            trouble = _trouble_of(answer)
            if trouble is not None:
                pause = next(pauses) if answer.pause is None else answer.pause
                if answer.lasting or tries >= _TRIES or self._clock() + pause > self._end:
                    raise trouble
                self._sleep(pause)
            elif answer.status in _MOVED and redirects < _REDIRECTS:
                redirects += 1
                url = self._same_host(url, answer.leads_to or "")
            else:
                return answer

    def _read(self, answer: Answer, request: str) -> Any:
        if answer.status is None or not httpx.codes.is_success(answer.status):
            raise _refusal(answer, request)
        try:
            return json.loads(answer.body) if answer.body.strip() else None
        except (ValueError, RecursionError) as error:
            message = f"{self._github.endpoint.authority} is not GitHub's API: the response is not JSON"
            raise GitHubError(message, hint="check GITHUB_API_URL", status=answer.status) from error

    def _same_host(self, url: str, target: str) -> str:
        try:
            leads = httpx.URL(url).join(target)
            same = _origin(leads) == _origin(httpx.URL(url))
        except httpx.InvalidURL:
            same = False
        if not same:
            place = self._github.endpoint.authority
            message = f"{place} redirects to another host, and the token is not sent there"
            raise GitHubError(message, hint="check GITHUB_API_URL")
        return str(leads)


def github_endpoint(address: str) -> Endpoint:
    """Where the API is. Raises `InvalidInput` for an address that a token must not be sent to."""
    try:
        return parse_endpoint(address)
    except InvalidInput as error:
        raise InvalidInput(
            "GITHUB_API_URL must be https:// and a host (http:// only for this machine), without user, query or spaces",
            hint=f"use {PUBLIC}, or https://HOST/api/v3 for GitHub Enterprise Server",
        ) from error


def graphql_url(endpoint: Endpoint) -> str:
    """An Enterprise Server has REST at /api/v3, and GraphQL at /api/graphql."""
    return endpoint._replace(prefix=endpoint.prefix.removesuffix("/v3")).http("graphql")


def _object_in(body: bytes) -> Mapping[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _message_in(body: bytes) -> str:
    said = _object_in(body).get("message")
    return shorten(said) if isinstance(said, str) else ""


def _pause_of(response: httpx.Response, body: bytes) -> float | None:
    """How long GitHub asks to be left alone: seconds, at least one; None for an answer that is not about a limit.

    See "Rate limits for the REST API" in its documentation: a used-up limit is answered with 403 as well as with 429.
    So is, in effect, a 503 that says until when. The moment at which a limit ends is told by GitHub's clock, so it is
    compared with the answer's own date.
    """
    status, headers = response.status_code, response.headers
    if status not in (403, 429) and not (status == 503 and "retry-after" in headers):
        return None
    wait = _number(headers.get("retry-after"))
    if wait is None and headers.get("x-ratelimit-remaining") == "0":
        reset = _number(headers.get("x-ratelimit-reset"))
        wait = None if reset is None else reset - _moment(headers) + 1
    if wait is None and (status != 403 or b"rate limit" in body[:4096].lower()):
        wait = _UNTOLD
    return None if wait is None else min(max(wait, 1.0), _LONGEST_LIMIT)


def _number(text: str | None) -> float | None:
    return float(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 13 else None


def _moment(headers: httpx.Headers) -> float:
    try:
        return parsedate_to_datetime(headers["date"]).timestamp()
    except (KeyError, ValueError):
        return time.time()


def _checked(token: str) -> str:
    try:
        return check_key(token)
    except InvalidInput as error:
        raise InvalidInput(
            "GITHUB_TOKEN is empty or contains an invalid character",
            hint="in GitHub Actions: `env: {GITHUB_TOKEN: ${{ github.token }}}`",
        ) from error


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _trouble_of(answer: Answer) -> GitHubError | None:
    """What is wrong with an answer after which another try may fare better."""
    if answer.status is None:
        hint = "check the network, HTTPS_PROXY and GITHUB_API_URL"
        return GitHubError(f"GitHub cannot be reached: {answer.message}", hint=hint, retryable=True)
    if answer.status >= 500:
        text = f"GitHub is having problems (HTTP {answer.status})"
        hint = "run again later; see https://www.githubstatus.com"
        return GitHubError(text, hint=hint, status=answer.status, retryable=True)
    if answer.pause is not None:
        text = f"GitHub's rate limit is exceeded; retry in {answer.pause:,.0f} s"
        hint = "run again after that; fewer concurrent runs help with secondary limits"
        return GitHubError(text, hint=hint, status=answer.status, retryable=True)
    return None


def _refusal(answer: Answer, request: str) -> GitHubError:
    status, words = answer.status, answer.message
    if status == 401:
        return GitHubError(
            f"GitHub does not accept the token: {words}",
            hint="set GITHUB_TOKEN to the job's token, `${{ github.token }}`, or to one that has not expired",
            status=status,
        )
    if status == 403:
        hint = "give the job `permissions: pull-requests: write`; a run for a fork never has it"
        return GitHubError(f"GitHub does not allow this with the token: {words}", hint=hint, status=status)
    if status == 404:
        hint = "check the number, GITHUB_REPOSITORY and the token's access; GitHub also says so when access is missing"
        return GitHubError(f"GitHub found nothing there ({request})", hint=hint, status=status)
    return GitHubError(f"GitHub answered {status} to {request}: {words}", status=status)
