"""Pages that engines learn from, from the first record to a new engine: a site on a socket, and the command."""

from __future__ import annotations

import asyncio
import json
import os
import re
import time
from html import escape
from pathlib import Path
from typing import Any

import pytest

from reconciler.sandbox.server import SandboxServer
from tests.adapters.web.site import Answer, Asked, Send, Site, moved, plain
from tests.e2e.far_ends import Ran
from tests.e2e.sources_world import EVIL, HERE, RENEWED, SNEAKY, TEXT, Learning, html
from tests.github_comments_fake import ACTIONS_TOKEN
from tests.github_fake import REPOSITORY
from tests.github_issues_fake import FakeIssues

PAGE = Path(__file__).parents[2] / "docs/sources.md"
FULL = os.environ.get("RECONCILE_FULL_SOURCES")  # every view of a hostile page, a process for each
HOSTILE = (
    ("sources", "acme"),
    ("validate", "--check-links", "--format", "github"),
    ("plan", "--check-sources", "--format", "github"),
    ("plan", "--check-sources"),
    ("plan", "--check-sources", "--format", "markdown"),
    ("plan", "--check-sources", "--format", "html"),
    ("plan", "--check-sources", "--format", "json"),
    ("plan", "--check-sources", "--format", "sarif"),
    ("sources", "acme", "--format", "json"),
    ("apply", "--yes", "--check-sources", "--format", "github"),
)


def news(ran: Ran, key: str = "acme") -> Any:
    return next(one for one in ran.json["sources"] if one["key"] == key)


def changed(site: Site, words: str = "Use informal tone in German.") -> None:
    site.pages[HERE, "/brand"] = plain(html(TEXT.replace("Use formal tone in German.", words)))


@pytest.mark.parametrize("job_seconds", [4.0])
def test_a_run_records_what_its_engines_learn_from(learning: Learning, site: Site) -> None:
    site.pages[HERE, "/brand"] = plain(html(), ETag='"v1"')
    told = learning.apply().ended(0)
    engine = learning.entry("acme")["engineId"]
    assert "engines.sources.json &&" in told.err + told.out
    [seen] = learning.recorded[engine]["links"].values()
    assert (seen["status"], seen["etag"]) == (200, '"v1"')
    assert seen["digest"].startswith("m1:sha256:")
    assert any("Use formal tone in German." in one for one in seen["sentences"])
    learning.check("--detailed-exitcode").ended(0, "Sources: 1 fresh.")
    assert site.requests[-1].headers["if-none-match"] == '"v1"'
    assert site.requests[-1].headers["user-agent"].startswith("reconcile")


def test_what_is_no_news_to_an_engine_is_none_here(learning: Learning, site: Site) -> None:
    learning.renewed()
    site.pages[HERE, "/brand"] = plain(html(more=" News Shop") + "<!-- 8f14e45fceea167a5a36dedd4bea2543 -->")
    learning.check("--detailed-exitcode").ended(0, "Sources: 1 fresh.")


def test_a_page_that_changed_makes_one_new_engine(learning: Learning, site: Site) -> None:
    learning.renewed()
    first = learning.entry("acme")["engineId"]
    changed(site)
    shown = learning.check("--detailed-exitcode").ended(
        2, "source changed: ", "- Use formal", "+ Use informal"
    )
    assert "Sources: 1 stale." in shown.out
    assert learning.run("plan").ended(0).out.startswith("No changes.")
    learning.run("apply", "--yes").ended(0, "No changes.")

    learning.renewed("--check-sources").ended(0, "1 replaced")
    second = learning.entry("acme")["engineId"]
    assert second != first
    assert [one["engineId"] for one in learning.entry("acme")["superseded"]] == [first]
    assert learning.recorded.keys() == {first, second}
    learning.check("--detailed-exitcode").ended(0, "Sources: 1 fresh.")

    changed(site, "Use cheeky tone in German.")
    again = learning.run("apply", "--yes", "--check-sources").ended(
        0, "No changes to apply. 1 engine needs attention"
    )
    assert "not replaced: it was replaced for its sources" in again.out
    assert learning.entry("acme")["engineId"] == second


