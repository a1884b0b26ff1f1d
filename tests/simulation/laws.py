"""What must hold: while things go on, and when all have come to rest."""

from __future__ import annotations

from reconciler.core.engine.fingerprint import fingerprint
from reconciler.core.ledger.journal import Begin
from reconciler.core.lockfile.entry import Entry
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.platform.job import COMPLETED, FAILED
from reconciler.core.run.protocol import Create
from tests.simulation.machine import print_of, records_in
from tests.simulation.naming import answered_in, engines_in, entries_of, uncertain_in
from tests.simulation.repo import MAIN, PROPOSALS, File, read_lock
from tests.simulation.world import Process, Violation, World

# ── while things go on ─────────────────────────────────────────────────────────────────────────────────────────────


def check_create(world: World, process: Process, command: Create) -> None:
    """A create call leaves: nothing for the key and spec may be there that its run can know of."""
    if process.late:
        raise Violation("late shard", f"{process.name} creates {command.key}, though its plan is over")
    if command.operation in world.decided:
        return  # a person said that it made nothing while it was on its way
    wanted = fingerprint(command.spec)
    known = engines_in(read_lock(process.planned_on)) | process.knows
    for one in world.platform.engines.values():
        same = one.key == command.key and one.fingerprint == wanted and one.operation != command.operation
        left = one.status != FAILED and one.engine_id not in world.platform.gone
        if same and left and one.engine_id in known:
            home = _homes(world, process, one.engine_id)
            if home and home != {command.key}:
                world.excused.add(command.operation)  # that one serves another key by now
            else:
                raise Violation(
                    "made twice", f"{process.name} creates {command.key} again, {one.engine_id} is known"
                )
    for operation in sorted(_open_beside(world, process, command)):
        raise Violation(
            "beside a question", f"{process.name} creates {command.key}, though {operation} is open"
        )
    _check_overtaken(world, process, command, wanted)


def _open_beside(world: World, process: Process, command: Create) -> set[str]:
    """The operations of the key that the ledger has without an answer, as far as its run can know."""
    found = {one for one, key in process.open.items() if key == command.key and one != command.operation}
    found -= world.decided.keys()
    if found and process.looked_at is not None:
        for lock in (world.repo.commits[process.looked_at].lock, process.planned_on):
            found -= answered_in(read_lock(lock))
        found -= {one.operation for one in records_in(process.machine.journal) if not isinstance(one, Begin)}
        found -= world.refused
    return found


def _homes(world: World, process: Process, engine_id: str) -> set[str]:
    """The keys that have it as the run found things, on the branch, or in a proposal."""
    locks = [world.lock(branch) for branch in (PROPOSALS, MAIN) if branch in world.repo.branches]
    locks.append(process.stands)
    return {key for lock in locks for key, entry in entries_of(lock) if engine_id in entry.engine_ids}


def _asked(world: World, process: Process, key: str, tip: str) -> File | None:
    """What is asked for a key, for a run that sees this tip: its own file only where the branch has not moved on."""
    files, head = process.planned_files, process.planned_head
    if files is None:
        files, head = process.machine.files, process.machine.head
    own, there = files.get(key), world.repo.commits[tip].files.get(key)
    base = world.repo.merge_base(head, tip).files.get(key)
    return own if there == base else there


def _check_overtaken(world: World, process: Process, command: Create, wanted: str) -> None:
    """Where the branch has moved on and says otherwise, an older commit creates nothing."""
    if not process.publishes or process.looked_at is None:
        return
    asked = _asked(world, process, command.key, process.looked_at)
    if asked is None or print_of(asked.spec) != wanted:
        raise Violation("older commit", f"{process.name} creates {command.key} for what is no longer asked")


def check_commit(world: World, process: Process, tip: str, before: Lockfile, after: Lockfile) -> None:
    """A run moves the branch: nothing half-made serves, and nothing old comes back.

    What was published last is not old: a branch that was set back gets it again, and the next apply goes on from there.
    """
    check_serving(world, after)
    left = engines_in(before)
    last = read_lock(world.repo.ledger_now().published)
    for key in after.engines.keys() - before.engines.keys():
        entry = after.entry(key)
        assert entry is not None
        back = set(entry.engine_ids) & left
        if key in last.engines:
            back -= engines_in(Lockfile({key: last.engines[key]}))
        homes = {
            name: one for one in before.engines for name in engines_in(Lockfile({one: before.engines[one]}))
        }
        back -= {name for name in back if name in homes and _asked(world, process, homes[name], tip) is None}
        if back and _asked(world, process, key, tip) is None:
            raise Violation("came back", f"{process.name} brings {key} with {sorted(back)} back")
    for key in after.engines.keys() & before.engines.keys():
        old, new = before.entry(key), after.entry(key)
        assert old is not None
        assert new is not None
        asked = _asked(world, process, key, tip)
        if key not in last.engines or last.engines[key].get("protect") != after.engines[key].get("protect"):
            begun = _is_recorded_now(world, old, new)
            _check_protection(process.name, key, asked, old, new, begun=begun)
        _check_undone(world, process.name, key, asked, old, new)
        _check_hold(world, process.name, asked, old, new)
    for operation in (uncertain_in(after) & world.published_decisions) - world.late:
        raise Violation("came back", f"{process.name} brings {operation} back, which was resolved")
    missing = left - engines_in(after)
    if missing:
        raise Violation("lost", f"{process.name} takes {sorted(missing)} out of the lockfile")


def _check_protection(
    name: str, key: str, asked: File | None, old: Entry, new: Entry, *, begun: bool
) -> None:
    """What a run `begun` for a protected engine brings its protection; the next plan reads the file."""
    if asked is not None and new.kept.protect and not old.kept.protect and not asked.protect and not begun:
        raise Violation("came back", f"{name} brings the protection of {key} back")


