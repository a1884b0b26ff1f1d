"""What a command says on the side comes from anywhere, and does nothing where it is shown."""

from __future__ import annotations

import pytest

from reconciler.cli.pull_requests.plan_comment import notice
from reconciler.cli.stderr import say, warn

HOSTILE = "::error::x\n::add-mask::y\r##[error]z \x1b[2J\u202e ##vso[task.setvariable]"


@pytest.mark.parametrize("tell", [say, warn, notice])
@pytest.mark.parametrize("actions", [False, True])
def test_what_is_said_is_one_harmless_line(
    tell: object, actions: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    if actions:
        monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert callable(tell)
    tell(HOSTILE)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.endswith("\n")
    [line] = err.splitlines()
    own = "::notice title=reconcile::" if tell is notice and actions else ""
    rest = line.removeprefix(own)
    assert line.startswith(own)
    assert not rest.startswith("::")
    assert not {"\x1b", "\u202e", "\r"} & set(rest)
    assert "##[" not in rest
    assert "##vso[" not in rest


def test_a_level_that_is_not_heard(capsys: pytest.CaptureFixture[str]) -> None:
    say("details", "debug")
    assert capsys.readouterr().err == ""
