from __future__ import annotations

import io
import sys

import click
import pytest

from reconciler.cli.commands.lease import command as lease
from reconciler.cli.screen import must_ask, screen_of
from reconciler.core.errors import UsageError


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("stdin", "stderr"), [(True, False), (False, True), (False, False)])
def test_without_a_terminal_on_both_ends_silence_means_no(
    monkeypatch: pytest.MonkeyPatch, stdin: bool, stderr: bool
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal() if stdin else io.StringIO("y\n"))
    monkeypatch.setattr(sys, "stderr", Terminal() if stderr else io.StringIO())
    with pytest.raises(UsageError, match="but there is no terminal"):
        must_ask("apply", yes=False)
    assert not must_ask("apply", yes=True)


def test_on_a_terminal_the_question_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert must_ask("apply", yes=False)
    assert not must_ask("apply", yes=True)


def test_breaking_a_lease_is_asked_before_anything_is_looked_at() -> None:
    assert isinstance(lease, click.Group)
    with pytest.raises(UsageError, match="lease break"):
        lease.main(["break", "-C", "/"], standalone_mode=False)


@pytest.mark.parametrize(
    ("choice", "variables", "on_terminal", "elsewhere"),
    [
        (None, {}, True, False),
        ("auto", {}, True, False),
        (None, {"NO_COLOR": "1"}, False, False),
        (None, {"NO_COLOR": ""}, True, False),
        (None, {"FORCE_COLOR": "1"}, True, True),
        (None, {"FORCE_COLOR": "3"}, True, True),
        (None, {"FORCE_COLOR": ""}, True, False),
        (None, {"FORCE_COLOR": "0"}, True, False),
        (None, {"FORCE_COLOR": "false"}, True, False),
        ("auto", {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False, False),
        (None, {"TERM": "dumb"}, False, False),
        (None, {"TERM": "dumb", "FORCE_COLOR": "1"}, True, True),
        ("always", {"NO_COLOR": "1", "TERM": "dumb"}, True, True),
        ("never", {"FORCE_COLOR": "1"}, False, False),
    ],
)
def test_who_decides_about_colour(
    monkeypatch: pytest.MonkeyPatch,
    choice: str | None,
    variables: dict[str, str],
    on_terminal: bool,
    elsewhere: bool,
) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in ({"TERM": "xterm"} | variables).items():
        monkeypatch.setenv(name, value)
    assert screen_of(Terminal(), choice).color is on_terminal
    assert screen_of(io.StringIO(), choice).color is elsewhere


@pytest.mark.parametrize(
    ("columns", "width", "wrap"),
    [
        ("50", 50, 50),
        ("", 100, None),
        ("x", 100, None),
        ("0", 100, None),
        ("9" * 9, 100, None),
        ("9" * 9_000, 100, None),
    ],
)
def test_without_a_terminal_only_columns_gives_a_width(
    columns: str, width: int, wrap: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    screen = screen_of(io.StringIO(), None)
    assert (screen.width, screen.wrap) == (width, wrap)
