"""The book of the house against the house: packages, floors, paths and cited documents exist, and none is left out."""

from __future__ import annotations

import ast
import io
import re
import tokenize
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
HOUSE = ROOT / "reconciler"
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
DESIGN = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
SOURCES = sorted(
    path for folder in ("reconciler", "tests", "benchmarks") for path in (ROOT / folder).rglob("*.py")
)
CITED = re.compile(r"(?<![\w./-])[\w./-]*\w\.md\b")
MODULE = re.compile(r"(?<![\w./-])(?:core|adapters|app|cli|render|sandbox|tests)/[\w/]+(?:\.py)?")
PATH = re.compile(
    r"(?<![\w./])(?:reconciler|tests|benchmarks|schemas|docs|cli|app|adapters|render|core)/[\w/.-]+\.\w+"
)


def packages() -> set[str]:
    """Every package below a layer of `reconciler`, and every layer that has no packages: `app`, `core/plan`, …"""
    found = {init.parent.relative_to(HOUSE).as_posix() for init in HOUSE.rglob("*/__init__.py")}
    return {each for each in found if "/" in each or not any(other.startswith(f"{each}/") for other in found)}


def picture() -> str:
    found = re.search(r"```mermaid\n(.*?)```", ARCHITECTURE, re.DOTALL)
    assert found
    return found[1]


def floors_in_picture(layer: str) -> list[set[str]]:
    """The boxes of a layer, from the top down; what stands beside one another is on one floor."""
    inside = re.search(rf"subgraph {layer}\[.*?\n(.*?)\n    end", picture(), re.DOTALL)
    assert inside
    return [set(box.split(" · ")) for box in re.findall(r"\w+\[\"([^\"]+)\"\]", inside[1])]


def floors_in_contract(layer: str) -> list[set[str]]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    [contract] = [each for each in settings["contracts"] if each.get("containers") == [f"reconciler.{layer}"]]
    floors = [set(re.split(r"\s*[|:]\s*", floor)) for floor in contract["layers"]]
    named = [{each for each in floor if (HOUSE / layer / each).is_dir()} for floor in floors]
    return [floor for floor in named if floor]


def words_of(text: str) -> Iterator[str]:
    """Comments and docstrings of a module."""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.string
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield ast.get_docstring(node, clean=False) or ""


def missing_documents(text: str, beside: Path) -> set[str]:
    """Documents that a text names and the repository does not have."""
    places = (ROOT, ROOT / "docs", beside)
    return {name for name in CITED.findall(text) if not any((place / name).exists() for place in places)}


def missing_sections(text: str) -> set[str]:
    """Sections that a text cites of our pages and that are not there; those of other standards are not looked at."""
    known = set(re.findall(r"^## (\d+)\.", DESIGN, re.MULTILINE))
    cited = re.findall(r"(docs/\S+\.md),\s+section\s+(\d+)", text)
    wrong = {f"{page} {number}" for page, number in cited if page != "docs/design.md" or number not in known}
    return wrong | set(re.findall(r"\b(?:DESIGN|PLATFORM)\b(?!\.md)", text))


def missing_modules(text: str) -> set[str]:
    """Packages and modules that a text names by path, with or without `.py`, and that are not there."""
    named = {found.rstrip("/") for found in MODULE.findall(text)}
    there = {
        name
        for name in named
        for base in (ROOT, HOUSE)
        for end in ("", ".py")
        if (base / f"{name}{end}").exists()
    }
    return named - there


def missing_anything(text: str, beside: Path) -> set[str]:
    return missing_documents(text, beside) | missing_sections(text) | missing_modules(text)


def test_every_package_has_its_row() -> None:
    rows = re.findall(r"^\| `([a-z_/]+)` \|", ARCHITECTURE, re.MULTILINE)
    assert len(rows) == len(set(rows))
    assert set(rows) == packages()


@pytest.mark.parametrize("layer", ["cli", "core", "adapters", "render"])
def test_the_picture_has_the_floors_of_the_contract(layer: str) -> None:
    assert floors_in_picture(layer) == floors_in_contract(layer)


@pytest.mark.parametrize("page", ["docs/architecture.md", "CONTRIBUTING.md"])
def test_every_path_exists(page: str) -> None:
    named = {path for path in PATH.findall((ROOT / page).read_text(encoding="utf-8")) if "NAME" not in path}
    assert named
    assert {path for path in named if not (ROOT / path).exists() and not (HOUSE / path).exists()} == set()


def test_what_sources_cite_is_in_the_repository() -> None:
    missing: dict[str, set[str]] = {}
    for path in SOURCES:
        text = path.read_text(encoding="utf-8")
        if not missing_anything(text, path.parent):  # nor in what it says: to take it apart is slow
            continue
        found = missing_anything("\n".join(words_of(text)), path.parent)
        missing |= {path.relative_to(ROOT).as_posix(): found} if found else {}
    assert missing == {}


def test_every_document_is_found_from_the_readme() -> None:
    """Pages that no page leads to are read by nobody."""
    found, open_ = set(), [ROOT / "README.md"]
    while open_:
        page = open_.pop()
        found.add(page)
        links = re.findall(r"\]\(([^)#\s:]+\.md)", page.read_text(encoding="utf-8"))
        open_ += [linked for link in links if (linked := (page.parent / link).resolve()) not in found]
    assert set((ROOT / "docs").rglob("*.md")) - found == set()


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("see docs/design.md, section 4", set()),
        ("see design.md", set()),
        ("the limit (PLATFORM.md)", {"PLATFORM.md"}),
        ("docs/nowhere.md says", {"docs/nowhere.md"}),
        ("no document", set()),
    ],
)
def test_what_is_missing_is_found(text: str, missing: set[str]) -> None:
    assert missing_documents(text, ROOT) == missing


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("as docs/design.md, section 5, says", set()),
        ("(docs/design.md,\n    section 4)", set()),
        ("docs/design.md, section 12", {"docs/design.md 12"}),
        ("docs/platform.md, section 1", {"docs/platform.md 1"}),
        ("the table of DESIGN §4", {"DESIGN"}),
        ("YAML 1.2.2, §10.3.2", set()),
    ],
)
def test_a_section_that_is_missing_is_found(text: str, missing: set[str]) -> None:
    assert missing_sections(text) == missing


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("see core/plan/diff.py", set()),
        ("(core/errors) and cli/commands/", set()),
        ("see core/plan/difference.py", {"core/plan/difference.py"}),
        ("(core/serving)", {"core/serving"}),
    ],
)
def test_a_module_that_is_missing_is_found(text: str, missing: set[str]) -> None:
    assert missing_modules(text) == missing
