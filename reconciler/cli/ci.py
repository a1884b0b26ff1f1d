"""What the CI system around a run tells by variables: where the run is to be seen, and which branch it is for."""

from __future__ import annotations

import os

from reconciler.core.patterns import lazy_pattern

# How GitHub's merge queue names the branch on which it tries a merge; what is between is the branch merged into.
_QUEUE = lazy_pattern(r"refs/heads/gh-readonly-queue/(.+)/pr-[0-9]+-[0-9a-f]+")
_FOR_NO_PULL_REQUEST = frozenset({"push", "merge_group", "schedule"})


def in_ci() -> bool:
    """Whether this is a CI run."""
    return os.environ.get("CI", "").lower() not in ("", "false", "0")


def merges_into() -> str | None:
    """The branch that the run's pull request, merge request or merge queue goes into; None for any other run."""
    names = ("GITHUB_BASE_REF", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME")
    queued = _QUEUE.fullmatch(os.environ.get("GITHUB_REF", ""))
    named = next((os.environ[name] for name in names if os.environ.get(name)), None)
    return named or (queued[1] if queued else None)


def never_for_a_pull_request() -> bool:
    """Whether the event of GitHub Actions is one without a pull request by its nature, and not by a mistake."""
    return os.environ.get("GITHUB_EVENT_NAME") in _FOR_NO_PULL_REQUEST


def run_url() -> str | None:
    """The page of this run, for people who read the ledger's log and the lockfile's commits."""
    names = ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")
    server, repo, run = (os.environ.get(name) for name in names)
    if server and repo and run:
        return f"{server}/{repo}/actions/runs/{run}"
    return os.environ.get("CI_JOB_URL") or None


def artifacts_url() -> str | None:
    """Where people find what this run uploads."""
    job, run = os.environ.get("CI_JOB_URL"), run_url()
    if run is None:
        return None
    return f"{run}/artifacts/browse" if run == job else f"{run}#artifacts"


def branch() -> str | None:
    """The branch that the run is for; None for a tag, a pull request, or outside of CI."""
    ref = os.environ.get("GITHUB_REF", "")
    if ref.startswith("refs/heads/"):
        return ref.removeprefix("refs/heads/")
    return os.environ.get("CI_COMMIT_BRANCH") or None


def in_actions() -> bool:
    """Whether this is GitHub Actions."""
    return os.environ.get("GITHUB_ACTIONS") == "true"


def has_summary() -> bool:
    """Whether the run is a step of GitHub Actions, which shows a summary."""
    return bool(os.environ.get("GITHUB_STEP_SUMMARY"))
