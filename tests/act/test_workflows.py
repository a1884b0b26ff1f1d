"""From the pull request to the lockfile on the main branch, through the workflow files that users copy."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.sandbox.server import SandboxServer
from reconciler.sandbox.settings import SandboxSettings
from reconciler.sandbox.signing import new_secret
from tests import github_fake
from tests.act.actions import ACTION, REPOSITORY, Repository, Workflow
from tests.e2e.far_ends import KEY, wait_until
from tests.e2e.receiver import receiver
from tests.github_comments_fake import ACTIONS_TOKEN as TOKEN
from tests.github_comments_fake import FakeComments
from tests.github_pulls_fake import FakePulls

pytestmark = [
    pytest.mark.act,
    pytest.mark.skipif(
        not (Path(sys.executable).parent / "act").exists() or shutil.which("bash") is None,
        reason="act is not installed",
    ),
]
SECRETS = {"LINGO_API_KEY": KEY}
SECRET = new_secret()


@pytest.fixture
def platform() -> Iterator[SandboxServer]:
    with SandboxServer(SandboxSettings(job_seconds=0.2, api_keys=(KEY,), webhook_secret=SECRET)) as server:
        yield server


@pytest.fixture
def github() -> Iterator[FakeComments]:
    with FakeComments() as fake:
        yield fake


@pytest.fixture
def repository(tmp_path: Path, platform: SandboxServer, github: FakeComments) -> Repository:
    made = Repository(tmp_path, platform.url, github.url)
    made.work.engine("acme", running=True)
    made.push("First")
    return made


def apply(repository: Repository) -> Workflow:
    return repository.act(
        "push", "engines-apply.yml", {"ref": "refs/heads/main"}, secrets=SECRETS, token=TOKEN
    )


def by_hand(repository: Repository) -> Workflow:
    payload = {"ref": "refs/heads/main", "inputs": {}}
    return repository.act(
        "workflow_dispatch", "engines-apply-pr.yml", payload, secrets=SECRETS, token=github_fake.TOKEN
    )


def test_a_merge_makes_the_engines_and_commits_the_lockfile(
    repository: Repository, platform: SandboxServer
) -> None:
    ran = apply(repository).ended(0, "1 created", "uploads reconcile-production-apply: <!doctype html>")
    engine = platform.engines()[0]["id"]
    assert repository.lock()["engines"]["acme"]["engineId"] == engine
    assert ran.outputs["changed"] == "true"
    assert json.loads(ran.outputs["engines"]) == {"acme": engine}
    assert repository.git_of_origin("log", "-1", "--format=%s", "main").startswith("Record ")
    assert "/actions/runs/" in repository.git_of_origin("log", "--format=%B", "refs/reconcile/production")

    repository.pull()
    again = apply(repository).ended(0)
    assert again.outputs["changed"] == "false"
    assert platform.create_calls() == 1


def test_what_init_wrote_for_a_project_in_a_subfolder_runs(
    repository: Repository, platform: SandboxServer
) -> None:
    """The action is named as another repository's, which stands for this one."""
    work = repository.work
    for place in (".github", "action.yml", "engines"):
        work.git("rm", "-r", "--quiet", "--cached", place)
        target = work.root / place
        target.unlink() if target.is_file() else shutil.rmtree(target)
    (work.root / "apps").mkdir()
    work.run("-C", "apps", "init", "--ci", "github", "--source", ACTION).ended(0)
    repository.push("Set up")
    ran = apply(repository).ended(0, "1 created")
    lockfile = json.loads(repository.git_of_origin("show", "main:apps/engines.lock.json"))
    assert lockfile["engines"]["example"]["engineId"] == platform.engines()[0]["id"]
    assert ran.outputs["changed"] == "true"


def test_a_failure_is_one(repository: Repository, platform: SandboxServer) -> None:
    ran = repository.act(
        "push",
        "engines-apply.yml",
        {"ref": "refs/heads/main"},
        secrets={"LINGO_API_KEY": "wrong"},
        token=TOKEN,
    )
    ran.ended(1, "check LINGO_API_KEY")
    assert ran.outputs["exit-code"] == "1"
    assert platform.create_calls() == 0


