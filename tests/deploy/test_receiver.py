"""The files in deploy/ against the program: they parse, name only what exists, and agree with each other."""

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

from reconciler.cli.commands.service.webhook import serve_command
from reconciler.cli.wiring.inbox_places import chosen
from reconciler.core.settings.postgres_url import PostgresPlace

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
CONTAINER = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
UNIT = (DEPLOY / "reconcile-webhook.service").read_text(encoding="utf-8")
CADDY = (DEPLOY / "Caddyfile").read_text(encoding="utf-8")
COMPOSE: Any = YAML(typ="safe").load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
RECEIVER: Any = COMPOSE["services"]["receiver"]
SEVERAL: Any = YAML(typ="safe").load((DEPLOY / "compose.postgres.yaml").read_text(encoding="utf-8"))


def instruction(name: str, stage: str = "receiver") -> list[str]:
    _, _, text = CONTAINER.partition(f" AS {stage}\n")
    (found,) = re.findall(rf"^{name} (\[.+\])$", text.partition("\nFROM ")[0], re.MULTILINE)
    words: list[str] = json.loads(found)
    return words


def started_by_unit() -> list[str]:
    (line,) = re.findall(r"^ExecStart=(.+)$", UNIT, re.MULTILINE)
    return shlex.split(line)


def parsed(words: list[str]) -> dict[str, Any]:
    """The words after `reconcile webhook serve`, as the program reads them; wrong ones are an error."""
    assert words[:3] == ["/opt/reconcile/bin/reconcile", "webhook", "serve"]
    with click.Context(serve_command, resilient_parsing=False) as ctx:
        serve_command.parse_args(ctx, words[3:])
        return ctx.params


def test_the_unit_starts_the_receiver() -> None:
    flags = parsed(started_by_unit())
    assert flags["listen"] == "127.0.0.1:8788"
    assert str(flags["inbox"]) == "%S/reconcile/inbox.db"
    assert "StateDirectory=reconcile\n" in UNIT
    (credential,) = re.findall(r"^LoadCredential=([\w-]+):", UNIT, re.MULTILINE)
    assert str(flags["secret_file"]) == f"%d/{credential}"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    program = shutil.which("true") or "/bin/true"
    unit = tmp_path / "reconcile-webhook.service"
    unit.write_text(UNIT.replace("/opt/reconcile/bin/reconcile", program))
    done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_container_starts_the_receiver_with_what_compose_adds() -> None:
    flags = parsed(instruction("ENTRYPOINT") + RECEIVER["command"])
    inbox = flags["inbox"]
    assert f"VOLUME {inbox.parent}\n" in CONTAINER
    mounted = {volume.split(":")[1] for volume in RECEIVER["volumes"]}
    assert {str(inbox.parent), str(flags["secret_file"].parent)} == mounted
    port = flags["listen"].rpartition(":")[2]
    assert f"EXPOSE {port}\n" in CONTAINER
    assert f"127.0.0.1:{port}/readyz" in str(RECEIVER["healthcheck"]["test"])
    assert f"127.0.0.1:{port}/readyz" in CONTAINER
    assert set(re.findall(r"reverse_proxy (\S+)", CADDY)) == {f"{{$RECONCILE_RECEIVERS:receiver:{port}}}"}
    (network,) = COMPOSE["networks"]["inside"]["ipam"]["config"]
    assert flags["trusted_proxy"] == (network["subnet"],)
    assert CADDY.count(flags["prefix"]) >= 4


def test_the_image_is_built_from_what_is_there() -> None:
    for words in re.findall(r"^COPY (?!--from)(.+)$", CONTAINER, re.MULTILINE):
        for name in [word for word in words.split() if not word.startswith("--")][:-1]:
            assert (ROOT / name).exists(), name
    assert (DEPLOY / RECEIVER["build"]["context"] / RECEIVER["build"]["dockerfile"]).is_file()
    users = re.findall(r"^USER (\S+)$", CONTAINER, re.MULTILINE)
    # That of `watch` installs as root, and names its user after.
    assert users == ["10001:10001", "0:0", "10001:10001", "10001:10001"]


def test_the_image_of_the_command_takes_its_words() -> None:
    assert instruction("ENTRYPOINT", "command") == ["/opt/reconcile/bin/reconcile"]
    assert (
        CONTAINER.rstrip().rpartition("\nFROM ")[2].startswith("${PYTHON_IMAGE} AS receiver\n")
    )  # the default


