"""What people type who know other tools, and slips: one line that says what is wrong, one with what to type instead."""

from __future__ import annotations

import shlex
from pathlib import Path

import click
import pytest

from reconciler.cli import slips
from reconciler.cli.main import COMMANDS, cli, main


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "engines").mkdir()
    (tmp_path / "engines/acme.yaml").write_text("name: Acme\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


INSTEAD = {
    "plan acme": "plan --only acme",
    "plan acme shop/web": "plan --only acme --only shop/web",
    "plan --format json acme": "plan --format json --only acme",
    "-C . status acme": "-C . status --only acme",
    "collect acme": "collect --only acme",
    "apply acme": "apply --only acme",
    "apply engines/acme.yaml --only x": "apply --only engines/acme.yaml --only x",
    "acme": "plan --only acme",
    "engines/acme.yaml": "plan --only engines/acme.yaml",
    "apply --dry-run": "plan",
    "apply --dry-run --only acme --yes": "plan --only acme",
    "--env qa apply -n": "--env qa plan",
    "--dry-run apply": "plan",
    "--dry-run plan": "plan",
    "--dry-run apply --only acme -y": "plan --only acme",
    "--only acme plan --format json": "plan --only acme --format json",
    "diff": "plan",
    "diff --only acme": "plan --only acme",
    "-C . ls": "-C . status",
    "log acme": "history acme",
    "lint": "validate",
    "output --format env": "export --format env",
    "force-unlock": "lease break",
    "sync --yes": "apply --yes",
    "plna": "plan",
    "lease brek": "lease break",
    "help plna": "help plan",
    "help diff": "help plan",
    "help x": "help",
    "help lease x": "help lease",
    "plan --onyl acme": "plan --only acme",
    "plan --only=acme --formt=json": "plan --only=acme --format=json",
    "apply -auto-approve --only 'a b'": "apply --yes --only 'a b'",
    "apply --auto-approve": "apply --yes",
    "apply -target=acme": "apply --only=acme",
    "apply --target acme": "apply --only acme",
    "plan -chdir=.": "plan -C .",
    "plan --json": "plan --format json",
    "plan -o json": "plan --format json",
    "plan --output=json": "plan --format=json",
    "plan -v": "plan --log-level debug",
    "plan -q": "plan --log-level error",
    "plan --no-color": "plan --color never",
    "apply --parallelism=4": "apply --concurrency=4",
    "plan --version": "--version",
    "get -acme": "get -- -acme",
}  # fmt: skip


@pytest.mark.parametrize("line", INSTEAD)
def test_it_says_what_to_type(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(shlex.split(line)) == 64
    shown = capsys.readouterr()
    assert (shown.out == "") == ("--format json" not in line)
    what, hint = shown.err.removesuffix("\n").split("\n")
    assert what.startswith("error: ")
    assert hint.removesuffix("?").endswith(
        (f"run `reconcile {INSTEAD[line]}`", f"mean `reconcile {INSTEAD[line]}`")
    )
    assert hint.endswith("?") == hint.startswith("hint: did you mean ")


@pytest.mark.parametrize("line", sorted(set(INSTEAD.values())))
def test_the_command_line_takes_what_it_says(line: str) -> None:
    ctx = click.Context(cli, info_name="reconcile")
    words = shlex.split(line)
    if words == ["--version"]:
        return
    ctx = cli.make_context("reconcile", words)
    rest = [*getattr(ctx, "_protected_args", []), *ctx.args]
    name, command, rest = cli.resolve_command(ctx, rest)
    assert command is not None
    command.make_context(name, rest, parent=ctx)


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("destroy acme", "remove the engine's file, then run `reconcile plan`"),
        ("workspace", "`reconcile --help` lists the commands"),
        ("lease x", "`reconcile lease --help` lists the commands"),
        ("plan --yes", "it is an option of apply: see `reconcile help apply`"),
        ("get acme x", "see `reconcile get --help`"),
        ("plan --wurst", "see `reconcile plan --help`"),
        ("plan -x", "see `reconcile plan --help`"),
        ("plan --only", "see `reconcile plan --help`"),
    ],
)
def test_where_no_command_is_meant_it_says_what_to_do(
    line: str, hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(shlex.split(line)) == 64
    assert capsys.readouterr().err.split("\n")[1] == f"hint: {hint}"


def test_a_secret_is_not_repeated(capsys: pytest.CaptureFixture[str]) -> None:
    for line in ("plan --api-key=sk_live_1", "apply --api-key sk_live_1", "plan --token=sk_live_1"):
        assert main(shlex.split(line)) == 64
        shown = capsys.readouterr().err
        assert "sk_live" not in shown
        assert "LINGO_API_KEY" in shown


def test_what_is_said_for_other_words_is_said_for_none_of_ours() -> None:
    assert not {*slips._COMMANDS, *slips._REMOVING} & set(COMMANDS)
    assert {meant.split()[0] for meant in slips._COMMANDS.values()} <= set(COMMANDS)
    ours = {name for command in COMMANDS for name in options_of(command)}
    assert {meant.split()[0] for meant in slips._OPTIONS.values()} <= ours


def options_of(name: str) -> list[str]:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    return [option for param in command.params for option in param.opts]


def test_with_json_the_hint_is_in_it_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "acme", "--format", "json"]) == 64
    assert "run `reconcile plan --format json --only acme`" in capsys.readouterr().out
