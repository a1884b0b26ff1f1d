"""Wires `--publish pr`: the branch that pull requests come from, and the pull request itself.

The ledger has everything that a pull request is for, so what fails here loses nothing: the next run does it.
"""

from __future__ import annotations

import os
import random
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.cli.pull_requests import ci
from reconciler.cli.stderr import say
from reconciler.cli.wiring.publishing import keep, open_ledger, proposals_branch
from reconciler.core.errors import GitError, InvalidInput, ReconcileError, RefMoved
from reconciler.core.ledger.lease import give_back
from reconciler.core.settings.model import Settings
from reconciler.render.phrases.sanitize import sanitize

if TYPE_CHECKING:
    from reconciler.adapters.github.pulls import Shown, Wanted
    from reconciler.app.planning import PlanResult
    from reconciler.cli.wiring.project import Project
    from reconciler.core.ledger.remote_snapshot import RemoteSnapshot
    from reconciler.core.lockfile.model import Lockfile
    from reconciler.core.run.outcome import Outcome

_NAME = r"[A-Za-z0-9_-][A-Za-z0-9_.-]*/[A-Za-z0-9_.-]*[A-Za-z0-9_-]"
_REPOSITORY = re.compile(_NAME)
_ADDRESS = re.compile(rf"(?:^|[@/])(?:[A-Za-z0-9-]+\.)*github\.[A-Za-z0-9.:-]+?[:/]({_NAME}?)(?:\.git)?/?$")
_WORDS = {"opened": "opened", "updated": "brought up to date", "unchanged": "open, and says this already"}


def proposes(settings: Settings) -> bool:
    """Whether the lockfile goes to the branch by pull requests."""
    return settings.publish == "pr"


def check_can_propose(project: Project) -> None:
    """Before anything is created: raises `InvalidInput` where no pull request could be opened afterwards."""
    if not proposes(project.settings):
        return
    _token()
    _repository(project)
    ledger = open_ledger(project)
    if getattr(ledger, "proposals", None) == ledger.branch:
        raise InvalidInput(
            f"the setting `pr_branch` is `{ledger.branch}`, the very branch that pull requests are to go to",
            hint="leave it out, or name another",
        )


def with_pull_request(project: Project, seen: RemoteSnapshot, outcome: Outcome) -> Outcome:
    """The outcome, with the pull request that brings what was pushed to the branch, if there is to be one."""
    if not proposes(project.settings) or not outcome.published or seen.proposal is None:
        return outcome
    try:
        shown = propose(project, seen.lockfile, seen.proposal.lockfile)
    except ReconcileError as error:
        hint = f"; {error.hint}" if error.hint else ""
        why = f"the pull request was not opened: {error.message}{hint}"
        return replace(outcome, published=False, unpublished=why)
    return replace(outcome, published=False, proposed=shown.url)


def propose(project: Project, base: Lockfile, proposed: Lockfile) -> Shown:
    """Open the pull request that turns one lockfile into the other, or update it.

    Raises `GitHubError` and `InvalidInput`.
    """
    from reconciler.adapters.github.api import PUBLIC
    from reconciler.adapters.github.pulls import PullRequests
    from reconciler.adapters.github.rest import GitHubRest

    token, name = _token(), _repository(project)
    address = (os.environ.get("GITHUB_API_URL") or PUBLIC).rstrip("/")
    # GitHub Enterprise Server has its REST API at /api/v3, and GraphQL at /api/graphql.
    graphql_address = address.removesuffix("/v3")
    with (
        GitHubRest(address, token, random=random.random) as github,
        GitHubRest(graphql_address, token, random=random.random) as graphql,
    ):
        shown = PullRequests(github, graphql, name, _notice).show(_wanted(project, base, proposed))
    say(sanitize(f"pull request #{shown.number} is {_WORDS[shown.done]}: {shown.url}".rstrip(": ")))
    return shown


def _wanted(project: Project, base: Lockfile, proposed: Lockfile) -> Wanted:
    from reconciler.adapters.github.pulls import Wanted
    from reconciler.render.markdown.proposal import TITLE, render_proposal

    settings, ledger = project.settings, open_ledger(project)
    title, body = render_proposal(
        base,
        proposed,
        environment=settings.environment,
        lockfile=ledger.path,
        ledger=ledger.ref,
        run_url=ci.run_url(),
    )
    labels = tuple(label.strip() for label in (settings.pr_labels or "").split(",") if label.strip())
    head = proposals_branch(settings.pr_branch, ledger.ref)
    return Wanted(head, ledger.branch, title, body, TITLE, labels, settings.pr_auto_merge)


def empty_if_merged(project: Project, planned: PlanResult) -> None:
    """The branch has everything that the ledger holds, since the pull request was merged: the journal is emptied.

    Another run that is faster does the same, and what cannot be pushed now the next run pushes.
    """
    seen = planned.recorded.shared
    if not proposes(project.settings) or seen is None or not seen.records or planned.recorded.unwritten:
        return
    if planned.plan.invalid or planned.plan.changes_anything:
        return
    try:
        newest = open_ledger(project).record(seen, (), give_back(seen.lease))
        keep(project, newest)
    except RefMoved:
        return
    except GitError as error:
        _notice(f"the journal on the remote could not be emptied: {error.message}")
        return
    _notice(
        f"the branch has everything that was proposed; the journal on `{project.settings.remote}` is empty again"
    )


def seen_by_run(settings: Settings, planned: PlanResult) -> RemoteSnapshot | None:
    """What a run goes on from: without the records that the branch has, since their pull request was merged."""
    seen = planned.recorded.shared
    if seen is None or not proposes(settings) or planned.recorded.unwritten:
        return seen
    return replace(seen, records=())


def _token() -> str:
    token = os.environ.get("GITHUB_TOKEN", "").strip()
    if not token:
        raise InvalidInput(
            "publishing by pull request needs GITHUB_TOKEN",
            hint="in GitHub Actions `env: {GITHUB_TOKEN: ${{ github.token }}}`, and `pull-requests: write`",
        )
    return token


def _repository(project: Project) -> str:
    """`owner/name`, as GitHub Actions says, or as the remote's address does."""
    name = os.environ.get("GITHUB_REPOSITORY", "").strip()
    if not name:
        from reconciler.adapters.git.remote import GitRemote, Identity

        remote = GitRemote(project.root, project.settings.remote, Identity("", ""))
        found = _ADDRESS.search(remote.url())
        name = found[1] if found else ""
    if not _REPOSITORY.fullmatch(name):
        raise InvalidInput(
            "publishing by pull request needs a repository on GitHub, and which one is not known",
            hint="set GITHUB_REPOSITORY to OWNER/NAME; elsewhere than on GitHub publish to the branch itself",
        )
    return name


def _notice(text: str) -> None:
    say(sanitize(f"note: {text}"))
