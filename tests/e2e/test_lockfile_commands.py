"""Merging lockfiles as git does it, with the driver that `init` sets up; and repairing one with conflict markers."""

from __future__ import annotations

import json
import subprocess
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


def written(lock: dict[str, Any]) -> str:
    return json.dumps(lock, indent=2, sort_keys=True) + "\n"


def text(engines: dict[str, str], provisioned: str = "2026-11-24T11:00:00Z") -> str:
    return written(document(engines, provisioned))


@pytest.fixture
def repo(tmp_path: Path) -> Project:
    """After `init`; the driver that it set up calls this very command."""
    project = Project(tmp_path / "repo")
    project.git("init", "--quiet", "--initial-branch=main")
    project.run("init").ended(0, "merge.reconcile-lockfile.driver")
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
    return git_merge(repo, "theirs")


def git_merge(repo: Project, branch: str) -> subprocess.CompletedProcess[bytes]:
    who = ("-c", "user.name=Test", "-c", "user.email=test@localhost")
    command = ["git", *who, "merge", "--no-edit", branch]
    return subprocess.run(command, cwd=repo.root, env=repo.environment(), capture_output=True, check=False)


def test_neighbouring_engines_that_changed_on_two_branches_merge(repo: Project) -> None:
    done = merge(repo, text(BASE | {"b": "eng_b2"}), text(BASE | {"a": "eng_a2", "d": "eng_d1"}))
    assert done.returncode == 0, done.stderr
    assert repo.lockfile.read_text() == text(BASE | {"a": "eng_a2", "b": "eng_b2", "d": "eng_d1"})


@pytest.mark.parametrize("how", ["merge", "rebase", "cherry-pick", "stash"])
def test_one_side_that_git_left_is_not_taken_for_the_result(repo: Project, how: str) -> None:
    """Without a driver that runs, git keeps our side and no marker: the file looks whole."""
    repo.git("config", "merge.reconcile-lockfile.driver", "/gone/reconcile lockfile merge %O %A %B %P")
    repo.run("doctor", "--offline").ended(
        0, "`/gone/reconcile` does not run", "`reconcile init` to set it up again"
    )
    ours, theirs = text(BASE | {"b": "eng_b2"}), text(BASE | {"d": "eng_d1"})
    if how == "stash":
        repo.lockfile.write_text(theirs)
        repo.git("stash", "--quiet")
        repo.lockfile.write_text(ours)
        repo.commit()
        command = ["stash", "pop"]
    else:
        repo.git("switch", "--quiet", "-c", "theirs")
        repo.lockfile.write_text(theirs)
        repo.commit()
        repo.git("switch", "--quiet", "main")
        repo.lockfile.write_text(ours)
        repo.commit()
        command = [how, "theirs"]
    who = ("-c", "user.name=Test", "-c", "user.email=test@localhost")
    subprocess.run(
        ["git", *who, *command], cwd=repo.root, env=repo.environment(), capture_output=True, check=False
    )
    assert "<<<<" not in repo.lockfile.read_text()
    for command in (["plan"], ["apply", "--yes"], ["collect"]):
        repo.run(*command).ended(
            3, "engines.lock.json is not merged", "run `reconcile lockfile repair` to merge both"
        )
    repo.run("lockfile", "repair").ended(0, "is repaired")
    assert repo.lockfile.read_text() == text(BASE | {"b": "eng_b2", "d": "eng_d1"})
    assert "is not merged" not in repo.run("plan").err
    repo.git("add", "engines.lock.json")
    repo.run("lockfile", "repair").ended(0, "is intact")
    repo.run("init").ended(0, "replaced the previous one")
    repo.run("doctor", "--offline").ended(0, "git merges the lockfile entry by entry")


def test_one_engine_that_both_replaced_is_kept_twice_and_reported(repo: Project) -> None:
    theirs = text(BASE | {"a": "eng_a3"}, "2026-11-24T12:00:00Z")
    done = merge(repo, text(BASE | {"a": "eng_a2"}), theirs)
    assert done.returncode == 0, done.stderr
    entry = repo.entry("a")
    assert (entry["engineId"], [one["engineId"] for one in entry["superseded"]]) == ("eng_a3", ["eng_a2"])
    assert b"both sides created an engine for `a`: eng_a3 serves" in done.stderr


