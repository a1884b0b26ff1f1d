"""`reconcile prune`: what is out of use goes, what is in use anywhere stays, and an interrupted one is finished."""

from __future__ import annotations

import json

import pytest

from tests import plain_http
from tests.e2e.far_ends import KEY, Project, wait_until
from tests.e2e.prune_world import (
    apply_name,
    colleague,
    deletes,
    fault,
    in_step,
    past,
    publish_change,
    there,
)


@pytest.fixture
def desk(replaced_twice: Project) -> Project:
    return replaced_twice


def test_what_is_out_of_use_goes_and_one_stays_for_a_rollback(desk: Project) -> None:
    one, two = past(desk)
    serving = desk.entry("acme")["engineId"]
    before = desk.snapshot()
    shown = desk.run("prune", "--dry-run", env={"LINGO_API_KEY": None})
    shown.ended(0, f"- acme  {one}", f"acme  {two}", "kept for a rollback", "Plan: 1 to delete, 1 kept.")
    assert desk.snapshot() == before
    desk.run("prune").ended(64, "--yes")
    desk.run("prune", "--yes", "--publish").ended(0, f"acme: {one} deleted", "Next: git add")
    assert there(desk) == {serving, two}
    in_step(desk)
    assert past(desk) == [two]
    assert f"deleted {one}" in desk.git("log", "-1", "--format=%B")
    desk.run("history").ended(0, "deleted")
    desk.run("prune", "--yes", "--publish").ended(0, "No engines to delete: 1 kept.")
    desk.run("rollback", "acme", "--yes", "--publish").ended(0, f"{serving} → {two}")
    colleague(desk).run("plan", "--detailed-exitcode").ended(0)


def test_age_counts_and_what_is_asked_for_in_other_words_is_refused(desk: Project) -> None:
    young = desk.run("prune", "--dry-run", "--keep", "0", "--older-than", "14d")
    young.ended(0, "less than 14d", "No engines to delete: 2 kept.")
    desk.run("prune", "--dry-run", "--keep", "0", "--older-than", "0s").ended(0, "Plan: 2 to delete")
    for wrong in (
        ("--older-than", "a fortnight"),
        ("--older-than", "-1d"),
        ("--keep", "-1"),
        ("--keep", "many"),
        ("--only", "acne"),
        ("--allow-prune", "acne"),
        ("--deleted-by-hand", "eng_unknown"),
        ("--deleted-by-hand", "../x"),
        ("--deleted-by-hand", "eng_x", "--dry-run"),
        ("acme",),
    ):
        desk.run("prune", "--dry-run", *wrong).ended(64) if "--deleted-by-hand" not in wrong else desk.run(
            "prune", *wrong
        ).ended(64)
    assert deletes(desk) == []


def test_an_engine_in_use_is_never_recorded_as_deleted(desk: Project) -> None:
    serving = desk.entry("acme")["engineId"]
    for publish in ("--publish", "--no-publish"):
        desk.run("prune", "--deleted-by-hand", serving, publish).ended(
            64, f"{serving} is not out of use: in use for `acme`"
        )
    assert desk.entry("acme")["engineId"] == serving


def test_json_says_what_is_done_with_each_engine_and_what_became_of_it(desk: Project) -> None:
    one, two = past(desk)
    document = desk.run("prune", "--dry-run", "--format", "json").ended(0).json
    assert [(e["engineId"], e["action"]) for e in document["engines"]] == [(one, "delete"), (two, "keep")]
    assert not document["applied"]
    ran = desk.run("prune", "--yes", "--publish", "--format", "json").ended(0).json
    assert ran["applied"]
    assert ran["engines"][0]["result"] == "deleted"
    assert ran["counts"] == {"delete": 1, "keep": 1, "hold back": 0}


def test_a_retired_engine_goes_and_its_key_with_it(desk: Project) -> None:
    apply_name(desk, "Blog", "blog")
    blog = desk.entry("blog")["engineId"]
    (desk.root / "engines/blog.yaml").unlink()
    publish_change(desk)
    assert "blog" in desk.lock["retired"]
    desk.run("prune", "--yes", "--publish", "--only", "blog").ended(0, f"blog: {blog} deleted")
    in_step(desk)
    assert "retired" not in desk.lock
    assert blog not in there(desk)
    assert len(past(desk)) == 2


def test_protection_and_the_limit_hold_back(desk: Project) -> None:
    apply_name(desk, "Three", more="lifecycle: {protect: true}\n")
    held = desk.run("prune", "--yes", "--publish", "--keep", "0")
    held.ended(6, "`acme` is protected", "reconcile prune --publish --allow-prune acme")
    assert deletes(desk) == []
    one, two = past(desk)
    desk.run("prune", "--yes", "--publish", "--keep", "0", "--allow-prune", "acme").ended(0, "2 deleted")
    in_step(desk)
    apply_name(desk, "Three")
    for name in ("Four", "Five"):
        apply_name(desk, name)
    limited = {"RECONCILE_MAX_PRUNE": "1"}
    over = desk.run("prune", "--yes", "--publish", "--keep", "0", env=limited)
    over.ended(6, "this run would delete 2 of 3 engines; the limit is 1 (max_prune: 1)")
    assert deletes(desk) == [one, two]


