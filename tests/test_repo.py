"""Checks on the repo itself: sizes, docstrings, pins and the changelog, so that habits need no memory."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import reconciler
from reconciler.adapters.yaml.reader import read_yaml

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = sorted((ROOT / "reconciler").rglob("*.py"))
SOURCES = PACKAGE + sorted(
    path for folder in ("tests", "benchmarks") for path in (ROOT / folder).rglob("*.py")
)

GITHUB = ROOT / ".github"
WORKFLOWS = sorted([*GITHUB.glob("workflows/*.y*ml"), *GITHUB.glob("actions/**/*.y*ml"), ROOT / "action.yml"])
FORMS = sorted(set(GITHUB.glob("ISSUE_TEMPLATE/*.yml")) - {GITHUB / "ISSUE_TEMPLATE" / "config.yml"})

MODULE_LINES = 400
FUNCTION_LINES = 60
# "reconciler/cli/main.py:entry": why it may be longer. Only wiring, where splitting would hide the order.
LONGER_FUNCTIONS: dict[str, str] = {}

PIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*==[0-9][A-Za-z0-9.+!]*")
ACTION = re.compile(r"^\s*(?:-\s+)?uses:\s*(?P<action>\S+)(?P<comment>.*)$", re.MULTILINE)


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def functions(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Name and length in lines (docstring included, decorators not) of every function, inner ones too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def overlong(path: Path) -> list[str]:
    return [f"{name_of(path)}:{name}" for name, length in functions(parsed(path)) if length > FUNCTION_LINES]


def pins(text: str) -> tuple[list[str], list[str]]:
    """The pins of a constraints file, and the lines that are none."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [line for line in lines if PIN.fullmatch(line)], [
        line for line in lines if not PIN.fullmatch(line)
    ]


def canonical(package: str) -> str:
    """A distribution's name as registries compare it."""
    return re.sub(r"[-_.]+", "-", package).lower()


def test_no_module_is_too_long() -> None:
    lengths = {name_of(path): path.read_text(encoding="utf-8").count("\n") for path in SOURCES}
    assert {name: lines for name, lines in lengths.items() if lines > MODULE_LINES} == {}


def test_every_module_says_what_it_is_for() -> None:
    assert [name_of(path) for path in PACKAGE if not ast.get_docstring(parsed(path))] == []


def test_no_function_is_too_long_but_those_that_have_a_reason() -> None:
    assert {name for path in SOURCES for name in overlong(path)} == set(LONGER_FUNCTIONS)


def test_function_lengths_are_counted() -> None:
    tree = ast.parse("@decorated\ndef f():\n    async def g():\n        return 1\n    return g\n")
    assert dict(functions(tree)) == {"f": 4, "g": 2}


def test_constraints_are_exact_pins_without_addresses() -> None:
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    exact, others = pins(text)
    assert others == []
    assert "://" not in text
    names = [canonical(pin.partition("==")[0]) for pin in exact]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    "line",
    [
        "click>=8",
        "click",
        "click==8.1.* ",
        "a @ https://x.example/a.whl",
        "-e .",
        "a==1 --hash=sha256:0",
        "--x y",
    ],
)
def test_what_is_no_pin_is_found(line: str) -> None:
    assert pins(f"# comment\n\nrich==1.0\n{line}\n") == (["rich==1.0"], [line])


def test_every_dependency_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [requirement for extra in project["optional-dependencies"].values() for requirement in extra]
    wanted = {canonical(re.split(r"[^A-Za-z0-9._-]", each)[0]) for each in project["dependencies"] + extras}
    exact, _ = pins((ROOT / "constraints.txt").read_text(encoding="utf-8"))
    assert wanted - {canonical(pin.partition("==")[0]) for pin in exact} == set()


