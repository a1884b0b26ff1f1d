from __future__ import annotations

import pytest

from reconciler.app.applying import refuse_if_stale
from reconciler.core.engine.spec import Spec
from reconciler.core.errors import Diagnostic, ExitCode, GuardRefused
from reconciler.core.ledger import journal
from tests.app.ports import Scene
from tests.core.build import accepted, begin, current, ended, entry, lockfile, pending, uncertain

ACME, BLOG = Spec("Acme"), Spec("Blog")


def test_the_plan_that_was_shown_may_be_carried_out() -> None:
    scene = Scene({"acme": ACME})
    refuse_if_stale(scene.plan().plan, scene.plan().plan)


def test_an_edit_after_the_plan_was_shown_is_refused() -> None:
    scene = Scene({"acme": ACME})
    shown = scene.plan().plan
    scene.engines.specs["acme"] = BLOG
    with pytest.raises(GuardRefused, match="since the plan was shown") as caught:
        refuse_if_stale(shown, scene.plan().plan)
    assert caught.value.exit_code == ExitCode.GUARD
    assert caught.value.hint


def test_another_lockfile_or_journal_is_refused_even_when_the_actions_are_the_same() -> None:
    scene = Scene({"acme": ACME}, lockfile({"blog": entry(current("b", BLOG))}))
    scene.engines.specs["blog"] = BLOG
    shown = scene.plan().plan
    scene.journal.content = journal.render([begin("x", BLOG, 1, key="blog")])
    with pytest.raises(GuardRefused):
        refuse_if_stale(shown, scene.plan().plan)


def test_files_that_became_invalid_are_refused() -> None:
    scene = Scene({"acme": ACME}, lockfile({"acme": entry(current("a", ACME))}))
    shown = scene.plan().plan
    scene.engines.wrong["blog"] = [Diagnostic("wrong", "engines/blog.yaml")]
    now = scene.plan().plan
    assert shown.digest == now.digest
    with pytest.raises(GuardRefused):
        refuse_if_stale(shown, now)


def test_each_creating_action_has_an_operation_of_its_own_and_no_other_has_one() -> None:
    before = lockfile(
        {
            "edited": entry(current("edited", ACME)),
            "running": entry(None, pending("running", BLOG)),
            "doubtful": entry(None, uncertain("doubtful", ACME)),
        }
    )
    scene = Scene({"new": Spec("New"), "edited": Spec("Edited"), "running": BLOG, "doubtful": ACME}, before)
    outcome = scene.apply()
    assert sorted(scene.platform.operations) == ["op_1", "op_2"]
    assert scene.log[0] == "told begun 2 1"
    assert outcome.exit_code == ExitCode.UNCERTAIN


def test_a_run_with_nothing_to_do_but_a_journal_writes_what_the_journal_knows() -> None:
    scene = Scene({"acme": ACME})
    scene.journal.content = journal.render([begin("x", ACME, 1), accepted("x", 2), ended("x", 3)])
    planned = scene.plan()
    assert planned.plan.actions == ()
    assert planned.plan.unwritten == 1
    outcome = scene.apply()
    assert outcome.wrote
    assert scene.log[-2:] == ["lockfile written", "journal compacted"]
    done = scene.lockfile.entry("acme").current
    assert done is not None
    assert done.engine_id == "eng_x"
    assert scene.platform.operations == []


def test_after_an_apply_nothing_is_left_to_do() -> None:
    specs = {f"e{number}": Spec(f"E{number}") for number in range(20)}
    scene = Scene(specs, lockfile({"gone": entry(current("gone", BLOG))}))
    scene.apply()
    left = scene.plan().plan
    assert left.actions == ()
    assert len(left.unchanged) == 20
    before = scene.lockfile.content
    assert not scene.apply().wrote
    assert scene.lockfile.content == before