def _check_undone(world: World, name: str, key: str, asked: File | None, old: Entry, new: Entry) -> None:
    """What serves as main asks goes on; but an operation that a run began on the ledger may still complete."""
    if asked is None or old.current is None or new.current is None:
        return
    wanted = print_of(asked.spec)
    awaited = old.pending is not None and old.pending.operation_id == new.current.operation_id
    awaited = awaited or _is_recorded_now(world, old, new)
    if new.hold is not None and new.hold.holds_back(wanted):
        return  # rolled back
    if old.current.fingerprint == wanted and new.current.fingerprint != wanted and not awaited:
        raise Violation("older commit", f"{name} undoes {key}, which was as main asks")


def _check_hold(world: World, name: str, asked: File | None, old: Entry, new: Entry) -> None:
    """What was rolled back stays so until its file changes or somebody releases it."""
    hold = old.hold
    if hold is None or asked is None or hold.operation_id in world.released or old.current is None:
        return
    wanted = print_of(asked.spec)
    if not hold.holds_back(wanted) or old.current.fingerprint == wanted:
        return
    if new.current is not None and new.current.fingerprint == wanted:
        raise Violation("held", f"{name} switches forward to what {hold.operation_id} holds back")


def _is_recorded_now(world: World, old: Entry, new: Entry) -> bool:
    """Whether what serves by now, or is asked about, is of an operation that a run began on the ledger."""
    asked = {call.operation_id for call in new.unresolved} - {call.operation_id for call in old.unresolved}
    if asked & world.repo.ledger_now().begun.keys():
        return True
    if new.current is None or old.current == new.current:
        return False
    return new.current.operation_id in world.repo.ledger_now().begun


def check_serving(world: World, lock: Lockfile) -> None:
    for key, entry in entries_of(lock):
        if entry.current is None:
            continue
        made = world.platform.engines.get(entry.current.engine_id)
        if made is None or made.status != COMPLETED:
            raise Violation("half-made", f"{key} serves {entry.current.engine_id}, which has not completed")


# ── at rest ────────────────────────────────────────────────────────────────────────────────────────────────────────


def check_nothing_lost(world: World) -> None:
    """Every engine is named by the branch or a report, or its operation is reported as uncertain."""
    known = engines_in(world.lock()) | world.reported
    asked = uncertain_in(world.lock()) | world.doubted
    for one in world.platform.engines.values():
        if one.engine_id in known or one.operation in asked:
            continue
        if one.operation.startswith("hand") and one.engine_id not in world.imported:
            continue
        decided = world.decided.get(one.operation)
        if decided in ("retry", "forget"):  # it arrived after a person had looked
            continue
        if {one.engine_id, one.operation} & world.repo.taken_back():
            continue
        raise Violation(
            "lost", f"{one.engine_id} ({one.operation}, {one.key}, by {one.run}) is named nowhere"
        )


def check_every_question_is_asked(world: World) -> None:
    """An operation that the ledger has without an answer is reported, until a person says what became of it."""
    ledger, lock = world.repo.ledger_now(), world.lock()
    for operation, key in ledger.open.items():
        asked = uncertain_in(lock) | world.doubted
        if operation not in asked | answered_in(lock) | world.decided.keys() | world.refused:
            raise Violation("question dropped", f"nobody asks what became of {operation} of {key}")


def check_nothing_twice(world: World) -> None:
    """No engine is in two places; and no two are for one key and spec, unless the first failed or a person asked."""
    every = [engine for _, entry in entries_of(world.lock()) for engine in entry.engine_ids]
    if len(every) > len(set(every)):
        raise Violation("named twice", f"the lockfile has engines in two places: {sorted(every)}")
    for key, entry in entries_of(world.lock()):
        seen: dict[tuple[str, str], str] = {}
        for engine_id in entry.engine_ids:
            made = world.platform.engines[engine_id]
            if (
                made.status == FAILED
                or engine_id in world.platform.gone
                or not made.publishes
                or made.operation in world.decided.keys() | world.excused
            ):
                continue
            other = seen.setdefault((made.key, made.fingerprint), engine_id)
            if other != engine_id:
                raise Violation("made twice", f"{key} has {other} and {engine_id} for one spec")


def check_decided(world: World) -> None:
    """What a person settled is not asked again, where the ledger was told: one that only git knows of may be."""
    for operation in (uncertain_in(world.lock()) & world.published_decisions) - world.late:
        raise Violation("came back", f"{operation} is uncertain again, which was resolved")


def _is_held(entry: Entry, file: File) -> bool:
    return entry.hold is not None and entry.hold.holds_back(print_of(file.spec))


def check_converged(world: World) -> None:
    """The lockfile has what the files ask for."""
    lock, files = world.lock(), world.repo.tip().files
    if set(lock.engines) != set(files):
        raise Violation(
            "not converged", f"the lockfile has {sorted(lock.engines)}, there are {sorted(files)}"
        )
    for key, file in files.items():
        entry = lock.entry(key)
        assert entry is not None
        held, pending = _is_held(entry, file), entry.pending
        if held and pending is not None and pending.status == "failed":
            pending = None  # of an older file; it goes when the hold is released
        if (
            pending is not None
            or entry.current is None
            or not (held or entry.current.fingerprint == print_of(file.spec))
        ):
            raise Violation("not converged", f"{key} is not what its file asks for")
        if entry.kept.protect != file.protect:
            raise Violation("not converged", f"the protection of {key} is not what its file says")
