"""`--format gitlab` and `--format sarif` of plans and of `validate`, in a project that is in a folder of its repo."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.far_ends import Project


@pytest.fixture
def inside(tmp_path: Path) -> Project:
    repo = Project(tmp_path / "repo", key=None)
    repo.git("init", "--quiet", "--initial-branch=main")
    made = Project(repo.root / "apps/web", "http://127.0.0.1:9", key=None)
    made.engine("acme", "# first\nname: Acme\nlocales: [de]\n")
    return made


def test_a_plan(inside: Project) -> None:
    [one] = inside.run("plan", "--format", "gitlab").ended(0).json
    assert one["location"] == {"path": "apps/web/engines/acme.yaml", "lines": {"begin": 2}}
    assert (one["check_name"], one["severity"]) == ("reconcile/create", "info")
    [run] = inside.run("plan", "--format=sarif", "--detailed-exitcode").ended(2).json["runs"]
    [result] = run["results"]
    assert result["locations"][0]["physicalLocation"]["region"] == {"startLine": 2}
    assert inside.run("--dry-run", "--format=gitlab").ended(0).json == [one]


def test_findings(inside: Project) -> None:
    inside.engine("bad", "name: X\nlocals: [de]\nlocales: [zz-zz-zz]\n")
    for words in (["plan"], ["validate"], ["validate", "engines/bad.yaml"]):
        found = inside.run(*words, "--format", "gitlab").ended(3).json
        assert {one["severity"] for one in found} == {"critical"}
        assert {one["location"]["lines"]["begin"] for one in found} == {2, 3}
        assert {one["location"]["path"] for one in found} == {"apps/web/engines/bad.yaml"}
        [run] = inside.run(*words, "--format", "sarif").ended(3).json["runs"]
        assert len(run["results"]) == len(found)


def test_nothing_to_say(inside: Project) -> None:
    assert inside.run("validate", "--format", "gitlab").ended(0).json == []
    assert inside.run("validate", "--format", "sarif").ended(0).json["runs"][0]["results"] == []


@pytest.mark.parametrize("words", [("apply", "--yes"), ("--yes",), ("collect",)])
def test_a_run_that_applies_has_no_such_report(inside: Project, words: tuple[str, ...]) -> None:
    entry = {
        "pending": {"status": "in_progress", "operationId": "o", "fingerprint": "v1:a", "spec": {"name": "x"}}
    }
    entry["pending"] |= {"engineId": "eng_1", "jobId": "pjb_1"}
    inside.lockfile.write_text(json.dumps({"version": 1, "engines": {"old": entry}}))
    before = inside.snapshot()
    inside.run(*words, "--format", "sarif", env={"LINGO_API_KEY": "some-key-of-a-test"}).ended(
        64, "reconcile plan --format sarif"
    )
    left = {name for name in inside.snapshot() if name not in before}
    assert all("lease" in Path(name).name for name in left)
