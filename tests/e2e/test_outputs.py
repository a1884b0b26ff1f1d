"""`outputs:` of engine files: applications' files get the IDs of engines that serve, with the lockfile."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.core.ledger import journal
from reconciler.sandbox.server import SandboxServer
from tests.e2e.far_ends import Project

OUTPUTS = """\
name: {name}
outputs:
  - {{file: i18n.json, pointer: /engineId}}
  - {{file: conf/app.yaml, pointer: /lingo/engine}}
  - {{file: .env, key: LINGO_ENGINE_ID}}
"""
PLACES = [".env LINGO_ENGINE_ID", "conf/app.yaml /lingo/engine", "i18n.json /engineId"]
I18N = '{\r\n\t"locale": "en",\r\n\t"engineId": null\r\n}'
YAML = "# settings\nlingo:\n  engine:  # to be filled in\n"


@pytest.fixture
def app(project: Project) -> Project:
    """With an application's files, and one engine whose job takes a while."""
    (project.root / "engines/shop/web.yaml").unlink()
    project.engine("acme", OUTPUTS.format(name="Acme"), running=True)
    (project.root / "i18n.json").write_bytes(I18N.encode())
    (project.root / "conf").mkdir()
    (project.root / "conf/app.yaml").write_text(YAML)
    return project


def files(project: Project) -> dict[str, str]:
    names = ("i18n.json", "conf/app.yaml", ".env")
    return {
        name: (project.root / name).read_bytes().decode() for name in names if (project.root / name).exists()
    }


def wanted(engine: str) -> dict[str, str]:
    return {
        "i18n.json": I18N.replace("null", f'"{engine}"'),
        "conf/app.yaml": f"# settings\nlingo:\n  engine: {engine}  # to be filled in\n",
        ".env": f"LINGO_ENGINE_ID={engine}\n",
    }


def test_files_follow_the_engine_that_serves(app: Project) -> None:
    before = files(app)
    app.apply("--detach").ended(0)
    assert files(app) == before  # nothing serves yet
    app.run("collect").ended(0)
    first = app.entry("acme")["engineId"]
    assert files(app) == wanted(first)

    app.engine("acme", OUTPUTS.format(name="Acme 2"), running=True)
    app.apply("--detach").ended(0)
    assert files(app) == wanted(first)  # the old one serves
    app.run("collect").ended(0)
    second = app.entry("acme")["engineId"]
    assert second != first
    assert files(app) == wanted(second)

    app.engine("acme", OUTPUTS.format(name="Acme"), running=True)
    app.apply().ended(0)  # back to the first one, with no job
    assert files(app) == wanted(first)


def test_an_output_that_is_added_later_needs_no_new_engine(app: Project) -> None:
    app.engine("acme", "name: Acme\n", running=True)
    app.apply().ended(0)
    engine = app.entry("acme")["engineId"]
    assert ".env" not in files(app)
    app.engine("acme", OUTPUTS.format(name="Acme"), running=True)
    app.apply().ended(0)
    assert app.entry("acme")["engineId"] == engine
    assert files(app) == wanted(engine)
    snapshot = app.snapshot()
    app.apply().ended(0)
    assert app.snapshot() == snapshot


def test_what_cannot_be_written_is_no_success_and_keeps_no_engine_from_being_recorded(app: Project) -> None:
    (app.root / "i18n.json").write_text('{"engineId": 1,}')
    app.apply().ended(
        1, "Outputs that could not be written", "i18n.json /engineId of `acme`", "not valid JSON"
    )
    engine = app.entry("acme")["engineId"]
    assert files(app) == wanted(engine) | {"i18n.json": '{"engineId": 1,}'}
    app.engine("acme", OUTPUTS.format(name="Acme 2"), running=True)
    ran = app.apply("--format", "json").ended(1)
    assert len(ran.json["outcome"]["outputsNotWritten"]) == 1


def test_resolve_writes_them_too(app: Project) -> None:
    at = "2026-11-24T11:00:00.000Z"
    kept = {"outputs": [{"file": ".env", "key": "LINGO_ENGINE_ID"}]}
    lost = journal.Begin("op-1", "acme", "v1:a", {"name": "Acme"}, {}, at, kept)
    app.private.mkdir(exist_ok=True)
    app.journal.write_bytes(journal.render([lost]))
    app.run("resolve", "acme", "--engine-id", "eng_found").ended(0)
    assert files(app)[".env"] == "LINGO_ENGINE_ID=eng_found\n"


# ── in a plan ──────────────────────────────────────────────────────────────────────────────────────────────────────


