from __future__ import annotations

import math
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.adapters.github.commits import BranchCommits
from reconciler.core.errors import GitError, InvalidInput, PushRefused, RefMoved, RemoteUnreachable
from tests.app.git_repo import git, new_repo
from tests.github_commits_fake import FakeCommits
from tests.github_fake import REPOSITORY, TOKEN, Reply, Trouble, refusal


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    made = new_repo(tmp_path / "repo")
    git(made, "commit", "--quiet", "--allow-empty", "--message", "First")
    return made


@pytest.fixture
def github(origin: Path) -> Iterator[FakeCommits]:
    with FakeCommits(origin) as running:
        yield running


def commit(github: FakeCommits, token: str = TOKEN, until: float = math.inf) -> str:
    tip = git(github.origin, "rev-parse", "main")
    message = "Record 1 engine\n\nacme: created\n"
    return BranchCommits(github.url, token, REPOSITORY).commit(
        "main", tip, {"a/lock.json": "é\n".encode()}, message, lambda: until
    )


def test_the_commit_holds_files_and_message(github: FakeCommits) -> None:
    before = git(github.origin, "rev-parse", "main")
    made = commit(github)
    assert git(github.origin, "rev-parse", "main") == made
    assert git(github.origin, "rev-parse", "main^") == before
    assert git(github.origin, "show", "main:a/lock.json") == "é"
    assert git(github.origin, "log", "-1", "--format=%B", "main") == "Record 1 engine\n\nacme: created"


def test_a_branch_that_moved(github: FakeCommits) -> None:
    github.before = lambda: git(github.origin, "commit", "--quiet", "--allow-empty", "--message", "Other")
    with pytest.raises(RefMoved, match="Expected branch to point to"):
        commit(github)


@pytest.mark.parametrize(
    ("reply", "error", "said"),
    [
        (refusal(401, "Bad credentials"), PushRefused, "Bad credentials"),
        (refusal(404, "Not Found"), PushRefused, "404"),
        (refusal(502, "Server Error"), RemoteUnreachable, "Server Error"),
        (refusal(403, "secondary rate limit", retry_after="60"), RemoteUnreachable, "rate limit"),
        (Reply(200, {"errors": [{"type": "RATE_LIMITED", "message": "later"}]}), RemoteUnreachable, "later"),
        (Reply(200, {"errors": [{"type": "UNPROCESSABLE", "message": f"no {TOKEN}"}]}), PushRefused, "no "),
        (Reply(200, {"errors": ["?"]}), PushRefused, "no reason given"),
        (Reply(200, {"data": {"createCommitOnBranch": None}}), PushRefused, "not GitHub's GraphQL API"),
        (Reply(200, b"<html>"), PushRefused, "not GitHub's GraphQL API"),
    ],
)
def test_what_github_says_instead(
    github: FakeCommits, reply: Reply, error: type[GitError], said: str
) -> None:
    github.troubles.append(Trouble(reply))
    with pytest.raises(error) as caught:
        commit(github)
    assert said in caught.value.message
    assert TOKEN not in f"{caught.value.message} {caught.value.hint}"
    assert caught.value.hint or error is RefMoved


def test_a_token_that_may_only_read(github: FakeCommits) -> None:
    github.readers.add(TOKEN)
    with pytest.raises(PushRefused, match="not accessible"):
        commit(github)


def test_it_gives_up_when_time_is_up(github: FakeCommits) -> None:
    github.troubles.append(Trouble(seconds=8.0))
    started = time.monotonic()
    with pytest.raises(RemoteUnreachable, match="ran out of time"):
        commit(github, until=started + 0.3)
    assert time.monotonic() - started < 5


def test_nobody_there(github: FakeCommits) -> None:
    github.stop()
    with pytest.raises(RemoteUnreachable):
        commit(github)


@pytest.mark.parametrize("known", ["by the address of REST", "by its own"])
def test_an_enterprise_server(origin: Path, known: str) -> None:
    with FakeCommits(origin, "/api/graphql") as github:
        own = f"{github.url}/api/graphql" if known == "by its own" else None
        rest = f"{github.url}/api/v3" if own is None else "https://unused.invalid"
        commits = BranchCommits(rest, TOKEN, REPOSITORY, graph_url=own)
        tip = git(origin, "rev-parse", "main")
        assert commits.commit("main", tip, {"x": b"1"}, "One", lambda: math.inf) != tip


@pytest.mark.parametrize(
    "address", ["http://github.invalid/graphql", "https://me:pw@github.invalid", "ftp://x"]
)
def test_addresses_that_get_no_token(address: str) -> None:
    with pytest.raises(InvalidInput):
        BranchCommits("https://api.github.com", TOKEN, REPOSITORY, graph_url=address)


def test_a_token_with_a_line_break() -> None:
    with pytest.raises(InvalidInput, match="GITHUB_TOKEN") as caught:
        BranchCommits("https://api.github.com", "ghs_\nx", REPOSITORY)
    assert "ghs_" not in caught.value.message
