"""What holds for every report: it is whole, needs nothing else, and foreign text in it is text."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.plan.model import Plan
from reconciler.render.html.page import embedded
from reconciler.render.html.plan import render_plan_html
from reconciler.render.markdown.comment import Occasion
from tests.render.html.reading import Page
from tests.render.samples import EVERY_KIND, PLANS
from tests.render.strategies import QUICK, plans, texts
from tests.render.test_hostile import dangerous

NOW = "2026-11-29T10:00:00Z"
# Every element and attribute of ours; anything else would have come from elsewhere.
ELEMENTS = {
    *(
        "html",
        "head",
        "meta",
        "title",
        "style",
        "script",
        "noscript",
        "body",
        "header",
        "main",
        "section",
        "div",
    ),
    *("h1", "h2", "p", "span", "code", "pre", "strong", "br", "a", "ul", "li", "svg", "rect"),
    *("label", "input", "button"),
}
HANDLERS = re.compile(r"^on|^style$|^src$|^action$|^formaction$|^srcset$|^data$")


def page(plan: Plan, occasion: Occasion | None = None) -> Page:
    return Page(render_plan_html(plan, occasion or Occasion(), now=NOW))


def check(shown: Page) -> None:
    assert {one.name for one in shown.elements} - ELEMENTS == set()
    assert [name for one in shown.elements for name in one.attributes if HANDLERS.search(name)] == []
    assert all(one.attributes["href"].startswith("https://") for one in shown.all("a"))
    assert len(shown.all("script")) == 2
    assert len(shown.all("style")) == 1
    assert dangerous(shown.words) == set()
    shown.source.encode()


@pytest.mark.parametrize("name", PLANS)
def test_every_sample_is_a_whole_page(name: str) -> None:
    check(page(PLANS[name]))


@QUICK
@given(plans)
def test_whatever_is_in_a_plan_no_markup_comes_of_it(plan: Plan) -> None:
    shown = page(plan)
    check(shown)
    for text in strings_in(shown.data):
        assert dangerous(text) - {"\n"} == set() or text in searches(shown)


def searches(shown: Page) -> set[str]:
    """What is only searched, and never shown."""
    return {one["search"] for one in shown.data["engines"] if "search" in one}


def strings_in(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for one in inner for text in strings_in(one)]


def test_the_policy_names_the_style_and_the_script_and_allows_nothing_else() -> None:
    shown = page(EVERY_KIND)
    [policy] = [one.attributes["content"] for one in shown.all("meta") if "http-equiv" in one.attributes]
    [style], [_, script] = shown.all("style"), shown.all("script")
    digests = [
        f"'sha256-{b64encode(sha256(one.text.encode()).digest()).decode()}'" for one in (style, script)
    ]
    assert policy.split("; ") == [
        "default-src 'none'",
        f"style-src {digests[0]}",
        f"script-src {digests[1]}",
        "base-uri 'none'",
        "form-action 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    ]
    head = [one.name for one in shown.elements]
    assert head.index("meta") < head.index("style")
    assert head[:4] == ["html", "head", "meta", "meta"], "the policy comes before all that it is about"


def test_nothing_is_fetched_from_elsewhere() -> None:
    shown = page(EVERY_KIND)
    for raw in (*shown.all("style"), *shown.all("script")):
        assert re.search(r"url\(|@import|fetch\(|XMLHttpRequest|import\(|innerHTML|eval\(", raw.text) is None


@given(
    st.recursive(
        texts | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(texts, inner), max_leaves=5
    )
)
def test_embedded_data_is_read_back_and_cannot_end_its_element(value: object) -> None:
    text = embedded({"value": value})
    assert re.fullmatch(r"[\x20-\x7e]*", text)
    assert re.search("[<>&]", text) is None
    assert json.loads(text) == {"value": value}


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "data:text/html,x", "https://a b", "//evil.example", 'https://x/"onclick=y'],
)
def test_only_addresses_on_the_web_become_links(url: str) -> None:
    shown = page(EVERY_KIND, Occasion(commit="a" * 40, commit_url=url, run_url=url))
    assert shown.all("a") == []
    assert url not in shown.source


def test_the_run_and_the_commit_are_links() -> None:
    commit, run = "https://github.com/acme/l10n/commit/abc", "https://github.com/acme/l10n/actions/runs/7"
    shown = page(EVERY_KIND, Occasion(commit="a" * 40, commit_url=commit, run_url=run))
    assert [(one.attributes["href"], one.text) for one in shown.all("a")] == [(commit, "a" * 12), (run, "7")]
