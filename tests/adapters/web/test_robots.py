"""What a robots.txt means, whatever stands in it."""

from __future__ import annotations

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.adapters.web.exchange import Answer
from reconciler.adapters.web.limits import LIMITS
from reconciler.adapters.web.robots import Rules, rules_of
from reconciler.adapters.web.web_address import parse

LINES = st.lists(
    st.one_of(
        st.sampled_from(
            ["User-agent: *", "User-agent: reconcile", "Disallow: /", "Allow: /*$", "Crawl-delay: nan", "\0"]
        ),
        st.text(max_size=30),
    ),
    max_size=12,
).map("\n".join)


def rules(text: str | bytes, status: int = 200) -> Rules:
    return rules_of(
        Answer(status, {}, text if isinstance(text, bytes) else text.encode("utf-8", "replace")), LIMITS
    )


def allows(text: str, path: str) -> bool:
    return rules(text).allows(parse(f"https://a.test{path}"))


@pytest.mark.parametrize(
    ("text", "path", "allowed"),
    [
        ("User-agent: *\nDisallow: /private", "/private/x", False),
        ("User-agent: *\nDisallow: /private", "/public", True),
        ("User-agent: *\nDisallow: /\nAllow: /guide", "/guide/1", True),
        ("User-agent: Reconcile\nDisallow: /\n\nUser-agent: *\nDisallow:", "/", False),
        ("User-agent: otherbot\nDisallow: /", "/", True),
        ("User-agent: *\nDisallow: /*?print=", "/a?print=1", False),
        ("User-agent: *\nDisallow: /*.pdf$", "/a.pdf", False),
        ("\ufeffUser-agent: *\r\nDisallow: /", "/", False),
        ("<html>not found</html>", "/", True),
        ("", "/", True),
    ],
)
def test_rules(text: str, path: str, allowed: bool) -> None:
    assert allows(text, path) is allowed


def test_pauses_are_shortened() -> None:
    assert rules("User-agent: *\nCrawl-delay: 2.5").pause == 2.5
    assert rules("User-agent: *\nCrawl-delay: 86400").pause == LIMITS.longest_pause
    assert rules("User-agent: *\nCrawl-delay: soon").pause == 0


@given(st.one_of(LINES, st.binary(max_size=200)))
def test_nothing_in_it_raises(text: str | bytes) -> None:
    found = rules(text)
    assert 0 <= found.pause <= LIMITS.longest_pause
    assert found.allows(parse("https://a.test/x?y=%ff")) in (True, False)


@pytest.mark.parametrize("rule", ["/" + "*a" * 30 + "*z", "/" + "a*" * 200 + "$", "*" * 5000])
def test_hostile_patterns_take_no_time(rule: str) -> None:
    began = process_time()
    allows("User-agent: *\n" + f"Disallow: {rule}\n" * 50, "/" + "a" * 1500 + "b")
    assert process_time() - began < 2
