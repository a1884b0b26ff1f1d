from __future__ import annotations

import click
import pytest

from reconciler.cli.commands.apply import command


def publish_of(line: str) -> tuple[str | None, str | None]:
    """What the line says of publishing, and which saved plan it names."""
    params = command.make_context("apply", line.split()).params
    return params["publish"], params["plan_file"]


@pytest.mark.parametrize(
    ("line", "publish"),
    [
        ("", None),
        ("--publish", "true"),
        ("--publish --yes", "true"),
        ("--publish -y", "true"),
        ("--publish pr", "pr"),
        ("--publish=pr", "pr"),
        ("--publish-pr", "pr"),
        ("--no-publish", "false"),
        ("--publish --no-publish", "false"),
        ("--no-publish --publish", "true"),
        ("--publish pr --no-publish", "false"),
        ("--no-publish --publish pr", "pr"),
        ("--publish-pr --publish", "true"),
    ],
)
def test_the_last_word_on_publishing_counts(line: str, publish: str | None) -> None:
    assert publish_of(line) == (publish, None)
    assert publish_of(f"saved.json {line}") == (publish, "saved.json")


def test_a_saved_plan_may_follow_a_value_or_two_dashes() -> None:
    assert publish_of("--publish pr saved.json") == ("pr", "saved.json")
    assert publish_of("--publish -- saved.json") == ("true", "saved.json")


@pytest.mark.parametrize("line", ["--publish saved.json", "--publish=yes", "--publish="])
def test_another_value_is_refused_with_what_to_do(line: str) -> None:
    with pytest.raises(click.BadParameter, match=r"is not `pr`\. A saved plan goes before it"):
        publish_of(line)
