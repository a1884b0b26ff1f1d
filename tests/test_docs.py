"""The pages against the program: commands, options, exit codes, links, and examples that must parse and be valid."""

from __future__ import annotations

import ast
import json
import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import click
import pytest

from reconciler.adapters.engine_files.files import EngineFiles
from reconciler.adapters.project.settings import read_settings_file
from reconciler.adapters.yaml.reader import read_yaml
from reconciler.cli.main import cli
from reconciler.core.engine.overlay import EngineChoice
from reconciler.core.engine.spec import Desired
from reconciler.core.errors import ExitCode
from reconciler.core.settings.model import SETTINGS
from reconciler.core.settings.resolution import resolve

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("benchmarks/*.md")])
README = (ROOT / "README.md").read_text(encoding="utf-8")

FENCE = re.compile(
    r"^(?P<ticks>`{3,}) *(?P<info>\w*)[^\n]*\n(?P<body>.*?)^(?P=ticks)$", re.MULTILINE | re.DOTALL
)
SPAN = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
COMMAND = re.compile(r"^(?:\$ |.*/)?reconcile(?= |$)(?P<words>.*)")
OPTION = re.compile(r"^-{1,2}[A-Za-z][\w-]*")
# Options of other programs that the pages speak of.
FOREIGN = {"--force", "--end-of-options"}


class Fence(NamedTuple):
    page: str
    line: int
    info: str
    body: str


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def fences(page: Path) -> list[Fence]:
    text = page.read_text(encoding="utf-8")
    return [
        Fence(name_of(page), text.count("\n", 0, found.start()) + 1, found["info"], found["body"])
        for found in FENCE.finditer(text)
    ]


def examples(*infos: str) -> list[Fence]:
    return [fence for page in PAGES for fence in fences(page) if fence.info in infos]


def label(value: object) -> str:
    return f"{value.page}:{value.line}" if isinstance(value, Fence) else name_of(value)  # type: ignore[arg-type]


@cache
def commands() -> dict[tuple[str, ...], click.Command]:
    """Every command by its words; `()` is `reconcile` itself."""
    found: dict[tuple[str, ...], click.Command] = {}

    def walk(words: tuple[str, ...], command: click.Command) -> None:
        found[words] = command
        if isinstance(command, click.Group):
            ctx = click.Context(command)
            for name in command.list_commands(ctx):
                below = command.get_command(ctx, name)
                assert below is not None
                walk((*words, name), below)

    walk((), cli)
    return found


def options_of(command: click.Command) -> set[str]:
    ctx = click.Context(command)
    return {option for param in command.get_params(ctx) for option in (*param.opts, *param.secondary_opts)}


def spoken_of(page: Path) -> Iterator[str]:
    """Every piece of code on a page that may be a command line: spans, and lines of shell fences."""
    text = page.read_text(encoding="utf-8")
    for fence in fences(page):
        if fence.info in ("sh", "console"):
            yield from fence.body.splitlines()
    yield from (span.replace("\\|", "|") for span in SPAN.findall(FENCE.sub("", text)))


def wrong_in(line: str) -> list[str]:
    """What a command line says that the program does not know."""
    found = COMMAND.match(line.split("  #")[0].strip())
    if found is None:
        option = OPTION.match(line)
        known = {option for command in commands().values() for option in options_of(command)} | FOREIGN
        return [option[0]] if option and option[0] not in known else []
    words = _words(found["words"])
    path: tuple[str, ...] = ()
    for word in words:
        if (*path, word) in commands():
            path = (*path, word)
    unknown = [] if path or not words or words[0].startswith(("-", "…")) else [words[0]]
    allowed = options_of(commands()[path]) | options_of(commands()[()])
    options = (OPTION.match(word) for word in words)
    return unknown + [option[0] for option in options if option and option[0] not in allowed]


def _words(text: str) -> list[str]:
    """The words of one command, up to a pipe or another command."""
    try:
        words = shlex.split(text, comments=True)
    except ValueError:  # an apostrophe in a sentence
        words = text.split()
    ends = [number for number, word in enumerate(words) if word in ("|", "||", "&&", ";", ">")]
    return words[: ends[0]] if ends else words


@pytest.mark.parametrize("page", PAGES, ids=label)
def test_only_commands_and_options_that_exist(page: Path) -> None:
    wrong = {line: words for line in spoken_of(page) if (words := wrong_in(line))}
    assert wrong == {}


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("reconcile", []),
        ("$ reconcile plan --only acme", []),
        (".venv/bin/reconcile -C ~/my-repo init", []),
        ("reconcile --dry-run", []),
        ("reconcile deploy", ["deploy"]),
        ("reconcile plan --everything", ["--everything"]),
        ("reconcile plan --yes-please  # --only", ["--yes-please"]),
        ("--timeout 45m", []),
        ("--tiemout 45m", ["--tiemout"]),
        ("git commit -m 'reconcile'", []),
        ("reconcile plan --format json | jq -r .actions", []),
        ("reconcile status && reconcile plan", []),
    ],
)
def test_what_does_not_exist_is_found(line: str, wrong: list[str]) -> None:
    assert wrong_in(line) == wrong