def test_a_saved_plan_renews_what_was_reviewed(learning: Learning, site: Site) -> None:
    learning.renewed()
    changed(site)
    learning.check("--out", "plan.json").ended(0)
    site.pages[HERE, "/brand"] = plain(html())
    learning.apply("plan.json").ended(6, "nothing to do now")
    changed(site)
    learning.apply("plan.json").ended(0, "1 replaced")


def test_a_protected_engine_is_held_back(learning: Learning, site: Site) -> None:
    learning.learns("acme", site.url(HERE, "/brand"), lifecycle=f"{RENEWED}  protect: true\n")
    learning.renewed()
    changed(site)
    learning.check("--detailed-exitcode").ended(6, "held back: it is protected")


def test_a_page_with_a_new_text_at_each_look_makes_no_engine(learning: Learning, site: Site) -> None:
    words = iter(range(10_000))

    async def answer(asked: Asked, send: Send) -> None:
        number = next(words)
        body = html(TEXT.replace("formal", f"formal{'xyz'[number % 3]}{'abcdefghij'[number % 10]}"))
        await plain(body)(asked, send)

    site.pages[HERE, "/brand"] = answer
    learning.renewed()
    learning.check("--detailed-exitcode").ended(2, "has another text at each look")


@pytest.mark.parametrize(
    ("answer", "state", "reason"),
    [
        (plain("gone", "404 Not Found"), "dead", "404"),
        (plain("gone", "410 Gone"), "dead", "410"),
        (plain("later", "503 Service Unavailable"), "unknown", "503"),
        (plain("no", "403 Forbidden"), "unknown", "403"),
        (moved("/brand"), "unknown", "redirect"),
    ],
)
def test_a_page_that_cannot_be_read_never_makes_an_engine(
    learning: Learning, site: Site, answer: Answer, state: str, reason: str
) -> None:
    learning.learns("acme", site.url(HERE, "/brand"), site.url(HERE, "/tone"), lifecycle=RENEWED)
    learning.renewed()
    changed(site)
    site.pages[HERE, "/tone"] = answer
    if state == "unknown" and reason == "redirect":
        site.pages[HERE, "/tone"] = moved("/tone")
    ran = learning.check("--format", "json", "--detailed-exitcode").ended(2)
    told = news(ran)
    assert (told["state"], ran.json["actions"]) == (state if state == "dead" else "stale", [])
    assert "a new engine would know less" in told["held"]
    other = next(one for one in told["links"] if one["url"].endswith("/tone"))
    assert (other["state"], other["line"], other["col"]) == (state, 6, 14)
    assert reason in other["reason"]


def test_a_dead_page_is_an_error_at_its_line_in_every_report(learning: Learning, site: Site) -> None:
    learning.renewed()
    del site.pages[HERE, "/brand"]
    github = learning.check("--format", "github").ended(0).out
    assert "::error file=engines/acme.yaml,line=4,col=14,title=reconcile%3A acme::" in github
    sarif = json.loads(learning.check("--format", "sarif").out)
    [found] = [one for one in sarif["runs"][0]["results"] if one["ruleId"] == "dead-source"]
    assert found["locations"][0]["physicalLocation"]["region"]["startLine"] == 4
    [quality] = json.loads(learning.check("--format", "gitlab").out)
    assert (quality["location"]["path"], quality["location"]["lines"]["begin"]) == ("engines/acme.yaml", 4)
    assert "- **dead** `acme`" in learning.check("--format", "markdown").out
    assert "is dead" in github
    assert "dead" in learning.check("--format", "html").out
    learning.check("--detailed-exitcode").ended(2, "No changes to apply. 1 engine needs attention.")


def test_an_engine_grows_stale_by_age(learning: Learning, site: Site) -> None:
    learning.learns("acme", site.url(HERE, "/brand"), lifecycle="lifecycle:\n  max_source_age: 1ms\n")
    learning.renewed()
    ran = learning.check("--format", "json", "--detailed-exitcode").ended(2)
    assert news(ran)["state"] == "stale"
    assert "`max_source_age` is 1ms" in news(ran)["old"]
    learning.learns("acme", site.url(HERE, "/brand"), lifecycle=f"{RENEWED}  max_source_age: 1ms\n")
    learning.check().ended(0, "sources are old")


