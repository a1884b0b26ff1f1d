"""The pull request's title and body: what changed, in bounds, and harmless whatever engines are called."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.core.lockfile.model import EMPTY, Lockfile
from reconciler.render.markdown.proposal import TITLE, render_proposal
from tests.core.build import A, B, current, entry, lockfile, superseded


def proposal(after: Lockfile, before: Lockfile = EMPTY, **more: Any) -> tuple[str, str]:
    about = {
        "environment": "production",
        "lockfile": "engines.lock.json",
        "ledger": "refs/reconcile/production",
        "run_url": "https://github.com/acme/engines/actions/runs/1",
    }
    return render_proposal(before, after, **(about | more))


ONE = lockfile({"acme": entry(current("x", A))})


def test_it_says_what_changed_and_what_to_do() -> None:
    title, body = proposal(ONE)
    assert title == "Record acme (production)"
    assert "```text\n- acme: eng_x\n```" in body
    assert "`engines.lock.json`" in body
    assert "[run](<https://github.com/acme/engines/actions/runs/1>)" in body
    replaced = lockfile(
        {"acme": entry(current("y", B), None, superseded("x", A)), "b": entry(current("z", B))}
    )
    title, body = proposal(replaced, ONE, run_url=None)
    assert title == "Record 2 engines (production)"
    assert "- acme: eng_y (was eng_x)\n- b: eng_z" in body
    assert "[run]" not in body
    assert "evil" not in proposal(ONE, run_url="https://ci.example/1>) evil")[1]


@pytest.mark.parametrize(
    "key",
    [
        "```\n@everyone",
        "<!-- x -->",
        "a\x1b[31mb",
        "\u202eevil",
        "x" * 5_000,
        "`" * 300,
        "::error::x",
        "[a](b)",
    ],
)
def test_names_that_mean_harm(key: str) -> None:
    title, body = proposal(lockfile({key: entry(current("x", A))}))
    assert title.startswith(TITLE)
    assert len(title) <= 250
    assert "\n" not in title
    assert "\x1b" not in title + body
    assert "\u202e" not in title + body
    fence = next(line for line in body.split("\n") if line.startswith("```")).removesuffix("text")
    assert set(fence) == {"`"}
    assert [line for line in body.split("\n") if line.startswith(fence)] == [f"{fence}text", fence]


def test_it_stays_within_what_github_takes() -> None:
    many = lockfile({f"{'x' * 300}{number}": entry(current(f"e{number}", A)) for number in range(500)})
    _, body = proposal(many)
    assert len(body.encode()) < 60_000
    assert "… and 400 more" in body
