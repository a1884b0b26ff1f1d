"""`reconciler.api`, as a program of somebody else imports it: against projects that the command has applied."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from reconciler import api
from tests.e2e.far_ends import KEY, Project

ROOT = Path(__file__).resolve().parents[2]
HEAVY = {
    "pydantic", "pydantic_core", "httpx", "ruamel", "rich", "websockets", "git", "asyncio", "ssl", "uvicorn",
    "starlette", "langcodes", "filelock", "keyring", "yaml_rs", "logging", "subprocess", "click", "hashlib",
    "dataclasses",
}  # fmt: skip
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def applied(project: Project) -> Project:
    project.apply().ended(0)
    return project


def python(project: Project, code: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Another program, in the project's folder, with what the command never sees of its own settings."""
    known = {name: value for name, value in os.environ.items() if not name.startswith(("LINGO", "RECONCILE"))}
    command = [sys.executable, *options, "-c", code]
    return subprocess.run(command, cwd=project.root, env=known, capture_output=True, text=True, check=False)


def examples() -> str:
    return "\n".join(BLOCK.findall((ROOT / "docs/python-api.md").read_text(encoding="utf-8")))


def test_the_examples_of_the_page_print_what_it_says(applied: Project) -> None:
    expected = re.findall(r"^\s*print\(.*\)  # (.*)$", examples(), re.MULTILINE)
    assert len(expected) == examples().count("print(")
    ran = python(applied, examples())
    assert ran.stderr == ""
    for said, wanted in zip(ran.stdout.splitlines(), expected, strict=True):
        assert re.fullmatch(re.escape(wanted).replace("eng_…", r"eng_\w+"), said), (said, wanted)


def test_the_examples_of_the_page_pass_mypy(tmp_path: Path) -> None:
    file = tmp_path / "example.py"
    file.write_text(examples(), encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--config-file=",
        f"--cache-dir={tmp_path}/cache",
        str(file),
    ]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.stdout.startswith("Success"), ran.stdout


@pytest.mark.parametrize(
    "code",
    [
        "import reconciler.api",
        "from reconciler.api import Lockfile; Lockfile.load('engines.lock.json').engine_id('acme')",
        "from reconciler.api import open_project; open_project().lockfile().engine_ids()",
    ],
)
def test_importing_and_reading_load_nothing_heavy(applied: Project, code: str) -> None:
    ran = python(applied, f"{code}\nimport json, sys; print(json.dumps(list(sys.modules)))")
    assert ran.stderr == ""
    assert {name.partition(".")[0] for name in json.loads(ran.stdout)} & HEAVY == set()


def test_a_plan_is_the_one_that_the_command_shows(applied: Project) -> None:
    applied.engine("blog")
    applied.engine("acme", "name: acme\nlocales: [de, ja]\n")
    (applied.root / "engines/shop/web.yaml").unlink()
    plan = api.open_project(applied.root).plan()
    shown = applied.run("plan", "--format", "json", "--detailed-exitcode").ended(2).json
    assert plan.to_dict() == shown
    assert [(one.key, one.kind) for one in plan.actions] == [
        ("acme", "replace"),
        ("blog", "create"),
        ("shop/web", "retire"),
    ]
    assert api.Change("locales", new="ja") in plan.actions[0].changes
    assert (plan.exit_code, plan.changes_anything, plan.digest) == (2, True, shown["digest"])


def test_what_is_wrong_is_in_the_plan_and_in_the_validation(applied: Project) -> None:
    applied.engine("blog", "nam: Blog\n")
    project = api.open_project(applied.root)
    plan, checked = project.plan(), project.validate()
    assert plan.invalid
    assert plan.actions == ()
    assert plan.exit_code == 3
    assert not checked.ok
    assert checked.valid == ("acme", "shop/web")
    assert {one.place for one in checked.diagnostics} == {"engines/blog.yaml:1:1"}
    assert set(checked.diagnostics) == set(plan.diagnostics)


def test_engines_are_named_by_key_by_glob_and_by_file(applied: Project) -> None:
    applied.engine("blog")
    applied.engine("shop/help")
    project = api.open_project(applied.root)
    file = applied.root / "engines/shop/help.yaml"
    for only in ("shop/help", ["shop/h*"], ["engines/shop/help.yaml"], ["shop/he?p"], file, [file]):
        assert [one.key for one in project.plan(only=only).actions] == ["shop/help"], only
    with pytest.raises(api.UsageError, match="no engine matches `nothing`"):
        project.plan(only=["nothing"])


