"""A local GitHub with pull requests: their endpoints, before a real bare repository, with GitHub's own refusals."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.app.git_repo import git
from tests.github_fake import REPOSITORY, FakeGitHub, Reply, Request, Route, refusal

_REPO = r"/repos/([^/]+/[^/]+)"
_MOST = 100  # items of a page


class FakePulls(FakeGitHub):
    """`pulls` are as GitHub answers them. `may_open` is the setting that lets workflows open pull requests at all."""

    def __init__(self, origin: Path) -> None:
        super().__init__()
        self.origin = origin
        self.pulls: list[dict[str, Any]] = []
        self.may_open = True
        self.auto_merge_allowed = True
        self.page_size = _MOST

    def routes(self) -> list[Route]:
        return [
            *super().routes(),
            Route("GET", _REPO + "/pulls", self._list),
            Route("POST", _REPO + "/pulls", self._create),
            Route("PATCH", _REPO + "/pulls/([0-9]+)", self._change),
            Route("POST", _REPO + "/issues/([0-9]+)/labels", self._label),
            Route("POST", "/graphql", self._graphql),
        ]

    def pull(self, number: int) -> dict[str, Any]:
        return next(pull for pull in self.pulls if pull["number"] == number)

    @property
    def open(self) -> list[dict[str, Any]]:
        return [pull for pull in self.pulls if pull["state"] == "open"]

    def asked(self, method: str, path: str) -> list[Request]:
        return [one for one in self.requests if one.method == method and one.path.endswith(path)]

    # ── what people do on the page ─────────────────────────────────────────────────────────────────────────────────

    def close(self, number: int) -> None:
        self.pull(number).update(state="closed")

    def merge(self, number: int) -> str:
        """The button: a merge commit on the target, past every hook."""
        pull = self.pull(number)
        base, head = (f"refs/heads/{pull[side]['ref']}" for side in ("base", "head"))
        tree = git(self.origin, "merge-tree", "--write-tree", base, head).splitlines()[0]
        message = f"Merge pull request #{number}"
        made = git(self.origin, "commit-tree", tree, "-p", base, "-p", head, "-m", message)
        git(self.origin, "update-ref", base, made)
        pull.update(state="closed", merged_at="2026-11-24T12:00:00Z")
        return made

    def put(self, head: str, base: str = "main", repository: str = REPOSITORY, **more: Any) -> dict[str, Any]:
        number = len(self.pulls) + 1
        pull = {
            "number": number,
            "node_id": f"PR_{number}",
            "state": "open",
            "title": "",
            "body": "",
            "html_url": f"https://github.example/{REPOSITORY}/pull/{number}",
            "head": {"ref": head, "repo": {"full_name": repository}},
            "base": {"ref": base, "repo": {"full_name": REPOSITORY}},
            "labels": [],
            "auto_merge": None,
            "merged_at": None,
        } | more
        self.pulls.append(pull)
        return pull

    # ── endpoints ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _list(self, request: Request) -> Reply:
        refused = self.allowed(request, request.words[0], write=False)
        if refused is not None:
            return refused
        query = {name: values[0] for name, values in request.query.items()}
        owner, _, head = query.get("head", "").partition(":")
        found = [
            pull
            for pull in reversed(self.pulls)
            if query.get("state", "open") in ("all", pull["state"])
            and (not head or (pull["head"]["ref"] == head and _owner(pull) == owner))
            and query.get("base", pull["base"]["ref"]) == pull["base"]["ref"]
        ]
        size, page = min(int(query.get("per_page", 30)), self.page_size), int(query.get("page", 1))
        shown, rest = found[(page - 1) * size : page * size], found[page * size :]
        following = f"{self.url}{request.path}?{urlencode(query | {'page': page + 1})}"
        return Reply(200, shown, {"Link": f'<{following}>; rel="next"'} if rest else {})

    def _create(self, request: Request) -> Reply:
        refused = self.allowed(request, request.words[0], write=True)
        if refused is not None:
            return refused
        if not self.may_open:
            return refusal(403, "GitHub Actions is not permitted to create or approve pull requests.")
        wanted = request.json()
        head, base = wanted["head"], wanted["base"]
        same = {"ref": head, "repo": {"full_name": request.words[0]}}
        if any(pull["head"] == same and pull["base"]["ref"] == base for pull in self.open):
            return _invalid(f"A pull request already exists for {request.words[0].partition('/')[0]}:{head}.")
        branches = git(self.origin, "for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads").splitlines()
        if head not in branches or base not in branches:
            return _invalid("invalid head" if head not in branches else "invalid base")
        if git(self.origin, "rev-list", "--count", f"{base}..{head}") == "0":
            return _invalid(f"No commits between {base} and {head}")
        if len(wanted["title"]) > 256 or len(wanted["body"]) > 65_536:
            return _invalid("is too long")
        return Reply(201, self.put(head, base, title=wanted["title"], body=wanted["body"]))

    def _change(self, request: Request) -> Reply:
        refused = self.allowed(request, request.words[0], write=True)
        if refused is not None:
            return refused
        pull = self.pull(int(request.words[1]))
        pull.update(request.json())
        return Reply(200, pull)

    def _label(self, request: Request) -> Reply:
        refused = self.allowed(request, request.words[0], write=True)
        if refused is not None:
            return refused
        labels = self.pull(int(request.words[1]))["labels"]
        labels += [{"name": name} for name in request.json()["labels"]]
        return Reply(200, labels)

    def _graphql(self, request: Request) -> Reply:
        refused = self.allowed(request, REPOSITORY, write=False)
        if refused is not None:
            return refused
        asked = request.json()
        variables = asked["variables"]
        assert "enablePullRequestAutoMerge" in asked["query"]
        if not self.auto_merge_allowed:
            return Reply(
                200, {"data": None, "errors": [{"message": "Auto merge is not allowed for this repository"}]}
            )
        pull = next(pull for pull in self.pulls if pull["node_id"] == variables["id"])
        pull["auto_merge"] = {"merge_method": variables["method"].lower()}
        return Reply(200, {"data": {"enablePullRequestAutoMerge": {"clientMutationId": None}}})


def _owner(pull: dict[str, Any]) -> str:
    owner: str = pull["head"]["repo"]["full_name"].partition("/")[0]
    return owner


def _invalid(message: str) -> Reply:
    errors = [{"resource": "PullRequest", "code": "custom", "message": message}]
    return Reply(422, {"message": "Validation Failed", "errors": errors})
