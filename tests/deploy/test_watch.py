"""How a branch is watched from deploy/: its image, compose file and unit agree, and its scripts do what git needs."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import click
import pytest
from ruamel.yaml import YAML

from reconciler.cli.commands.service.watch import command as watch
from tests.deploy.kustomize import build

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
CLONE, ASKPASS = DEPLOY / "watch" / "clone", DEPLOY / "watch" / "askpass"
UNIT = (DEPLOY / "reconcile-watch.service").read_text(encoding="utf-8")
COMPOSE: Any = YAML(typ="safe").load((DEPLOY / "compose.watch.yaml").read_text(encoding="utf-8"))
STAGE = (
    (DEPLOY / "Containerfile").read_text(encoding="utf-8").partition(" AS watch\n")[2].partition("\nFROM ")[0]
)


def value(pattern: str, text: str) -> str:
    (found,) = re.findall(pattern, text, re.MULTILINE)
    return str(found)


@pytest.fixture(scope="module")
def pod() -> Any:
    return build(DEPLOY / "kubernetes")["Deployment"]["spec"]["template"]["spec"]


def started(pod: Any) -> dict[str, list[str]]:
    """The words after `reconcile`, by place."""
    entry: list[str] = json.loads(value(r"^ENTRYPOINT (\[.+\])$", STAGE))
    composed = COMPOSE["services"]["watch"]
    assert composed["entrypoint"] == entry
    words = {
        "image": [*entry, *pod["containers"][0]["args"]],
        "compose": [*entry, *composed["command"]],
        "unit": ["/usr/bin/tini", "--", *shlex.split(value(r"^ExecStart=(.+)$", UNIT))],
    }
    assert all(said[:3] == ["/usr/bin/tini", "--", "/opt/reconcile/bin/reconcile"] for said in words.values())
    return {place: said[3:] for place, said in words.items()}


def test_its_health_check_runs_nothing_of_the_folder_it_is_started_in() -> None:
    """Which may be the clone."""
    words = json.loads(value(r"^  CMD (\[.+\])$", STAGE))
    assert words[:3] == ["/opt/reconcile/bin/python", "-I", "-c"]


def test_the_program_takes_every_word(pod: Any) -> None:
    for said in started(pod).values():
        assert said[0] == "watch"
        with click.Context(watch, resilient_parsing=False) as ctx:
            watch.parse_args(ctx, said[1:])
            assert ctx.params["interval"] == "1m"
            assert ctx.params["log_format"] == "json"


def test_a_signal_reaches_the_watch_alone() -> None:
    """It ends its apply in order; a second signal would cut that off."""
    assert "KillMode=mixed\n" in UNIT


def test_all_listen_where_they_are_asked(pod: Any) -> None:
    listen = {place: said[said.index("--listen") + 1] for place, said in started(pod).items()}
    port = str(pod["containers"][0]["ports"][0]["containerPort"])
    assert listen == {"image": f"0.0.0.0:{port}", "compose": f"0.0.0.0:{port}", "unit": f"127.0.0.1:{port}"}
    assert value(r"^EXPOSE (\d+)$", STAGE) == port
    assert value(r"http://127\.0\.0\.1:(\d+)/healthz", STAGE) == port
    assert COMPOSE["services"]["watch"]["ports"] == [f"127.0.0.1:{port}:{port}"]


def test_each_works_in_what_it_cloned(pod: Any) -> None:
    (clone,) = pod["initContainers"]
    cloned = {
        "image": clone["command"],
        "compose": COMPOSE["services"]["clone"]["entrypoint"],
        "unit": shlex.split(value(r"^ExecStartPre=(.+)$", UNIT)),
    }
    for place, said in started(pod).items():
        assert cloned[place] == [f"/opt/reconcile/libexec/{CLONE.name}", said[said.index("-C") + 1]]
    assert value(r"^COPY --chmod=0755 (\S+) /opt/reconcile/libexec$", STAGE) == "deploy/watch"
    assert f"/opt/reconcile/libexec deploy/watch/{ASKPASS.name} deploy/watch/{CLONE.name}\n" in UNIT
    for named in (value(r"^ENV GIT_ASKPASS=(\S+)$", STAGE), value(r"GIT_ASKPASS=(\S+)", UNIT)):
        assert named == f"/opt/reconcile/libexec/{ASKPASS.name}"


def test_secrets_are_mounted_where_git_looks_for_them(pod: Any) -> None:
    (mounted,) = (one["mountPath"] for one in pod["containers"][0]["volumeMounts"] if one["name"] == "git")
    assert f"./secrets:{mounted}:ro" in COMPOSE["services"]["watch"]["volumes"]
    assert f"{mounted}/token" in ASKPASS.read_text()
    assert f"{mounted}/ssh-key" in STAGE
    assert f"{mounted}/known_hosts" in STAGE
    assert "GIT_TOKEN_FILE=%d/git-token" in UNIT
    assert "LoadCredential=git-token:" in UNIT


def test_the_image_runs_as_the_user_of_the_pods_and_writes_no_root(pod: Any) -> None:
    user = pod["securityContext"]["runAsUser"]
    assert re.findall(r"^USER (\S+)$", STAGE, re.MULTILINE)[-1] == f"{user}:{user}"
    assert f"useradd --system --uid {user} " in STAGE
    writable = {one["mountPath"] for one in pod["containers"][0]["volumeMounts"] if not one.get("readOnly")}
    assert writable == {"/work", "/tmp"}  # noqa: S108 - in the image
    for service in COMPOSE["services"].values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert [one.partition(":")[0] for one in service["tmpfs"]] == ["/tmp"]  # noqa: S108 - in the image
        assert "work:/work" in service["volumes"]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    program = shutil.which("true") or "/bin/true"
    unit = tmp_path / "reconcile-watch.service"
    unit.write_text(re.sub(r"/opt/reconcile/(?:bin|libexec)/\w+", program, UNIT))
    done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def asked(prompt: str, repository: str, token: Path, **more: str) -> tuple[int, str]:
    done = subprocess.run(
        [ASKPASS, prompt],
        env={"PATH": os.defpath, "REPOSITORY": repository, "GIT_TOKEN_FILE": str(token), **more},
        capture_output=True,
        text=True,
        timeout=30,
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize(
    ("prompt", "answer"),
    [
        ("Username for 'https://git.example.com': ", "x-access-token\n"),
        ("Password for 'https://x-access-token@git.example.com': ", "ghs_token\n"),
        ("Password for 'https://x-access-token@git.example.com/acme/engines.git': ", "ghs_token\n"),
        ("Password for 'https://x-access-token@evil.example.net': ", None),
        ("Password for 'https://git.example.com@evil.example.net': ", None),
        ("Password for 'https://evil.example.net/git.example.com': ", None),
        ("Password for 'https://x@git.example.com.evil.example.net': ", None),
        ("Password for 'https://x@git.example.com:8443': ", None),
        ("Password for 'http://x-access-token@git.example.com': ", None),
        ("Enter passphrase for key '/etc/reconcile/git/ssh-key': ", None),
        ("Are you sure? 'https://git.example.com'", None),
        ("", None),
    ],
)
def test_the_token_is_for_the_repository_s_host_alone(
    prompt: str, answer: str | None, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text("ghs_token\n")
    expected = (1, "") if answer is None else (0, answer)
    assert asked(prompt, "https://git.example.com/acme/engines.git", token) == expected
    assert asked(prompt, "https://someone@git.example.com/acme/engines.git", token) == expected


@pytest.mark.parametrize(
    "repository", ["ssh://git@git.example.com/acme/engines.git", "http://git.example.com/a.git", ""]
)
def test_only_https_gets_a_token(repository: str, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("ghs_token\n")
    assert asked("Password for 'https://x@git.example.com': ", repository, token) == (1, "")


def test_the_user_can_be_named(tmp_path: Path) -> None:
    said = asked(
        "Username for 'https://gitlab.com': ", "https://gitlab.com/a.git", tmp_path, GIT_USERNAME="oauth2"
    )
    assert said == (0, "oauth2\n")


@pytest.mark.parametrize(("host", "known"), [("git.example.com", True), ("evil.example.net", False)])
def test_git_itself_asks_like_that(host: str, known: bool, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("ghs_token\n")
    done = subprocess.run(
        ["git", "credential", "fill"],
        input=f"protocol=https\nhost={host}\npath=acme/engines.git\n\n",
        env={
            **os.environ,
            "GIT_ASKPASS": str(ASKPASS),
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_TOKEN_FILE": str(token),
            "REPOSITORY": "https://git.example.com/acme/engines.git",
        },
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert (done.returncode == 0) is known
    assert ("\nusername=x-access-token\npassword=ghs_token\n" in done.stdout) is known
    assert ("ghs_token" in done.stdout + done.stderr) is known


def cloned(folder: Path, repository: Path, branch: str = "main") -> int:
    environment = {**os.environ, "REPOSITORY": str(repository), "BRANCH": branch}
    return subprocess.run([CLONE, folder], env=environment, capture_output=True, timeout=60).returncode


def test_a_clone_is_made_once_and_never_a_half(tmp_path: Path) -> None:
    origin, folder = tmp_path / "origin", tmp_path / "work" / "repository"
    folder.parent.mkdir()
    subprocess.run(["git", "init", "--quiet", "--initial-branch", "main", origin], check=True)
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.com"]
    commit = ["git", "-C", str(origin), *identity, "commit", "--quiet", "--allow-empty", "--message"]
    subprocess.run([*commit, "One"], check=True)
    cut_off = folder.parent / f"{folder.name}.cloning"
    (cut_off / ".git").mkdir(parents=True)
    assert cloned(folder, origin, "elsewhere") != 0
    assert not folder.exists()
    assert cloned(folder, origin) == 0
    assert not cut_off.exists()
    (folder / "kept").write_text("")
    assert cloned(folder, tmp_path / "gone") == 0
    assert (folder / "kept").exists()


@pytest.mark.parametrize("missing", ["REPOSITORY", "BRANCH"])
def test_what_is_to_be_cloned_must_be_said(tmp_path: Path, missing: str) -> None:
    environment = {**os.environ, "REPOSITORY": str(tmp_path), "BRANCH": "main", missing: ""}
    done = subprocess.run([CLONE, tmp_path / "repository"], env=environment, capture_output=True, timeout=60)
    assert done.returncode != 0
    assert f"{missing}: set it to the".encode() in done.stderr
    assert not (tmp_path / "repository").exists()
