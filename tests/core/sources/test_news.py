"""What became of pages and links, told from looks alone; and which engines are replaced for it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.core.engine.fingerprint import fingerprint
from reconciler.core.engine.spec import Desired, RefreshOptions, Source, Spec, record_of
from reconciler.core.errors import Severity
from reconciler.core.excerpt import Excerpt
from reconciler.core.lockfile.entry import Entry, Hold, Pending, Provisioned, Superseded
from reconciler.core.lockfile.model import EMPTY, Lockfile
from reconciler.core.plan.model import Action, Kind
from reconciler.core.plan.recreate import refreshed, too_old
from reconciler.core.sources.links import link_findings
from reconciler.core.sources.look import Outcome, PageKind, PageLook, Redirect, Refusal
from reconciler.core.sources.main_text import text_digest
from reconciler.core.sources.news import EngineNews, LinkNews, State, is_usable, news_of, seen_of, target_of
from reconciler.core.sources.preview import preview_of

URL = "https://acme.example/brand"
TEXT = "Acme writes plainly. Use formal tone in German."
NOW, AT = "2026-11-24T12:00:00Z", "2026-11-24T11:08:13Z"


def read(text: str = TEXT, **more: object) -> PageLook:
    look = PageLook(
        URL,
        Outcome.OK,
        status=200,
        kind=PageKind.TEXT,
        final_url=URL,
        reader="r/1",
        text_digest=text_digest(text),
    )
    return replace(look, text=text, words=len(text.split()), **more)  # type: ignore[arg-type]


SEEN = seen_of(read(etag='"v1"'), AT)
GONE = PageLook(URL, Outcome.DEAD, "returned 404", status=404)


@pytest.mark.parametrize(
    ("look", "state"),
    [
        (read(), State.FRESH),
        (PageLook(URL, Outcome.UNCHANGED, status=304), State.FRESH),
        (read(TEXT.replace("formal", "informal")), State.STALE),
        (read("Another text.", reader="r/2"), State.UNKNOWN),
        (GONE, State.DEAD),
        (PageLook(URL, Outcome.UNKNOWN, "returned 503"), State.UNKNOWN),
        (PageLook(URL, Outcome.REFUSED, "private"), State.UNKNOWN),
        (None, State.UNKNOWN),
    ],
)
def test_what_a_look_says(look: PageLook | None, state: State) -> None:
    assert news_of(URL, SEEN, look).state is state


def test_nothing_is_concluded_from_what_was_never_recorded() -> None:
    assert news_of(URL, None, read()).state is State.UNKNOWN
    assert news_of(URL, seen_of(GONE, AT), read()).state is State.UNKNOWN


def test_where_a_session_led_is_not_recorded() -> None:
    moved = read(redirects=(Redirect(f"{URL}?sid=1", 302),), final_url=f"{URL}?sid=1")
    assert seen_of(moved, AT).final_url == URL
    assert seen_of(read(etag="\x1b[2J"), AT).etag is None


def test_only_what_all_recorded_alike_is_asked_for() -> None:
    assert target_of(URL, [SEEN, SEEN]).etag == '"v1"'
    assert target_of(URL, [SEEN, replace(SEEN, etag='"v2"')]).etag is None
    assert target_of(URL, [replace(SEEN, digest="m0:sha256:" + "a" * 64)]).etag is None
    assert target_of(URL, []).etag is None


# ── which engines are replaced ─────────────────────────────────────────────────────────────────────────────────

SPEC = Spec("acme", sources=(Source("link", URL),))
PRINT = fingerprint(SPEC)
WANTED = Desired("acme", "engines/acme.yaml", SPEC, PRINT, {}, refresh=RefreshOptions(True))
CURRENT = Provisioned("eng_A", PRINT, record_of(SPEC), provisioned_at=AT)
STALE = EngineNews("acme", "eng_A", WANTED.file, (LinkNews(URL, State.STALE),), refresh=WANTED.refresh)
PAST = Superseded("eng_B", PRINT, record_of(SPEC), AT)
BETWEEN = Superseded("eng_D", f"v1:{'b' * 16}", {"name": "Between"}, AT)
HOLD = Hold("op-1", PRINT, record_of(SPEC), "ada", AT)
PENDING = Pending("in_progress", "op-2", PRINT, record_of(SPEC), engine_id="eng_C", job_id="pjb_C")


def outcome(
    entry: Entry, news: EngineNews = STALE, actions: tuple[Action, ...] = (), restless: tuple[str, ...] = ()
) -> tuple[tuple[Action, ...], str | None]:
    lockfile = EMPTY.with_entry("acme", entry)
    made, [told] = refreshed(actions, [news], {"acme": WANTED}, lockfile, restless, NOW)
    return made, told.held


def test_a_stale_engine_is_replaced_by_one_of_the_same_configuration() -> None:
    [action], held = outcome(Entry(CURRENT))
    assert (action.kind, action.reason, held) == (Kind.REPLACE, f"source changed: {URL}", None)
    assert action.submission is not None
    assert (action.instead_of, action.because, action.fingerprint) == ("eng_A", "sources", PRINT)


@pytest.mark.parametrize(
    ("entry", "news", "restless", "why"),
    [
        (Entry(CURRENT, hold=HOLD), STALE, (), "rolled back by ada"),
        (Entry(CURRENT, superseded=(PAST,)), STALE, (), "once a day"),
        (Entry(CURRENT, superseded=(PAST, BETWEEN)), STALE, (), "once a day"),  # edited, and back, meanwhile
        (Entry(CURRENT), STALE, (URL,), "another text at each look"),
        (
            Entry(CURRENT),
            replace(STALE, links=(*STALE.links, LinkNews("https://b.example/", State.DEAD))),
            (),
            "would know less",
        ),
        (
            Entry(CURRENT),
            replace(STALE, links=(*STALE.links, LinkNews("https://b.example/", State.UNKNOWN))),
            (),
            "would know less",
        ),
    ],
)
def test_what_holds_a_replacement_back_is_said(
    entry: Entry, news: EngineNews, restless: tuple[str, ...], why: str
) -> None:
    made, held = outcome(entry, news, restless=restless)
    assert made == ()
    assert held is not None
    assert why in held


def test_what_the_plan_says_already_is_not_said_twice() -> None:
    planned = Action("acme", Kind.RESUME, "its job is still running")
    assert outcome(Entry(CURRENT, PENDING), actions=(planned,)) == ((planned,), None)
    assert outcome(Entry(CURRENT, PENDING)) == ((), None)
    old = replace(PAST, replaced_at="2026-11-01T00:00:00Z")
    assert len(outcome(Entry(CURRENT, superseded=(old,)))[0]) == 1


def test_an_engine_that_is_too_old_is_stale() -> None:
    assert too_old(CURRENT, RefreshOptions(max_age=60.0), NOW) is not None
    assert too_old(CURRENT, RefreshOptions(max_age=86_400.0), NOW) is None
    aged = replace(STALE, links=(LinkNews(URL, State.FRESH),), old="it is old")
    [action], _ = outcome(Entry(CURRENT), aged)
    assert action.reason == "sources are old: it is old"
    made, [told] = refreshed((), [replace(aged, old=None)], {"acme": WANTED}, Lockfile(), (), NOW)
    assert (made, told.held) == ((), None)


# ── links ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("look", "severity", "words"),
    [
        (GONE, Severity.ERROR, "is dead"),
        (replace(read(), kind=PageKind.LOGIN), Severity.WARNING, "asks to sign in"),
        (
            replace(read(), kind=PageKind.NOT_TEXT, reason="image/png"),
            Severity.WARNING,
            "neither HTML nor text",
        ),
        (
            PageLook(URL, Outcome.UNKNOWN, "redirects in a loop", refusal=Refusal.REDIRECTS),
            Severity.ERROR,
            "loop",
        ),
        (
            PageLook(URL, Outcome.REFUSED, "was not requested: x", refusal=Refusal.PRIVATE),
            Severity.WARNING,
            "x",
        ),
        (PageLook(URL, Outcome.UNKNOWN), Severity.WARNING, "no reason is known"),
        (
            read(redirects=(Redirect("https://b.example/", 301),), final_url="https://b.example/"),
            Severity.WARNING,
            "for good",
        ),
        (None, Severity.WARNING, "not looked at in time"),
    ],
)
def test_what_is_wrong_with_a_link(look: PageLook | None, severity: Severity, words: str) -> None:
    places = {URL: ("engines/acme.yaml", 4, 14, Excerpt(URL, 0))}
    [found] = link_findings("acme", places, {} if look is None else {URL: look})
    assert (found.severity, found.place) == (severity, "engines/acme.yaml:4:14")
    assert words in found.message


def test_two_links_with_one_text_and_thin_sources_are_pointed_out() -> None:
    other = "https://acme.example/other"
    engine = Desired(
        "acme",
        "a.yaml",
        Spec("a", sources=(Source("link", URL), Source("link", other), Source("content", "Hi."))),
        "v1:a",
        {},
    )
    places = {url: ("a.yaml", line, 5, Excerpt(url, 0)) for line, url in enumerate((URL, other), start=1)}
    shown = preview_of(engine, places, {URL: read(), other: replace(read(), url=other)})
    assert [len(one.findings) for one in shown.sources] == [1, 1, 1]
    assert "has the same text as" in shown.sources[1].findings[0].message
    assert "little to learn from" in shown.sources[2].findings[0].message
    assert shown.words == 17


def test_a_version_is_told_to_the_address_alone_that_has_it() -> None:
    moved = read(etag='"v1"', redirects=(Redirect(f"{URL}/b", 302),), final_url=f"{URL}/b")
    assert target_of(URL, [seen_of(moved, AT)]).final_url == f"{URL}/b"
    session = replace(moved, final_url=f"{URL}/b?sid=1")
    assert seen_of(session, AT).etag is None  # the address is not recorded as it is


def test_whether_there_is_a_text_does_not_depend_on_what_is_recorded() -> None:
    assert news_of(URL, None, read()).readable
    assert not news_of(URL, SEEN, GONE).readable


def test_a_record_by_another_reader_is_made_anew_and_any_other_stays() -> None:
    assert is_usable(SEEN, (SEEN.reader,))
    assert not is_usable(SEEN, ("r/2",))
    assert not is_usable(replace(SEEN, digest=f"m0:{'sha256:' + 'a' * 64}"))
    assert not is_usable(replace(SEEN, digest=None))
    assert not is_usable(None)
