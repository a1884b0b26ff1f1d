"""Keeps reconciler/core pure: what import-linter cannot see is found in the syntax tree.

Imports of libraries are for import-linter (pyproject.toml). Here it is about the language itself: builtins
that reach the world, anything that awaits, and clocks that hide behind a harmless import such as datetime.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import reconciler.core

CORE = Path(reconciler.core.__file__).parent
MODULES = sorted(CORE.rglob("*.py"))

WORLDLY_BUILTINS = frozenset({"open", "print", "input", "breakpoint", "exec", "eval", "__import__"})
# fmt: off
WORLDLY_MODULES = frozenset({
    "asyncio", "concurrent", "getpass", "http", "importlib", "io", "logging", "multiprocessing",
    "os", "pathlib", "platform", "random", "secrets", "select", "shutil", "signal", "socket",
    "sqlite3", "ssl", "subprocess", "sys", "tempfile", "threading", "time", "urllib", "uuid",
})
# fmt: on
# What writes code at run time, as the standard library's dataclasses do.
EXEMPT = {"frozen.py": ["exec"]}
CLOCKS_AND_ENVIRONMENT = frozenset({"now", "utcnow", "today", "environ", "getenv"})


def impurities(source: str) -> list[str]:
    """What makes this source impure, as `line: what`."""
    return [f"{line}: {what}" for node in ast.walk(ast.parse(source)) for line, what in _impure(node)]


def _impure(node: ast.AST) -> Iterator[tuple[int, str]]:
    match node:
        case ast.Import(names=names):
            yield from ((node.lineno, f"import {name.name}") for name in names if _worldly(name.name))
        case ast.ImportFrom(module=str(module), level=0, names=names):
            if _worldly(module):
                yield node.lineno, f"from {module}"
            yield from ((node.lineno, name.name) for name in names if name.name in CLOCKS_AND_ENVIRONMENT)
        case ast.Name(id=name) if name in WORLDLY_BUILTINS:
            yield node.lineno, name
        case ast.Attribute(attr=name) if name in CLOCKS_AND_ENVIRONMENT and not _of_self(node):
            yield node.lineno, name
        case ast.AsyncFunctionDef() | ast.AsyncFor() | ast.AsyncWith() | ast.Await():
            yield node.lineno, "async or await"
        case ast.comprehension(is_async=1, iter=source):
            yield source.lineno, "async or await"


def _worldly(module: str) -> bool:
    return module.partition(".")[0] in WORLDLY_MODULES


def _of_self(node: ast.Attribute) -> bool:
    """Time is given to the core as a value, and may well be kept as `self.now`."""
    return isinstance(node.value, ast.Name) and node.value.id == "self"


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.relative_to(CORE).as_posix())
def test_core_module_is_pure(module: Path) -> None:
    found = [one.partition(": ")[2] for one in impurities(module.read_text(encoding="utf-8"))]
    assert found == EXEMPT.get(module.relative_to(CORE).as_posix(), [])


@pytest.mark.parametrize(
    "source",
    [
        "import os",
        "import os.path as p",
        "from os import path",
        "def f():\n    import socket",
        "from time import monotonic",
        "import xml, uuid",
        "open('x')",
        "f = print",
        "async def f(): ...",
        "async def f():\n    await g()",
        "async def f():\n    async with g(): ...",
        "async def f():\n    return [x async for x in g()]",
        "import datetime\ndatetime.datetime.now()",
        "from datetime import datetime as d\nd.utcnow()",
        "from datetime import date\ndate.today()",
        "from anywhere import environ",
        "__import__('os')",
    ],
)
def test_what_is_impure_is_found(source: str) -> None:
    assert impurities(source) != []


@pytest.mark.parametrize(
    "source",
    [
        "from datetime import UTC, datetime\ndatetime.fromtimestamp(0, UTC)",
        "def f(now): return now + 1",
        "class A:\n    def f(self): return self.now",
        "from .time import seconds",
        "import json, hashlib, re",
        "openness = 'print'",
    ],
)
def test_what_is_pure_is_left_alone(source: str) -> None:
    assert impurities(source) == []
