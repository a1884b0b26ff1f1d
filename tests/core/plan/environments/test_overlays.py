from __future__ import annotations

from reconciler.core.engine.overlay import Beside, Lone
from reconciler.core.errors import Severity
from reconciler.core.lockfile.model import EMPTY
from reconciler.core.plan.environments.overlays import (
    findings,
    hold_overlaid,
    told_of_unchosen,
    unchosen_of,
    with_reasons,
)
from reconciler.core.plan.model import Action, Kind
from tests.core.build import A, current, entry, lockfile

LISTED = ("production", "staging")
FILES = [("acme.staging", "engines/acme.staging.yml"), ("shop", "engines/shop.yaml")]


def lone(why: str, environment: str = "staging") -> Beside:
    return Beside(lone={"acme.staging": Lone("acme", environment, why)}, listed=LISTED)


def test_an_overlay_whose_engine_is_recorded_and_gone_is_an_error() -> None:
    [found] = findings(lone("no base"), lockfile({"acme": entry(current("1", A))}), FILES)
    assert found.severity is Severity.ERROR
    assert "`acme` is recorded, and engines/acme.yml is gone" in found.message
    assert found.hint == (
        "remove the overlay, too: git rm -- engines/acme.staging.yml\n"
        "or bring the engine file back: git checkout HEAD -- engines/acme.yml"
    )


def test_an_engine_that_only_looks_like_an_overlay_is_named_until_it_is_recorded() -> None:
    for why, words in (
        ("no base", "there is no engines/acme.yml that it could lie over"),
        ("not listed", "the settings list no environment `staging`"),
    ):
        [found] = findings(lone(why), EMPTY, FILES)
        assert (found.severity, words in found.message) == (Severity.WARNING, True)
        assert not [*findings(lone(why), lockfile({"acme.staging": entry(current("1", A))}), FILES)]


def test_only_what_is_close_to_an_environment_may_be_misspelt() -> None:
    [found] = findings(lone("misspelt", "stagng"), EMPTY, FILES)
    assert found.hint == "rename it to engines/acme.staging.yml to make it the overlay of `staging`"
    assert not [*findings(lone("misspelt", "v2"), EMPTY, FILES)]


def test_an_engine_whose_file_became_an_overlay_is_held_unless_it_is_named() -> None:
    beside = Beside(bases={"acme.staging": "acme"}, files={"acme.staging": "engines/acme.staging.yaml"})
    actions = (Action("acme.staging", Kind.RETIRE, "gone"), Action("old", Kind.DELETE, "gone"))
    held, other = hold_overlaid(actions, beside, ())
    assert (
        held.guard
        == "engines/acme.staging.yaml became the overlay of `acme`, and its own engine is still recorded"
    )
    assert "reconcile apply --allow-retire acme.staging" in str(held.hint)
    assert other.guard is None
    assert hold_overlaid(actions, beside, {"acme.staging"}) == actions


def test_an_engine_that_is_no_longer_chosen_stays_unless_it_is_named() -> None:
    lock = lockfile({key: entry(current(key, A)) for key in ("a", "b")})
    beside = Beside(unchosen={"a": "engines/a.yaml", "b": "engines/b.yaml", "never": "engines/never.yaml"})
    assert unchosen_of(beside, lock, {"b"}) == ["a"]
    [retired] = with_reasons([Action("b", Kind.RETIRE, "engine file removed")], beside)
    assert retired.reason == "no longer chosen in this environment"
    one, many = told_of_unchosen(["a"], "qa"), told_of_unchosen([f"e{n}" for n in range(9)], "qa")
    assert one.message.startswith("`a` is recorded and no longer chosen for `qa`")
    assert "`e4` and 4 more are recorded" in many.message
