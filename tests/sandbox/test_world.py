"""Engines and jobs over time, without a socket: the clock is a number."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.sandbox.fault_kinds import parse_fault
from reconciler.sandbox.jobs import Source, progress_of, summary_of
from reconciler.sandbox.settings import SandboxSettings
from reconciler.sandbox.store import Forgetful
from reconciler.sandbox.validation import CreateRequest
from reconciler.sandbox.world import World

LINK = Source("link", "https://acme.example")
TEXT = Source("content", "Acme is never translated.")


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def world_of(clock: Clock | None = None, **settings: object) -> World:
    ids = itertools.count()
    known = replace(SandboxSettings(job_seconds=8), **settings)  # type: ignore[arg-type]
    return World(known, Forgetful(), clock or Clock(), lambda prefix: f"{prefix}{next(ids):016}")


def asking(*sources: Source, callback_url: str | None = None) -> CreateRequest:
    return CreateRequest("Acme", None, ("de",), sources, callback_url)


def test_a_job_without_sources_is_completed_at_once() -> None:
    world = world_of()
    job = world.create(asking())
    assert job.status(world.clock()) == "completed"
    assert job.view(world.clock())["summary"] == {"brandVoices": [], "glossaryItems": [], "instructions": []}
    assert progress_of(job) == []


def test_a_job_with_sources_runs_for_its_seconds() -> None:
    clock = Clock()
    world = world_of(clock)
    job = world.create(asking(LINK))
    assert (job.status(clock.now), job.view(clock.now)["summary"]) == ("in_progress", None)
    assert job.status(clock.now + 7.99) == "in_progress"
    assert job.status(clock.now + 8) == "completed"


def test_the_engine_exists_with_the_call_and_each_call_makes_another() -> None:
    world = world_of()
    first = world.create(asking(LINK), idempotency_key="same")
    second = world.create(asking(LINK), idempotency_key="same")
    assert first.engine_id != second.engine_id
    assert list(world.engines) == [first.engine_id, second.engine_id]
    assert (world.create_calls, first.idempotency_key) == (2, "same")


def test_steps_follow_each_other_and_end_with_the_job() -> None:
    world = world_of()
    job = world.create(asking(LINK, TEXT))
    messages = progress_of(job)
    assert [message.step for message in messages][::2] == [
        "crawling",
        "extracting_brand_voices",
        "building_glossary",
        "writing_instructions",
    ]
    assert [message.at for message in messages] == sorted(message.at for message in messages)
    assert messages[-1].at == job.ends_at


def test_only_texts_are_read_not_crawled() -> None:
    assert progress_of(world_of().create(asking(TEXT)))[0].step == "reading_content"


def test_a_job_that_never_ends_stays_in_its_last_step() -> None:
    world = world_of()
    job = world.create(asking(LINK), (parse_fault("job", "never"),))
    assert job.status(world.clock() + 10**9) == "in_progress"
    assert progress_of(job)[-1].detail != "completed"


def test_a_failing_job_says_why_and_has_no_summary() -> None:
    world = world_of()
    job = world.create(asking(LINK), (parse_fault("job", "fail=The site is down"),))
    view = job.view(world.clock() + 8)
    assert (view["status"], view["errorMessage"], view["summary"]) == ("failed", "The site is down", None)
    assert job.view(world.clock())["errorMessage"] is None


def test_a_failing_job_names_its_link_when_no_reason_was_given() -> None:
    job = world_of().create(asking(TEXT, LINK), (parse_fault("job", "fail"),))
    assert LINK.payload in (job.error or "")


def test_an_unknown_status_word_lasts_until_the_end() -> None:
    world = world_of()
    job = world.create(
        asking(LINK), (parse_fault("job", "unknown-status"), parse_fault("job", "job-seconds=3"))
    )
    assert (job.status(world.clock()), job.status(world.clock() + 3)) == ("indexing", "completed")


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.25, 0.5, 1.0])
def test_the_asked_share_fails_and_the_same_jobs_each_time(rate: float) -> None:
    def failed() -> list[bool]:
        world = world_of(fail_rate=rate)
        return [world.create(asking(LINK)).outcome == "failed" for _ in range(200)]

    assert failed() == failed()
    assert abs(sum(failed()) - 200 * rate) <= 3


def test_jobs_without_sources_do_not_fail_by_rate() -> None:
    assert world_of(fail_rate=1.0).create(asking()).outcome == "completed"


def test_deleting_an_engine_ends_its_running_job() -> None:
    clock = Clock()
    world = world_of(clock)
    job = world.create(asking(LINK))
    clock.now += 2
    assert [cut.id for cut in world.delete_engine(job.engine_id)] == [job.id]
    assert world.jobs[job.id].status(clock.now) == "failed"
    assert world.engines == {}


def test_deleting_an_engine_leaves_an_ended_job_as_it_was() -> None:
    world = world_of()
    job = world.create(asking())
    assert world.delete_engine(job.engine_id) == []
    assert world.jobs[job.id].status(world.clock()) == "completed"


def test_the_webhook_secret_comes_with_the_first_callback_url() -> None:
    world = world_of()
    world.create(asking())
    assert world.webhook_secret is None
    world.create(asking(callback_url="https://ci.example/hook"))
    secret = world.webhook_secret
    world.create(asking(callback_url="https://ci.example/hook"))
    assert secret is not None
    assert world.webhook_secret == secret


@given(st.lists(st.builds(Source, st.sampled_from(["link", "content"]), st.text(min_size=1)), max_size=10))
def test_what_a_job_makes_is_counted_by_its_sources_alone(sources: list[Source]) -> None:
    def counts(job_id: str) -> dict[str, int]:
        return {name: len(ids) for name, ids in summary_of(job_id, sources).items()}

    assert counts("pjb_a") == counts("pjb_b")
    assert all(count > 0 for count in counts("pjb_a").values()) == bool(sources)