@pytest.mark.parametrize("words", [words for words in commands() if len(words) == 1], ids=" ".join)
def test_every_command_is_in_the_readme(words: tuple[str, ...]) -> None:
    rows = [line for line in README.splitlines() if line.startswith("| `reconcile")]
    assert any(re.search(rf"`reconcile {words[0]}\b", row) for row in rows)


@pytest.mark.parametrize("words", commands(), ids=lambda words: " ".join(("reconcile", *words)))
def test_every_command_and_option_has_a_help_text(words: tuple[str, ...]) -> None:
    command = commands()[words]
    assert command.help
    assert [
        param.name for param in command.params if isinstance(param, click.Option) and not param.help
    ] == []


def test_every_exit_code_is_in_the_readme() -> None:
    rows = [line.split("|")[1] for line in README.splitlines() if re.match(r"\| \d+[ /\d]* \|", line)]
    codes = [int(number) for row in rows for number in re.findall(r"\d+", row)]
    assert sorted(codes) == sorted(map(int, ExitCode))


@pytest.mark.parametrize("page", PAGES, ids=label)
def test_every_link_leads_somewhere(page: Path) -> None:
    broken = []
    for target in LINK.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            broken.append(target)
    assert broken == []


def anchors(page: Path) -> set[str]:
    """The headings of a page, as GitHub makes anchors of them."""
    headings = re.findall(r"^#{1,6} +(.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


# Names of variables that are read nowhere: examples, and the doors for the crash tests.
NOT_READ = re.compile(r"LINGO_ENGINE_ID|RECONCILE_TEST_\w+")
VARIABLE = re.compile(
    r"(?:RECONCILE|LINGO|LINGODOTDEV|GITHUB|CI|SSL_CERT|GIT_(?:AUTHOR|COMMITTER))_\w*[A-Z]|CI|NO_COLOR|TERM"
)


def test_every_variable_that_is_read_is_in_the_settings_page() -> None:
    page = (ROOT / "docs/settings.md").read_text(encoding="utf-8")
    sources = sorted((ROOT / "reconciler").rglob("*.py"))
    sources.remove(ROOT / "reconciler/adapters/git/environment.py")  # what git may read
    strings = {
        node.value
        for path in sources
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    read = {name for name in strings if VARIABLE.fullmatch(name) and not NOT_READ.fullmatch(name)}
    read |= {setting.variable for setting in SETTINGS.values()}
    named = set(re.findall(r"`([A-Z][A-Z_]+)`", page))
    assert read - named == set()
    assert {name for name in named - read if VARIABLE.fullmatch(name)} == set()


@pytest.mark.parametrize("fence", examples("json"), ids=label)
def test_json_examples_parse(fence: Fence) -> None:
    assert json.loads(fence.body)


@pytest.mark.parametrize("fence", examples("yaml"), ids=label)
def test_yaml_examples_are_valid(fence: Fence, tmp_path: Path) -> None:
    """Each is an engine file, a part of one, a workflow, or settings; what files it names are put beside it."""
    document = read_yaml(fence.body.encode(), fence.page).value
    if isinstance(document, list) or (isinstance(document, dict) and document.keys() & {"jobs", "services"}):
        _check_workflow(fence.body)
        return
    if isinstance(document, dict) and ("name" in document or _OVERLAY in fence.body):
        _check_engine(fence, document, tmp_path)
        return
    file = tmp_path / "reconcile.yaml"
    file.write_text(fence.body, encoding="utf-8")
    read = read_settings_file(file)
    names = read.values.get("environments", {}) if read.values else {}
    for environment in (None, *names):
        resolve({"environment": environment}, {}, read.values, place=read.place, file_name="reconcile.yaml")


def _check_workflow(text: str) -> None:
    """Actions at a commit, and no expression within a script: what is copied must be safe."""
    for action in re.findall(r"uses:\s*(\S+)", text):
        assert action.startswith("./") or re.search(r"@([0-9a-f]{40}|<commit>|COMMIT)$", action), action
    assert not re.search(r"run:[^\n]*\$\{\{", text)


_OVERLAY = "overlay.schema.json"


def _check_engine(fence: Fence, document: dict[str, object], root: Path) -> None:
    file = root / "engines" / "example.yaml"
    file.parent.mkdir()
    file.write_text(fence.body, encoding="utf-8")
    sources = document.get("sources")
    for source in sources if isinstance(sources, list) else []:
        if "file" in source:
            (file.parent / source["file"]).resolve().write_text("Text.\n", encoding="utf-8")
    choice = EngineChoice("staging", ("staging",))
    if _OVERLAY in fence.body:
        file.rename(file.with_name("example.staging.yaml"))
        file.write_text("name: Base\n", encoding="utf-8")
    loaded = EngineFiles(root, "engines", choice=choice).load("example", "engines/example.yaml", 40)
    assert isinstance(loaded, Desired), loaded
