"""Plans whose every text comes from somebody who means harm."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st

from reconciler.core.engine.spec import Source, Spec
from reconciler.core.errors import Diagnostic
from reconciler.core.excerpt import Excerpt
from reconciler.core.plan.model import Action, Change, Condition, Kind, Plan
from reconciler.core.sources.news import EngineNews, LinkNews, State
from reconciler.core.sources.sentences import TextChange
from tests.render.samples import EVIL

_PIECES = [
    *"`~<>&|*_[]()@#:/\\%,= \t\r\n\x1b\x00\x7f\x9b\u202e\u2066\u200b\u200d\ufeff\u2028\u0085",
    *[
        "```",
        "````",
        "~~~",
        "::",
        "::error::x",
        "::add-mask::",
        "##[",
        "##vso[",
        "%0A",
        "\n::",
        "\n\n",
        "\n```\n",
    ],
    *[
        "https://evil.example",
        "www.evil.example",
        "@all",
        "[a](b)",
        "![a](b)",
        "<b>",
        "</details>",
        "<!--",
        "-->",
    ],
    *[
        "\U000e0041",
        "\U000e0100",
        "葛",
        "é",
        "👩\u200d👧",
        "\udc80",
        "word",
        "- a",
        "1. a",
        "> q",
        "# h",
        "    x",
        "| a |",
    ],
    EVIL,
]
QUICK = settings(max_examples=40, deadline=None)  # a deadline would measure the machine, not the code

texts = st.lists(st.sampled_from(_PIECES) | st.text(max_size=4), max_size=12).map("".join)
maybe = st.none() | texts

_values = st.builds(Change, st.sampled_from(["name", "description", "locales", "sources"]), texts, maybe)
_contents = st.builds(
    Change,
    st.just("sources"),
    maybe,
    texts,
    content=st.just(True),
    old_chars=st.none() | st.integers(0, 10**6),
    new_chars=st.none() | st.integers(0, 10**6),
    file=maybe,
    old_text=maybe,
    new_text=maybe,
)
_specs = st.builds(
    Spec,
    texts,
    maybe,
    st.lists(texts, max_size=3).map(tuple),
    st.lists(st.builds(Source, st.sampled_from(["link", "content"]), texts, maybe), max_size=3).map(tuple),
)
_actions = st.builds(
    Action,
    texts,
    st.sampled_from([kind for kind in Kind if kind is not Kind.NONE]),
    texts,
    file=maybe,
    changes=st.lists(_values | _contents, max_size=4).map(tuple),
    engine_id=maybe,
    job_id=maybe,
    from_key=maybe,
    hint=maybe,
    spec=st.none() | _specs,
)
_conditions = st.builds(
    Action, texts, st.just(Kind.NONE), texts, file=maybe, condition=st.sampled_from(Condition), hint=maybe
)
diagnostics = st.builds(
    Diagnostic,
    texts,
    maybe,
    st.none() | st.integers(1, 99),
    st.none() | st.integers(1, 99),
    st.none() | st.builds(Excerpt, texts, st.none() | st.integers(0, 99)),
    maybe,
    st.sampled_from(["error", "warning", "notice"]),
    maybe,
)
_differences = st.builds(
    TextChange,
    st.lists(texts, max_size=3).map(tuple),
    st.lists(texts, max_size=3).map(tuple),
    st.integers(0, 9),
)
_places = st.none() | st.integers(1, 99)
_links = st.builds(
    LinkNews,
    texts,
    st.sampled_from(State),
    texts,
    st.none() | st.integers(100, 599),
    maybe,
    st.booleans(),
    maybe,
    _differences,
    maybe,
    _places,
    _places,
)
news = st.builds(
    EngineNews,
    texts,
    texts,
    maybe,
    st.lists(_links, min_size=1, max_size=3).map(tuple),
    old=maybe,
    held=maybe,
)
plans = st.builds(
    Plan,
    texts,
    st.lists(_actions | _conditions, max_size=4).map(tuple),
    diagnostics=st.lists(diagnostics, max_size=2).map(tuple),
    lockfile=texts,
    unwritten=st.integers(0, 2),
    sources=st.lists(news, max_size=2).map(tuple),
)