def test_an_engine_in_use_anywhere_stays(desk: Project) -> None:
    """Behind a hold, or on the branch that a stale clone has not pulled."""
    one, two = past(desk)
    stale = colleague(desk, "stale")
    desk.run("rollback", "acme", "--to", one, "--yes", "--publish").ended(0)
    in_step(desk)
    held = desk.run("prune", "--yes", "--publish", "--keep", "0")
    held.ended(0, "rolled back from; run `reconcile release acme --publish` first", f"acme: {two} deleted")
    assert there(desk) == {one, stale.entry("acme")["engineId"]}
    again = stale.run("prune", "--yes", "--no-publish", "--keep", "0")  # it lists what serves by now
    again.ended(0, f"{one}  superseded", "in use for `acme` on `main`")
    assert one in there(desk)


def test_an_output_that_still_has_the_old_id_keeps_it(desk: Project) -> None:
    one, two = past(desk)
    (desk.root / "app.json").write_text(json.dumps({"engineId": "x"}))
    apply_name(desk, "Three", more="outputs: [{file: app.json, pointer: /engineId}]\n")
    (desk.root / "app.json").write_text(json.dumps({"engineId": one}))
    kept = desk.run("prune", "--dry-run", "--keep", "0")
    kept.ended(0, f"{one}", "app.json has it", "Plan: 1 to delete, 1 kept.")
    desk.commit("Put the old ID back")
    desk.git("push", "--quiet")
    other = colleague(desk)
    (other.root / "app.json").write_text("{}")  # only the branch has it
    other.run("prune", "--yes", "--publish", "--keep", "0").ended(
        0, "app.json on `main` has it", f"{two} deleted"
    )
    assert one in there(desk)
    (desk.root / "app.json").unlink()
    (desk.root / "app.json").mkdir()
    desk.run("prune", "--yes", "--publish", "--keep", "0").ended(3, "app.json cannot be read")
    assert deletes(desk) == [two]


def test_another_environment_that_names_it_keeps_it_and_one_that_cannot_be_read_stops_it(
    desk: Project,
) -> None:
    one, two = past(desk)
    (desk.root / "reconcile.yaml").write_text(
        "environments:\n  production: {}\n  staging: {lockfile: staging.lock.json}\n"
    )
    entry = desk.entry("acme")
    staging = {**entry["superseded"][0]}
    staging.pop("replacedAt")
    (desk.root / "staging.lock.json").write_text(json.dumps({"version": 1, "engines": {"acme": staging}}))
    kept = desk.run("prune", "--dry-run", "--keep", "0")
    kept.ended(0, f"{one}", "named by the environment `staging`", "Plan: 1 to delete, 1 kept.")
    desk.commit()
    desk.git("push", "--quiet")
    (desk.root / "staging.lock.json").unlink()
    desk.run("prune", "--yes", "--publish", "--keep", "0").ended(3)  # git has it, and the work tree has not
    (desk.root / "staging.lock.json").write_text('{"version": 1, "engines": {}}')
    gone = desk.run("prune", "--yes", "--publish", "--keep", "0")  # the branch still has it
    gone.ended(0, "named by the environment `staging`", f"{two} deleted")
    (desk.root / "staging.lock.json").write_text("{")
    desk.run("prune", "--yes", "--publish", "--keep", "0").ended(3, "staging.lock.json")
    assert deletes(desk) == [two]


def test_a_remote_that_cannot_be_read_stops_it(desk: Project) -> None:
    (desk.root.parent / "origin.git").rename(desk.root.parent / "elsewhere.git")
    for publish in ("--publish", "--no-publish"):
        desk.run("prune", "--yes", publish, "--keep", "0").ended(1)
    assert deletes(desk) == []
    desk.run("prune", "--dry-run", "--keep", "0").ended(0, "Plan: 2 to delete")


@pytest.mark.parametrize("publish", ["--publish", "--no-publish"])
@pytest.mark.parametrize("do", ["lost-answer", "drop", "status=500", "error-after=503", "html=502"])
def test_a_lost_answer_is_asked_for_again(desk: Project, do: str, publish: str) -> None:
    one, _ = past(desk)
    fault(desk, do)
    desk.run("prune", "--yes", publish).ended(0, f"{one} deleted")
    assert one not in there(desk)
    assert desk.records() in ([], ["pruning", "pruned"])


def test_an_outcome_that_stays_unknown_is_marked_and_finished_by_the_next(desk: Project) -> None:
    one, two = past(desk)
    fault(desk, "status=500", times=3)
    unknown = desk.run("prune", "--yes", "--publish")
    unknown.ended(1, f"{one} outcome unknown", "1 outcome unknown", "reconcile prune --publish")
    in_step(desk)
    assert list(desk.entry("acme")["pruning"]) == [one]
    assert desk.lock["version"] == 2
    desk.run("rollback", "acme", "--to", one, "--yes", "--publish").ended(64, "is being deleted")
    desk.engine("acme", "name: One\n")
    desk.run("plan").ended(0, "1 to replace")  # and not to restore
    desk.git("checkout", "--quiet", "engines")
    desk.run("prune", "--yes", "--publish", "--older-than", "1d").ended(0, f"{one} deleted")
    in_step(desk)
    assert past(desk) == [two]
    assert desk.lock["version"] == 1


