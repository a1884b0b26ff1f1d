from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reconciler.adapters.project.ci_files import templates
from reconciler.adapters.yaml.reader import read_yaml
from reconciler.core.ci_files import (
    NO_COMMIT,
    Facts,
    State,
    github_workflow,
    gitlab_pipeline,
    marked,
    renewed,
    state_of,
)

ROOT = Path(__file__).parents[2]
GITHUB = templates("github")
(PIPELINE,) = templates("gitlab").values()
COMMIT = "a" * 40
USUAL = Facts("acme/reconcile", COMMIT)
OTHER = Facts(
    source="acme/reconcile",
    commit=COMMIT,
    folder="apps/l10n: it's $1 #x",
    files=["apps/l10n/specs/**", "texts/a {b}.md"],
    lockfile="apps/l10n/ids.json",
    settings_file="apps/l10n/reconcile.yaml",
    environment="no",
    branch="release/2.0",
    pull_request=True,
)


def parsed(text: str) -> Any:
    return read_yaml(text.encode(), "file.yml").value


def steps(workflow: Any) -> list[Any]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


@pytest.mark.parametrize("name", GITHUB)
def test_a_usual_project_gets_the_workflow_that_is_tested_here(name: str) -> None:
    """But for where the action is."""
    made, here = parsed(github_workflow(GITHUB[name], USUAL)), parsed(GITHUB[name])
    for step in steps(here):
        if step["uses"] == "./":
            step["uses"] = f"acme/reconcile@{COMMIT}"
    assert made == here


@pytest.mark.parametrize("name", GITHUB)
def test_another_project_gets_what_it_has(name: str) -> None:
    made = parsed(github_workflow(GITHUB[name], OTHER))
    (job,) = made["jobs"].values()
    (own,) = [step["with"] for step in steps(made) if step["uses"].startswith("acme/")]
    assert own["working-directory"] == OTHER.folder
    for trigger in (made["on"].get("push"), made["on"].get("pull_request")):
        if trigger is not None:
            assert trigger["paths"][:2] == OTHER.files
            assert "apps/l10n/reconcile.yaml" in trigger["paths"]
            assert not [path for path in trigger["paths"] if path.startswith("engines")]
            assert trigger.get("branches", ["release/2.0"]) == ["release/2.0"]
    if "environment" in job:
        assert job["environment"] == own["environment"] == "no"
        assert own.get("publish", "pr") == "pr"
        if "publish" in own:
            assert made.get("concurrency", {}).get("group", "engines-no") == "engines-no"


def test_every_workflow_that_is_started_by_a_change_names_all_that_are_planned() -> None:
    """A new template whose `paths` are written in another way would keep those of this repository."""
    for name, text in GITHUB.items():
        made = github_workflow(text, OTHER)
        assert "engines/**" not in made.replace("specs/**", ""), name
        assert "engines.lock.json" not in made, name
        assert "uses: ./" not in made, name
        assert "production" not in made, name


def test_the_pipeline_of_another_project() -> None:
    made = parsed(gitlab_pipeline(PIPELINE, OTHER))
    here = parsed(PIPELINE)
    assert made["variables"]["ENGINES_FOLDER"] == OTHER.folder.replace("$", "$$")
    assert made["variables"]["ENGINES_COMMIT"] == COMMIT
    changes = ["apps/l10n/specs/**/*", "texts/a *b*.md", "apps/l10n/reconcile.yaml"]
    assert made["engines-plan"]["rules"][0]["changes"] == [*changes, "apps/l10n/ids.json"]
    assert made["engines-apply"]["rules"][1]["changes"] == changes
    assert made[".engines-publishing"]["environment"]["name"] == "no"
    assert made[".engines-publishing"]["resource_group"] == "engines-no"
    for name in ("engines-plan", ".engines-publishing"):
        wanted = [
            line.replace("reconcile plan", 'reconcile -C "$ENGINES_FOLDER" plan')
            for line in here[name]["script"]
        ]
        wanted = [line.replace("reconcile $E", 'reconcile -C "$ENGINES_FOLDER" $E') for line in wanted]
        assert made[name]["script"] == wanted != here[name]["script"]


