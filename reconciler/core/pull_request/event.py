"""Which pull request a run of GitHub Actions is about, as the event that started it tells.

See "Webhook events and payloads" in GitHub's documentation. What stands in an event was partly written by whoever
opened the pull request, so nothing is taken from it but numbers, commit ids and yes or no.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from reconciler.core.patterns import lazy_pattern

_MERGE_REF = lazy_pattern(r"refs/pull/([1-9][0-9]{0,18})/(?:merge|head)")
_COMMIT = lazy_pattern(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_READ_ONLY = frozenset(
    {"dependabot[bot]"}
)  # whose runs get the token of a fork, though they come from the repo itself


class PullRequest(NamedTuple):
    """`foreign` means that its runs have no right to write: it is a fork's, or Dependabot's. None: it is not known."""

    number: int
    commit: str | None = None
    foreign: bool | None = None


def pull_request_of(event: object, ref: str, actor: str = "") -> PullRequest | None:
    """The pull request; None where the run is about none. `event` is the payload, `ref` is GITHUB_REF."""
    document = _part(event, "pull_request")
    number = document.get("number")
    if isinstance(number, int) and _is_number(number):
        head = _part(document, "head")
        foreign = _is_foreign(document) or actor in _READ_ONLY
        return PullRequest(number, _commit(head.get("sha")), foreign)
    commented = _part(event, "issue")  # a comment in a pull request is one on an issue
    if "pull_request" in commented and _is_number(commented.get("number")):
        return PullRequest(commented["number"])
    found = _MERGE_REF.fullmatch(ref)
    return None if found is None else PullRequest(int(found[1]), None, actor in _READ_ONLY or None)


def _is_foreign(document: Mapping[str, Any]) -> bool:
    """A head whose repository was deleted has none: that was a fork as well."""
    names = [_part(_part(document, side), "repo").get("full_name") for side in ("head", "base")]
    return names[0] != names[1]


def _part(document: object, name: str) -> Mapping[str, Any]:
    part = document.get(name) if isinstance(document, dict) else None
    return part if isinstance(part, dict) else {}


def _is_number(value: object) -> bool:
    return type(value) is int and value > 0


def _commit(value: object) -> str | None:
    return value if isinstance(value, str) and _COMMIT.fullmatch(value) else None