def test_a_current_folder_that_is_gone_is_an_error_of_the_tree(applied: Project) -> None:
    code = "import os; os.mkdir('g'); os.chdir('g'); os.rmdir('../g')\nfrom reconciler.api import *\n"
    for call in ("open_project()", "Lockfile.load('engines.lock.json')"):
        ran = python(applied, f"{code}try: {call}\nexcept StorageError as error: print(error)")
        assert ran.stdout.startswith("there is no current folder"), ran.stderr
    ran = python(applied, f"{code}print(open_project({str(applied.root)!r}).plan().changes_anything)")
    assert ran.stdout == "False\n", "a full path needs none"


def test_settings_come_from_what_is_passed_and_from_nowhere_else(
    applied: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECONCILE_LOCKFILE", "other.lock.json")
    monkeypatch.setenv("RECONCILE_ENGINES", "elsewhere")
    monkeypatch.setenv("LINGO_API_KEY", KEY)
    assert api.open_project(applied.root).plan().changes_anything is False
    assert api.open_project(applied.root, variables=os.environ).lockfile_path.name == "other.lock.json"


def test_environment_and_config_are_as_on_the_command_line(applied: Project) -> None:
    (applied.root / "settings").mkdir()
    (applied.root / "settings/all.yaml").write_text(
        "environments:\n  staging: {lockfile: staging.lock.json}\n  production: {}\n"
    )
    project = api.open_project(applied.root / "engines", environment="staging", config="../settings/all.yaml")
    assert project.root == applied.root
    assert project.lockfile_path == applied.root / "staging.lock.json"
    assert {one.kind for one in project.plan().actions} == {"create"}
    with pytest.raises(api.UsageError) as refused:
        api.open_project(applied.root, environment="stagin", config=Path("settings/all.yaml"))
    assert refused.value.diagnostics[0].hint == "did you mean `staging`?"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "does not exist"),
        (b"", "is empty"),
        (b"{", "cannot be read as a lockfile"),
        (b"<<<<<<< ours\n", "has conflict markers"),
        (b'{"version": 99, "engines": {}}', "has version 99"),
        (b"\xff\xfe\x00", "is not UTF-8"),
        (b"[" * 100_000, "nested too deeply"),
    ],
)
def test_a_lockfile_that_is_none_is_refused(tmp_path: Path, content: bytes | None, said: str) -> None:
    file = tmp_path / "engines.lock.json"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(api.LockfileError, match=said) as refused:
        api.Lockfile.load(file)
    assert refused.value.hint
    assert refused.value.exit_code is api.ExitCode.INVALID