def test_what_one_side_retires_and_the_other_replaces_is_one_entry(repo: Project) -> None:
    replaced, retired = document(BASE), document(BASE)
    old = replaced["engines"]["b"]
    replaced["engines"]["b"] = document({"b": "eng_b2"})["engines"]["b"]
    replaced["engines"]["b"]["superseded"] = [old | {"replacedAt": "2026-11-24T12:00:00Z"}]
    retired["retired"] = {"b": [retired["engines"].pop("b") | {"retiredAt": "2026-11-24T11:30:00Z"}]}
    done = merge(repo, written(retired), written(replaced))
    assert done.returncode == 0, done.stderr
    assert "b" not in repo.lock["engines"]
    gone = replaced["engines"]["b"] | {"retiredAt": "2026-11-24T11:30:00Z"}
    assert repo.lock["retired"] == {"b": [gone]}
    assert b"warning" not in done.stderr


def test_two_branches_that_both_began_a_lockfile_merge(repo: Project) -> None:
    repo.lockfile.unlink()
    repo.commit()
    done = merge(repo, text({"a": "eng_a1"}), text({"b": "eng_b1"}))
    assert done.returncode == 0, done.stderr
    assert repo.lockfile.read_text() == text({"a": "eng_a1", "b": "eng_b1"})


def test_branches_that_were_merged_crosswise_merge_again(repo: Project) -> None:
    """Git then merges the bases first, by the same driver."""
    for branch, engines in (("one", {"a": "eng_a2"}), ("two", {"a": "eng_a3"})):
        repo.git("switch", "--quiet", "-c", branch, "main")
        repo.lockfile.write_text(text(BASE | engines))
        repo.commit()
    repo.git("branch", "one-before", "one")
    repo.git("switch", "--quiet", "one")
    assert git_merge(repo, "two").returncode == 0
    repo.git("switch", "--quiet", "two")
    assert git_merge(repo, "one-before").returncode == 0
    for branch, key in (("one", "b"), ("two", "c")):
        repo.git("switch", "--quiet", branch)
        lock = repo.lock
        lock["engines"][key] = document({key: f"eng_{key}2"})["engines"][key]
        repo.lockfile.write_text(written(lock))
        repo.commit()
    assert git_merge(repo, "one").returncode == 0
    assert {key: entry["engineId"] for key, entry in repo.lock["engines"].items()} == {
        "a": "eng_a3",
        "b": "eng_b2",
        "c": "eng_c2",
    }
    assert [one["engineId"] for one in repo.entry("a")["superseded"]] == ["eng_a2"]


@pytest.mark.parametrize("side", ["ours", "theirs"])
def test_an_unreadable_side_leaves_the_conflict_to_the_person(repo: Project, side: str) -> None:
    texts = {"ours": text(BASE | {"a": "eng_a2"}), "theirs": text(BASE | {"a": "eng_a3"})}
    texts[side] = '{"version": 1, "engines":'
    done = merge(repo, texts["ours"], texts["theirs"])
    assert done.returncode == 1
    assert b"CONFLICT" in done.stdout
    told = [line for line in done.stderr.decode().splitlines() if line.startswith("error:")]
    assert len(told) == 1
    assert f"engines.lock.json ({side}) cannot be read as a lockfile" in told[0]
    assert b"Traceback" not in done.stderr
    assert repo.git("ls-files", "--unmerged") != ""
    assert repo.lockfile.read_text().startswith(
        "<<<<<<< ours"
    )  # not one side alone, which looks like a result
    repo.run("plan").ended(3, "conflict markers", "reconcile lockfile repair")
    before = repo.lockfile.read_bytes()
    repo.run("lockfile", "repair").ended(3, f"engines.lock.json ({side}) cannot be read")
    assert repo.lockfile.read_bytes() == before


def test_two_calls_without_an_answer_are_both_kept_for_the_person(repo: Project) -> None:
    def uncertain(operation: str) -> str:
        lock = document(BASE)
        lock["engines"]["a"]["pending"] = {
            "status": "uncertain",
            "operationId": operation,
            "fingerprint": "v1:x",
            "spec": {"name": "a"},
        }
        return written(lock)

    done = merge(repo, uncertain("op-1"), uncertain("op-2"))
    assert done.returncode == 0, done.stderr
    entry = repo.lock["engines"]["a"]
    assert [one["operationId"] for one in (*entry["uncertain"], entry["pending"])] == ["op-1", "op-2"]
    repo.run("status").ended(
        0, "resolve a --operation op-1 --engine-id", "resolve a --operation op-2 --engine-id"
    )
    repo.run("resolve", "a", "--retry").ended(64, "choose one")
    repo.run("resolve", "a", "--retry", "--operation", "op-1").ended(0)
    repo.run("resolve", "a", "--retry").ended(0)
    repo.run("status").ended(0, "serving")


