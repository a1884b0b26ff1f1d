"""`reconcile watch` in front of a branch that nobody may push to: what it made comes by pull request."""

from __future__ import annotations

from tests.e2e.test_pull_requests import OURS, Scene, scene
from tests.e2e.watching import watching

__all__ = ["scene"]


def test_a_watch_opens_one_pull_request_and_goes_on_when_it_is_merged(scene: Scene) -> None:
    with watching(scene.clone(), RECONCILE_PUBLISH="pr", **scene.env) as watch:
        assert watch.said("watching")[0]["publish"] == "pr"
        watch.until("round ended", result="converged")
        (pull,) = scene.ours
        first = scene.lock(OURS)["acme"]["engineId"]
        looks = watch.metric("reconcile_watch_looks_total") or 0.0
        watch.passes(looks + 3)
        assert (len(scene.ours), scene.made) == (1, 1)

        scene.merge(lambda project: project.engine("acme", "name: Acme 2\n"))
        watch.until("engine done", key="acme", action="replace")
        watch.passes((watch.metric("reconcile_watch_looks_total") or 0.0) + 3)
        assert [one["number"] for one in scene.ours] == [pull["number"]]
        second = scene.lock(OURS)["acme"]["engineId"]
        assert (second != first, scene.made) == (True, 2)

        scene.github.merge(pull["number"])
        watch.passes((watch.metric("reconcile_watch_looks_total") or 0.0) + 3)
        assert scene.lock("main")["acme"]["engineId"] == second
        assert (scene.ours, scene.made) == ([], 2)
        assert watch.get("/readyz")[0] == 200