def test_a_call_is_resolved_by_who_has_no_key(repository: Repository) -> None:
    call = {"status": "uncertain", "operationId": "op", "fingerprint": "v1:x", "spec": {"name": "acme"}}
    call |= {"submittedAt": "2026-11-24T11:00:00Z"}
    lockfile = {"version": 1, "engines": {"acme": {"pending": call}}}
    (repository.work.root / "engines.lock.json").write_text(json.dumps(lockfile))
    repository.push("A call without an answer")
    asked = {"key": "acme", "decision": "engine", "engine-id": "eng_found", "job-id": "", "operation": ""}
    payload = {"ref": "refs/heads/main", "inputs": asked}
    ran = repository.act("workflow_dispatch", "engines-resolve.yml", payload, secrets=SECRETS, token=TOKEN)
    ran.ended(0, "recorded eng_found as its engine")
    assert repository.lock()["engines"]["acme"]["engineId"] == "eng_found"


# ── pull requests ──────────────────────────────────────────────────────────────────────────────────────────────────


def opened(repository: Repository, *, fork: bool = False, token: str = TOKEN) -> Workflow:
    head = "stranger/engines" if fork else REPOSITORY
    payload = {
        "action": "opened",
        "number": 1,
        "pull_request": {
            "number": 1,
            "head": {"ref": "feature", "sha": "0" * 40, "repo": {"full_name": head, "fork": fork}},
            "base": {"ref": "main", "sha": "1" * 40, "repo": {"full_name": REPOSITORY}},
        },
    }
    repository.check_out_merge_of("feature")
    return repository.act("pull_request", "engines-plan.yml", payload, token=token)


def edited(repository: Repository, key: str) -> None:
    """An engine more on the branch of the pull request."""
    repository.work.git("checkout", "--quiet", "-B", "feature", "feature")
    repository.work.engine(key)
    repository.push(f"Add {key}", "feature")


@pytest.fixture
def pull_request(repository: Repository) -> Repository:
    repository.work.git("fetch", "--quiet", "origin")
    repository.work.git("checkout", "--quiet", "-b", "feature")
    repository.work.engine("shop/web")
    repository.push("Add shop/web", "feature")
    return repository


def test_a_pull_request_gets_one_comment_that_is_kept_up_to_date(
    pull_request: Repository, github: FakeComments, platform: SandboxServer
) -> None:
    ran = opened(pull_request).ended(0)
    (first,) = github.bodies()
    assert "shop/web" in first
    assert first.index("shop/web") < first.index("acme")  # this branch's first, then what was merged before
    assert ran.outputs["changed"] == "true"
    assert ran.outputs["summary"] == "2 create"

    edited(pull_request, "shop/app")
    opened(pull_request).ended(0)
    (second,) = github.bodies()
    assert "shop/app" in second
    assert github.comments[0].edits == 1

    pull_request.work.git("checkout", "--quiet", "main")
    pull_request.work.git("merge", "--quiet", "--no-ff", "-m", "Merge", "feature")
    pull_request.push_only()
    github.merge(pull_request.work.git("rev-parse", "HEAD").strip())
    apply(pull_request).ended(0, "3 created", "comment on #1: created")
    plan, told = github.bodies()
    assert plan == second
    assert "**Apply: 3 created.**" in told
    assert pull_request.git_of_origin("rev-parse", "main").strip()[:12] in told
    assert set(pull_request.lock()["engines"]) == {"acme", "shop/app", "shop/web"}
    assert platform.create_calls() == 3


def test_a_fork_needs_no_secret_and_no_right_to_write(pull_request: Repository, github: FakeComments) -> None:
    github.readers.add(TOKEN)
    ran = opened(pull_request, fork=True).ended(0)
    assert github.bodies() == []
    assert "::notice" in ran.log or "no comment" in ran.log
    assert "shop/web" in ran.log


def test_an_invalid_file_fails_the_pull_request_and_says_where(
    pull_request: Repository, github: FakeComments
) -> None:
    pull_request.work.git("checkout", "--quiet", "feature")
    pull_request.work.engine("shop/web", "name: x\nlocals: [de]\n")
    pull_request.push("Break it", "feature")
    ran = opened(pull_request)
    assert ran.code != 0
    assert ran.outputs["exit-code"] == "3"
    (body,) = github.bodies()
    assert "locals" in body


PROTECTED = """#!/bin/sh
while read old new ref; do
  if [ "$ref" = refs/heads/main ]; then echo "GH006: Protected branch update failed" >&2; exit 1; fi
done
"""


