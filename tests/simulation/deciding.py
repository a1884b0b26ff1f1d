"""A person who looks on the platform for what became of a create call, and says so; or who decides of an engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from reconciler.app.deciding import Stores, adopt, check_adoptable, release, roll_back, target_of_rollback
from reconciler.app.recorded import RecordedState, read_recorded_state
from reconciler.core.errors import UsageError
from tests.simulation.machine import desired, print_of
from tests.simulation.naming import questions_in
from tests.simulation.world import Process, World

Act = Callable[[World, Process, Stores], str]


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person found out about an uncertain operation."""

    key: str
    operation: str
    what: str
    engine_id: str | None = None
    job_id: str | None = None


def truth(world: World, known: RecordedState, rng: Random) -> Decision | None:
    """What a person who looks on the platform says about an uncertain operation, if there is one."""
    lock = known.folded
    found = questions_in(lock) + [(key, call) for key, calls in known.doubts.items() for call in calls]
    if not found:
        return None
    key, pending = rng.choice(found)
    made = world.platform.of_operation(pending.operation_id)
    if made is None:
        return Decision(key, pending.operation_id, rng.choice(("retry", "forget")))
    job_id = None if made.status == "completed" and rng.random() < 0.5 else made.job_id
    return Decision(key, pending.operation_id, "engine", made.engine_id, job_id)


# ── of an engine ───────────────────────────────────────────────────────────────────────────────────────────────────


def rolling_back(key: str, which: int) -> Act:
    """To the newest engine before, or to an older one."""

    def act(world: World, process: Process, stores: Stores) -> str:
        file = process.machine.files.get(key)
        lock = read_recorded_state(stores.lockfile, stores.journal, stores.shared).folded
        entry, target = target_of_rollback(lock, key, None)
        if file is None:
            raise UsageError("no engine file")
        shared = stores.shared
        if shared is not None and world.repo.commits[shared.branch_tip or ""].files.get(key) != file:
            raise UsageError("the branch has another version of the file")
        known = [one.engine_id for one in entry.superseded if one.status is None]
        to = known[which % len(known)] if which else target.engine_id
        roll_back(stores, key, to, "ada", desired(key, file))
        return f"rolls {key} back to {to}"

    return act


def releasing(key: str) -> Act:
    def act(world: World, process: Process, stores: Stores) -> str:
        lock = read_recorded_state(stores.lockfile, stores.journal, stores.shared).folded
        entry = lock.entry(key)
        if entry is not None and entry.hold is not None:
            world.released.add(entry.hold.operation_id)
        release(stores, key)
        return f"releases {key}"

    return act


def adopting(key: str) -> Act:
    """An engine that is made by hand just then."""

    def act(world: World, process: Process, stores: Stores) -> str:
        file = process.machine.files.get(key)
        if file is None:
            raise UsageError("nothing to import it for")
        lock = read_recorded_state(stores.lockfile, stores.journal, stores.shared).folded
        check_adoptable(lock, key, "eng_by_hand")
        made = world.platform.make_by_hand(key, print_of(file.spec))
        adopt(stores, desired(key, file), made.engine_id)
        world.imported.add(made.engine_id)
        return f"imports {made.engine_id} as {key}"

    return act