def behind(project: Project, *arguments: str, code: int = 2) -> list[str]:
    """The places that the plan says are behind, each with its ID."""
    ran = project.run("plan", "--format", "json", "--detailed-exitcode", *arguments).ended(code)
    places = ran.json.get("outputs", ())
    return [f"{one['file']} {one.get('pointer') or one['key']}: {one['engineId']}" for one in places]


def test_a_plan_says_what_apply_will_write(app: Project) -> None:
    assert behind(app) == []  # nothing serves yet
    app.apply().ended(0)
    engine = app.entry("acme")["engineId"]
    assert behind(app, code=0) == []
    (app.root / "i18n.json").write_text("{}")
    (app.root / ".env").unlink()
    snapshot = app.snapshot()
    assert behind(app) == [f".env LINGO_ENGINE_ID: {engine}", f"i18n.json /engineId: {engine}"]
    ran = app.run("plan").ended(0, "Plan: 2 outputs to update, 1 unchanged.")
    assert f"  ~ i18n.json /engineId: {engine}, of acme\n" in ran.out
    assert (
        f"- `.env` `LINGO_ENGINE_ID`: `{engine}`, of `acme`\n" in app.run("plan", "--format", "markdown").out
    )
    assert app.snapshot() == snapshot
    app.apply().ended(0, "updated: .env, i18n.json")
    assert files(app)["i18n.json"].count(engine) == 1
    assert behind(app, code=0) == []


def test_a_plan_counts_what_its_own_actions_do_at_once(app: Project) -> None:
    app.apply().ended(0)
    first = app.entry("acme")["engineId"]
    app.engine("acme", OUTPUTS.format(name="Acme 2"), running=True)
    assert behind(app) == []  # the new ID comes when its job has completed
    app.apply().ended(0)
    app.engine("acme", OUTPUTS.format(name="Acme"), running=True)
    restored = behind(app)  # switching back needs no job
    assert restored == [f"{place}: {first}" for place in PLACES]
    app.engine("other", "name: Other\n")
    app.apply().ended(0)
    assert behind(app, code=0) == []
    app.engine("other", "name: Other\noutputs: [{file: .env.other, key: ID}]\n")  # a record
    assert behind(app) == [f".env.other ID: {app.entry('other')['engineId']}"]
    (app.root / "engines/acme.yaml").unlink()
    (app.root / "i18n.json").write_text("{}")
    assert behind(app, "--only", "acme") == []  # what is retired is not written any more
    app.apply("--allow-retire", "acme").ended(0)
    assert (app.root / "i18n.json").read_text() == "{}"


def test_a_plan_says_what_cannot_be_written(app: Project) -> None:
    app.apply().ended(0)
    (app.root / "i18n.json").write_text("{")
    ran = app.run("plan", "--detailed-exitcode").ended(1, "Outputs that cannot be written:")
    assert "  ! i18n.json /engineId of `acme` is not written: it is not valid JSON" in ran.out
    assert "No changes. 1 engine is up to date." in ran.out
    (wrong,) = app.run("plan", "--format", "json").ended(0).json["outputsNotWritable"]
    assert "i18n.json /engineId" in wrong
    assert "Outputs that cannot be written:" in app.run("plan", "--format", "markdown").ended(0).out
    app.apply().ended(1)


def test_a_plan_of_outputs_alone_is_saved_and_applied(app: Project, tmp_path: Path) -> None:
    app.apply().ended(0)
    (app.root / "i18n.json").write_text("{}")
    plan = str(tmp_path / "plan.json")
    app.run("plan", "--out", plan).ended(0)
    app.run("apply", plan, "--yes").ended(0, "updated: i18n.json")


# ── publishing ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def shared(tmp_path: Path, platform: SandboxServer) -> Iterator[Project]:
    """In a folder of its repo, whose origin is bare."""
    origin = tmp_path / "origin.git"
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", str(origin)], check=True)
    repo = Project(tmp_path / "work", platform.url)
    repo.git("init", "--quiet", "--initial-branch=main", "--template=")
    repo.git("remote", "add", "origin", str(origin))
    made = Project(repo.root / "apps/web", platform.url)
    made.engine("acme", OUTPUTS.format(name="Acme"))
    (made.root / "i18n.json").write_bytes(I18N.encode())
    (made.root / "conf").mkdir()
    (made.root / "conf/app.yaml").write_text(YAML)
    (made.root / "conf/app.yaml").chmod(0o755)
    made.git("add", "--all", "..", "../..")
    made.git("commit", "--quiet", "-m", "first")
    made.git("push", "--quiet", "origin", "main")
    yield made
    repo.check_no_key_left()


def at_origin(project: Project, path: str) -> str:
    project.git("fetch", "--quiet", "origin")
    return project.git("show", f"origin/main:apps/web/{path}")