def test_a_folder_is_no_lockfile_and_a_file_no_project(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in (".", "pipe", "a\0b", "x" * 5_000):
        with pytest.raises(api.ReconcileError):
            api.Lockfile.load(f"{tmp_path}/{name}")
    with pytest.raises(api.UsageError, match="not a path"):
        api.open_project(tmp_path, config="a\0b")
    with pytest.raises(api.LockfileError, match="not UTF-8"):
        api.Lockfile.parse('{"version": 1, "engines": {}}\ud800')
    (tmp_path / "file").touch()
    for name in ("file", "x" * 5_000, "file/below"):
        with pytest.raises(api.UsageError, match="no such folder"):
            api.open_project(tmp_path / name)


def test_a_wrong_type_is_said_where_it_is_passed(applied: Project) -> None:
    """By programs that nobody checks with mypy."""
    anything: Any = api
    lockfile, project = anything.Lockfile.load(applied.lockfile), anything.open_project(applied.root)
    calls: list[tuple[Callable[[], object], str]] = [
        (lambda: lockfile.engine_id(3), "a key must be a str, not int"),
        (lambda: lockfile.engine(None), "a key must be a str, not NoneType"),
        (lambda: anything.Lockfile.parse(3), "bytes-like object is required, not 'int'"),
        (lambda: anything.Lockfile.load(None), "expected str, bytes or os.PathLike object, not NoneType"),
        (lambda: anything.open_project(3), "expected str, bytes or os.PathLike object, not int"),
        (lambda: anything.open_project(applied.root, config=3), "expected str, bytes or os.PathLike"),
        (
            lambda: anything.open_project(applied.root, variables={"RECONCILE_TIMEOUT": 5}),
            "the variable RECONCILE_TIMEOUT must be a str, not int",
        ),
        (lambda: project.plan(only=[3]), "expected str, bytes or os.PathLike object, not int"),
    ]
    for call, said in calls:
        with pytest.raises(TypeError, match=said):
            call()
    content = applied.lockfile.read_bytes()
    assert list(api.Lockfile.parse(memoryview(content))) == list(api.Lockfile.parse(bytearray(content)))


def test_a_lockfile_can_be_read_from_its_content(applied: Project) -> None:
    content = applied.lockfile.read_bytes()
    lockfile = api.Lockfile.parse(content)
    assert list(lockfile) == ["acme", "shop/web"]
    assert lockfile.engine_ids() == api.Lockfile.parse(content.decode()).engine_ids()
    assert lockfile.engine("nobody") is None
    assert lockfile.engine("acme") == api.Engine(
        "acme", "serving", *(applied.entry("acme")[name] for name in ("engineId", "jobId", "provisionedAt"))
    )


def test_what_a_run_that_was_cut_off_recorded_counts_as_for_the_command(applied: Project) -> None:
    applied.engine("blog")
    process = applied.start("apply", "--yes", env={"RECONCILE_TEST_KILL_AFTER_STEP": "journal appended#3"})
    assert applied.finish(process, killed=True).code < 0
    assert "blog" not in api.Lockfile.load(applied.lockfile)
    assert "ended" in applied.records()
    engine_id = api.open_project(applied.root).lockfile().engine_id("blog")
    assert engine_id == applied.run("get", "blog").ended(0).out.strip()


def test_commands_in_hints_lead_to_their_project_from_anywhere(tmp_path: Path) -> None:
    """Two projects in one process: neither's hints speak of the other, in whatever order they are used."""
    projects = []
    for name in ("one here", "two"):
        project = Project(tmp_path / name)
        project.engine("acme")
        projects.append(api.open_project(project.root))

    def hint(project: api.Project) -> str:
        with pytest.raises(api.NotServing) as refused:
            project.lockfile().engine_id("something")
        return refused.value.hint or ""

    def look(turn: int) -> tuple[int, str, str]:
        at = turn % 2
        return at, hint(projects[at]), projects[at].plan().digest

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(look, range(40)))

    async def in_tasks() -> list[tuple[int, str, str]]:
        return list(await asyncio.gather(*(asyncio.to_thread(look, turn) for turn in range(20))))

    found += asyncio.run(in_tasks())
    for at, said, _ in found:
        assert f"`reconcile -C {shlex.quote(str(projects[at].root))} apply`" in said
    assert len(set(found)) == 2
    assert len({digest for _, _, digest in found}) == 1


def test_nothing_is_printed_and_nothing_written(applied: Project, capfd: pytest.CaptureFixture[str]) -> None:
    def files() -> dict[Path, bytes]:
        return {one: one.read_bytes() for one in applied.root.rglob("*") if one.is_file()}

    applied.commit()
    applied.engine("acme", "name: Acme\nlocales: [ja]\n")
    applied.lockfile.write_text(applied.lockfile.read_text().replace('"acme": {', '"acmee": {'))
    before = files()
    project = api.open_project(applied.root)
    project.plan()
    project.validate()
    project.lockfile().engine_ids()
    assert capfd.readouterr() == ("", "")
    assert files() == before


def test_warnings_of_a_plan_are_in_it(applied: Project) -> None:
    """What the command says on stderr: here that git, which is broken, cannot tell of a lockfile."""
    applied.lockfile.unlink()
    applied.git("init", "--quiet")
    (applied.root / ".git/HEAD").write_text("nonsense")
    plan = api.open_project(applied.root).plan()
    warned = [one for one in plan.diagnostics if one.severity is api.Severity.WARNING]
    assert any("git cannot determine" in one.message for one in warned)
    assert {one.kind for one in plan.actions} == {"create"}


def test_all_that_is_exported_exists_and_nothing_else_is_public() -> None:
    public = {
        name
        for name, value in vars(api).items()
        if not name.startswith("_") and getattr(value, "__module__", "").startswith("reconciler")
    }
    assert public - {"Invocation", "commands_for", "dataclass", "reconcile"} == set(api.__all__)
