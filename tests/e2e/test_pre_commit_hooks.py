"""`.pre-commit-hooks.yaml`: its entries run, on the files that they ask for. `pre-commit` itself is not needed here."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from reconciler.adapters.yaml.reader import read_yaml
from tests.e2e.far_ends import Project, Ran

FILE = Path(__file__).resolve().parents[2] / ".pre-commit-hooks.yaml"
HOOKS: dict[str, dict[str, Any]] = {
    hook["id"]: hook for hook in read_yaml(FILE.read_bytes(), FILE.name).value
}
KNOWN = {"id", "name", "description", "entry", "language", "pass_filenames", "require_serial"}


def run(project: Project, hook: str, *arguments: str) -> Ran:
    program, *words = shlex.split(HOOKS[hook]["entry"])
    assert program == "reconcile"
    return project.run(*words, *arguments)


def test_the_hooks_are_those_of_the_documentation() -> None:
    assert HOOKS.keys() == {"reconcile-validate", "reconcile-schema"}
    for hook in HOOKS.values():
        assert hook.keys() - {"files", "always_run"} == KNOWN
        assert (hook["language"], hook["pass_filenames"]) == ("python", False)


@pytest.mark.parametrize(
    ("hook", "file", "matches"),
    [
        ("reconcile-validate", "l10n/acme.yaml", True),  # settings may put the engines anywhere,
        ("reconcile-validate", "docs/glossary.md", True),  # and engines may put their sources anywhere
        ("reconcile-schema", "schemas/engine.schema.json", True),
        ("reconcile-schema", "schemas/other.json", False),
    ],
)
def test_which_files_they_are_for(hook: str, file: str, matches: bool) -> None:
    assert bool(re.search(HOOKS[hook].get("files", ""), file)) is matches


def test_validate_runs_at_every_commit_also_at_one_that_only_deletes() -> None:
    assert HOOKS["reconcile-validate"]["always_run"] is True
    assert "files" not in HOOKS["reconcile-validate"]


def test_validate_finds_the_engines_where_the_settings_say(bare: Project) -> None:
    (bare.root / "reconcile.yaml").write_text("engines: l10n/engines\n")
    (bare.root / "l10n").mkdir()
    (bare.root / "engines").rename(bare.root / "l10n/engines")
    run(bare, "reconcile-validate").ended(0)
    (bare.root / "l10n/engines/wrong.yaml").write_text("nme: x\n")
    run(bare, "reconcile-validate").ended(3, "l10n/engines/wrong.yaml:1:1")


def test_validate(bare: Project) -> None:
    run(bare, "reconcile-validate").ended(0)
    bare.engine("wrong", "nme: x\n")
    run(bare, "reconcile-validate").ended(3, "engines/wrong.yaml:1:1")
    run(bare, "reconcile-validate", "-C", "engines").ended(3)


def test_schema(bare: Project) -> None:
    copy = bare.root / "schemas" / "engine.schema.json"
    copy.parent.mkdir()
    copy.write_text(bare.run("schema").out)
    run(bare, "reconcile-schema").ended(0)
    copy.write_text("{}\n")
    run(bare, "reconcile-schema").ended(3, "reconcile schema > schemas/engine.schema.json")
    copy.write_text(bare.run("schema").out)
    for kind in ("settings", "lockfile", "plan", "outcome"):
        other = copy.with_name(f"{kind}.schema.json")
        other.write_text(bare.run("schema", f"--{kind}").out)
        run(bare, "reconcile-schema").ended(0)
        other.write_text("{}\n")
        run(bare, "reconcile-schema").ended(3, f"reconcile schema --{kind} > schemas/{kind}.schema.json")
        other.unlink()