def changed_by_tip(project: Project) -> list[str]:
    project.git("fetch", "--quiet", "origin")
    names = project.git("diff-tree", "-r", "--no-commit-id", "--name-only", "origin/main")
    return names.splitlines()


def test_the_commit_of_the_lockfile_has_them(shared: Project) -> None:
    shared.apply("--publish").ended(0)
    engine = shared.entry("acme")["engineId"]
    assert {name: at_origin(shared, name) for name in wanted(engine)} == wanted(engine)
    assert changed_by_tip(shared) == [
        f"apps/web/{name}" for name in (".env", "conf/app.yaml", "engines.lock.json", "i18n.json")
    ]
    assert "100755" in shared.git("ls-tree", "origin/main", "conf/app.yaml")
    assert files(shared) == wanted(engine)
    tip = shared.git("rev-parse", "origin/main")
    shared.apply("--publish").ended(0)
    shared.git("fetch", "--quiet", "origin")
    assert shared.git("rev-parse", "origin/main") == tip


def test_what_others_pushed_stays_and_what_lies_around_here_stays_here(
    shared: Project, tmp_path: Path
) -> None:
    other = Project(tmp_path / "other", shared.url)
    other.git("clone", "--quiet", str(tmp_path / "origin.git"), ".")
    (other.root / "apps/web/.env").write_text("# theirs\nLINGO_ENGINE_ID='x'\nTHEIRS=1\n")
    other.commit("theirs")
    other.git("push", "--quiet", "origin", "main")
    (shared.root / "i18n.json").write_text('{"engineId": "", "draft": true}')
    shared.apply("--publish").ended(0)
    engine = shared.entry("acme")["engineId"]
    assert at_origin(shared, ".env") == f"# theirs\nLINGO_ENGINE_ID='{engine}'\nTHEIRS=1\n"
    assert at_origin(shared, "i18n.json") == wanted(engine)["i18n.json"]
    assert json.loads(files(shared)["i18n.json"]) == {"engineId": engine, "draft": True}


def test_a_file_that_is_broken_or_a_link_on_the_branch(shared: Project) -> None:
    (shared.root / "i18n.json").write_text("{")
    (shared.root / ".env").symlink_to("conf/app.yaml")
    shared.git("add", "--all")
    shared.git("commit", "--quiet", "-m", "break")
    shared.git("push", "--quiet", "origin", "main")
    ran = shared.apply("--publish").ended(1, "on the branch i18n.json /engineId of `acme`", "published")
    assert "on the branch .env is not written: it is not a regular file" in ran.err
    assert changed_by_tip(shared) == ["apps/web/conf/app.yaml", "apps/web/engines.lock.json"]


def test_two_engines_for_one_place_are_no_plan(app: Project) -> None:
    app.apply().ended(0)
    app.engine("other", OUTPUTS.format(name="Other"))
    said = "`acme` and `other` both use .env LINGO_ENGINE_ID"
    app.run("plan").ended(3, said, "engines/other.yaml")
    app.run("validate").ended(3, said)
    app.apply().ended(3, said)
    assert set(app.lock["engines"]) == {"acme"}


def test_a_file_that_was_mended_is_written_by_the_next_run(app: Project) -> None:
    (app.root / "i18n.json").write_text("{")
    app.apply().ended(1)
    engine = app.entry("acme")["engineId"]
    app.apply().ended(1, "not valid JSON")
    ran = app.apply("--format", "json").ended(1)
    assert (ran.json["exitCode"], len(ran.json["outcome"]["outputsNotWritten"])) == (1, 1)
    (app.root / "i18n.json").write_bytes(I18N.encode())
    app.apply().ended(0, "updated: i18n.json")
    assert files(app) == wanted(engine)
    assert "brought up" not in app.apply().ended(0).err


def test_what_was_edited_on_the_branch_is_set_right(shared: Project) -> None:
    shared.apply("--publish").ended(0)
    engine = shared.entry("acme")["engineId"]
    shared.git("reset", "--quiet", "--hard", "origin/main")
    (shared.root / ".env").write_text("LINGO_ENGINE_ID=mine\n")
    shared.git("commit", "--quiet", "-am", "edit")
    shared.git("push", "--quiet", "origin", "main")
    shared.apply("--publish").ended(0, "updated: .env", "updated on main: apps/web/.env")
    assert at_origin(shared, ".env") == wanted(engine)[".env"]
    assert changed_by_tip(shared) == ["apps/web/.env"]
    assert shared.git("log", "-1", "--format=%s", "origin/main").strip() == "Bring outputs up to date"
    assert "brought up" not in shared.apply("--publish").ended(0).err