def test_the_lowest_release_of_each_dependency_is_known() -> None:
    """`make lowest` tests them; a requirement without a bound would be tested with the newest."""
    printed = subprocess.check_output([sys.executable, ROOT / "tools/lowest.py"], text=True)
    exact, others = pins(printed)
    assert others == []
    lowest = {canonical(name): release for name, _, release in (pin.partition("==") for pin in exact)}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [requirement for extra in project["optional-dependencies"].values() for requirement in extra]
    wanted = {canonical(re.split(r"[^A-Za-z0-9._-]", each)[0]) for each in project["dependencies"] + extras}
    left_out = {"import-linter", "mcp", "mypy", "ruff", "types-jsonschema", "zizmor"}
    assert lowest.keys() == wanted - left_out
    assert lowest["click"] == "8.2"


@pytest.mark.parametrize("name", ["run", "postgres", "sources"])
def test_requirements_are_the_constraints_with_hashes(name: str) -> None:
    """Nothing else is installed where secrets are near; and no file names where packages come from."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    entries = re.sub(r"\\\n\s*", "", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE)).splitlines()
    assert [entry for entry in entries if not re.search(r"( --hash=sha256:[0-9a-f]{64})+$", entry)] == []
    assert [word for word in ("://", "--index", "--find-links") if word in text] == []
    exact, _ = pins((ROOT / "constraints.txt").read_text(encoding="utf-8"))
    known = {canonical(one.partition("==")[0]): one.partition("==")[2] for one in exact}
    found = dict(re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", "\n".join(entries), re.MULTILINE))
    assert {package: known.get(canonical(package)) for package in found} == found
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    of = {"run": project["dependencies"], "postgres": extras["postgres"], "sources": extras["sources"]}
    needed = {canonical(re.split(r"[^A-Za-z0-9._-]", each)[0]) for each in of[name]}
    needed |= {"run": {"hatchling"}, "postgres": {"psycopg-binary"}, "sources": set[str]()}[name]
    assert needed - {canonical(package) for package in found} == set()


def test_the_build_is_held_to_the_constraints(tmp_path: Path) -> None:
    """An installer's own constraints are not used for the environment in which it builds."""
    (tmp_path / "tools").mkdir()
    shutil.copy(ROOT / "tools" / "build_backend.py", tmp_path / "tools")
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    (tmp_path / "constraints.txt").write_text(
        re.sub(r"^hatchling==.*$", "hatchling==0.0.0", text, flags=re.M)
    )
    ask = "import build_backend as b; print(b.get_requires_for_build_wheel(), b.get_requires_for_build_editable())"
    done = subprocess.run(
        [sys.executable, "-c", ask], cwd=tmp_path / "tools", capture_output=True, text=True, check=True
    )
    assert done.stdout.count("'hatchling==0.0.0'") == 2
    assert "'editables==" in done.stdout
    system = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["build-system"]
    assert system == {"requires": [], "build-backend": "build_backend", "backend-path": ["tools"]}


SHIPPED = [*WORKFLOWS, *sorted((ROOT / "docs").rglob("*.md")), ROOT / "README.md"]


@pytest.mark.parametrize("path", SHIPPED, ids=name_of)
def test_every_action_that_is_shown_is_named_by_its_commit(path: Path) -> None:
    shown = ACTION.findall(path.read_text(encoding="utf-8"))
    loose = [action for action, _ in shown if not re.fullmatch(r"\./\S*|[^@\s]+@[0-9a-f]{40}", action)]
    assert loose == []


INSTALLING = [
    *sorted((GITHUB / "actions").rglob("*.sh")),
    *sorted((ROOT / "docs" / "ci").iterdir()),
    *sorted(path for path in (ROOT / "deploy").rglob("*") if path.is_file()),
]