@pytest.mark.parametrize("status", [405, 501, 404])
def test_without_such_a_call_it_says_what_to_do_by_hand(desk: Project, status: int) -> None:
    one, two = past(desk)
    lockfile = desk.lockfile.read_bytes()
    fault(desk, f"status={status}", times=None)
    ran = desk.run("prune", "--yes", "--publish", "--keep", "0")
    command = f"reconcile prune --publish --deleted-by-hand {one} --deleted-by-hand {two}"
    ran.ended(1, "dashboard", f"{one}  One (acme)", f"{two}  Two (acme)", command)
    desk.git("fetch", "--quiet")
    assert (
        desk.git("show", "origin/main:engines.lock.json").encode() == lockfile == desk.lockfile.read_bytes()
    )
    plain_http.delete(f"{desk.url}/sandbox/faults")
    desk.run(*command.split()[1:]).ended(64, f"the platform still has {one}")
    for engine in (one, two):
        plain_http.delete(f"{desk.url}/engines/{engine}", headers={"X-API-Key": KEY}).raise_for_status()
    desk.run(*command.split()[1:]).ended(0, "deleted by hand (recorded and published)")
    in_step(desk)
    assert past(desk) == []


@pytest.mark.parametrize(("status", "said"), [(401, "(401)"), (403, "(403)"), (402, "402"), (429, "(429)")])
def test_what_is_refused_for_the_organization_stops_the_run(desk: Project, status: int, said: str) -> None:
    one, two = past(desk)
    fault(desk, f"status={status}", times=None)
    ran = desk.run("prune", "--yes", "--publish", "--keep", "0")
    ran.ended(1, f"acme: {one} not deleted", said, f"acme: {two} left", "0 deleted, 1 not deleted, 1 left.")
    assert deletes(desk) == [one]
    in_step(desk)
    assert "pruning" not in desk.entry("acme")
    assert past(desk) == [one, two]


def test_what_is_refused_for_one_engine_does_not_keep_the_others(desk: Project) -> None:
    one, two = past(desk)
    fault(desk, "status=409", match="One")
    ran = desk.run("prune", "--yes", "--publish", "--keep", "0")
    ran.ended(1, f"acme: {one} not deleted", f"acme: {two} deleted")
    assert past(colleague(desk)) == [one]


def test_one_prunes_while_another_rolls_back(desk: Project) -> None:
    """Whoever is first: what serves is there, and nothing switches to what is gone."""
    one, two = past(desk)
    other = colleague(desk)
    third = colleague(desk, "third")
    other.run("rollback", "acme", "--to", one, "--yes", "--publish").ended(0)
    desk.run("prune", "--yes", "--publish", "--keep", "0").ended(0, f"{two} deleted")  # from a stale clone
    assert one in there(desk)
    third.run("rollback", "acme", "--to", two, "--yes", "--publish").ended(64)
    fresh = colleague(desk, "fresh")
    assert fresh.entry("acme")["engineId"] == one
    assert two not in fresh.lockfile.read_text()
    fresh.run("plan", "--detailed-exitcode").ended(0)


def test_a_change_of_the_same_entry_elsewhere_does_not_bring_it_back(desk: Project) -> None:
    one, _ = past(desk)
    other = colleague(desk)
    other.engine("acme", "name: Four\n")
    other.commit()
    desk.run("prune", "--yes", "--publish", "--keep", "0").ended(0, "2 deleted")
    other.apply("--no-publish").ended(0)  # with the lockfile from before
    assert one in other.lockfile.read_text()
    other.git("fetch", "--quiet")
    base, ours, theirs = (other.root / name for name in ("base.json", "ours.json", "theirs.json"))
    base.write_text(other.git("show", "HEAD:engines.lock.json"))
    theirs.write_text(other.git("show", "origin/main:engines.lock.json"))
    ours.write_bytes(other.lockfile.read_bytes())
    other.run("lockfile", "merge", str(base), str(ours), str(theirs)).ended(0)
    merged = json.loads(ours.read_text())["engines"]["acme"]
    assert [past["engineId"] for past in merged["superseded"]] == [desk.entry("acme")["engineId"]]


def test_another_run_that_has_the_lease_is_not_disturbed(desk: Project) -> None:
    desk.engine("slow", "name: 'Slow [sandbox: slow=60]'\n")
    desk.commit()
    desk.git("push", "--quiet")
    running = desk.start("apply", "--yes", "--publish")
    wait_until(lambda: "Slow" in plain_http.get(f"{desk.url}/sandbox/requests").text, "the create call")
    colleague(desk).run("prune", "--yes", "--publish", "--keep", "0").ended(5)
    running.kill()
    running.wait()
    assert deletes(desk) == []
