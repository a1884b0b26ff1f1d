"""Which shard a run is: as it is spelled, or as the CI system says."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from reconciler.cli.wiring.sharded_plans import read_sharded, shard_of
from reconciler.core.errors import InvalidInput, UsageError
from reconciler.core.plan.model import Plan
from reconciler.core.plan.saved import SavedPlan, Split

SAVED = SavedPlan(Plan("production"), {}, split=Split(3, "run"))


@pytest.mark.parametrize(
    ("text", "env", "shard"),
    [
        ("1/3", {}, 1),
        ("3/3", {"CI_NODE_INDEX": "1", "CI_NODE_TOTAL": "3"}, 3),  # what was asked for counts
        ("2", {}, 2),
        ("ci", {"CI_NODE_INDEX": "2", "CI_NODE_TOTAL": "3"}, 2),
        ("ci", {"JOB_COMPLETION_INDEX": "0"}, 1),
        ("ci", {"JOB_COMPLETION_INDEX": "2"}, 3),
        ("ci", {"JOB_COMPLETION_INDEX": "1", "CI_NODE_INDEX": "2", "CI_NODE_TOTAL": "3"}, 2),
    ],
)
def test_it_is_told(text: str, env: Mapping[str, str], shard: int) -> None:
    assert shard_of(text, SAVED, env) == shard


@pytest.mark.parametrize(
    ("text", "env", "words"),
    [
        ("4/3", {}, "no shard 4"),
        ("0/3", {}, "no shard 0"),
        ("1/4", {}, "the plan has 3 shards, but this is one of 4"),
        ("", {}, "takes a number"),
        ("1/", {}, "takes a number"),
        ("/3", {}, "takes a number"),
        ("-1/3", {}, "takes a number"),
        ("1/3/5", {}, "takes a number"),
        ("\u0661/3", {}, "takes a number"),
        ("1" * 5000, {}, "takes a number"),
        ("CI", {}, "takes a number"),
        ("ci", {}, "neither CI_NODE_INDEX nor JOB_COMPLETION_INDEX is set"),
        ("ci", {"CI_NODE_INDEX": "1"}, "must both be numbers"),
        ("ci", {"CI_NODE_TOTAL": "3"}, "must both be numbers"),
        ("ci", {"CI_NODE_INDEX": "x", "CI_NODE_TOTAL": "3"}, "must both be numbers"),
        ("ci", {"CI_NODE_INDEX": "0", "CI_NODE_TOTAL": "3"}, "no shard 0"),
        ("ci", {"CI_NODE_INDEX": "1", "CI_NODE_TOTAL": "4"}, "one of 4"),
        ("ci", {"JOB_COMPLETION_INDEX": "3"}, "no shard 4"),
        ("ci", {"JOB_COMPLETION_INDEX": "-1"}, "must be a number"),
        ("ci", {"JOB_COMPLETION_INDEX": "1", "CI_NODE_INDEX": "1", "CI_NODE_TOTAL": "3"}, "different shards"),
    ],
)
def test_it_is_refused_in_words(text: str, env: Mapping[str, str], words: str) -> None:
    with pytest.raises(UsageError) as caught:
        shard_of(text, SAVED, env)
    assert words in caught.value.message
    assert caught.value.hint


def test_a_broken_plan_gets_the_command_that_makes_one_for_shards(tmp_path: Path) -> None:
    (tmp_path / "shards").mkdir()
    (tmp_path / "shards/plan.json").write_text("{")
    with pytest.raises(InvalidInput, match="not valid JSON") as caught:
        read_sharded(tmp_path, tmp_path, "shards")
    assert caught.value.hint == "run `reconcile plan --shards 8 --out shards` to make one"
