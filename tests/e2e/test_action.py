"""The scripts of the GitHub action, run as a runner does it: in a checkout that anybody may have filled."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from reconciler.sandbox.server import SandboxServer
from tests.e2e.far_ends import KEY, Project, wait_until

ACTION = Path(__file__).resolve().parents[2]
OLDER = ACTION / ".github/actions/reconcile"  # where it was first
STEP = re.compile(r"^ +run: '(.+)'$", re.MULTILINE)
INSTALL, RUN = STEP.findall((ACTION / "action.yml").read_text(encoding="utf-8"))
VENV = Path(sys.executable).parent.parent
SPOOF = "import os\nopen(os.environ.get('SPOILS', '{spoils}'), 'a').write(__file__ + '\\n')\n"
# Whose place a file in the checkout could take: of what is run by name, and of what that imports.
LYING_AROUND = [
    "venv",
    "pip",
    "ensurepip",
    "shlex",
    "json",
    "reconciler",
    "click",
    "sitecustomize",
    "usercustomize",
]


def runner(project: Project, tmp_path: Path, **more: str) -> dict[str, str]:
    inputs = dict.fromkeys(
        ("ENVIRONMENT", "CALLBACK_URL", "PLAN", "ARGS", "API_KEY", "WEBHOOK_SECRET", "GITHUB_TOKEN"), ""
    )
    inputs |= {"COMMAND": "plan", "WORKING_DIRECTORY": ".", "COMMENT": "false", "PUBLISH": "false"}
    variables = {f"INPUT_{name}": value for name, value in inputs.items()}
    variables |= {
        "ACTION_PATH": str(ACTION),
        "RUNNER_TEMP": str(tmp_path),
        "RECONCILE_VENV": str(VENV),
        "GITHUB_OUTPUT": str(tmp_path / "outputs"),
        "PATH": f"{VENV / 'bin'}{os.pathsep}{os.environ['PATH']}",
    }
    return project.environment(**{"LINGO_API_KEY": None} | variables | more)


def spoof(folder: Path, spoils: Path) -> None:
    for name in LYING_AROUND:
        (folder / f"{name}.py").write_text(SPOOF.format(spoils=spoils))


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"ACTION_PATH": str(OLDER)},
        {"PYTHONPATH": "."},
        {"PYTHONSTARTUP": "venv.py", "PYTHONPATH": ""},
    ],
)
def test_nothing_that_lies_in_the_checkout_is_run(
    project: Project, tmp_path: Path, more: dict[str, str]
) -> None:
    spoils = tmp_path / "spoils"
    spoof(project.root, spoils)
    done = subprocess.run(
        ["bash", "-c", RUN],
        cwd=project.root,
        env=runner(project, tmp_path, **more),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "exit-code<<" in (tmp_path / "outputs").read_text()
    assert not spoils.exists()


def test_the_action_is_found_where_it_was_first() -> None:
    assert (OLDER / "action.yml").readlink() == Path("../../../action.yml")


def test_installing_sees_no_secret_and_runs_nothing_of_the_checkout(project: Project, tmp_path: Path) -> None:
    """`python` is one that says what it was given, and makes an environment whose python does the same."""
    spoils, said, bin_ = tmp_path / "spoils", tmp_path / "said", tmp_path / "bin"
    bin_.mkdir()
    witness = f'#!/bin/sh\n{{ echo "args $*"; env; }} >>"{said}"\n'
    (bin_ / "python").write_text(
        f'{witness}if [ "$3" = venv ]; then mkdir -p "$4/bin" && cp "$0" "$4/bin/python"; fi\n'
    )
    (bin_ / "python").chmod(0o755)
    spoof(project.root, spoils)
    secrets = {
        "LINGO_API_KEY": KEY,
        "GITHUB_TOKEN": "ghs_x",
        "LINGO_WEBHOOK_SECRET": "whsec_x",
        "INPUT_API_KEY": KEY,
    }
    where = {
        "RECONCILE_VENV": str(tmp_path / "made"),
        "PYTHONPATH": ".",
        "PIP_INDEX_URL": "https://mirror.example/x",
    }
    path = {"PATH": f"{bin_}{os.pathsep}{os.environ['PATH']}"}
    env = runner(project, tmp_path, **secrets, **where, **path)
    done = subprocess.run(["bash", "-c", INSTALL], cwd=project.root, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    text = said.read_text()
    calls = re.findall(r"^args (.+)$", text, re.MULTILINE)
    assert calls[0] == f"-I -m venv {tmp_path / 'made'}"
    assert [("--require-hashes" in call, "--no-build-isolation" in call) for call in calls[1:]] == [
        (True, False),
        (False, True),
    ]
    assert all(call.startswith("-I -m ") for call in calls)
    assert (
        "PIP_INDEX_URL=https://mirror.example/x" in text
    )  # how to get at packages is the machine's own affair
    assert not [name for name in (*secrets, "PYTHONPATH") if f"\n{name}=" in text]
    assert not spoils.exists()


def test_only_the_step_that_runs_gets_the_secrets() -> None:
    text = (ACTION / "action.yml").read_text(encoding="utf-8")
    before, _, after = text.partition("    - id: run\n")
    for name in ("api-key", "webhook-secret", "github-token"):
        assert f"inputs.{name}" not in before
        assert f"inputs.{name}" in after


@pytest.mark.parametrize("job_seconds", [60.0])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_cancelled_run_stops_creating_and_gives_the_lease_back(
    project: Project, platform: SandboxServer, tmp_path: Path, number: signal.Signals
) -> None:
    """GitHub signals the step's own process, and no other."""
    origin = tmp_path / "origin.git"
    project.git("init", "--quiet", "--bare", "--initial-branch=main", str(origin))
    project.git("remote", "add", "origin", str(origin))
    for index in range(30):
        project.engine(f"many/e{index}", running=True)
    project.commit()
    project.git("push", "--quiet", "origin", "main")
    inputs = {
        "INPUT_COMMAND": "apply",
        "INPUT_PUBLISH": "true",
        "INPUT_API_KEY": KEY,
        "INPUT_ARGS": "--concurrency=1",
    }
    env = runner(project, tmp_path, **inputs, CI="true", GITHUB_REF="refs/heads/main")
    shell = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", RUN]
    step = subprocess.Popen(
        shell, cwd=project.root, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_until(lambda: platform.create_calls() >= 1, "a create call left")
        step.send_signal(number)
        begun = time.monotonic()
        assert step.wait(timeout=30) == 130
        assert time.monotonic() - begun < 7
    finally:
        step.kill()
    calls = platform.create_calls()
    time.sleep(0.5)
    assert platform.create_calls() == calls
    project.run("lease", "show").ended(0, "the lease is free")
    assert "130" in (tmp_path / "outputs").read_text()


@pytest.mark.parametrize(
    ("asked", "code", "said"),
    [
        ({"KEY": "acme", "DECISION": "retry"}, 0, "the next apply creates it"),
        (
            {"KEY": "acme", "DECISION": "engine", "ENGINE_ID": "eng_found"},
            0,
            "recorded eng_found as its engine",
        ),
        ({"KEY": "acme\n--retry", "DECISION": "forget"}, 64, "no engine"),
        ({"KEY": "--help", "DECISION": "forget"}, 64, "no engine"),
        ({"KEY": "acme", "DECISION": "retry\n--publish"}, 64, "RESOLVE_DECISION must be"),
        ({}, 64, "RESOLVE_DECISION must be"),
    ],
)
def test_what_was_found_is_resolved_and_nothing_else(
    project: Project, tmp_path: Path, asked: dict[str, str], code: int, said: str
) -> None:
    call = {"status": "uncertain", "operationId": "op", "fingerprint": "v1:x", "spec": {"name": "acme"}}
    call |= {"submittedAt": "2026-11-24T11:00:00Z"}
    entry = {"version": 1, "engines": {"acme": {"pending": call}}}
    project.lockfile.write_text(json.dumps(entry))
    more = {f"RESOLVE_{name}": value for name, value in asked.items()}
    done = subprocess.run(
        ["bash", "-c", RUN],
        cwd=project.root,
        env=runner(project, tmp_path, INPUT_COMMAND="resolve", **more),
        capture_output=True,
        text=True,
    )
    assert said in done.stdout + done.stderr
    assert done.returncode == code
    assert ("pending" in project.lockfile.read_text()) is (code != 0)


@pytest.mark.parametrize(("report", "folder"), [("true", "."), ("false", "."), ("true", "./engines/..")])
def test_the_plan_is_a_report_too_if_that_is_wanted(
    project: Project, tmp_path: Path, report: str, folder: str
) -> None:
    env = runner(
        project, tmp_path, INPUT_REPORT=report, INPUT_WORKING_DIRECTORY=folder, INPUT_ENVIRONMENT="live"
    )
    (project.root / "reconcile.yaml").write_text("environments: {live: {}}\n")
    done = subprocess.run(["bash", "-c", RUN], cwd=project.root, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    outputs = (tmp_path / "outputs").read_text()
    file = tmp_path / "reconcile-plan.html"
    assert file.exists() is (report == "true")
    assert (f"\n{file}\n" in outputs) is (report == "true")
    if report == "true":
        name = "reconcile-live-plan" if folder == "." else "reconcile-live-engines-plan"
        assert f"\n{name}\n" in outputs
        assert "Localization engines" in file.read_text()


def test_a_report_of_an_earlier_run_is_not_taken_for_this_one(project: Project, tmp_path: Path) -> None:
    (tmp_path / "reconcile-plan.html").write_text("old")
    (project.root / "reconcile.yaml").write_text("no such setting: 1\n")
    env = runner(project, tmp_path, INPUT_REPORT="true")
    done = subprocess.run(["bash", "-c", RUN], cwd=project.root, env=env, capture_output=True, text=True)
    assert done.returncode == 3
    assert not (tmp_path / "reconcile-plan.html").exists()
