"""Every command that is printed can be pasted: made in one place, and taken by the command line as it was meant."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest

import reconciler
from reconciler.adapters.engine_files import discovery
from reconciler.adapters.storage import plan_file
from reconciler.cli.main import COMMANDS, _load, cli
from reconciler.core.checkup import judge_lease
from reconciler.core.commands import Invocation, only, reconcile, show_commands_for
from reconciler.core.ledger.lease import Holder, Lease
from reconciler.core.lockfile import engine_ids
from reconciler.core.lockfile.entry import Pending
from reconciler.core.plan import saved, uncertain
from reconciler.core.plan.model import Kind
from reconciler.core.run.outcome import Result, Status
from reconciler.render.phrases import outcome_words

SOURCE = Path(reconciler.__file__).parent
_GIT = "add|checkout|clone|commit|config|fetch|init|lfs|log|merge|mv|pull|push|remote|reset|restore|revert|rm|status"
_BY_HAND = re.compile(rf"\breconcile (?:-|(?:{'|'.join(COMMANDS)})\b)|(?<![\w./-])git (?:{_GIT})\b")
# Text about commands, not commands to paste; the module, and a part of the text.
_ABOUT = {
    ("adapters/checkout/merge_driver.py", "git config "): "the name of what init set",
    ("adapters/project/scaffold.py", "# yaml-language-server"): "a comment in the example's file, for all who read it",
    ("adapters/storage/outcome_model.py", "Outcome of reconcile apply"): "the title of a schema",
    ("core/ci_files.py", "# Made by"): "the mark of a workflow, which says who wrote it",
    ("core/ci_files.py", 'reconcile -C "$ENGINES_FOLDER"'): "a line of a pipeline, which names its folder",
    ("core/settings/model.py", "The git remote to publish to."): "a help text",
    ("cli/completion/scripts.py", "compadd -l -V"): "a name within the script",
    ("cli/completion/scripts.py", "complete --command reconcile"): "the shell is told which command it is",
    ("cli/commands/service/demo.py", "It was a mistake."): "the demo says what it does itself",
}  # fmt: skip


def test_no_command_is_put_together_by_hand() -> None:
    found = [one for file in sorted(SOURCE.rglob("*.py")) for one in _commands_by_hand(file)]
    by_hand = [(name, text) for name, text in found if not any(_is_about(name, text, one) for one in _ABOUT)]
    assert by_hand == []
    assert all(any(_is_about(name, text, one) for name, text in found) for one in _ABOUT)  # none left over


def _is_about(name: str, text: str, exception: tuple[str, str]) -> bool:
    return name == exception[0] and exception[1] in text


def _commands_by_hand(file: Path) -> Iterator[tuple[str, str]]:
    """Texts that hold a command; not docstrings and the help of options, which are the command's own docs."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    docs |= {id(one.value) for one in ast.walk(tree) if isinstance(one, ast.keyword) and one.arg == "help"}
    for node in ast.walk(tree):
        text = node.value if isinstance(node, ast.Constant) else None
        if isinstance(text, str) and id(node) not in docs and _BY_HAND.search(text):
            yield file.relative_to(SOURCE).as_posix(), text


KEYS = ("acme", "-acme", "it's", 'say "hi"', "a [b]*", "shop/web", "`x`", "$HOME", "<KEY>x", "ünï")
INVOCATIONS = {
    "plain": Invocation(),
    "directory": Invocation("my repo"),
    "environment": Invocation(environment="qa"),
    "config": Invocation(config="other.yaml"),
    "publishing": Invocation(publish="true"),
    "proposing": Invocation(publish="pr"),
    "not publishing": Invocation(publish="false"),
    "all": Invocation("-C $x", "o'ther.yaml", "qa", "true", here="/a", root="/b c"),
}
CALL = Pending(
    "uncertain", "op_1", "v1:x", {}, {"name": "Acme"}, "2026-11-24T11:08:13Z", error="the answer was lost"
)
NOW = "2026-01-01T00:00:00Z"
_LEASE = Lease(1, Holder("host", 1), "run", NOW, "2999-01-01T00:00:00Z")
_HINTS: dict[str, Callable[[str], str | None]] = {
    "settle": lambda key: uncertain.how_to_settle(key, [CALL]),
    "settle one of two": lambda key: uncertain.how_to_settle(key, [CALL, CALL]),
    "retry": lambda key: outcome_words.how_to_retry((Result(key, Kind.CREATE, Status.FAILED),)),
    "retry some": lambda key: outcome_words.how_to_retry((Result(key, Kind.CREATE, Status.FAILED),) * 2),
    "guard": lambda key: reconcile("apply", ("--allow-replace", key)),
    "new plan": lambda key: saved._again(),
    "plan file": lambda key: plan_file._hint(),
    "first file": lambda key: discovery._init(),
    "no engine": lambda key: engine_ids._listed([]),
    "many engines": lambda key: engine_ids._listed(map(str, range(100))),
    "lease": lambda key: judge_lease(_LEASE, NOW).hint,
    "collect": lambda key: reconcile("collect"),
    "doctor": lambda key: reconcile("doctor"),
    "repair": lambda key: reconcile("lockfile repair"),
    "inbox": lambda key: reconcile("webhook serve", ("--inbox", key)),
    "only": lambda key: reconcile("apply", "--retry-failed", only(key)),
}  # fmt: skip


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    show_commands_for(Invocation())


@pytest.mark.parametrize("name", INVOCATIONS)
def test_the_command_line_takes_what_is_printed(name: str) -> None:
    show_commands_for(INVOCATIONS[name])
    for hint in _HINTS.values():
        texts = {hint(key) or "": key for key in KEYS}  # one, where it says nothing of the engine
        for text, key in texts.items():
            printed = [one for found in _PRINTED.findall(text) for one in found if one]
            assert printed, text
            for one in printed:
                _check(shlex.split(one), INVOCATIONS[name], key)


# In backticks, or behind a colon and up to where the sentence goes on.
_PRINTED = re.compile(r"`(reconcile [^`]*)`|(?:: |^)(reconcile .*?)(?:; if not| \(or --forget|$)", re.M)


def _check(words: list[str], invocation: Invocation, key: str) -> None:
    given, command, context = _parsed(words)
    assert given.get("directory", "") == invocation.directory
    assert given.get("config", "") == invocation.config
    assert given.get("environment", "") == invocation.environment
    if command in ("apply", "collect"):
        assert (context.params["publish"] or "") == invocation.publish
    if command == "resolve":
        assert context.params["key"] == key
        assert context.params["publish"] == {"true": True, "false": False}.get(invocation.publish)
        assert context.params["publish_pr"] == (invocation.publish == "pr")
    if context.params.get("only"):
        assert [re.sub(r"\[([*?[])]", r"\1", one) for one in context.params["only"]] == [key]
    if context.params.get("allow_replace"):
        assert context.params["allow_replace"] == (key,)


def protected(context: click.Context) -> list[str]:
    """The words from the command's name on are apart in click 8, and not any more in click 9."""
    found: list[str] = getattr(context, "_protected_args", [])
    return found


def _parsed(words: list[str]) -> tuple[dict[str, str], str, click.Context]:
    """The words as click takes them apart; nothing is run."""
    context = cli.make_context("reconcile", words[1:])
    command: click.Command = cli
    while isinstance(command, click.Group):
        name, *rest = [*protected(context), *context.args]
        found = _load(name) if command is cli else command.get_command(context, name)
        assert found is not None
        command = found
        context = command.make_context(name, rest, parent=context)
    return dict(context.meta.get("reconciler.given", {})), str(context.info_name), context
