"""A settings file is part of a pull request: what it may not decide, and what a plan says of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from reconciler.core.errors import GuardRefused, Severity
from reconciler.core.settings.model import Settings
from reconciler.core.settings.resolution import resolve
from reconciler.core.settings.trust import (
    changes,
    check_inbox,
    check_key_host,
    check_lookup_host,
    key_destination,
)

ELSEWHERE = "https://lingo.dev.evil.example"


def of_file(file: Mapping[str, Any], **env: str) -> Settings:
    return resolve({}, env, file)


@pytest.mark.parametrize(
    "url",
    [
        *(ELSEWHERE, "https://evillingo.dev", "https://127.0.0.1.evil.example"),
        *("https://localhost.evil.example", "https://127.evil.example", "https://10.0.0.1", "https://[::2]"),
    ],
)
def test_a_file_moves_the_key_nowhere(url: str) -> None:
    for file in ({"api_url": url}, {"environments": {"production": {"api_url": url}}}):
        with pytest.raises(GuardRefused, match="not sent there") as caught:
            check_key_host(of_file(file))
        assert "LINGO_API_URL" in (caught.value.hint or "")
        [told] = key_destination(of_file(file), "reconcile.yaml")
        assert url in told.message


@pytest.mark.parametrize(
    "url",
    ["https://api.lingo.dev", "https://eu.API.lingo.dev:8443/v1", "http://127.0.0.1:8787", "http://[::1]:9"],
)
def test_lingo_and_this_machine_may_be_named_by_a_file(url: str) -> None:
    check_key_host(of_file({"api_url": url}))


def test_who_has_the_key_may_name_any_host() -> None:
    check_key_host(of_file({}, LINGO_API_URL=ELSEWHERE))
    check_key_host(of_file({}, LINGODOTDEV_API_URL=ELSEWHERE))
    check_key_host(of_file({"api_url": "https://other.example"}, LINGODOTDEV_API_URL=ELSEWHERE))
    check_key_host(resolve({"api_url": ELSEWHERE}, {}, {"api_url": "https://other.example"}))
    check_key_host(of_file({"api_url": "https://other.example"}, LINGO_API_URL=ELSEWHERE))
    check_key_host(Settings())


def test_nor_does_a_file_say_where_engines_are_listed() -> None:
    elsewhere = of_file({"mcp_url": ELSEWHERE})
    with pytest.raises(GuardRefused, match="not sent there") as caught:
        check_key_host(elsewhere)
    assert "RECONCILE_MCP_URL" in (caught.value.hint or "")
    [told] = key_destination(elsewhere, "reconcile.yaml")
    assert (ELSEWHERE in told.message, "`mcp_url`" in told.message) == (True, True)
    check_key_host(of_file({"mcp_url": ELSEWHERE}, RECONCILE_MCP_URL="https://mcp.example"))
    check_key_host(of_file({"mcp_url": "https://mcp.eu.lingo.dev/account"}))
    check_key_host(of_file({"mcp_url": "http://127.0.0.1:8787/mcp"}))


def test_where_nothing_is_looked_up_it_matters_only_to_who_asks() -> None:
    off = of_file({"mcp_url": ELSEWHERE, "lookup": "off"})
    check_key_host(off)
    assert key_destination(off, "reconcile.yaml") == []
    with pytest.raises(GuardRefused, match="not sent there"):
        check_lookup_host(off)


@pytest.mark.parametrize(
    ("file", "env", "at"),
    [
        ({}, {}, "https://mcp.lingo.dev/account"),
        ({"api_url": "https://api.lingo.dev"}, {}, "https://mcp.lingo.dev/account"),
        ({}, {"LINGO_API_URL": "http://127.0.0.1:1"}, None),
        ({"api_url": "https://eu.lingo.dev"}, {}, None),
        ({"api_url": "https://eu.lingo.dev", "mcp_url": "https://m.lingo.dev"}, {}, "https://m.lingo.dev"),
        (
            {},
            {"LINGO_API_URL": "http://127.0.0.1:1", "RECONCILE_MCP_URL": "http://[::1]:2"},
            "http://[::1]:2",
        ),
        (
            {"api_url": "https://eu.lingo.dev", "mcp_url": "https://mcp.lingo.dev/account"},
            {},
            "https://mcp.lingo.dev/account",
        ),
    ],
)
def test_lingos_own_list_is_of_lingos_own_platform(
    file: dict[str, str], env: dict[str, str], at: str | None
) -> None:
    assert of_file(file, **env).listed_at == at


def test_an_inbox_is_named_by_environment_or_flag() -> None:
    for file in (
        {"inbox": "inbox.db"},
        {"inbox_url": "http://127.0.0.1:1"},
        {"environments": {"production": {"inbox": "inbox.db"}}},
    ):
        with pytest.raises(GuardRefused, match="webhooks are trusted because of it"):
            check_inbox(of_file(file))
    check_inbox(of_file({"inbox": "a.db"}, RECONCILE_INBOX="b.db"))
    check_inbox(resolve({"inbox_url": "https://hooks.example"}, {}, None))


def test_a_plan_says_which_settings_a_branch_changes() -> None:
    before = {
        "remote": "origin",
        "max_retire": 5,
        "concurrency": 4,
        "environments": {"production": None, "old": {}},
    }
    now = {
        "callback_url": "https://user:secret@hooks.example?token=1",
        "max_retire": "100%",
        "concurrency": 8,
        "publish": False,
        "environments": {"production": {"api_url": ELSEWHERE}, "staging": {"branch": "next"}},
    }
    found = changes(before, now, "reconcile.yaml")
    assert {(one.severity, one.file) for one in found} == {(Severity.WARNING, "reconcile.yaml")}
    assert [one.message.removeprefix("this branch ") for one in found] == [
        "changes the setting `callback_url`: not set → https://…@hooks.example?…",
        "changes the setting `remote`: origin → not set",
        "changes the setting `publish`: not set → false",
        "changes the setting `max_retire`: 5 → 100%",
        "removes the environment `old`",
        f"changes the setting `api_url` of environment `production`: not set → {ELSEWHERE}",
        "adds the environment `staging`",
        "changes the setting `branch` of environment `staging`: not set → next",
    ]
    assert changes(now, now, "reconcile.yaml") == []
    assert changes({}, {"environments": ["odd"]}, "reconcile.yaml") == []
