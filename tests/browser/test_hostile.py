"""Foreign names and texts in the browser: they are shown as they are written, and do nothing."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Page, expect

from reconciler.core.engine.spec import Source, Spec
from reconciler.core.errors import Diagnostic, Severity
from reconciler.core.excerpt import Excerpt
from reconciler.core.plan.model import Action, Change, Condition, Kind, Origin, Plan
from reconciler.core.run.outcome import Outcome, Result, Status
from reconciler.render.html.outcome import RunFacts, render_outcome_html
from reconciler.render.html.plan import render_plan_html
from reconciler.render.markdown.comment import Occasion
from reconciler.render.text.history import HistoryRow
from tests.browser.opened import Opener, unfold, until
from tests.render.html.test_page import NOW
from tests.render.samples import EVIL, HOSTILE

RUNS = "window.hacked = true"
TEXTS = (
    f"<script>{RUNS}</script>",
    f"</script><script>{RUNS}</script>",
    f"<!--<script>{RUNS}</script>",
    f"<img src=https://evil.example/x onerror='{RUNS}'>",
    f"\"><svg onload='{RUNS}'><style>@import 'https://evil.example/x'</style>",
    f"javascript:{RUNS}",
    "<a href='https://evil.example/' ping='https://evil.example/p'>click</a>",
    "<meta http-equiv=refresh content='0;url=https://evil.example/'><base href='https://evil.example/'>",
    "<iframe srcdoc='<script>parent.hacked = true</script>'></iframe><form action=https://evil.example/><input>",
    "{{ 7 * 7 }} {% for x in range(9) %}{{ x }}{% endfor %} {# gone #} ${7 * 7} <%= 7 * 7 %> #{7 * 7}",
    "line\u2028separator\u2029paragraph\x00\x07\x1b[31m",
    "\u202eexe.cod\u2066\u200b",
    "</title></style></textarea></noscript><!-- --> ]]> &lt;b&gt; &#60;b&#62;",
    "__proto__",
    "constructor",
    "W" * 20_000,
    EVIL,
)


def hostile(text: str) -> tuple[Action, ...]:
    long = f"{text}\n" * 3
    spec = Spec(text, long, (text,), (Source("link", text), Source("content", long, text)))
    changes = (
        Change("name", text, text + "!"),
        Change(text, None, long),
        Change("sources", text, text, content=True, file=text, old_text=long, new_text=f"{long}{text}?"),
    )
    return (
        Action(f"a{text}", Kind.CREATE, text, file=text, spec=spec, hint=text, origin=Origin.BRANCH),
        Action(
            text,
            Kind.REPLACE,
            text,
            text,
            changes,
            text,
            text,
            text,
            drift=changes[:2],
            hint=f"do: reconcile {text}",
        ),
        Action(
            f"b{text}", Kind.NONE, text, condition=Condition.UNCERTAIN, hint=f"run `{text}`, or: git {text}"
        ),
        Action(f"c{text}", Kind.RETIRE, text, guard=text, engine_id=text, hint=text),
    )


def plan(texts: tuple[str, ...]) -> Plan:
    findings = tuple(
        Diagnostic(text, text, 1, 1, Excerpt(text, 0), text, Severity.WARNING, text) for text in texts
    )
    return Plan(texts[0], tuple(one for text in texts for one in hostile(text)), texts, findings, texts[1])


def unfolded(page: Page) -> None:
    """Everything there is to see, has been seen."""
    expect(page.locator("#list")).to_be_visible()
    unfold(page)


def check(page: Page) -> None:
    unfolded(page)
    assert page.evaluate("window.hacked") is None
    assert page.locator("script").count() == 2
    alien = (
        "img, iframe, form, object, embed, link, base, body style, [href^='javascript'], [onload], [onerror]"
    )
    assert page.locator(alien).count() == 0


def test_texts_are_shown_and_do_nothing(opened: Opener) -> None:
    told = {text: [HistoryRow(text, text, text, text, text, text, text)] for text in TEXTS}
    page = opened(
        render_plan_html(plan(TEXTS), Occasion(text(1), text(2), text(3), text(4)), now=NOW, history=told)
    )
    check(page)
    shown = page.locator("#engines").inner_text()
    for words in (
        TEXTS[0],
        TEXTS[3],
        TEXTS[9],
        "line\\u2028separator\\u2029paragraph\\x00\\x07\\x1b[31m",
        "\\u202eexe",
    ):
        assert words in shown, words
    assert page.title().startswith("Localization engines in ")


def text(number: int) -> str:
    return TEXTS[number]


def test_results_are_shown_and_do_nothing(opened: Opener) -> None:
    results = tuple(
        Result(f"{number}{one}", kind, status, one, one, one, one, one, one, one, {one: 1})
        for number, one in enumerate(TEXTS)
        for kind in (Kind.CREATE, Kind.NONE)
        for status in Status
    )
    outcome = Outcome(results, halted=text(0), unwritten=text(1), unpublished=text(2), proposed=text(3))
    run = RunFacts("apply", NOW, 1.0, f"git {text(0)}")
    check(opened(render_outcome_html(HOSTILE, outcome, Occasion(), run)))


def test_very_long_words_and_texts_stay_in_their_place(opened: Opener) -> None:
    megabyte = "<b>x</b>" * 131_072
    lines = "<script>window.hacked = true</script>\n" * 26_000
    actions = tuple(
        Action(
            f"engine-{number}",
            Kind.REPLACE,
            "W" * 10_000,
            changes=(
                Change("sources", "a", "b", content=True, old_text=old, new_text=new),
                Change("name", old, new),
            ),
        )
        for number, (old, new) in enumerate(
            [(megabyte, megabyte + "y"), (lines, "x\n" + lines), ("", lines), (lines, "")]
        )
    )
    html = render_plan_html(Plan("W" * 500, actions), Occasion(), now=NOW)
    assert len(html) < 2_000_000
    for width in (360, 1_200):
        page = opened(html, viewport={"width": width, "height": 800})
        check(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_what_would_be_done_is_noticed(opened: Opener) -> None:
    """These tests can fail: a page that is handed a hostile script reports what it tries, and gets nowhere."""
    page = opened(render_plan_html(plan(TEXTS[:2]), Occasion(), now=NOW))
    with pytest.raises(Exception, match="requires 'TrustedHTML'"):
        page.evaluate("document.body.innerHTML = '<b>markup</b>'")
    refused: list[str | None] = []
    page.on("requestfailed", lambda request: refused.append(request.failure))
    page.evaluate("document.body.append(Object.assign(new Image(), {src: 'https://evil.example/x'}))")
    page.evaluate("fetch('https://evil.example/y').catch(() => {})")
    until(page, "window.violations.length >= 3")
    with pytest.raises(AssertionError, match="img-src"):
        opened.check()
    assert set(refused) <= {"csp"}, "no request left"
    opened.pages.clear()
    opened.requests.clear()
    opened.problems.clear()


@pytest.fixture
def served() -> Iterator[tuple[str, list[str]]]:
    """The address of a server that has one report, and what it was asked for."""
    asked: list[str] = []
    html = render_plan_html(plan(TEXTS), Occasion(), now=NOW).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(html)

        def log_message(self, format: str, *args: object) -> None:
            """Not to the terminal."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/report.html", asked
        server.shutdown()
        thread.join()


def test_a_server_is_asked_for_the_report_and_nothing_else(
    opened: Opener, served: tuple[str, list[str]]
) -> None:
    url, asked = served
    check(opened.address(url))
    assert asked == ["/report.html"]
