"""`--refresh`: what the platform no longer has or has otherwise, and what is done about it."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.sandbox.server import SandboxServer
from tests import plain_http
from tests.e2e.far_ends import KEY, Project, wait_until

HEADERS = {"X-API-Key": KEY}
EVIL = "\x1b[2J\x1b]0;owned\x07 ::error::x\n::add-mask::y **b** <img src=x> @everyone `a` [l](https://evil.example)"


@pytest.fixture
def repo(tmp_path: Path, platform: SandboxServer) -> Iterator[Project]:
    """Three engines that serve."""
    made = Project(tmp_path / "repo", platform.url)
    made.git("init", "--quiet", "--initial-branch=main")
    for key in ("acme", "blog", "shop"):
        made.engine(key)
    made.apply().ended(0)
    yield made
    made.check_no_key_left()


def engine(project: Project, key: str) -> str:
    return str(project.entry(key)["engineId"])


def delete(project: Project, key: str) -> str:
    gone = engine(project, key)
    plain_http.delete(f"{project.url}/engines/{gone}", headers=HEADERS).raise_for_status()
    return gone


def change(project: Project, key: str, **fields: object) -> None:
    address = f"{project.url}/engines/{engine(project, key)}"
    plain_http.put(address, headers=HEADERS, json=fields).raise_for_status()


def fault(project: Project, **fields: object) -> None:
    plain_http.post(
        f"{project.url}/sandbox/faults", json={"on": "engine", "times": 10_000, **fields}
    ).raise_for_status()


def looked_up(project: Project) -> int:
    """How many engines the platform was asked about."""
    asked = plain_http.get(f"{project.url}/sandbox/requests").json()["requests"]
    return sum(one["method"] == "GET" and one["path"].startswith("/engines/") for one in asked)


def jobs(project: Project) -> int:
    return int(plain_http.get(f"{project.url}/sandbox").json()["createCalls"])


# ── gone ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_engine_that_is_gone_is_recreated(repo: Project) -> None:
    gone = delete(repo, "acme")
    repo.run("plan", "--detailed-exitcode").ended(0, "3 engines are up to date")  # nobody was asked
    assert looked_up(repo) == 0
    shown = repo.run("plan", "--refresh", "--detailed-exitcode")
    shown.ended(2, f"acme will be recreated (drift: {gone} is gone", "1 to recreate, 2 unchanged")
    assert looked_up(repo) == 3
    repo.run("status", "--refresh").ended(
        0, "gone from the platform", "apply --refresh --only acme", "1 gone"
    )
    repo.apply("--refresh").ended(0, "acme  recreated as", f"was {gone}", "1 recreated, 2 unchanged")
    assert engine(repo, "acme") != gone
    assert repo.entry("acme")["superseded"][0]["engineId"] == gone
    assert repo.lock["version"] == 1
    assert jobs(repo) == 4
    repo.run("plan", "--refresh", "--detailed-exitcode").ended(0, "3 engines are up to date")
    repo.apply("--refresh").ended(0)
    assert jobs(repo) == 4


def test_every_view_names_the_drift(repo: Project) -> None:
    gone = delete(repo, "acme")
    change(repo, "blog", name="Mine")
    views = {
        form: repo.run("plan", "--refresh", "--format", form).ended(0).out
        for form in ("text", "json", "markdown", "github", "gitlab", "sarif", "html")
    }
    for form, view in views.items():
        assert gone in view.replace("\\_", "_"), form
        assert "drift" in view, form
    document = json.loads(views["json"])
    assert document["summary"]["recreate"] == document["summary"]["drifted"] == 1
    first, second = document["actions"]
    assert (first["action"], first["insteadOf"]) == ("recreate", gone)
    assert second["drift"] == [{"field": "name", "recorded": "blog", "platform": "Mine"}]
    assert "::warning" in views["github"]


def test_a_recreated_engine_is_guarded_like_a_replaced_one(repo: Project) -> None:
    repo.engine("acme", "name: acme\nlocales: [de, fr]\nlifecycle: {protect: true}\n")
    repo.apply().ended(0)
    gone = delete(repo, "acme")
    repo.apply("--refresh").ended(6, "it is protected", "--allow-replace acme")
    assert engine(repo, "acme") == gone
    repo.apply("--refresh", "--allow-replace", "acme").ended(0, "recreated as")
    (repo.root / "reconcile.yaml").write_text("max_replace: 0\n")
    delete(repo, "blog")
    repo.apply("--refresh").ended(6, "this run would replace 1 of 3 engines")


@pytest.mark.parametrize("job_seconds", [60.0])
def test_a_run_that_was_killed_is_completed_by_one_that_asks_nobody(
    tmp_path: Path, platform: SandboxServer
) -> None:
    repo = Project(tmp_path / "repo", platform.url)
    repo.git("init", "--quiet")
    repo.engine("acme", running=True)
    repo.engine("blog")
    repo.apply("--detach").ended(0)
    platform.end_jobs()
    repo.run("collect").ended(0)
    gone = delete(repo, "acme")
    process = repo.start("apply", "--yes", "--refresh")
    wait_until(lambda: "accepted" in repo.records(), "the answer to the create call")
    process.send_signal(signal.SIGKILL)
    repo.finish(process, killed=True)
    repo.run("plan").ended(0, "acme will be resumed", f"it replaces {gone}")
    repo.apply("--detach").ended(0)
    assert repo.lock["version"] == 2
    assert repo.entry("acme")["pending"]["insteadOf"] == gone
    assert engine(repo, "acme") == gone  # until it has completed
    platform.end_jobs()
    repo.apply().ended(0, "acme  completed")
    assert engine(repo, "acme") != gone
    assert repo.lock["version"] == 1
    assert jobs(repo) == 3
    repo.run("plan", "--refresh", "--detailed-exitcode").ended(0)


@pytest.mark.parametrize("job_seconds", [0.1])
def test_one_that_failed_is_reported_and_tried_again(repo: Project) -> None:
    repo.engine("acme", running=True)
    repo.apply().ended(0)
    gone = delete(repo, "acme")
    plain_http.post(
        f"{repo.url}/sandbox/faults", json={"on": "job", "do": "fail", "times": 1}
    ).raise_for_status()
    repo.apply("--refresh").ended(1, "1 failed")
    assert engine(repo, "acme") == gone
    repo.run("plan").ended(0, "acme failed and is skipped", f"no longer has {gone}", "--retry-failed")
    repo.apply().ended(1)
    repo.apply("--retry-failed").ended(0, "recreated as", f"was {gone}")
    assert repo.lock["version"] == 1


def test_one_that_is_back_is_not_created_again(repo: Project) -> None:
    """The attempt that failed was for an engine that was only not found; a retry asks before it pays."""
    before = engine(repo, "acme")
    fault(repo, do="status=404", times=1, match="acme")
    create = {"on": "create", "do": "status=400", "times": 1}
    plain_http.post(f"{repo.url}/sandbox/faults", json=create).raise_for_status()
    repo.apply("--refresh").ended(1, "1 failed")
    calls = jobs(repo)
    repo.apply("--retry-failed").ended(0, f"{before} exists on the platform")
    assert (engine(repo, "acme"), jobs(repo)) == (before, calls)
    repo.run("plan", "--refresh", "--detailed-exitcode").ended(0)


def test_a_lost_answer_is_resolved_and_created_again(repo: Project) -> None:
    gone = delete(repo, "acme")
    lost = {"on": "create", "do": "drop", "times": 1}
    plain_http.post(f"{repo.url}/sandbox/faults", json=lost).raise_for_status()
    repo.apply("--refresh").ended(7, "resolve acme --retry", "and then: reconcile apply")
    repo.run("plan").ended(0, "outcome unknown")
    made = plain_http.get(f"{repo.url}/sandbox/engines").json()["engines"]
    for one in made:
        if one["name"] == "acme":
            plain_http.delete(f"{repo.url}/engines/{one['id']}", headers=HEADERS).raise_for_status()
    repo.run("resolve", "acme", "--retry").ended(0, "--refresh` creates it")
    repo.run("plan", "--detailed-exitcode").ended(0)  # it asks nobody
    repo.apply("--refresh").ended(0, "recreated as", f"was {gone}")


# ── changed ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_was_changed_elsewhere_is_shown_and_kept(repo: Project) -> None:
    change(repo, "blog", name="Mine", description="By hand", targetLocales=["fr", "it"])
    before = repo.lockfile.read_bytes()
    shown = repo.run("plan", "--refresh", "--detailed-exitcode")
    shown.ended(2, "blog was changed on the platform (drift)", "blog → Mine", "By hand", "-de +it")
    shown.ended(2, "No changes to apply. 1 engine needs attention, 2 are up to date.")
    repo.run("plan", "--refresh").ended(0)
    repo.run("status", "--refresh").ended(0, "changed on the platform", "blog → Mine", "-de +it", "1 drifted")
    repo.apply("--refresh").ended(0, "blog was changed on the platform")
    assert repo.lockfile.read_bytes() == before
    assert jobs(repo) == 3
    status = repo.run("status", "--refresh", "--format", "json").ended(0).json
    assert status["summary"]["drifted"] == 1
    assert [one["key"] for one in status["engines"] if "drift" in one] == ["blog"]


def test_what_means_the_same_is_no_drift(repo: Project) -> None:
    change(repo, "blog", name="blog ", description=" ", targetLocales=["fr", "de"])
    repo.run("plan", "--refresh", "--detailed-exitcode").ended(0, "3 engines are up to date")


def test_what_the_platform_says_acts_nowhere(repo: Project) -> None:
    change(repo, "blog", name=EVIL, description=EVIL, targetLocales=[])
    for form in ("text", "json", "markdown", "github", "gitlab", "sarif", "html"):
        out = repo.run("plan", "--refresh", "--format", form).ended(0).out
        assert "\x1b" not in out
        assert "\x07" not in out
        if form == "github":
            commands = [line for line in out.splitlines() if line.startswith("::")]
            assert len([one for one in commands if one.startswith(("::error", "::add-mask"))]) == 0
        if form == "markdown":
            fenced = out.split("```")
            assert all("<img" not in part for part in fenced[::2])
    for form in ("text", "json", "html"):
        out = repo.run("status", "--refresh", "--format", form).ended(0).out
        assert "\x1b" not in out
        assert form in ("text", "json") or "<img" not in out


# ── what cannot be known ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("status", [404, 405, 501])
def test_a_missing_capability_is_one_notice(repo: Project, status: int) -> None:
    fault(repo, do=f"status={status}")
    ran = repo.run("plan", "--refresh", "--detailed-exitcode").ended(0, "drift is unknown", f"({status})")
    assert (ran.out + ran.err).count("drift is unknown") == 1
    assert jobs(repo) == 3
    repo.apply("--refresh").ended(0, "drift is unknown")
    assert jobs(repo) == 3
    repo.run("status", "--refresh").ended(0, "drift is unknown")


def test_an_engine_alone_is_compared_with_others_that_are_recorded(repo: Project) -> None:
    delete(repo, "acme")
    repo.run("plan", "--refresh", "--only", "acme").ended(0, "will be recreated")
    delete(repo, "blog")
    delete(repo, "shop")
    repo.run("plan", "--refresh", "--only", "acme").ended(0, "drift is unknown", "nothing is concluded")


def test_a_quota_that_lasts_is_one_warning(repo: Project) -> None:
    fault(repo, do="status=429", retryAfter=86_400)
    ran = repo.run("plan", "--refresh").ended(0, "3 engines of 3 not looked up: the quota is exhausted (429)")
    assert (ran.out + ran.err).count("429") == 1


def test_a_short_wait_is_waited(repo: Project) -> None:
    fault(repo, do="status=429", times=1, retryAfter=0.1)
    repo.run("plan", "--refresh", "--detailed-exitcode").ended(0, "3 engines are up to date")
    assert looked_up(repo) == 4


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_is_refused_is_one_error(repo: Project, status: int) -> None:
    fault(repo, do=f"status={status}")
    ran = repo.run("plan", "--refresh").ended(
        1, f"the platform refused the API key ({status})", "LINGO_API_KEY"
    )
    assert (ran.out + ran.err).count("refused") == 1
    repo.run("plan").ended(0)


@pytest.mark.parametrize(
    "do", ["html=200", "garbage=200", "empty=200", "odd=0", "odd=1", "drop", "status=500", "huge=200"]
)
def test_what_cannot_be_read_concludes_nothing(repo: Project, do: str) -> None:
    fault(repo, do=do)
    ran = repo.run("plan", "--refresh", "--detailed-exitcode").ended(0, "3 engines could not be looked up")
    assert (ran.out + ran.err).count("could not be looked up") == 1


def test_refresh_needs_a_key_and_a_host_that_may_have_it(repo: Project) -> None:
    repo.run("plan", "--refresh", env={"LINGO_API_KEY": None}).ended(3, "no API key", "--refresh")
    (repo.root / "reconcile.yaml").write_text("api_url: https://evil.example\n")
    repo.run("plan", "--refresh", env={"LINGO_API_URL": None}).ended(6, "evil.example")
    repo.run("plan", env={"LINGO_API_URL": None}).ended(0)


# ── saved plans ────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_saved_plan_looks_again(repo: Project) -> None:
    gone = delete(repo, "acme")
    change(repo, "blog", name="Mine")
    repo.run("plan", "--refresh", "--out", "../plan.json").ended(0)
    document: dict[str, Any] = json.loads((repo.root.parent / "plan.json").read_text())
    assert document["apply"]["refresh"] is True
    change(repo, "blog", name="Yours")
    repo.apply("../plan.json").ended(6, "`blog`: what the platform has of it changed since the plan")
    change(repo, "blog", name="Mine")
    repo.apply("../plan.json", "--refresh").ended(64, "--refresh cannot be used with a saved plan")
    repo.apply("../plan.json").ended(0, "recreated as", f"was {gone}")
    repo.apply("../plan.json").ended(6, "`acme`: the plan would recreate it, but there is nothing to do now")


# ── restoring ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_engine_that_is_gone_is_not_restored(repo: Project) -> None:
    first = engine(repo, "acme")
    repo.engine("acme", "name: Two\n")
    repo.apply().ended(0)
    repo.engine("acme")
    repo.run("plan").ended(0, f"will be restored (back to {first}")  # looks at nothing
    plain_http.delete(f"{repo.url}/engines/{first}", headers=HEADERS).raise_for_status()
    repo.run("plan", "--refresh").ended(0, "acme will be replaced")
    repo.apply().ended(0, "acme  replaced by")
    assert engine(repo, "acme") != first


def test_an_engine_that_cannot_be_looked_up_is_restored_all_the_same(repo: Project) -> None:
    first = engine(repo, "acme")
    repo.engine("acme", "name: Two\n")
    repo.apply().ended(0)
    repo.engine("acme")
    fault(repo, do="status=500")
    repo.apply().ended(0, f"whether {first} still exists is unknown", "restored")
    assert engine(repo, "acme") == first


def test_without_a_key_nothing_is_looked_up(repo: Project) -> None:
    first = engine(repo, "acme")
    repo.engine("acme", "name: Two\n")
    repo.apply().ended(0)
    repo.engine("acme")
    before = looked_up(repo)
    repo.run("apply", "--yes", env={"LINGO_API_KEY": None}).ended(0, "restored")
    assert engine(repo, "acme") == first
    assert looked_up(repo) == before


def test_a_rollback_names_the_other_candidates(repo: Project) -> None:
    first = engine(repo, "acme")
    for name in ("Two", "Three"):
        repo.engine("acme", f"name: {name}\n")
        repo.apply().ended(0)
    second = repo.entry("acme")["superseded"][-1]["engineId"]
    plain_http.delete(f"{repo.url}/engines/{second}", headers=HEADERS).raise_for_status()
    delete(repo, "acme")  # what serves is gone as well: the other engines vouch for the endpoint
    ran = repo.run("rollback", "acme", "--yes", "--no-publish")
    ran.ended(64, f"no engine `{second}`", f"engines that served `acme` before: {first}")
    repo.run("rollback", "acme", "--to", first, "--yes", "--no-publish").ended(0, f"{first} serves again")


# ── many ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_thousand_engines_with_one_429_in_the_middle(tmp_path: Path, platform: SandboxServer) -> None:
    many = Project(tmp_path / "many", platform.url)
    many.git("init", "--quiet")
    for number in range(1000):
        many.engine(f"e{number:04}", f"name: Engine {number}\nlocales: [de]\n")
    many.apply("--concurrency", "32").ended(0, "1,000 created")
    delete(many, "e0999")
    fault(many, do="status=429", times=1, retryAfter=0.5, match="Engine 500")
    many.run("plan", "--refresh", "--detailed-exitcode").ended(2, "1 to recreate, 999 unchanged")
    assert looked_up(many) == 1001
