"""What people do with git: edit, branch, merge, revert, force-push; and work at their desks."""

from __future__ import annotations

from random import Random

from reconciler.core.errors import LockfileError
from tests.simulation import laws
from tests.simulation.machine import SPECS, Machine
from tests.simulation.naming import engines_in, named, uncertain_in
from tests.simulation.repo import (
    MAIN,
    PROPOSALS,
    Commit,
    File,
    Files,
    Repo,
    merge_files,
    merge_locks,
    read_lock,
)
from tests.simulation.world import Violation, World

KEYS = ("acme", "blog", "shop")


def edited(files: Files, rng: Random) -> tuple[dict[str, File], str]:
    """The files after one change, and what it was. One file is never touched, so that there always is one."""
    result = dict(files)
    key, spec = rng.choice(KEYS), rng.choice(list(SPECS))
    match rng.choice(("set", "set", "set", "delete", "rename", "rename", "protect", "lift")):
        case "set":
            result[key] = File(spec, result[key].protect if key in result else False)
            return result, f"{key} asks for {spec}"
        case "delete":
            result.pop(key, None)
            return result, f"{key} is deleted"
        case "rename":
            other = rng.choice([one for one in KEYS if one != key])
            if key in result and other not in result:
                result[other] = result.pop(key)
                return result, f"{key} is renamed to {other}"
        case "protect" if key in result:
            result[key] = File(result[key].spec, True)
            return result, f"{key} is protected"
        case "lift" if key in result:
            result[key] = File(result[key].spec, False)
            return result, f"{key} is no longer protected"
    return result, "nothing"


def edited_much(files: Files, rng: Random) -> tuple[dict[str, File], str]:
    """The files after several changes in one commit: two keys change places, a file is copied, and so on."""
    result, said = dict(files), []
    for _ in range(rng.randint(1, 4)):
        one, two = rng.sample(KEYS, 2)
        how = rng.choice(("swap", "swap", "copy", "onto", "change", "change"))
        if how == "change" or one not in result:
            result, what = edited(result, rng)
        elif how == "swap" and two in result:
            result[one], result[two] = result[two], result[one]
            what = f"{one} and {two} change places"
        elif how == "copy":
            result[two], what = result[one], f"{one} is copied to {two}"
        else:
            result[two], what = result.pop(one), f"{one} is put in the place of {two}"
        said.append(what)
    return result, ", ".join(said)


def _put(world: World, branch: str, commit: Commit, what: str) -> None:
    before = world.repo.branches.get(branch)
    world.repo.branches[branch] = commit.id
    world.say(f"{branch} {before} → {commit.id}: {what}")
    if branch == MAIN:
        laws.check_serving(world, world.lock())


def _merged(world: World, ours: str, theirs: str, rng: Random) -> tuple[dict[str, File], bytes]:
    """Files and lockfile of a merge; the merge driver leaves nothing to people."""
    try:
        return world.repo.merged(ours, theirs, rng)
    except LockfileError as error:
        raise Violation("conflict", f"{theirs} cannot be merged into {ours}: {error.message}") from error


def edit(world: World, branch: str, rng: Random, *, much: bool = False) -> None:
    """A commit on a branch."""
    tip = world.repo.tip(branch)
    files, what = edited_much(tip.files, rng) if much else edited(tip.files, rng)
    if files != tip.files:
        _put(world, branch, world.repo.add((tip.id,), files, tip.lock, what), what)


def fork(world: World, branch: str, rng: Random) -> None:
    """A branch for a change, from the newest commit or one a little older."""
    log = list(world.repo.first_parents(world.repo.branches[MAIN]))[:4]
    start = rng.choice([log[0], *log])
    world.repo.branches[branch] = start.id
    world.say(f"{branch} from {start.id}")
    edit(world, branch, rng)


def merge_branch(world: World, branch: str, rng: Random) -> None:
    """Into main: as a merge, squashed or rebased, which is one commit here as well."""
    repo = world.repo
    if branch not in repo.branches or repo.is_ancestor(repo.branches[branch], repo.branches[MAIN]):
        return
    files, lock = _merged(world, repo.branches[MAIN], repo.branches[branch], rng)
    way = rng.choice(("merge", "squash"))
    parents = (repo.branches[MAIN],) if way == "squash" else (repo.branches[MAIN], repo.branches[branch])
    _put(world, MAIN, repo.add(parents, files, lock, way), f"{way} of {branch}")
    if branch != PROPOSALS and rng.random() < 0.7:
        del repo.branches[branch]


def update_branch(world: World, branch: str, rng: Random, *, rebase: bool = False) -> None:
    """Main is merged into a branch, or the branch is put on top of it, as a person does who wants to catch up."""
    repo = world.repo
    if branch not in repo.branches:
        return
    mine, main = repo.branches[branch], repo.branches[MAIN]
    files, lock = _merged(world, mine, main, rng)
    parents = (main,) if rebase else (mine, main)
    _put(world, branch, repo.add(parents, files, lock, "merge"), "rebased" if rebase else "merge of main")


