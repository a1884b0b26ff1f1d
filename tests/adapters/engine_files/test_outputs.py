"""`lifecycle` and `outputs` of an engine file: what is read of them, and where outputs may lead."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.adapters.engine_files.files import EngineFiles
from reconciler.core.engine.fingerprint import fingerprint
from reconciler.core.engine.spec import Desired, Output, Spec

PLAIN = "name: Acme\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    (root / "engines").mkdir(parents=True)
    (root / "web").mkdir()
    (root / "away").symlink_to(tmp_path)
    (root / "near").symlink_to("web")
    (root / "notes.md").write_text("text")
    return root


def load(project: Path, more: str) -> Desired | list[tuple[int | None, int | None, str]]:
    (project / "engines/acme.yaml").write_text(PLAIN + more, encoding="utf-8")
    loaded = EngineFiles(project).load("acme", "engines/acme.yaml")
    if isinstance(loaded, Desired):
        return loaded
    assert all(found.hint for found in loaded)
    return [(found.line, found.col, found.message) for found in loaded]


def test_both_blocks_are_read_and_change_no_fingerprint(project: Path) -> None:
    loaded = load(
        project,
        "lifecycle: {protect: true}\n"
        "outputs:\n"
        "  - file: ./web//i18n.json\n"
        "    pointer: /engines/0/engineId\n"
        "  - {file: web/config.yaml, pointer: /a~1b}\n"
        "  - {file: web/.env.production, key: LINGO_ENGINE_ID}\n"
        "  - {file: later.env, key: LINGO_ENGINE_ID}\n",
    )
    assert isinstance(loaded, Desired)
    assert loaded.fingerprint == fingerprint(Spec("Acme"))
    assert loaded.protect is True
    assert loaded.outputs == (
        Output("web/i18n.json", "/engines/0/engineId"),
        Output("web/config.yaml", "/a~1b"),
        Output("web/.env.production", key="LINGO_ENGINE_ID"),
        Output("later.env", key="LINGO_ENGINE_ID"),
    )
    assert loaded.kept.outputs == loaded.outputs


@pytest.mark.parametrize("more", ["", "lifecycle: {}\n", "lifecycle: {protect: false}\n", "outputs: []\n"])
def test_without_them_nothing_is_kept(project: Path, more: str) -> None:
    loaded = load(project, more)
    assert isinstance(loaded, Desired)
    assert (loaded.protect, loaded.outputs) == (False, ())


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ("lifecycle: true", (2, 12, "`lifecycle` must be a mapping, not a truth value")),
        ("lifecycle:", (2, 1, "`lifecycle` must be a mapping, not nothing")),
        ("lifecycle: {protect: yes}", (2, 22, "`protect` must be true or false, not text")),
        ("lifecycle: {protected: true}", (2, 13, "unknown key `protected`")),
        ("outputs: i18n.json", (2, 10, "`outputs` must be a list, not text")),
        ("outputs: [i18n.json]", (2, 11, "output 1 must be a mapping, not text")),
        ("outputs: [{pointer: /a}]", (2, 11, "`file` is missing")),
        ("outputs: [{file: a.json, pointer: /a, x: 1}]", (2, 39, "unknown key `x`")),
        ("outputs: [{file: a.json}]", (2, 11, "an output needs `pointer` or `key`")),
        ("outputs: [{file: a.json, pointer: /a, key: B}]", (2, 39, "an output has both `pointer` and `key`")),
        ("outputs: [{file: a.json, pointer: a}]", (2, 35, "`pointer` is not a JSON Pointer")),
        ("outputs: [{file: .env, key: A-B}]", (2, 29, "`key` is not the name of a variable")),
        ("outputs: [{file: a.json, key: A}]", (2, 26, "a JSON or YAML file takes `pointer`, not `key`")),
        ("outputs: [{file: .env, pointer: /A}]", (2, 24, "a .env file takes `key`, not `pointer`")),
        ("outputs: [{file: a.toml, pointer: /A}]", (2, 18, "`a.toml` is neither JSON, YAML nor a .env file")),
        (
            "outputs: [{file: ../a.json, pointer: /A}]",
            (2, 18, "`../a.json` must stay below the project's root"),
        ),
        (
            "outputs: [{file: /a.json, pointer: /A}]",
            (2, 18, "`/a.json` must be relative to the project's root"),
        ),
        ("outputs: [{file: away/a.json, pointer: /A}]", (2, 18, "`away/a.json` leads out of the project")),
        (
            "outputs: [{file: .git/a.json, pointer: /A}]",
            (2, 18, "`.git/a.json` must not be in a .git folder"),
        ),
        (
            "outputs: [{file: Engines.lock.json, pointer: /A}]",
            (2, 18, "`Engines.lock.json` is the lockfile"),
        ),
        (
            "outputs: [{file: engines/b.yml, pointer: /A}]",
            (2, 18, "`engines/b.yml` is read by reconcile itself"),
        ),
        (
            "outputs: [{file: reconcile.yaml, pointer: /A}]",
            (2, 18, "`reconcile.yaml` is read by reconcile itself"),
        ),
        (
            "outputs: [{file: .github/workflows/ci.yml, pointer: /A}]",
            (2, 18, "`.github/workflows/ci.yml` belongs to git or its host"),
        ),
        (
            "outputs: [{file: notes.md/a.json, pointer: /A}]",
            (2, 18, "`notes.md/a.json` is not in a folder: `notes.md` is a file or a link"),
        ),
        (
            "outputs: [{file: near/a.json, pointer: /A}]",
            (2, 18, "`near/a.json` is not in a folder: `near` is a file or a link"),
        ),
        (
            "outputs: [{file: a.json, pointer: /A}, {file: ./a.json, pointer: /A}]",
            (2, 40, "this output is listed twice"),
        ),
    ],
)
def test_one_mistake(project: Path, more: str, found: tuple[int, int, str]) -> None:
    assert load(project, more + "\n") == [found]


def test_too_many_are_told_with_what_else_is_wrong(project: Path) -> None:
    lines = "".join(f"  - {{file: {number}.json, pointer: /a}}\n" for number in range(22))
    found = load(project, f"locale: [de]\noutputs:\n{lines}")
    assert found == [
        (2, 1, "unknown key `locale`"),
        (24, 5, "22 outputs; at most 20 are allowed"),
    ]