def test_what_was_never_recorded_is_unknown_until_it_is(learning: Learning, site: Site) -> None:
    learning.run("apply", "--yes", env={"RECONCILE_TRACK_SOURCES": None}).ended(0)
    assert not (learning.root / "engines.sources.json").exists()
    learning.check("--detailed-exitcode").ended(0, "unknown", "nothing is recorded of it")
    learning.run("sources", "--record").ended(0, "Recorded 1 page of 1 engine in engines.sources.json")
    learning.run("sources", "--record").ended(0, "No page to record")
    learning.check().ended(0, "Sources: 1 fresh.")


@pytest.mark.parametrize("fault", ["lost-answer", "garbage"])
def test_a_lost_answer_is_not_asked_for_again(
    learning: Learning, site: Site, platform: SandboxServer, fault: str
) -> None:
    learning.renewed()
    changed(site)
    platform.faults.add("create", fault, match="acme")
    for _ in range(3):
        learning.run("apply", "--yes", "--check-sources", env={"RECONCILE_LOOKUP": "off"}).ended(7)
        assert platform.create_calls() == 2
    serving = learning.entry("acme")["engineId"]
    learning.run("resolve", "acme", "--forget").ended(0)
    assert learning.entry("acme")["engineId"] == serving


@pytest.mark.parametrize("job_seconds", [2.0])
def test_a_replacement_that_runs_is_waited_for(
    learning: Learning, site: Site, platform: SandboxServer
) -> None:
    learning.renewed()
    changed(site)
    detached = learning.apply("--check-sources", "--detach").ended(0, "Did not wait")
    assert "not looked at in time" not in detached.err
    assert learning.entry("acme")["pending"]["because"] == "sources"
    learning.check().ended(0, "its job is still running; its sources changed")
    calls = platform.create_calls()
    learning.run("collect").ended(0)
    learning.run("sources", "--record").ended(0)
    assert platform.create_calls() == calls
    engine = learning.entry("acme")["engineId"]
    assert list(learning.recorded[engine]["links"]) == [site.url(HERE, "/brand")]
    learning.check("--detailed-exitcode").ended(0, "Sources: 1 fresh.")


@pytest.mark.parametrize("job_seconds", [4.0])
def test_records_go_to_the_branch_with_the_lockfile(
    tmp_path: Path, learning: Learning, site: Site, platform: SandboxServer
) -> None:
    learning.git("init", "--quiet", "--bare", "--initial-branch=main", str(tmp_path / "origin.git"))
    learning.git("remote", "add", "origin", str(tmp_path / "origin.git"))
    learning.commit("First")
    learning.git("push", "--quiet", "-u", "origin", "main")
    learning.apply("--publish").ended(0)
    learning.git("fetch", "--quiet")
    files = learning.git("show", "--name-only", "--format=", "origin/main").split()
    assert sorted(files) == ["engines.lock.json", "engines.sources.json"]
    there = learning.git("show", "origin/main:engines.sources.json")
    assert there == (learning.root / "engines.sources.json").read_text(encoding="utf-8")


def test_a_file_of_a_newer_version_is_left_as_it_is(learning: Learning) -> None:
    newer = '{"version": 9, "engines": []}\n'
    (learning.root / "engines.sources.json").write_text(newer)
    learning.apply().ended(0, "is not up to date", "has version 9")
    assert (learning.root / "engines.sources.json").read_text() == newer
    learning.check().ended(3, "has version 9", "upgrade reconcile")


