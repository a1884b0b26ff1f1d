"""A schedule is a list of steps, each with its own source of chance; so any of them can be left out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random


@dataclass(frozen=True, slots=True)
class Step:
    """`salt` is the seed of all chance in it; `calm` takes the troubles out of it."""

    kind: str
    salt: int
    calm: bool = False

    def __str__(self) -> str:
        return f"{self.kind} {self.salt}" + (" calm" if self.calm else "")

    def calmed(self) -> Step:
        return replace(self, calm=True)


@dataclass(frozen=True, slots=True)
class Setting:
    """What is the same for the whole schedule: the lockfile goes to the branch by pull requests, how ends of jobs are
    heard of, how far the clocks are ahead, how many troubles there are, and whether somebody `tells` that runs ended.
    """

    proposes: bool
    websocket: bool
    callbacks: bool
    skews: tuple[float, ...]
    storm: float
    tells: bool = False


# How often each kind of step comes; the acts are in `acts`.
WEIGHTS = {
    "edit": 14,
    "edit_much": 6,
    "cherry_pick": 2,
    "merge_by_hand": 2,
    "old_disk": 3,
    "rotate_key": 2,
    "desk_edit_much": 2,
    "desk_tidy_up": 2,
    "revert": 3,
    "revert_all": 1,
    "set_back": 1,
    "fork": 3,
    "edit_branch": 2,
    "merge_branch": 4,
    "update_branch": 1,
    "rebase_branch": 1,
    "ci": 14,
    "rerun": 4,
    "runner": 5,
    "ci_collect": 3,
    "go_on": 10,
    "desk_edit": 3,
    "desk_commit": 1,
    "desk_pull": 3,
    "desk_push": 3,
    "desk_push_branch": 2,
    "desk_apply": 4,
    "desk_publish": 4,
    "desk_collect": 2,
    "desk_fetch": 1,
    "desk_save": 2,
    "desk_apply_saved": 2,
    "desk_resolve": 3,
    "roll_back": 3,
    "release": 2,
    "import_": 1,
    "delete": 2,
    "resolve": 3,
    "lease_break": 2,
    "jobs_end": 8,
    "webhooks": 4,
    "time": 4,
    "clock_jump": 1,
    "merge_proposal": 3,
    "close_proposal": 1,
    "plan_shards": 6,
    "shard": 6,
    "shards": 4,
    "collect_shards": 5,
}
SHARDS = ("plan_shards", "shard", "shards", "collect_shards", "go_on")
OF_SHARDS = 0.4  # how many schedules are mostly about shards


def schedule_of(seed: int) -> tuple[Setting, list[Step]]:
    rng = Random(seed)
    proposes = rng.random() < 0.2
    ways = rng.choice(((True, True), (True, False), (False, True)))
    skews = tuple(rng.choice((0.0, 0.0, 5.0, -5.0, 200.0, -200.0, 1000.0)) for _ in range(4))
    setting = Setting(proposes, *ways, skews, rng.choice((0.0, 0.3, 1.0, 1.0, 2.0)), rng.random() < 0.3)
    kinds = [kind for kind in WEIGHTS if proposes or not kind.endswith("_proposal")]
    weights = {kind: WEIGHTS[kind] * rng.choice((0.0, 0.5, 1.0, 1.0, 2.0)) for kind in kinds}
    weights |= {kind: float(WEIGHTS[kind]) for kind in ("edit", "ci")}
    if rng.random() < OF_SHARDS:
        weights |= {kind: 4.0 * WEIGHTS[kind] for kind in SHARDS}
    drawn = rng.choices(list(weights), list(weights.values()), k=rng.randint(4, 28))
    return setting, [Step(kind, rng.randrange(1_000_000)) for kind in drawn]
