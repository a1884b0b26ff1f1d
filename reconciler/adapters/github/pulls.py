"""One pull request from a branch of ours, opened once and brought up to date from then on; and whose a commit is.

What counts is what is there and not what we remember: the open ones are looked at, then one is opened, changed, or left
alone. A title that people changed is theirs. Labels and auto-merge are extras: where GitHub refuses them, the pull
request stands all the same, and it is said why.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from reconciler.adapters.github.client import PatientGitHub
from reconciler.core.errors import GitHubError
from reconciler.core.frozen import dataclass

_UNKNOWN = (404, 409, 422)  # no such commit, an empty repository, nothing that could be a commit's id
_ENABLE = """mutation($id: ID!, $method: PullRequestMergeMethod!) {
  enablePullRequestAutoMerge(input: {pullRequestId: $id, mergeMethod: $method}) { clientMutationId }
}"""
_ALLOW = (
    "give the job `permissions: pull-requests: write`, and in the repository settings, Actions, General, allow GitHub "
    "Actions to create pull requests; or use the token of a GitHub App. Nothing is lost: the next run opens it"
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """The pull request as it should be: from the branch `head` into `base`. `own_title` is what our titles begin with.

    `merge_method` is `merge`, `squash` or `rebase` for auto-merge, None for none.
    """

    head: str
    base: str
    title: str
    body: str
    own_title: str
    labels: tuple[str, ...] = ()
    merge_method: str | None = None


class Shown(NamedTuple):
    """What was done (`opened`, `updated`, `unchanged`), and where it is to be seen."""

    done: str
    number: int
    url: str


class PullRequests:
    """`repository` is `owner/name`; `notice` hears of what was refused."""

    def __init__(
        self,
        github: PatientGitHub,
        repository: str,
        notice: Callable[[str], object],
    ) -> None:
        self._github = github
        self._owner = repository.partition("/")[0]
        self._repo = ("repos", *repository.split("/"))
        self._notice = notice

    def show(self, wanted: Wanted) -> Shown:
        """Raises `GitHubError` where the pull request cannot be opened or changed."""
        try:
            found = self._open(wanted)
            done, pull = self._opened(wanted) if found is None else self._updated(found, wanted)
        except GitHubError as error:
            if error.status not in (403, 404):
                raise
            raise GitHubError(error.message, hint=_ALLOW, status=error.status) from error
        self._label(pull, wanted.labels)
        if wanted.merge_method is not None:
            self._merge_by_itself(pull, wanted.merge_method)
        return Shown(done, _number(pull), _text(pull, "html_url"))

    def _list(self, wanted: Wanted, status: str) -> list[dict[str, Any]]:
        """Those between the two branches, the newest first. The filter is GitHub's, and is checked."""
        query = {"head": f"{self._owner}:{wanted.head}", "base": wanted.base, "state": status}
        pulls = (one for page in self._github.pages(*self._repo, "pulls", **query) for one in page)
        found = [one for one in pulls if isinstance(one, dict) and self._is_between(one, wanted)]
        return sorted(found, key=_number, reverse=True)

    def _is_between(self, pull: dict[str, Any], wanted: Wanted) -> bool:
        """Anybody may open one from a branch of that name in a fork."""
        head, base = _object(pull, "head"), _object(pull, "base")
        name = _text(_object(head, "repo"), "full_name")
        return (
            isinstance(pull.get("number"), int)
            and name.lower() == "/".join(self._repo[1:]).lower()
            and (_text(head, "ref"), _text(base, "ref")) == (wanted.head, wanted.base)
        )

    def _open(self, wanted: Wanted) -> dict[str, Any] | None:
        found = self._list(wanted, "open")
        return found[0] if found else None

    def _opened(self, wanted: Wanted) -> tuple[str, dict[str, Any]]:
        closed = next(iter(self._list(wanted, "closed")), None)
        document = {"title": wanted.title, "head": wanted.head, "base": wanted.base, "body": wanted.body}
        try:
            pull = self._github.send("POST", *self._repo, "pulls", document=document)
        except GitHubError as error:
            # Two runs at once, or a request that was repeated after its answer was lost.
            found = self._open(wanted) if error.status == 422 else None
            if found is None:
                raise
            return self._updated(found, wanted)
        if closed is not None and closed.get("merged_at") is None:
            self._notice(f"pull request #{_number(closed)} was closed without merging; opening a new one")
        return "opened", pull if isinstance(pull, dict) else {}

    def _updated(self, pull: dict[str, Any], wanted: Wanted) -> tuple[str, dict[str, Any]]:
        document: dict[str, str] = {}
        if not _same(_text(pull, "body"), wanted.body):
            document["body"] = wanted.body
        title = _text(pull, "title")
        if title != wanted.title and title.startswith(wanted.own_title):
            document["title"] = wanted.title
        if not document:
            return "unchanged", pull
        self._github.send("PATCH", *self._repo, "pulls", str(_number(pull)), document=document)
        return "updated", pull

    def _label(self, pull: dict[str, Any], labels: Sequence[str]) -> None:
        there = {_text(one, "name").lower() for one in pull.get("labels") or () if isinstance(one, dict)}
        missing = [label for label in labels if label.lower() not in there]
        if not missing:
            return
        place = (*self._repo, "issues", str(_number(pull)), "labels")
        try:
            self._github.send("POST", *place, document={"labels": missing})
        except GitHubError as error:
            self._notice(f"the labels were not set: {error.message}")

    def _merge_by_itself(self, pull: dict[str, Any], method: str) -> None:
        if pull.get("auto_merge") is not None:
            return
        try:
            answer = self._github.ask_graph(_ENABLE, id=_text(pull, "node_id"), method=method.upper())
        except GitHubError as error:
            self._notice(f"auto-merge was not enabled: {error.message}")
            return
        errors = answer.get("errors") if isinstance(answer, dict) else None
        if errors:
            first = errors[0] if isinstance(errors, list) and isinstance(errors[0], dict) else {}
            self._notice(f"auto-merge was not enabled: {_text(first, 'message') or 'GitHub refused'}")


def pull_request_of_commit(
    github: PatientGitHub, repository: str, commit: str, branch: str | None
) -> int | None:
    """The number of the merged pull request whose merge made this commit; else of the first closed one into `branch`.

    See "List pull requests associated with a commit" in GitHub's REST documentation. None where there is none, also for
    a commit that GitHub does not know. Raises `GitHubError`.
    """
    into: list[int] = []
    try:
        for page in github.pages("repos", *repository.split("/"), "commits", commit, "pulls"):
            for pull in page:
                if not isinstance(pull, dict) or type(pull.get("number")) is not int:
                    continue
                if pull.get("merged_at") is not None and pull.get("merge_commit_sha") == commit:
                    return int(pull["number"])
                if (
                    pull.get("state") == "closed"
                    and branch is not None
                    and _text(_object(pull, "base"), "ref") == branch
                ):
                    into.append(pull["number"])
    except GitHubError as error:
        if error.status not in _UNKNOWN:
            raise
    return into[0] if into else None


def _object(document: dict[str, Any], name: str) -> dict[str, Any]:
    value = document.get(name)
    return value if isinstance(value, dict) else {}


def _number(pull: dict[str, Any]) -> int:
    number = pull.get("number")
    return number if isinstance(number, int) else 0


def _text(document: dict[str, Any], name: str) -> str:
    value = document.get(name)
    return value if isinstance(value, str) else ""


def _same(one: str, other: str) -> bool:
    """Alike but for line ends, which GitHub may change."""
    return one.replace("\r\n", "\n").strip() == other.replace("\r\n", "\n").strip()
