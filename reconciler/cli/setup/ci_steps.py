"""What is left for you once the workflows are written: secrets and settings, with the pages where they are made."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from urllib.parse import urlsplit

from reconciler.adapters.platform.endpoint import is_loopback
from reconciler.adapters.project.ci_files import GITHUB, INCLUDING, PIPELINES, CiFile
from reconciler.cli.setup.ci_facts import pipeline
from reconciler.core.ci_files import NO_COMMIT, OWNER, Facts, State
from reconciler.core.commands import key_variable, reconcile
from reconciler.core.settings.model import SETTINGS, Settings

Step = tuple[
    str, str
]  # a sentence, and what stands on a line of its own: an address or a command; or nothing
_Pages = Callable[[str, str], str]


def steps(
    system: str, facts: Facts, settings: Settings, files: Sequence[CiFile], address: str | None
) -> Iterator[Step]:
    """In the order in which they are done. `address` is the repository's page, where that is known."""

    def page(path: str, menu: str) -> str:
        return f"{address}/{path}" if address else menu

    unknown = OWNER in facts.source.split("/") or facts.commit == NO_COMMIT
    if system == GITHUB:
        if unknown:
            again = reconcile("init", ("--ci", system), ("--source", "acme/reconcile@<COMMIT>"))
            yield "Name the repository and commit of the action: in the workflows, or with", again
        yield from _github(facts, settings, page)
        return
    yield (
        f"In {pipeline(facts)}, set ENGINES_IMAGE to python:3.13 with its digest; until then the jobs stop.",
        "",
    )
    if unknown:
        yield (
            "There, too, set ENGINES_SOURCE and ENGINES_COMMIT: where reconcile is, and the commit to use.",
            "",
        )
    if any(one.path == INCLUDING and one.state is State.FOREIGN for one in files):
        yield (
            f"In {INCLUDING}, include it, if that is not done already.",
            f"include: {{local: {PIPELINES!r}}}",
        )
    yield from _gitlab(facts, settings, page)


def _github(facts: Facts, settings: Settings, page: _Pages) -> Iterator[Step]:
    new = page("settings/environments/new", "Settings → Environments")
    yield f"Create the environment `{facts.environment}`, limited to the branch `{facts.branch}`.", new
    yield f"Add the secret {key_variable()} to that environment, and optionally required reviewers.", ""
    allow = ", and let Actions create pull requests" if facts.pull_request else ""
    actions = page("settings/actions", "Settings → Actions → General")
    yield f"Set the workflow permissions to read only{allow}.", actions
    if _own_host(settings):
        variables = page("settings/variables/actions", "Settings → Secrets and variables → Actions")
        yield f"Set the variable LINGO_API_URL to {settings.api_url}.", variables
    if not facts.pull_request:
        said = f"If `{facts.branch}` takes no direct pushes, set `publish: pr` in reconcile.yaml, and run init again."
        yield said, ""


def _gitlab(facts: Facts, settings: Settings, page: _Pages) -> Iterator[Step]:
    tokens = page("-/settings/access_tokens", "Settings → Access tokens")
    yield "Create a project access token with the scope `write_repository`.", tokens
    yield (
        f"Add it as PUSH_TOKEN, and your key as {key_variable()}: masked, protected, only for the environment "
        f"`{facts.environment}`.",
        page("-/settings/ci_cd", "Settings → CI/CD → Variables"),
    )
    if _own_host(settings):
        yield f"Set the variable LINGO_API_URL to {settings.api_url} there.", ""
    schedules = page("-/pipeline_schedules/new", "Build → Pipeline schedules")
    yield f"Add a schedule for every half hour on `{facts.branch}`.", schedules


def _own_host(settings: Settings) -> bool:
    """Where CI is to be told of it. What listens on this machine alone, such as the sandbox, no runner reaches."""
    host = urlsplit(settings.api_url).hostname or ""
    return settings.api_url != SETTINGS["api_url"].default and not is_loopback(host)
