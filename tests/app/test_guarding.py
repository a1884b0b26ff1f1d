"""Guards and saved plans, from the files to the outcome."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

import pytest

from reconciler.app.planning import PlanResult
from reconciler.core.engine.fingerprint import blob_id
from reconciler.core.engine.spec import Desired, LifecycleOptions, Output, Spec
from reconciler.core.errors import Diagnostic, ExitCode, GuardRefused, UsageError
from reconciler.core.lockfile import model as lockfile_format
from reconciler.core.lockfile.model import EMPTY, Lockfile
from reconciler.core.plan.limits import Limit, Policy
from reconciler.core.plan.model import Kind, Plan
from reconciler.core.plan.saved import SavedPlan, apply_document
from reconciler.core.run.outcome import Outcome, Status, outcome_of_plan
from tests.app.ports import MemoryEngines, Scene
from tests.core.build import current, entry, failed, lockfile

ACME, BLOG, SHOP = Spec("Acme"), Spec("Blog"), Spec("Shop")
ACME_2 = Spec("Acme", locales=("de",))


class KeptEngines(MemoryEngines):
    """Engine files that say more than their spec."""

    kept: dict[str, LifecycleOptions]

    def blob_ids(self, path: str, length: int) -> str | None:
        spec = self.specs.get(path.removeprefix("engines/").removesuffix(".yaml"))
        return None if spec is None else self._id(path, length)

    def load(self, key: str, path: str, id_length: int) -> Desired | list[Diagnostic]:
        loaded = super().load(key, path, id_length)
        if isinstance(loaded, list):
            return loaded
        kept = self.kept.get(key, LifecycleOptions())
        return replace(
            loaded, files={path: self._id(path, id_length)}, protect=kept.protect, outputs=kept.outputs
        )

    def _id(self, path: str, length: int) -> str:
        key = path.removeprefix("engines/").removesuffix(".yaml")
        return blob_id(repr((self.specs[key], self.kept.get(key))).encode(), length)


def scene(specs: Mapping[str, Spec], lock: Lockfile = EMPTY, **kept: LifecycleOptions) -> Scene:
    made = Scene(specs, lock)
    made.engines = KeptEngines(dict(specs))
    made.engines.kept = dict(kept)
    return made


def carry_out(made: Scene, planned: PlanResult) -> Outcome:
    return asyncio.run(made.driver(planned).drive(planned.recorded.on_disk))


def statuses(outcome: Outcome) -> dict[str, Status]:
    return {result.key: result.status for result in outcome.results}


def protected(**engines: Spec) -> Lockfile:
    return lockfile(
        {
            key: replace(entry(current(key, spec)), kept=LifecycleOptions(True))
            for key, spec in engines.items()
        }
    )


# ── guards ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_guarded_engine_does_not_keep_the_others_from_being_made() -> None:
    made = scene({"acme": ACME_2, "blog": BLOG}, protected(acme=ACME), acme=LifecycleOptions(True))
    outcome = carry_out(made, made.plan())
    assert statuses(outcome) == {"acme": Status.GUARDED, "blog": Status.DONE}
    assert outcome.exit_code is ExitCode.GUARD
    assert made.platform.operations == ["op_1"]
    assert made.lockfile.entry("acme") == protected(acme=ACME).entry("acme")
    (held,) = [one for one in outcome.results if one.status is Status.GUARDED]
    assert held.error == "it is protected"
    assert "--allow-replace acme" in (held.hint or "")


def test_a_plan_of_nothing_else_has_nothing_to_do_and_says_so() -> None:
    made = scene({"acme": ACME_2}, protected(acme=ACME), acme=LifecycleOptions(True))
    plan = made.plan().plan
    assert not plan.changes_anything
    assert plan.summary()["guarded"] == 1
    assert outcome_of_plan(plan).exit_code is ExitCode.GUARD


def test_named_engines_are_replaced_and_stay_protected() -> None:
    made = scene({"acme": ACME_2}, protected(acme=ACME), acme=LifecycleOptions(True))
    outcome = carry_out(made, made.plan(policy=Policy(allow_replace=frozenset({"acme"}))))
    assert statuses(outcome) == {"acme": Status.DONE}
    assert made.lockfile.entry("acme").kept == LifecycleOptions(True)
    assert made.plan().plan.actions == ()


def test_the_limit_is_of_the_policy() -> None:
    before = lockfile({"acme": entry(current("a", ACME)), "blog": entry(current("b", BLOG))})
    made = scene({"acme": ACME_2, "blog": BLOG}, before)
    plan = made.plan(policy=Policy(max_replace=Limit(0))).plan
    assert [one.guard for one in plan.actions] == [
        "this run would replace 1 of 2 engines; the limit is 0 (max_replace: 0)"
    ]


def test_a_name_that_nobody_knows_is_refused() -> None:
    made = scene({"acme": ACME})
    with pytest.raises(UsageError):
        made.plan(policy=Policy(allow_retire=frozenset({"acne"})))


def test_a_new_engine_is_recorded_with_all_that_its_file_says() -> None:
    kept = LifecycleOptions(True, (Output("i18n.json", "/engineId"),))
    made = scene({"acme": ACME}, acme=kept)
    carry_out(made, made.plan())
    assert made.lockfile.entry("acme").kept == kept
    assert made.plan().plan.actions == ()
    made.engines.loaded.clear()
    made.plan()
    assert made.engines.loaded == []


def test_only_protection_or_outputs_changing_writes_the_lockfile_and_calls_nobody() -> None:
    made = scene({"acme": ACME}, lockfile({"acme": entry(current("a", ACME))}), acme=LifecycleOptions(True))
    planned = made.plan()
    assert [one.kind for one in planned.plan.actions] == [Kind.RECORD]
    outcome = carry_out(made, planned)
    assert outcome.wrote
    assert made.platform.operations == []
    assert made.lockfile.entry("acme").kept == LifecycleOptions(True)
    assert made.plan().plan.actions == ()


# ── saved plans ────────────────────────────────────────────────────────────────────────────────────────────────────


def saved(made: Scene, *, retry_failed: bool = False) -> SavedPlan:
    planned = made.plan(retry_failed=retry_failed)
    document = apply_document(planned.plan, planned.recorded.folded, retry_failed)
    return SavedPlan(planned.plan, document["entries"], retry_failed)


def kinds(plan: Plan) -> dict[str, Kind]:
    return {action.key: action.kind for action in plan.actions}


def test_a_saved_plan_is_applied_and_nothing_besides() -> None:
    made = scene({"acme": ACME, "blog": BLOG})
    plan = saved(made)
    made.engines.specs["shop"] = SHOP
    outcome = carry_out(made, made.plan(saved=plan))
    assert statuses(outcome) == {"acme": Status.DONE, "blog": Status.DONE}
    assert "shop" not in made.lockfile.read()[0].engines


def test_what_others_do_meanwhile_does_not_matter_even_if_it_is_broken() -> None:
    made = scene({"acme": ACME, "blog": BLOG}, lockfile({"blog": entry(current("b", BLOG))}))
    plan = saved(made)
    made.engines.wrong["shop"] = [Diagnostic("wrong", "engines/shop.yaml")]
    made.lockfile.content = lockfile_format.render(lockfile({"blog": entry(current("other", BLOG))}))
    assert kinds(made.plan(saved=plan).plan) == {"acme": Kind.CREATE}


def test_a_first_plan_is_refused_when_another_run_came_first() -> None:
    made = scene({"acme": ACME})
    plan = saved(made)
    carry_out(made, made.plan())
    with pytest.raises(GuardRefused, match="is out of date") as caught:
        made.plan(saved=plan)
    assert caught.value.exit_code is ExitCode.GUARD


def test_an_edit_after_it_was_made_is_refused() -> None:
    made = scene({"acme": ACME})
    plan = saved(made)
    made.engines.specs["acme"] = ACME_2
    with pytest.raises(GuardRefused) as caught:
        made.plan(saved=plan)
    assert [one.message for one in caught.value.diagnostics] == ["`acme`: its file changed since the plan"]


def test_a_file_that_came_to_be_wrong_is_told_as_such() -> None:
    made = scene({"acme": ACME})
    plan = saved(made)
    made.engines.wrong["acme"] = [Diagnostic("wrong", "engines/acme.yaml")]
    assert made.plan(saved=plan).plan.invalid


def test_a_plan_to_retry_is_one_when_it_is_applied() -> None:
    made = scene({"acme": ACME}, lockfile({"acme": entry(None, failed("a", ACME))}))
    assert kinds(made.plan(saved=saved(made)).plan) == {"acme": Kind.NONE}
    assert kinds(made.plan(saved=saved(made, retry_failed=True)).plan) == {"acme": Kind.CREATE}


def test_an_engine_that_is_gone_is_retired_as_planned() -> None:
    made = scene(
        {"blog": BLOG}, lockfile({"acme": entry(current("a", ACME)), "blog": entry(current("b", BLOG))})
    )
    plan = saved(made)
    carry_out(made, made.plan(saved=plan))
    assert made.lockfile.read()[0].retired.keys() == {"acme"}
    made.engines.specs["acme"] = ACME
    with pytest.raises(GuardRefused):
        made.plan(saved=plan)


def test_a_guard_holds_for_what_the_plan_comes_to_now() -> None:
    before = lockfile({"acme": entry(current("a", ACME)), "blog": entry(current("b", BLOG))})
    made = scene({"acme": ACME_2, "blog": BLOG}, before)
    plan = saved(made)
    made.engines.specs["blog"] = SHOP  # not in the plan, so it does not count to the limit either
    policy = Policy(max_replace=Limit(1))
    now = made.plan(saved=plan, policy=policy).plan
    assert [(one.key, one.guard) for one in now.actions] == [("acme", None)]