def test_a_page_that_never_answers_neither_fails_nor_holds_up_a_run(learning: Learning, site: Site) -> None:
    async def never(asked: Asked, send: Send) -> None:
        await send(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>")
        for _ in range(600):
            await asyncio.sleep(0.05)
            await send(b".")

    site.pages[HERE, "/brand"] = never
    began = time.monotonic()
    learning.apply().ended(0, "1 page was not looked at in time", "reconcile sources --record")
    assert time.monotonic() - began < 15
    assert learning.entry("acme")["engineId"]


@pytest.mark.parametrize("words_of_it", [EVIL, SNEAKY], ids=["control", "markup"])
def test_nothing_of_a_hostile_page_acts_anywhere(learning: Learning, site: Site, words_of_it: str) -> None:
    learning.renewed()
    evil = html(TEXT.replace("Use formal tone in German.", f"{escape(words_of_it)}."), escape(words_of_it))
    site.pages[HERE, "/evil"] = plain(evil + "x" * 1_000_000, ETag='"\x1b[2J"', Last_Modified="::error::x")
    site.pages[HERE, "/brand"] = moved("/evil")
    for words in HOSTILE if FULL else HOSTILE[:3]:
        ran = learning.run(*words)
        shown = ran.out + ran.err
        assert len(shown) < 400_000, words
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202e]", shown), words
        if "html" in words:
            assert "<img src=x>" not in shown
        if "github" in words:
            inside = re.sub(r"::stop-commands::(\S+)\n.*?::\1::", "", shown, flags=re.DOTALL)
            assert not re.search(r"^::error::x|##\[add-mask\]", inside, re.MULTILINE), words
        if "markdown" in words:
            assert "](https://evil.example)" not in re.sub("`+[^`]+`+", "", shown)
    text = (learning.root / "engines.sources.json").read_text(encoding="utf-8")
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f]", text)
    learning.check().ended(0)


def test_one_issue_from_the_first_stale_page_to_the_last(learning: Learning, site: Site) -> None:
    learning.learns("acme", site.url(HERE, "/brand"))
    learning.renewed()
    with FakeIssues() as github:
        env = {
            "GITHUB_ACTIONS": "true",
            "GITHUB_API_URL": github.url,
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_TOKEN": ACTIONS_TOKEN,
            "LINGO_API_KEY": None,
        }

        def look() -> Ran:
            return learning.run("plan", "--check-sources", "--issue", env=env)

        look().ended(0, "issue: none needed (no stale sources)")
        changed(site, f"{escape(SNEAKY)}.")
        look().ended(0, "issue: opened")
        [issue] = github.open_issues
        assert issue["title"] == "Localization engines: stale sources in production"
        assert "@everyone" not in re.sub("`+[^`]+`+", "", issue["body"])
        look().ended(0, "issue: unchanged")
        site.pages[HERE, "/brand"] = plain("later", "503 Service Unavailable")
        look().ended(0, "stays as it is")
        site.pages[HERE, "/brand"] = plain(html())
        look().ended(0, "issue: closed (no stale sources)")
        assert github.open_issues == []


def test_git_merges_records_of_two_branches(learning: Learning, site: Site) -> None:
    learning.run("init").ended(0)
    learning.commit("First")
    for branch, key in (("one", "blog"), ("two", "shop")):
        learning.git("switch", "--quiet", "-c", branch, "main")
        learning.learns(key, site.url(HERE, "/tone"))
        learning.apply("--only", key).ended(0)
        learning.commit(branch)
    learning.git("merge", "--quiet", "--no-edit", "one")
    ids = {learning.entry(key)["engineId"] for key in ("blog", "shop")}
    assert learning.recorded.keys() == ids


def _example(text: str, site: Site, learning: Learning) -> str:
    text = text.replace(f"http://{HERE}:{site.port}", "https://acme.com")
    text = re.sub(r"eng_[A-Za-z0-9]{16}", "eng_X1y2Z3a4B5c6D7e8", text)
    return re.sub(r"recorded on \S+", "recorded on 2026-11-24T11:08:13Z", text)


def test_the_page_shows_what_is_printed(learning: Learning, site: Site) -> None:
    blocks = re.findall(r"<!-- compared: \S+ -->\n```\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    learning.learns("acme", site.url(HERE, "/brand"), site.url(HERE, "/tone"), lifecycle=RENEWED)
    learning.learns("blog", site.url(HERE, "/tone"))
    learning.renewed()
    changed(site)
    shown = _example(learning.check().ended(0).out, site, learning)
    assert shown.rpartition("environment production")[0] == blocks[0]
    learning.learns("shop", site.url(HERE, "/gone"))
    (learning.root / "engines/acme.yaml").unlink()
    (learning.root / "engines/blog.yaml").unlink()
    assert _example(learning.run("validate", "--check-links").ended(3).out, site, learning) == blocks[1]
