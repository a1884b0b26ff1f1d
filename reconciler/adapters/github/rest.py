"""GitHub's REST API for a command that has about a minute: waits out short limits, tries again, then says why not.

The counterpart of `github_api`, which serves a receiver that runs for months and takes every answer as a fact. Here
somebody waits, so all pauses together stay within `patience`, and what cannot be done ends in one `GitHubError`.

The token goes to the configured address only: over HTTPS unless that is this machine, and a redirect or a next page
that leads to another host is refused.

Requests are repeated after lost answers too. Whoever sends something that is not idempotent looks afterwards at what
is there (`github_comments` does).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import urlencode

import httpx

from reconciler.adapters.github.api import github_endpoint
from reconciler.adapters.github.limits import pause_of
from reconciler.adapters.platform.endpoint import check_key, proxy_for, tls_context, user_agent, without_key
from reconciler.adapters.platform.unreachable import why_unreachable
from reconciler.core.errors import GitHubError, InvalidInput
from reconciler.core.platform.backoff import delays
from reconciler.core.platform.job import shorten

PATIENCE = 60.0  # seconds for all pauses and repeated requests of one client
_TRIES = 6
_GRACE = 60.0  # seconds more for an answer that has begun
_TIMEOUT = httpx.Timeout(20.0, connect=10.0)
_LONGEST = 64 << 20  # bytes of an answer; a page of a hundred comments has at most some 25 MB
_MOST_PAGES = 100
_REDIRECTS = 3
_VERSION = "2022-11-28"  # of the API


class _Answer(NamedTuple):
    status: int
    headers: httpx.Headers
    body: bytes
    next_page: str | None = None

    def document(self) -> Any:
        """What came as JSON; None for an empty answer. Raises `ValueError` or `RecursionError`."""
        return json.loads(self.body) if self.body.strip() else None


class _Trouble(NamedTuple):
    """Why there is no answer to use, and after how many seconds another try makes sense; None if none does."""

    error: GitHubError
    pause: float | None


class GitHubRest:
    """A connection to the API; a context manager, closed at its end.

    Raises `InvalidInput` for an address or token that must not be used, `PlatformError` for a proxy or certificates
    that cannot be. `random` gives the jitter of pauses, `sleep` and `clock` are in seconds.
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
        self._endpoint = github_endpoint(api_url)
        self._token = _checked(token)
        self._random, self._sleep, self._clock = random, sleep, clock
        self._end = clock() + patience
        self._proxy = proxy_for(self._endpoint)
        self._client = httpx.Client(
            headers={
                "Accept": "application/vnd.github+json",
                "X-GitHub-Api-Version": _VERSION,
                "User-Agent": user_agent(),
                "Authorization": f"Bearer {token}",
                "Accept-Encoding": "identity",
            },
            verify=tls_context() if self._endpoint.secure else False,
            proxy=self._proxy,
            trust_env=False,
            follow_redirects=False,
            timeout=_TIMEOUT,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def send(self, method: str, *segments: str, document: Any = None) -> Any:
        """One request and its answer as JSON; None where it is empty. Raises `GitHubError` unless it is a 2xx."""
        url = self._endpoint.http(*segments)
        return self._read(self._patient(method, url, document), f"{method} {_path(url)}")

    def ask_graph(self, query: str) -> Any:
        """The answer to a GraphQL query; its address is beside that of REST. Raises `GitHubError`."""
        above = self._endpoint._replace(prefix=self._endpoint.prefix.removesuffix("/v3"))
        url = above.http("graphql")
        return self._read(self._patient("POST", url, {"query": query}), f"POST {_path(url)}")

    def pages(self, *segments: str, **query: str) -> Iterator[list[Any]]:
        """The pages of a list, to the last one. Raises `GitHubError`."""
        url: str | None = f"{self._endpoint.http(*segments)}?{urlencode({'per_page': '100', **query})}"
        for _ in range(_MOST_PAGES):
            if url is None:
                return
            answer = self._patient("GET", url, None)
            page = self._read(answer, f"GET {_path(url)}")
            yield page if isinstance(page, list) else []
            url = answer.next_page and self._same_host(url, answer.next_page)
        if url is not None:
            raise GitHubError(
                f"GitHub's list has more than {_MOST_PAGES} pages", hint="this is not expected to be"
            )

    def _patient(self, method: str, url: str, document: Any) -> _Answer:
        """The answer to a request, after as many tries as there is patience for."""
        pauses = delays(self._random, floor=0.2, first=1.0, ceiling=10.0)
        redirects = tries = 0
        while True:
            tries += 1
            answer = self._tried(method, url, document, pauses)
            if isinstance(answer, _Trouble):
                if answer.pause is None or tries >= _TRIES or self._clock() + answer.pause > self._end:
                    raise answer.error
                self._sleep(answer.pause)
            elif answer.status in (301, 302, 307, 308) and redirects < _REDIRECTS:
                redirects += 1
                url = self._same_host(url, answer.headers.get("location", ""))
            else:
                return answer

    def _tried(self, method: str, url: str, document: Any, pauses: Iterator[float]) -> _Answer | _Trouble:
        try:
            answer = self._once(method, url, document)
        except (httpx.HTTPError, OSError) as error:  # what TLS raises is an OSError
            trouble, lasting = self._unreached(error)
            trouble.__cause__ = error
            return _Trouble(trouble, None if lasting else next(pauses))
        limited = pause_of(answer.status, answer.headers, answer.body[:4096])
        if limited is not None:
            return _Trouble(self._limited(answer, limited), limited)
        if answer.status >= 500:
            text = f"GitHub has trouble of its own: it answers {answer.status}"
            trouble = GitHubError(text, hint=_LATER, status=answer.status, retryable=True)
            return _Trouble(trouble, next(pauses))
        return answer

    def _once(self, method: str, url: str, document: Any) -> _Answer:
        content = None if document is None else json.dumps(document).encode()
        headers = {} if content is None else {"Content-Type": "application/json"}
        with self._client.stream(method, url, headers=headers, content=content) as response:
            body = bytearray()
            for part in response.iter_bytes():
                body += part
                if len(body) > _LONGEST or self._clock() > self._end + _GRACE:
                    raise GitHubError("GitHub's answer does not come to an end", hint=_LATER, retryable=True)
            link = response.links.get("next", {}).get("url")
            return _Answer(response.status_code, response.headers, bytes(body), link)

    def _read(self, answer: _Answer, request: str) -> Any:
        try:
            document = answer.document()
        except (ValueError, RecursionError) as error:
            if 200 <= answer.status < 300:
                message = f"what answers at {self._endpoint.authority} is not GitHub's API: no JSON came"
                raise GitHubError(message, hint="check GITHUB_API_URL", status=answer.status) from error
            document = None
        if 200 <= answer.status < 300:
            return document
        said = document.get("message") if isinstance(document, dict) else None
        words = without_key(shorten(said), self._token) if isinstance(said, str) else "no reason given"
        raise _refusal(answer.status, words, request)

    def _same_host(self, url: str, target: str) -> str:
        try:
            leads = httpx.URL(url).join(target)
            same = _origin(leads) == _origin(httpx.URL(url))
        except httpx.InvalidURL:
            same = False
        if not same:
            message = f"{self._endpoint.authority} sends us to another host, and the token is not sent there"
            raise GitHubError(message, hint="check GITHUB_API_URL")
        return str(leads)

    def _unreached(self, error: Exception) -> tuple[GitHubError, bool]:
        place = self._endpoint.authority
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
            cause = why_unreachable(error, self._endpoint, self._proxy is not None)
            return GitHubError(
                f"GitHub cannot be reached: {cause.message}", hint=_NETWORK, retryable=True
            ), cause.lasting
        what = (
            "did not answer in time" if isinstance(error, httpx.TimeoutException) else "broke the connection"
        )
        if isinstance(error, httpx.ProxyError):
            what = "is behind a proxy that refuses"
        return GitHubError(f"GitHub cannot be reached: {place} {what}", hint=_NETWORK, retryable=True), False

    def _limited(self, answer: _Answer, pause: float) -> GitHubError:
        message = f"GitHub's rate limit is used up; it asks to wait for {pause:,.0f} s"
        hint = "run again after that; fewer runs at once help against secondary limits"
        return GitHubError(message, hint=hint, status=answer.status, retryable=True)


_LATER = "run again later; https://www.githubstatus.com tells more"
_NETWORK = "check the network, HTTPS_PROXY and GITHUB_API_URL"


def _checked(token: str) -> str:
    try:
        return check_key(token)
    except InvalidInput as error:
        raise InvalidInput(
            "GITHUB_TOKEN is empty, or holds a character that a token cannot have",
            hint="in GitHub Actions: `env: {GITHUB_TOKEN: ${{ github.token }}}`",
        ) from error


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _path(url: str) -> str:
    return httpx.URL(url).path


def _refusal(status: int, words: str, request: str) -> GitHubError:
    if status == 401:
        return GitHubError(
            f"GitHub does not accept the token: {words}",
            hint="GITHUB_TOKEN is the job's token, `${{ github.token }}`, or one that has not expired",
            status=status,
        )
    if status == 403:
        hint = "give the job `permissions: pull-requests: write`; a run for a fork never has it"
        return GitHubError(f"GitHub does not allow this to the token: {words}", hint=hint, status=status)
    if status == 404:
        hint = "check the number and GITHUB_REPOSITORY; GitHub says so too where the token may not look"
        return GitHubError(f"GitHub knows nothing there ({request})", hint=hint, status=status)
    return GitHubError(f"GitHub answers {status} to {request}: {words}", status=status)