def test_a_usual_project_gets_the_pipeline_that_is_tested_here() -> None:
    made = parsed(gitlab_pipeline(PIPELINE, Facts("https://github.com/OWNER/reconcile", COMMIT)))
    assert made == parsed(PIPELINE)  # it is not known where reconcile is, so that is left to be filled in


def test_more_paths_than_gitlab_takes_are_all_paths() -> None:
    many = Facts(
        "https://x.example/r", COMMIT, files=["engines/**", *(f"texts/{number}" for number in range(60))]
    )
    assert parsed(gitlab_pipeline(PIPELINE, many))["engines-plan"]["rules"][0]["changes"] == ["**/*"]


# ── whose file it is ───────────────────────────────────────────────────────────────────────────────────────────────

TEXT = github_workflow(GITHUB["engines-apply.yml"], USUAL)
FILE = marked(TEXT, "github")


@pytest.mark.parametrize(
    "content",
    [
        FILE,
        FILE.replace("\n", "\r\n"),
        "\ufeff" + FILE,
        FILE.replace(COMMIT, "b" * 40),
        FILE.replace("acme/reconcile", "fork/reconcile"),
        FILE.replace("# v6.0.2", "# v7.1"),
    ],
)
def test_pins_and_line_ends_are_no_edit(content: str) -> None:
    assert state_of(content.encode()) is State.OURS


@pytest.mark.parametrize(
    "content", [FILE + "\n", FILE.replace("ubuntu-latest", "self-hosted"), FILE.replace("with:", "with: ", 1)]
)
def test_anything_else_is_one(content: str) -> None:
    assert state_of(content.encode()) is State.EDITED


@pytest.mark.parametrize(
    "content", [b"", b"\n" + FILE.encode(), TEXT.encode(), b"\xff\xfe", b"# Made by hand\n"]
)
def test_what_has_no_mark_at_its_head_is_not_ours(content: bytes) -> None:
    assert state_of(content) is State.FOREIGN


def test_what_is_not_there_is_nobodys() -> None:
    assert state_of(None) is State.ABSENT


def test_what_a_bot_raised_stays_and_what_we_know_newer_is_taken() -> None:
    raised = FILE.replace("de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2", "c" * 40 + " # v6.10.0")
    assert f"actions/checkout@{'c' * 40} # v6.10.0" in renewed(TEXT, raised.encode())
    older = FILE.replace("de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2", "c" * 40 + " # v5.9.0")
    assert "# v6.0.2" in renewed(TEXT, older.encode())
    newer = github_workflow(GITHUB["engines-apply.yml"], Facts("acme/reconcile", "d" * 40))
    assert f"acme/reconcile@{'d' * 40}" in renewed(newer, FILE.encode())


def test_what_was_named_by_hand_outlives_that_it_is_unknown() -> None:
    unknown = github_workflow(GITHUB["engines-apply.yml"], Facts("OWNER/reconcile", NO_COMMIT))
    assert f"acme/reconcile@{COMMIT}" in renewed(unknown, FILE.encode())


def test_what_was_filled_in_is_no_edit_and_stays() -> None:
    text = gitlab_pipeline(PIPELINE, Facts("https://x.example/r", COMMIT))
    filled = marked(text, "gitlab").replace('ENGINES_IMAGE: ""', 'ENGINES_IMAGE: "python@sha256:0"')
    assert state_of(filled.encode()) is State.OURS
    newer = gitlab_pipeline(PIPELINE, Facts("https://x.example/r", "b" * 40))
    kept = parsed(renewed(newer, filled.encode()))["variables"]
    assert kept["ENGINES_IMAGE"] == "python@sha256:0"
    assert kept["ENGINES_COMMIT"] == "b" * 40
