"""Which pull request brought a commit to its branch, as GitHub knows it."""

from __future__ import annotations

from typing import Any

from reconciler.adapters.github.rest import GitHubRest
from reconciler.core.errors import GitHubError

_UNKNOWN = (404, 409, 422)  # no such commit, an empty repository, nothing that could be a commit's id


def pull_request_of_commit(
    github: GitHubRest, repository: str, commit: str, branch: str | None
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
                if pull.get("state") == "closed" and branch is not None and _base(pull) == branch:
                    into.append(pull["number"])
    except GitHubError as error:
        if error.status not in _UNKNOWN:
            raise
    return into[0] if into else None


def _base(pull: dict[str, Any]) -> object:
    base = pull.get("base")
    return base.get("ref") if isinstance(base, dict) else None