def revert(world: World, rng: Random, *, lockfile: bool = False) -> None:
    """A recent commit that changed engine files is undone; its changes of the lockfile only where that is asked."""
    repo = world.repo
    tip = repo.tip()
    recent = [one for one in list(repo.first_parents(tip.id))[:12] if one.parents]
    changing = [one for one in recent if lockfile or repo.commits[one.parents[0]].files != one.files]
    if not changing:
        return
    commit = rng.choice(changing[:3])
    before = repo.commits[commit.parents[0]]
    files, lock = merge_files(commit.files, tip.files, before.files, rng), tip.lock
    if lockfile and commit.lock != before.lock:
        lock = merge_locks(commit.lock, tip.lock, before.lock)
    if (files, lock) != (tip.files, tip.lock):
        _put(world, MAIN, repo.add((tip.id,), files, lock, "revert"), f"revert of {commit.id}")


def cherry_pick(world: World, rng: Random) -> None:
    """What one commit changed, its lockfile too, is put on top of main."""
    repo, tip = world.repo, world.repo.tip()
    others = [one for one in list(repo.commits.values())[-20:] if len(one.parents) == 1]
    if not others:
        return
    commit = rng.choice(others)
    before = repo.commits[commit.parents[0]]
    files = merge_files(before.files, tip.files, commit.files, rng)
    lock = merge_locks(before.lock, tip.lock, commit.lock)
    if (files, lock) != (tip.files, tip.lock):
        _put(world, MAIN, repo.add((tip.id,), files, lock, "pick"), f"pick of {commit.id}")


def merge_by_hand(world: World, branch: str, rng: Random) -> None:
    """Into main, but with the lockfile of one side as it is: `git checkout --ours`, or `--theirs`."""
    repo = world.repo
    if branch not in repo.branches or repo.is_ancestor(repo.branches[branch], repo.branches[MAIN]):
        return
    mine, yours = repo.tip(), repo.tip(branch)
    files, _ = _merged(world, mine.id, yours.id, rng)
    lock = rng.choice((mine.lock, yours.lock))
    _put(world, MAIN, repo.add((mine.id, yours.id), files, lock, "by hand"), f"merge of {branch} by hand")


def set_back(world: World, rng: Random) -> None:
    """Somebody forces main back over some commits."""
    log = list(world.repo.first_parents(world.repo.branches[MAIN]))
    if len(log) > 1:
        _put(world, MAIN, rng.choice(log[1:5]), "set back by force")


# ── at a desk ──────────────────────────────────────────────────────────────────────────────────────────────────────


def edit_here(world: World, machine: Machine, rng: Random, *, much: bool = False) -> None:
    machine.files, what = edited_much(machine.files, rng) if much else edited(machine.files, rng)
    world.say(f"{machine.name}: {what}, not committed")


def tidy_up(world: World, machine: Machine, rng: Random) -> None:
    """Somebody deletes the lockfile, or the state folder, where neither has anything that the remote has not."""
    if machine.process is not None:
        return
    lock = read_lock(machine.lock)
    if rng.random() < 0.6 and engines_in(lock) <= named(world.repo) and not uncertain_in(lock):
        machine.lock = b""
        world.say(f"{machine.name}: deletes the lockfile")
    else:
        machine.fetched = b""
        world.say(f"{machine.name}: deletes what was fetched")


def commit_here(world: World, machine: Machine) -> Commit:
    """Everything in the work tree, the lockfile as well."""
    head = world.repo.commits[machine.head]
    if machine.files == head.files and machine.lock == head.lock:
        return head
    commit = world.repo.add((head.id,), machine.files, machine.lock, "desk")
    machine.head = commit.id
    world.say(f"{machine.name}: commits {commit.id}")
    return commit


def pull(world: World, machine: Machine, rng: Random) -> None:
    """Commit what is here, and merge what main has."""
    repo, mine = world.repo, commit_here(world, machine)
    tip = repo.tip()
    if repo.is_ancestor(tip.id, mine.id):
        return
    if repo.is_ancestor(mine.id, tip.id):
        machine.check_out(tip)
        world.say(f"{machine.name}: pulls {tip.id}")
        return
    files, lock = _merged(world, mine.id, tip.id, rng)
    machine.check_out(repo.add((mine.id, tip.id), files, lock, "pull"))
    world.say(f"{machine.name}: merges {tip.id} as {machine.head}")


def push(world: World, machine: Machine, rng: Random) -> None:
    """To main, after a pull where that is needed."""
    pull(world, machine, rng)
    if machine.head != world.repo.branches[MAIN]:
        _put(world, MAIN, world.repo.commits[machine.head], f"push from {machine.name}")


def push_branch(world: World, machine: Machine, branch: str) -> None:
    """What is here becomes a branch, for a pull request."""
    _put(world, branch, commit_here(world, machine), f"push from {machine.name}")


def take_over(world: World, machine: Machine, commit: Commit) -> None:
    """`git checkout`: what is committed there, on top of nothing else."""
    machine.check_out(commit)
    world.say(f"{machine.name}: checks out {commit.id}")


def log_of(repo: Repo) -> list[Commit]:
    """Main's commits, newest first."""
    return list(repo.first_parents(repo.branches[MAIN]))