def test_a_protected_main_gets_a_pull_request(tmp_path: Path, platform: SandboxServer) -> None:
    with FakePulls(tmp_path / "origin.git") as github:
        repository = Repository(tmp_path, platform.url, github.url)
        repository.work.engine("acme", running=True)
        repository.push("First")
        hook = repository.origin / "hooks/pre-receive"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(PROTECTED)
        hook.chmod(0o755)

        by_hand(repository).ended(0, "1 created")
        (pull,) = github.open
        assert pull["base"]["ref"] == "main"
        again = by_hand(repository).ended(0)
        assert json.loads(again.outputs["engines"])["acme"] == platform.engines()[0]["id"]
        assert len(github.open) == 1
        assert platform.create_calls() == 1

        github.merge(pull["number"])
        assert repository.lock()["engines"]["acme"]["engineId"] == platform.engines()[0]["id"]
        repository.pull()
        by_hand(repository).ended(0)
        assert platform.create_calls() == 1
        assert github.open == []


def test_a_detached_apply_is_told_by_the_collect_that_ends_it(
    repository: Repository, github: FakeComments
) -> None:
    workflow = repository.work.root / ".github/workflows/engines-apply.yml"
    workflow.write_text(
        workflow.read_text().replace('comment: "true"', 'comment: "true"\n          args: --detach')
    )
    github.merge(repository.push("Apply without waiting"))
    apply(repository).ended(0, "comment on #1: created")
    (body,) = github.bodies()
    assert "1 still running" in body
    repository.pull()
    repository.work.run("collect", "--only", "acme", "--no-publish").ended(
        0
    )  # here only: it has ended by now
    repository.pull()
    ran = repository.act(
        "schedule", "engines-collect.yml", {"schedule": "17,47 * * * *"}, secrets=SECRETS, token=TOKEN
    )
    ran.ended(0, "comment on #1: updated")
    (body,) = github.bodies()
    assert "**Apply and collect: 1 created.**" in body
    assert f"| `acme` | created | `{repository.lock()['engines']['acme']['engineId']}` |" in body


@pytest.mark.parametrize("how", ["schedule", "repository_dispatch"])
def test_what_was_left_running_is_collected(
    repository: Repository, github: FakeComments, tmp_path: Path, how: str
) -> None:
    project = repository.work
    with receiver(project, tmp_path / "inbox.db", SECRET, relay=github.url) as hooks:
        env = {"RECONCILE_CALLBACK_URL": hooks.url}
        project.run("apply", "--yes", "--detach", "--publish", env=env).ended(0)
        wait_until(lambda: github.dispatches, "the webhook was passed on")
    (sent,) = github.dispatches
    payload = {"schedule": "17,47 * * * *"}
    if how == "repository_dispatch":
        payload = {"action": sent["event_type"], "client_payload": sent["client_payload"], "branch": "main"}
    secrets = SECRETS | {"LINGO_WEBHOOK_SECRET": SECRET}
    ran = repository.act(how, "engines-collect.yml", payload, secrets=secrets, token=TOKEN).ended(0)
    assert ("webhooks reported 1 job that ended" in ran.log) == (how == "repository_dispatch")
    entry = repository.lock()["engines"]["acme"]
    assert entry["engineId"] == json.loads(ran.outputs["engines"])["acme"]
    assert entry["summary"]


def test_an_input_cannot_become_a_command(repository: Repository) -> None:
    """The inputs come from the workflow, and so from whoever writes one: a branch's name, say."""
    hostile = "x\"; touch owned; echo '$(touch owned)' `touch owned` \n::error::owned"
    workflow = repository.work.root / ".github/workflows/engines-plan.yml"
    text = workflow.read_text()
    assert 'comment: "true"' in text
    workflow.write_text(
        text.replace(
            'comment: "true"', f"comment: {json.dumps(hostile)}\n          args: {json.dumps(hostile)}"
        )
    )
    ran = repository.act("pull_request", "engines-plan.yml", {"number": 7}, token=TOKEN)
    assert ran.code != 0
    assert ran.outputs["exit-code"] == "64"
    assert not list(tmp_files(repository.root, "owned"))


def tmp_files(root: Path, name: str) -> list[Path]:
    return [path for path in root.rglob(name) if path.is_file()]
