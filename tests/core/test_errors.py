"""The error tree: its exit codes, and which of several comes first."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core import errors
from reconciler.core.errors import (
    Diagnostic,
    ExitCode,
    GitHubError,
    InvalidInput,
    PlatformError,
    ReconcileError,
    most_severe,
)

ORDER = [70, 130, 64, 3, 5, 6, 7, 1, 4, 2, 0]


@given(st.lists(st.sampled_from(ExitCode)))
def test_the_foremost_code_wins_in_any_order(codes: list[ExitCode]) -> None:
    expected = min(codes, key=ORDER.index, default=ExitCode.OK)
    assert most_severe(codes) is most_severe(reversed(codes)) is expected


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("UsageError", 64),
        ("InvalidInput", 3),
        ("LockfileError", 3),
        ("JournalError", 3),
        ("StorageError", 1),
        ("PlatformError", 1),
        ("GitHubError", 1),
        ("GitError", 1),
        ("LeaseHeld", 5),
        ("GuardRefused", 6),
        ("Interrupted", 130),
    ],
)
def test_every_error_has_its_code(name: str, code: int) -> None:
    error = getattr(errors, name)("it went wrong", hint="do this")
    assert isinstance(error, ReconcileError)
    assert (error.exit_code, error.message, error.hint, str(error)) == (
        code,
        "it went wrong",
        "do this",
        "it went wrong",
    )
    assert name in (errors.__doc__ or "")


def test_the_overview_draws_the_whole_tree() -> None:
    """Also what a module defines for itself, found by its base class, whichever module that is."""
    bases: dict[str, str] = {}
    for path in Path(errors.__file__).parents[1].rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                bases |= [(node.name, base.id) for base in node.bases if isinstance(base, ast.Name)]
    tree = {"ReconcileError"}
    while found := {name for name, base in bases.items() if base in tree} - tree:
        tree |= found
    drawn = re.findall(r"[ │]*[├└]── (\w+)", errors.__doc__ or "")
    assert {"ReconcileError", *drawn} == tree
    assert len(drawn) == len(set(drawn))


def test_what_is_worth_another_try() -> None:
    assert errors.LeaseHeld("x").retryable
    assert not errors.GitError("x").retryable
    for kind in (PlatformError, GitHubError):
        error = kind("x", status=503, retryable=True)
        assert (error.status, error.retryable) == (503, True)
        assert not kind("x").retryable


def test_diagnostics_are_kept_all() -> None:
    found = [Diagnostic("a"), Diagnostic("b")]
    assert InvalidInput("two", diagnostics=iter(found)).diagnostics == tuple(found)


@pytest.mark.parametrize(
    ("diagnostic", "place"),
    [
        (Diagnostic("x", "a.yaml", 3, 7), "a.yaml:3:7"),
        (Diagnostic("x", "a.yaml", 3), "a.yaml:3"),
        (Diagnostic("x", "a.yaml"), "a.yaml"),
        (Diagnostic("x"), ""),
        (Diagnostic("x", None, 3), ""),
    ],
)
def test_a_place_says_what_is_known(diagnostic: Diagnostic, place: str) -> None:
    assert diagnostic.place == place
