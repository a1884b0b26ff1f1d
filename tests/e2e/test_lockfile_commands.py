"""Merging lockfiles as git does it, with the driver that `init` sets up; and repairing one with conflict markers."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.far_ends import Project

BASE = {"a": "eng_a1", "b": "eng_b1", "c": "eng_c1"}


def document(engines: dict[str, str], provisioned: str = "2026-11-24T11:00:00Z") -> dict[str, Any]:
    def entry(engine: str) -> dict[str, Any]:
        spec = {"name": engine}
        return {"engineId": engine, "fingerprint": f"v1:{engine}", "spec": spec, "provisionedAt": provisioned}

    return {"version": 1, "engines": {key: entry(engine) for key, engine in engines.items()}}


def text(engines: dict[str, str], provisioned: str = "2026-11-24T11:00:00Z") -> str:
    return json.dumps(document(engines, provisioned), indent=2, sort_keys=True) + "\n"


@pytest.fixture
def repo(tmp_path: Path) -> Project:
    """After `init`; the driver that it set up calls this very command."""
    project = Project(tmp_path / "repo")
    project.git("init", "--quiet", "--initial-branch=main")
    project.run("init").ended(0, "merge.reconcile-lockfile.driver")
    command = f"'{sys.executable}' -m reconciler lockfile merge %O %A %B %P"
    project.git("config", "merge.reconcile-lockfile.driver", command)
    project.lockfile.write_text(text(BASE))
    project.commit()
    return project


def merge(repo: Project, ours: str, theirs: str) -> subprocess.CompletedProcess[bytes]:
    repo.git("switch", "--quiet", "-c", "theirs")
    repo.lockfile.write_text(theirs)
    repo.commit()
    repo.git("switch", "--quiet", "main")
    repo.lockfile.write_text(ours)
    repo.commit()
    who = ("-c", "user.name=Test", "-c", "user.email=test@localhost")
    command = ["git", *who, "merge", "--no-edit", "theirs"]
    return subprocess.run(command, cwd=repo.root, env=repo.environment(), capture_output=True, check=False)


def test_neighbouring_engines_that_changed_on_two_branches_merge(repo: Project) -> None:
    done = merge(repo, text(BASE | {"b": "eng_b2"}), text(BASE | {"a": "eng_a2", "d": "eng_d1"}))
    assert done.returncode == 0, done.stderr
    assert repo.lockfile.read_text() == text(BASE | {"a": "eng_a2", "b": "eng_b2", "d": "eng_d1"})


def test_one_engine_that_both_replaced_is_kept_twice_and_reported(repo: Project) -> None:
    theirs = text(BASE | {"a": "eng_a3"}, "2026-11-24T12:00:00Z")
    done = merge(repo, text(BASE | {"a": "eng_a2"}), theirs)
    assert done.returncode == 0, done.stderr
    entry = repo.entry("a")
    assert (entry["engineId"], [one["engineId"] for one in entry["superseded"]]) == ("eng_a3", ["eng_a2"])
    assert b"both sides made an engine for `a`: eng_a3 serves" in done.stderr


def test_an_unreadable_side_leaves_the_conflict_to_the_person(repo: Project) -> None:
    done = merge(repo, text(BASE | {"a": "eng_a2"}), '{"version": 1, "engines":')
    assert done.returncode != 0
    assert b"CONFLICT" in done.stdout
    assert b"cannot be read as a lockfile" in done.stderr
    assert b"Traceback" not in done.stderr


def test_init_keeps_a_driver_that_is_there(repo: Project) -> None:
    repo.run("init").ended(0, "kept", "another command than")


@pytest.mark.parametrize("style", ["merge", "diff3"])
def test_repairing_a_lockfile_with_conflict_markers(repo: Project, style: str) -> None:
    repo.git("config", "--remove-section", "merge.reconcile-lockfile")  # a clone where `init` was not run
    repo.git("config", "merge.conflictStyle", style)
    done = merge(repo, text(BASE | {"a": "eng_a2"}), text(BASE | {"a": "eng_a3"}))
    assert done.returncode != 0
    assert "<<<<<<<" in repo.lockfile.read_text()
    repo.run("plan").ended(3, "conflict markers")
    repo.run("lockfile", "repair").ended(0, "is repaired", "both sides made an engine for `a`")
    names = {repo.entry("a")["engineId"], *(one["engineId"] for one in repo.entry("a")["superseded"])}
    assert names == {"eng_a2", "eng_a3"}
    assert repo.entry("b")["engineId"] == "eng_b1"


def test_there_may_be_nothing_to_repair(repo: Project) -> None:
    before = repo.lockfile.read_bytes()
    repo.run("lockfile", "repair").ended(0, "nothing is to be repaired")
    assert repo.lockfile.read_bytes() == before
    repo.lockfile.write_text("<<<<<<< ours\n{}\n")
    repo.run("lockfile", "repair").ended(3, "has no end", "git checkout --merge")
    repo.lockfile.unlink()
    repo.run("lockfile", "repair").ended(3, "there is no engines.lock.json")
