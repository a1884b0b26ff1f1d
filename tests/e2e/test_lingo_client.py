"""The platform's own client, as it is published, against the sandbox: with the engine ID that a run put into a file."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from typing import Any

import pytest

from reconciler.sandbox.server import SandboxServer
from tests.e2e.far_ends import KEY, Project

CONFIG = {
    "orgId": "org_1",
    "sourceLocale": "en",
    "targetLocales": ["de", "fr"],
    "files": [{"pattern": "i18n/[locale].json"}],
}
# What an application does: the ID from Lingo's configuration, the client, and texts.
CLIENT = """
import asyncio, json, sys, warnings
warnings.simplefilter("ignore")  # the client's own
from lingodotdev import LingoDotDevEngine

async def main():
    config = json.load(open(".lingo/config.json"))
    settings = {"api_key": sys.argv[2], "api_url": sys.argv[1], "engine_id": config.get("engineId")}
    async with LingoDotDevEngine(settings) as engine:
        texts = {"greeting": "Hello, {name}!", "cart": {"total": "Total: %s"}}
        return {
            "me": await engine.whoami(),
            "object": await engine.localize_object(texts, {"source_locale": "en", "target_locale": "de"}),
            "text": await engine.localize_text("Hello", {"target_locale": "fr"}),
            "chat": await engine.localize_chat([{"name": "Ann", "text": "Hi"}], {"target_locale": "de"}),
            "locale": await engine.recognize_locale("Wo ist die Bestellung?"),
        }

print(json.dumps(asyncio.run(main())))
"""

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("lingodotdev") is None, reason="the client is not installed"
)


@pytest.fixture
def applied(project: Project) -> Project:
    (project.root / ".lingo").mkdir()
    (project.root / ".lingo/config.json").write_text(json.dumps(CONFIG, indent=2) + "\n")
    places = "outputs:\n  - {file: .lingo/config.json, pointer: /engineId}\n"
    project.engine("acme", "name: Acme\nlocales: [de, fr]\n" + places, running=True)
    project.apply().ended(0)
    return project


def client(project: Project, key: str = KEY) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", CLIENT, str(project.url), key]
    return subprocess.run(
        command, cwd=project.root, env=project.environment(), capture_output=True, text=True, check=False
    )


def test_the_client_runs_through_with_the_recorded_engine(applied: Project, platform: SandboxServer) -> None:
    config: dict[str, Any] = json.loads((applied.root / ".lingo/config.json").read_text())
    assert config == CONFIG | {"engineId": applied.entry("acme")["engineId"]}
    done = client(applied)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "me": {"email": "you@sandbox.invalid", "id": "usr_sandbox"},
        "object": {"greeting": "[de] Ĥéļļö, {name}!", "cart": {"total": "[de] Ţöţåļ: %s"}},
        "text": "[fr] Ĥéļļö",
        "chat": [{"name": "Ann", "text": "[de] Ĥî"}],
        "locale": "de",
    }
    sent = [one for one in platform.requests() if one.path == "/process/localize"]
    bodies = [one.body for one in sent if isinstance(one.body, dict)]
    assert {body["engineId"] for body in bodies} == {config["engineId"]}


def test_an_engine_that_is_gone_and_a_wrong_key_are_errors_of_the_client(applied: Project) -> None:
    assert "(401)" in client(applied, "wrong").stderr
    file = applied.root / ".lingo/config.json"
    file.write_text(json.dumps(CONFIG | {"engineId": "eng_gone"}))
    done = client(applied)
    assert done.returncode != 0
    assert "No such engine" in done.stderr