def test_the_driver_says_what_is_wrong_with_its_arguments(repo: Project) -> None:
    repo.run("lockfile", "merge", "only-one").ended(64)
    repo.run("lockfile", "merge", "base", "ours", "theirs").ended(3, "ours", "is empty on one side")


def test_init_keeps_a_driver_that_is_there(repo: Project) -> None:
    repo.git("config", "merge.reconcile-lockfile.driver", "my-merge %O %A %B")
    repo.run("init").ended(0, "kept", "a command other than")


@pytest.mark.parametrize("style", ["merge", "diff3", "zdiff3"])
def test_repairing_a_lockfile_with_conflict_markers(repo: Project, style: str) -> None:
    repo.git("config", "--remove-section", "merge.reconcile-lockfile")  # a clone where `init` was not run
    repo.git("config", "merge.conflictStyle", style)
    ours = text(BASE | {"a": "eng_a2", "d": "eng_d1"})
    done = merge(repo, ours, text({"a": "eng_a3", "b": "eng_b1", "c": "eng_c2", "e": "eng_e1"}))
    assert done.returncode != 0
    assert "<<<<<<<" in repo.lockfile.read_text()
    repo.run("plan").ended(3, "conflict markers", "reconcile lockfile repair")
    repo.run("lockfile", "repair").ended(0, "is repaired", "both sides created an engine for `a`")
    lock = repo.lock["engines"]
    assert {key: names(entry) for key, entry in lock.items()} == {
        "a": {"eng_a2", "eng_a3"},
        "b": {"eng_b1"},
        "c": {"eng_c2"},
        "d": {"eng_d1"},
        "e": {"eng_e1"},
    }
    again = repo.lockfile.read_bytes()
    repo.run("lockfile", "repair").ended(0, "nothing to repair")
    assert repo.lockfile.read_bytes() == again


def names(entry: dict[str, Any]) -> set[str]:
    return {one["engineId"] for one in (entry, *entry.get("superseded", ()))}


def test_repairing_a_conflict_whose_base_has_one_itself(repo: Project) -> None:
    """After a crosswise merge with `diff3` git shows it so, with longer markers."""
    ours, theirs = text({"a": "eng_a2"}), text({"a": "eng_a3"})
    inner = f"<<<<<<<<< one\n{text({'a': 'eng_a0'})}=========\n{text({'a': 'eng_a1'})}>>>>>>>>> two\n"
    repo.lockfile.write_text(f"<<<<<<< HEAD\n{ours}||||||| merged\n{inner}=======\n{theirs}>>>>>>> theirs\n")
    repo.run("lockfile", "repair").ended(0, "is repaired")
    assert names(repo.entry("a")) == {"eng_a2", "eng_a3"}


def test_there_may_be_nothing_to_repair(repo: Project) -> None:
    odd = document(BASE)
    odd["engines"]["a"]["spec"]["description"] = "<<<<<<< not a marker"
    for content in (text(BASE), written(odd)):
        repo.lockfile.write_text(content)
        repo.run("lockfile", "repair").ended(0, "nothing to repair")
        assert repo.lockfile.read_text() == content


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("<<<<<<< ours\n{}\n", "has no end"),
        ("<<<<<<< ours\n{}\n<<<<<<< ours\n", "engines.lock.json:3: incomplete conflict markers"),
        ("{}\n=======\n{}\n>>>>>>> theirs\n", "engines.lock.json:2: incomplete conflict markers"),
        ('<<<<<<< ours\n{"version": 3}\n=======\n{}\n>>>>>>> theirs\n', "version 3"),
        ("not a lockfile\n", "cannot be read as a lockfile"),
    ],
)
def test_what_cannot_be_repaired_is_left_as_it_is(repo: Project, content: str, said: str) -> None:
    repo.lockfile.write_text(content)
    repo.run("lockfile", "repair").ended(3, said, "hint:")
    assert repo.lockfile.read_text() == content


def test_without_a_lockfile_there_is_nothing_to_repair(repo: Project) -> None:
    repo.lockfile.unlink()
    repo.run("lockfile", "repair").ended(3, "no engines.lock.json")
