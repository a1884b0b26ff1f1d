"""The site that `make docs` builds: what its parts make of the pages. The build itself is part of .ci/run."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import click
import pytest

from reconciler.adapters.yaml.reader import read_yaml
from tests.test_docs import commands

ROOT = Path(__file__).resolve().parent.parent


def tool(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / f"tools/site/{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


check, reference = tool("check"), tool("reference")
CLI = reference.cli_page()


@pytest.mark.parametrize("words", commands(), ids=lambda words: " ".join(("reconcile", *words)))
def test_the_reference_has_every_command_with_every_option(words: tuple[str, ...]) -> None:
    command = commands()[words]
    title = " ".join(("reconcile", *words))
    assert f"\n## {title}\n" in CLI
    section = CLI.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    section += CLI.partition("\n## Global options\n")[2].partition("\n## ")[0]
    for option in command.params:
        if isinstance(option, click.Option) and not option.hidden:
            for name in (*option.opts, *option.secondary_opts):
                assert f"`{name}`" in section, name


def test_the_reference_has_every_schema_and_exit_code() -> None:
    schemas = reference.schemas_page()
    for file in (ROOT / "schemas").glob("*.schema.json"):
        assert f"schemas/{file.name})" in schemas
    codes = set(re.findall(r"^\| ([\d/ ]+) \|", reference.exit_codes_page(), re.MULTILINE))
    assert {"0", "7", "64 / 70 / 130"} <= codes


PAGE = f'<meta http-equiv="Content-Security-Policy" content="{check._POLICY}">'


@pytest.mark.parametrize(
    "text",
    [
        '<script src="https://cdn.example/x.js"></script>',
        '<script src="//cdn.example/x.js"></script>',
        '<link rel="stylesheet" href="https://fonts.example/css">',
        '<LINK REL="preconnect" HREF="https://fonts.example">',
        '<img src="a.png" srcset="a.png 1x, https://cdn.example/b.png 2x">',
        '<p style="background: url(https://cdn.example/b.png)">',
        "<style>@import 'https://fonts.example/css';</style>",
        '<iframe src="HTTPS://cdn.example"></iframe>',
        '<object data="http://cdn.example"></object>',
    ],
)
def test_a_page_that_asks_another_host_is_found(text: str) -> None:
    assert len(check.asked_of_others("page.html", PAGE + text)) == 1


@pytest.mark.parametrize(
    "text",
    [
        '<a href="https://lingo.dev">Lingo.dev</a>',
        '<link rel="canonical" href="https://docs.example/x/">',
        '<img src="data:image/png;base64,xx"><script src="../assets/x.js"></script>',
        "<style>a { background: url(../a.png) }</style>",
    ],
)
def test_what_asks_nobody_is_no_finding(text: str) -> None:
    assert check.asked_of_others("page.html", PAGE + text) == []


def test_a_page_without_the_policy_is_found() -> None:
    assert check.asked_of_others("page.html", "<p>")
    assert check.asked_of_others("style.css", "a { background: url('https://cdn.example/x') }")


def test_the_theme_has_the_policy_and_no_fonts() -> None:
    theme = (ROOT / "tools/site/theme/main.html").read_text(encoding="utf-8")
    assert check._POLICY in theme
    assert "font: false" in (ROOT / "mkdocs.yml").read_text(encoding="utf-8")


def test_every_page_is_in_the_list_that_is_the_navigation() -> None:
    listed = (ROOT / "README.md").read_text(encoding="utf-8").partition("\n## Documentation\n")[2]
    pages = {path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md")}
    assert {page for page in pages if f"({page})" not in listed} == set()


def test_what_is_published_is_what_make_builds() -> None:
    workflow = read_yaml((ROOT / ".github/workflows/docs.yml").read_bytes(), "docs.yml").value
    assert workflow["permissions"] == {}
    (path,) = [
        step["with"]["path"] for step in workflow["jobs"]["build"]["steps"] if "path" in step.get("with", {})
    ]
    assert path == "build/site"
    assert "make docs" in [step.get("run") for step in workflow["jobs"]["build"]["steps"]]