@pytest.mark.parametrize("path", INSTALLING, ids=name_of)
def test_what_is_installed_for_a_run_is_isolated_and_hashed(path: Path) -> None:
    """Python puts the current folder first among those that it imports from, unless it is told not to."""
    lines = [
        line for line in path.read_text(encoding="utf-8").splitlines() if "pip" in line or "-m venv" in line
    ]
    calls = [line for line in lines if re.search(r"-m (?:pip|venv)|\bpip install|^pip ", line)]
    for line in calls:
        if not line.startswith("pip "):  # the action's own function, whose call of Python is looked at
            assert re.search(r"-I -m (?:pip|venv)", line), line
        if "--requirement" in line:
            assert "--require-hashes --only-binary :all:" in line, line
        elif "install" in line and "() {" not in line:
            assert "--no-deps --no-build-isolation" in line, line


def test_no_changelog_entry_stands_twice() -> None:
    """As a merge leaves them that kept both of its sides."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    begins = [entry.casefold() for entry in re.findall(r"^- (.{24})", text, re.MULTILINE)]
    assert sorted({entry for entry in begins if begins.count(entry) > 1}) == []


def test_version_is_a_plain_literal() -> None:
    tree = ast.parse(Path(reconciler.__file__).read_text(encoding="utf-8"))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    assert imports == []
    assert re.fullmatch(r"\d+\.\d+\.\d+", reconciler.__version__)


def test_git_is_reached_through_one_module() -> None:
    """So that its safe settings are never forgotten (docs/design.md, section 9)."""
    users = [name_of(path) for path in PACKAGE if "git" in imported(path)]
    assert len(users) <= 1, users


def test_python_is_started_in_one_place() -> None:
    """So that no module of the folder it is started in is ever run, which may be a repository's."""
    starts = {name_of(path): path.read_text(encoding="utf-8") for path in PACKAGE}
    starts = {name: text for name, text in starts.items() if "sys.executable" in text}
    driver = starts.pop("reconciler/adapters/checkout/merge_driver.py")
    assert " -I -m reconciler" in driver  # git starts it
    assert list(starts) == ["reconciler/adapters/system/own_python.py"]


def imported(path: Path) -> set[str]:
    """Top-level names of the packages that a module imports, anywhere in it."""
    found = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.partition(".")[0])
    return found


def test_imports_inside_functions_are_seen(tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text("import a.b\ndef f():\n    from c.d import e\n    from . import g\n", encoding="utf-8")
    assert imported(path) == {"a", "c"}


@pytest.mark.parametrize("path", WORKFLOWS, ids=name_of)
def test_actions_are_pinned_by_commit(path: Path) -> None:
    uses = list(ACTION.finditer(path.read_text(encoding="utf-8")))
    assert uses
    for match in uses:
        if match["action"].startswith("./"):  # our own, of the same commit
            assert (ROOT / match["action"] / "action.yml").exists()
            continue
        assert re.fullmatch(r"[^@\s]+@[0-9a-f]{40}", match["action"]), match["action"]
        assert re.match(r"\s+# v\d", match["comment"]), f"{match['action']}: name the version in a comment"


@pytest.mark.parametrize("path", FORMS, ids=name_of)
def test_issue_forms_are_what_github_reads(path: Path) -> None:
    """GitHub shows nothing of a form that is not."""
    form = read_yaml(path.read_bytes(), name_of(path)).value
    assert {"name", "description", "body"} <= form.keys()
    asking = [field for field in form["body"] if field["type"] != "markdown"]
    assert all(field["type"] in ("textarea", "input", "dropdown", "checkboxes") for field in asking)
    assert all(field["attributes"]["label"] for field in asking)
    ids = [field["id"] for field in asking]
    assert len(ids) == len(set(ids))


def test_hooks_of_our_own_run_what_lint_runs() -> None:
    hooks = read_yaml((ROOT / ".pre-commit-config.yaml").read_bytes(), "hooks").value["repos"][0]["hooks"]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    entries = [hook["entry"].removesuffix(" --force-exclude").removeprefix(".venv/bin/") for hook in hooks]
    assert entries
    assert [entry for entry in entries if f"\t$(BIN)/{entry}\n" not in makefile] == []


def test_ci_script_can_be_executed() -> None:
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