def test_images_are_named_by_digest_or_not_at_all() -> None:
    """A tag may be moved; so there is no default, and a build without a digest stops."""
    images = re.findall(r"^FROM (\S+)", CONTAINER, re.MULTILINE)
    assert images == ["${PYTHON_IMAGE}", "${PYTHON_IMAGE}", "command", "${PYTHON_IMAGE}"]
    assert re.findall(r"^ARG (.+)$", CONTAINER, re.MULTILINE) == ["PYTHON_IMAGE"] * 2 + ["REQUIREMENTS="]
    (check,) = re.findall(r"^RUN (case .+)$", CONTAINER, re.MULTILINE)
    for image, code in (("python:3.13-slim", 1), ("", 1), (f"python:3.13-slim@sha256:{'0' * 64}", 0)):
        done = subprocess.run(["sh", "-c", check], env={"PYTHON_IMAGE": image}, capture_output=True)
        assert done.returncode == code, image
    named = [COMPOSE["services"]["proxy"]["image"], RECEIVER["build"]["args"]["PYTHON_IMAGE"]]
    assert all(re.fullmatch(r"\$\{[A-Z_]+:\?.+@sha256:…\}", name) for name in named), named


def test_the_receiver_can_write_its_inbox_and_nothing_else() -> None:
    assert RECEIVER["read_only"] is True
    assert RECEIVER["cap_drop"] == ["ALL"]
    assert "ports" not in RECEIVER  # only the proxy reaches it
    assert RECEIVER["networks"] == ["inside"]


# ── several receivers with one inbox ───────────────────────────────────────────────────────────────────────────────


def the_two() -> list[Any]:
    services = SEVERAL["services"]
    return [services["receiver-1"], services["receiver-2"]]


def test_two_receivers_are_started_like_the_one_and_with_a_database(monkeypatch: pytest.MonkeyPatch) -> None:
    for receiver in the_two():
        flags = parsed(receiver["entrypoint"] + receiver["command"])
        single = parsed(instruction("ENTRYPOINT") + RECEIVER["command"])
        (network,) = SEVERAL["networks"]["inside"]["ipam"]["config"]
        assert flags["trusted_proxy"] == (network["subnet"],)
        different = {"inbox", "trusted_proxy"}
        assert {name: flags[name] for name in flags.keys() - different} == {
            name: single[name] for name in single.keys() - different
        }
        monkeypatch.setenv("RECONCILE_INBOX", receiver["environment"]["RECONCILE_INBOX"])
        place = chosen(flags["inbox"], "--inbox", os.environ)
        assert isinstance(place, PostgresPlace)
        assert not place.secrets
        (host,) = place.hosts
        database = SEVERAL["services"][host]
        made = database["environment"]
        assert place.url == f"postgresql://{made['POSTGRES_USER']}@{host}/{made['POSTGRES_DB']}"
        assert made["POSTGRES_PASSWORD"] == receiver["environment"]["PGPASSWORD"]
        assert receiver["depends_on"][host]["condition"] == "service_healthy"
        assert "ports" not in database


def test_the_proxy_reaches_both() -> None:
    port = parsed(the_two()[0]["entrypoint"] + the_two()[0]["command"])["listen"].rpartition(":")[2]
    reached = SEVERAL["services"]["proxy"]["environment"]["RECONCILE_RECEIVERS"].split()
    assert reached == [f"receiver-1:{port}", f"receiver-2:{port}"]
    assert CADDY.count("{$RECONCILE_RECEIVERS:") == 2


def test_the_two_are_held_like_the_one() -> None:
    kept = (
        "read_only",
        "cap_drop",
        "security_opt",
        "mem_limit",
        "pids_limit",
        "ulimits",
        "networks",
        "healthcheck",
    )
    for receiver in the_two():
        assert {name: receiver[name] for name in kept} == {name: RECEIVER[name] for name in kept}
        assert receiver["volumes"] == ["./secrets:/etc/reconcile:ro"]  # its inbox is elsewhere
        arguments = receiver["build"]["args"]
        assert (ROOT / "requirements" / f"{arguments['REQUIREMENTS']}.txt").is_file()
        named = [
            arguments["PYTHON_IMAGE"],
            *(SEVERAL["services"][one]["image"] for one in ("proxy", "database")),
        ]
        assert all(re.fullmatch(r"\$\{[A-Z_]+:\?.+@sha256:…\}", name) for name in named), named
