from __future__ import annotations

import io
import sys

import click
import pytest

from reconciler.cli.commands.lease import command as lease
from reconciler.cli.screen import must_ask
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
    with pytest.raises(UsageError, match="no terminal to ask on"):
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
