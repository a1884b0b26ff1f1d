"""Commands that people are shown: quoted, and with what they need to act on what was looked at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from reconciler.core import commands
from reconciler.core.commands import ENGINE_ID, Invocation, git, git_path, into_file, only, reconcile

ODD = Invocation(
    "my repo", "other.yaml", "qa", "true", git="my repo", here="/home/a", root="/home/a/my repo/web"
)


@pytest.fixture(autouse=True)
def _plain() -> Iterator[None]:
    yield
    commands.show_commands_for(Invocation())


@pytest.mark.parametrize(
    ("made", "shown"),
    [
        (lambda: reconcile("status"), "reconcile status"),
        (lambda: reconcile("apply", "--retry-failed", only("a b")), "reconcile apply --retry-failed --only 'a b'"),
        (lambda: reconcile("apply", only("-acme")), "reconcile apply --only=-acme"),
        (lambda: reconcile("apply", only("a[1]*?")), "reconcile apply --only 'a[[]1][*][?]'"),
        (lambda: reconcile("resolve", "--retry", arguments=["it's"]), """reconcile resolve 'it'"'"'s' --retry"""),
        (lambda: reconcile("resolve", "--retry", arguments=["-acme"]), "reconcile resolve --retry -- -acme"),
        (lambda: into_file(reconcile("schema"), "a b.json"), "reconcile schema > 'a b.json'"),
        (lambda: git("add", git_path("$x.json")), "git add '$x.json'"),
        (lambda: git("add", git_path("-x.json")), "git add ./-x.json"),
        (commands.last_good_lockfile, "git checkout HEAD -- engines.lock.json"),
    ],
)  # fmt: skip
def test_shown_at_the_project_itself(made: object, shown: str) -> None:
    assert callable(made)
    assert made() == shown


def test_shown_with_what_the_run_was_given() -> None:
    commands.show_commands_for(ODD)
    leading = "reconcile -C 'my repo' --config other.yaml --env qa"
    assert reconcile("status") == f"{leading} status"
    assert reconcile("apply", only("a")) == f"{leading} apply --publish --only a"
    found = reconcile("resolve", ("--engine-id", ENGINE_ID), arguments=["-a"])
    assert found == f"{leading} resolve --publish --engine-id '<ENGINE_ID>' -- -a"
    assert git("add", git_path("x.json")) == "git -C 'my repo' add web/x.json"
    assert into_file("x", "y") == "x > 'my repo/web/y'"
    assert reconcile("init", directory="..") == "reconcile -C .. --config other.yaml --env qa init"


@pytest.mark.parametrize(("publish", "option"), [("pr", "--publish-pr"), ("false", "--no-publish")])
def test_shown_with_the_way_of_publishing(publish: str, option: str) -> None:
    commands.show_commands_for(replace(Invocation(), publish=publish))
    assert reconcile("collect") == f"reconcile collect {option}"
    assert reconcile("lease break") == "reconcile lease break"
