"""Hundreds of pages in three dozen kinds: what each is at a first look and at a second, and what must be found."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import NamedTuple

from reconciler.core.sources.look import PageKind, Refusal
from tests.adapters.web.articles import page, paragraphs
from tests.adapters.web.site import Answer, Asked, Send, Site, moved, plain

EACH = 10  # pages of a kind
OUTSIDE = "10.1.2.3"  # an address that nobody may ask


class Found(StrEnum):
    FRESH = "fresh"
    STALE = "stale"
    DEAD = "dead"
    UNKNOWN = "unknown"
    REFUSED = "refused"


class Case(NamedTuple):
    """`first` and `second` put the page up. `kind` and `refusal` are checked where they are named."""

    kind_of_page: str
    host: str
    path: str
    first: Answer
    second: Answer
    found: Found
    kind: PageKind | None = None
    refusal: Refusal | None = None
    moved_for_good: bool = False


Make = Callable[[Site, str, int], Case]  # site, host, number


def corpus(site: Site) -> list[Case]:
    cases = []
    for make in _KINDS:
        host = make.__name__.replace("_", "-") + ".test"
        for number in range(EACH):
            cases.append(make(site, host, number))
    return cases


def put_up(site: Site, cases: list[Case], second: bool) -> None:
    for case in cases:
        site.pages[case.host, case.path] = case.second if second else case.first


def _case(host: str, number: int, first: Answer, second: Answer, found: Found, **more: object) -> Case:
    return Case(host.removesuffix(".test"), host, f"/{number}", first, second, found, **more)  # type: ignore[arg-type]


def _html(host: str, number: int, **options: str) -> str:
    return page(f"{host} {number}", **options)  # type: ignore[arg-type]


def unchanged(site: Site, host: str, number: int) -> Case:
    answer = plain(_html(host, number))
    return _case(host, number, answer, answer, Found.FRESH)


def changed_word(site: Site, host: str, number: int) -> Case:
    seed = f"{host} {number}"
    body = paragraphs(seed)
    other = list(body)
    place = number % len(body)
    words = other[place].split(" ")
    words[len(words) // 2] = "otherwise"
    other[place] = " ".join(words)
    return _case(host, number, plain(page(seed, body)), plain(page(seed, other)), Found.STALE)


def added_paragraph(site: Site, host: str, number: int) -> Case:
    seed = f"{host} {number}"
    body = paragraphs(seed)
    other = [
        *body[: number % 5],
        "From now on write the name of the product in capital letters, everywhere.",
        *body[number % 5 :],
    ]
    return _case(host, number, plain(page(seed, body)), plain(page(seed, other)), Found.STALE)


def removed_paragraph(site: Site, host: str, number: int) -> Case:
    seed = f"{host} {number}"
    body = paragraphs(seed)
    other = body[: number % 5] + body[number % 5 + 1 :]
    return _case(host, number, plain(page(seed, body)), plain(page(seed, other)), Found.STALE)


def changed_nonce(site: Site, host: str, number: int) -> Case:
    first, second = (_html(host, number, nonce=f"{value * (number + 3):032x}") for value in (7**20, 11**20))
    return _case(host, number, plain(first), plain(second), Found.FRESH)


def changed_navigation(site: Site, host: str, number: int) -> Case:
    first, second = (_html(host, number, navigation=word) for word in ("Products", "Our solutions for teams"))
    return _case(host, number, plain(first), plain(second), Found.FRESH)


def changed_date(site: Site, host: str, number: int) -> Case:
    first, second = (_html(host, number, date=date) for date in ("March 12, 2024", "November 3, 2026"))
    return _case(host, number, plain(first), plain(second), Found.FRESH)


def changed_banner(site: Site, host: str, number: int) -> Case:
    banners = (
        "",
        '<div class="ad advertisement"><a href="/buy">Cheap shoes from 9 a month</a></div>'
        '<div id="cookie-consent" role="dialog"><p>We use cookies.</p><button>Accept</button></div>',
    )
    first, second = (_html(host, number, banner=banner) for banner in banners)
    return _case(host, number, plain(first), plain(second), Found.FRESH)


def changed_tracking(site: Site, host: str, number: int) -> Case:
    first, second = (_html(host, number, link=f"/more?utm_source={word}") for word in ("mail", "feed"))
    return _case(host, number, plain(first), plain(second), Found.FRESH)


def moved_page(site: Site, host: str, number: int) -> Case:
    """Half of them for good; with another text they are stale, too."""
    changed = number % 5 == 4
    new = _html(host, number + 100 if changed else number)
    site.pages[host, f"/new/{number}"] = plain(new)
    status = "301 Moved Permanently" if number % 2 else "302 Found"
    first, second = plain(_html(host, number)), moved(f"/new/{number}", status)
    found = Found.STALE if changed else Found.FRESH
    return _case(host, number, first, second, found, moved_for_good=number % 2 == 1)


def moved_by_page(site: Site, host: str, number: int) -> Case:
    """By `meta refresh`, as sites without a server of their own do."""
    site.pages[host, f"/new/{number}"] = plain(_html(host, number))
    stub = f'<html><head><meta http-equiv="Refresh" content="0; url=/new/{number}"></head><body>Moved.</body></html>'
    return _case(host, number, plain(_html(host, number)), plain(stub), Found.FRESH)


def gone(site: Site, host: str, number: int) -> Case:
    status = ("404 Not Found", "410 Gone")[number % 2]
    return _case(host, number, plain(_html(host, number)), plain("gone", status), Found.DEAD)


def failing(site: Site, host: str, number: int) -> Case:
    status = (
        "500 Internal Server Error",
        "502 Bad Gateway",
        "503 Service Unavailable",
        "429 Too Many Requests",
    )
    second = plain("sorry", status[number % 4])
    return _case(host, number, plain(_html(host, number)), second, Found.UNKNOWN)


def slow(site: Site, host: str, number: int) -> Case:
    """Nothing at all, or a byte now and then."""

    async def answer(asked: Asked, send: Send) -> None:
        if number % 2:
            await send(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n")
        for _ in range(100):
            await asyncio.sleep(0.05 if number % 2 else 1)
            await send(b"x" if number % 2 else b"H")

    return _case(host, number, plain(_html(host, number)), answer, Found.UNKNOWN)


def endless(site: Site, host: str, number: int) -> Case:
    """A body, or a header, that never ends."""

    async def answer(asked: Asked, send: Send) -> None:
        await send(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n")
        await send(b"\r\n<html>" if number % 2 else b"X-Endless: ")
        for _ in range(1000):
            await send(b"more and more " * 4096)

    return _case(host, number, plain(_html(host, number)), answer, Found.UNKNOWN)


def huge(site: Site, host: str, number: int) -> Case:
    async def answer(asked: Asked, send: Send) -> None:
        await send(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 99999999999\r\n\r\n<html>")

    return _case(host, number, plain(_html(host, number)), answer, Found.UNKNOWN)


def cut_off(site: Site, host: str, number: int) -> Case:
    """Half a page is not a page that lost its second half."""
    whole = _html(host, number).encode()
    if number % 2:
        half = plain(
            gzip.compress(whole)[:-100], Content_Encoding="gzip", Content_Length="", Connection="close"
        )
    else:
        half = plain(whole[: len(whole) // 2], Content_Length=str(len(whole)))
    return _case(host, number, plain(whole), half, Found.UNKNOWN)


def redirect_loop(site: Site, host: str, number: int) -> Case:
    """Onto itself, between two, and ever deeper."""
    for step in range(30):
        site.pages[host, f"/deep/{number}/{step}"] = moved(f"/deep/{number}/{step + 1}")
    site.pages[host, f"/two/{number}"] = moved(f"/{number}")
    to = (f"/{number}", f"/two/{number}", f"/deep/{number}/0")[number % 3]
    first = plain(_html(host, number))
    return _case(host, number, first, moved(to), Found.UNKNOWN, refusal=Refusal.REDIRECTS)


def private_by_name(site: Site, host: str, number: int) -> Case:
    """The name has a private address at the second look: alone, beside a public one, or spelled in IPv6."""
    own = f"{number}.{host}"
    answer = plain(_html(host, number))
    return Case(host, own, "/", answer, answer, Found.REFUSED, refusal=Refusal.PRIVATE)


def private_by_redirect(site: Site, host: str, number: int) -> Case:
    to = (
        f"http://{OUTSIDE}/latest/meta-data",
        "http://169.254.169.254/",
        "http://[::1]/",
        "http://0xA9FEA9FE/",
        "http://inside.test/",
        "//10.0.0.1/",
        "http://[::ffff:10.0.0.1]/",
        "http://[64:ff9b::a00:1]/",
        "http://012.1/",
        "http://0.0.0.0:8080/",
    )[number % 10]
    first = plain(_html(host, number))
    return _case(host, number, first, moved(to, "302 Found"), Found.REFUSED, refusal=Refusal.PRIVATE)


def bad_redirect(site: Site, host: str, number: int) -> Case:
    to = (
        "file:///etc/passwd",
        "ftp://a.test/",
        "gopher://a.test/",
        "http://u:p@a.test/",
        "http://a.test:22/",
    )[number % 5]
    first = plain(_html(host, number))
    return _case(host, number, first, moved(to), Found.REFUSED, refusal=Refusal.ADDRESS)


def wrong_charset(site: Site, host: str, number: int) -> Case:
    """The server changes its mind about the charset, and not the page; every fifth page changes, too."""
    seed = f"{host} {number}"
    body = [
        *paragraphs(seed),
        "Größe, Maß und Gefäß heißen überall gleich, auch in Österreich und der Schweiz.",
    ]
    real = ("utf-8", "cp1252")[number % 2]
    told = [
        ("utf-8", "iso-8859-1"),
        ("iso-8859-1", "utf-8"),
        ("windows-1252", ""),
        ("", "x-nonsense"),
        ("zip", "rot13"),
    ]
    first, second = told[number // 2]
    changed = [*body, "Weiß wird großgeschrieben, wenn es ein Name ist."] if number % 5 == 4 else body
    before, after = (
        plain(
            page(seed, texts, charset=real).encode(real),
            media_type=f"text/html; charset={name}" if name else "text/html",
        )
        for texts, name in ((body, first), (changed, second))
    )
    return _case(host, number, before, after, Found.STALE if changed is not body else Found.FRESH)


def gzip_bomb(site: Site, host: str, number: int) -> Case:
    content = b"<html><body><p>" + b"bomb " * 2_000_000
    packed = (gzip.compress(content), zlib.compress(content), gzip.compress(gzip.compress(content)))[
        number % 3
    ]
    name = ("gzip", "deflate", "gzip, gzip")[number % 3]
    second = plain(packed, Content_Encoding=name)
    return _case(host, number, plain(_html(host, number)), second, Found.UNKNOWN)


def compressed(site: Site, host: str, number: int) -> Case:
    """The same page in another wrapping."""
    whole = _html(host, number).encode()
    raw = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    packed = (
        (gzip.compress(whole), "gzip"),
        (zlib.compress(whole), "deflate"),
        (raw.compress(whole) + raw.flush(), "deflate"),
        (gzip.compress(whole[:300]) + gzip.compress(whole[300:]), "x-gzip"),
        (whole, "identity"),
    )[number % 5]
    return _case(host, number, plain(whole), plain(packed[0], Content_Encoding=packed[1]), Found.FRESH)


def script_shell(site: Site, host: str, number: int) -> Case:
    shell = (
        '<!doctype html><html><head><title>App</title><script src="/app.js"></script></head><body><div id="root"></div>'
        "<noscript>You need to enable JavaScript to run this app.</noscript></body></html>",
        '<html><head><script>window.__STATE__={}</script></head><body><div id="__next"></div></body></html>',
    )[number % 2]
    first = plain(_html(host, number))
    return _case(host, number, first, plain(shell), Found.UNKNOWN, kind=PageKind.SCRIPT)


def bot_check(site: Site, host: str, number: int) -> Case:
    check = (
        "<html><head><title>Just a moment...</title></head><body><p>Checking your browser</p></body></html>"
    )
    second = (
        plain(check),
        plain(check, "403 Forbidden", cf_mitigated="challenge"),
        plain('<html><body><div class="h-captcha"></div><script src="x"></script></body></html>'),
    )[number % 3]
    first = plain(_html(host, number))
    return _case(host, number, first, second, Found.UNKNOWN, kind=PageKind.CHALLENGE)


def robots_forbid(site: Site, host: str, number: int) -> Case:
    rules = (
        "User-agent: *\nDisallow: /"
        if number % 2
        else "User-agent: reconcile\nDisallow: /*\n\nUser-agent: *\nAllow: /"
    )
    site.pages[f"{number}.{host}", "/robots.txt"] = plain(rules, media_type="text/plain")
    answer = plain(_html(host, number))
    return Case(host, f"{number}.{host}", "/", answer, answer, Found.REFUSED, refusal=Refusal.ROBOTS)


def robots_unreadable(site: Site, host: str, number: int) -> Case:
    site.pages[f"{number}.{host}", "/robots.txt"] = plain(
        "sorry", ("500 Oops", "503 Busy", "429 Slow down")[number % 3]
    )
    answer = plain(_html(host, number))
    return Case(host, f"{number}.{host}", "/", answer, answer, Found.UNKNOWN)


def login_wall(site: Site, host: str, number: int) -> Case:
    fields = '<form><input name="u"><input type="PASSWORD"></form>'
    form = f"<html><head><title>Sign in</title></head><body>{fields}</body></html>"
    site.pages[host, "/login"] = plain(_html(host, number))  # which is long, and is not the page
    second = (
        plain("", "401 Unauthorized", WWW_Authenticate="Basic"),
        plain("", "403 Forbidden"),
        moved("/login?next=x", "302 Found"),
        moved("/login", "303 See Other"),
        plain(form),
    )[number % 5]
    site.pages[host, "/login?next=x"] = plain(form)
    first = plain(_html(host, number))
    return _case(host, number, first, second, Found.UNKNOWN, kind=PageKind.LOGIN)


def soft_404(site: Site, host: str, number: int) -> Case:
    text = (
        "<title>404</title><h1>Oops</h1>",
        "<title>Acme</title><h1>Page not found</h1>",
        "<h1>Seite nicht gefunden</h1>",
    )
    second = plain(
        f"<html><body>{text[number % 3]}<p>Try our search or go back to the start page.</p></body></html>"
    )
    first = plain(_html(host, number))
    return _case(host, number, first, second, Found.UNKNOWN, kind=PageKind.NOT_FOUND)


def emptied(site: Site, host: str, number: int) -> Case:
    second = plain(("", "<html></html>", "<html><body><p>Soon.</p></body></html>", " \n\t")[number % 4])
    first = plain(_html(host, number))
    return _case(host, number, first, second, Found.UNKNOWN, kind=PageKind.NEARLY_EMPTY)


def not_text(site: Site, host: str, number: int) -> Case:
    content, name = (
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3 text text text", "application/pdf"),
        (b"%PDF-1.7\n text", "text/html"),
        (b"\x89PNG\r\n\x1a\n\0\0", "image/png"),
        (b'{"a": 1}', "application/json"),
        (b"PK\x03\x04\0\0", "application/octet-stream"),
    )[number % 5]
    second = plain(content, media_type=name, Content_Disposition='attachment; filename="x"')
    first = plain(_html(host, number))
    return _case(host, number, first, second, Found.UNKNOWN, kind=PageKind.NOT_TEXT)


def text_file(site: Site, host: str, number: int) -> Case:
    """Plain text and Markdown; every other one changes."""
    name = ("text/plain", "text/markdown; charset=utf-8", "")[number % 3]
    texts = paragraphs(f"{host} {number}")
    first = "# Guide\n\n" + "\n\n".join(texts)
    second = first.replace("\n", "\r\n") + ("\r\nOne more rule." if number % 2 else "\r\n\r\n")
    found = Found.STALE if number % 2 else Found.FRESH
    return _case(host, number, plain(first, media_type=name), plain(second, media_type=name), found)


def conditional(site: Site, host: str, number: int) -> Case:
    """Answers 304 to who knows the tag, and a different text to everybody else: nobody may ask without."""
    tag, date = f'"v{number}"', "Tue, 05 Mar 2024 10:00:00 GMT"
    known = ("if-none-match", tag) if number % 2 else ("if-modified-since", date)
    headers = {"ETag": tag} if number % 2 else {"Last_Modified": date}

    async def second(asked: Asked, send: Send) -> None:
        same = asked.headers.get(known[0]) == known[1]
        answer = (
            plain("", "304 Not Modified", Content_Length="") if same else plain(_html(host, number + 100))
        )
        await answer(asked, send)

    return _case(host, number, plain(_html(host, number), **headers), second, Found.FRESH)


def busy_for_a_moment(site: Site, host: str, number: int) -> Case:
    """Asks for a second, and is fine after that."""
    asked_before: list[str] = []

    async def second(asked: Asked, send: Send) -> None:
        asked_before.append(asked.path)
        busy = len(asked_before) == 1
        answer = plain("", "429 Too Many Requests", Retry_After="1") if busy else plain(_html(host, number))
        await answer(asked, send)

    own = f"{number}.{host}"
    return Case(host, own, "/", plain(_html(host, number)), second, Found.FRESH)


_KINDS: tuple[Make, ...] = (
    unchanged, changed_word, added_paragraph, removed_paragraph, changed_nonce, changed_navigation, changed_date,
    changed_banner, changed_tracking, moved_page, moved_by_page, gone, failing, slow, endless, huge, cut_off,
    redirect_loop, private_by_name, private_by_redirect, bad_redirect, wrong_charset, gzip_bomb, compressed,
    script_shell, bot_check, robots_forbid, robots_unreadable, login_wall, soft_404, emptied, not_text, text_file,
    conditional, busy_for_a_moment,
)  # fmt: skip


def private_addresses(cases: list[Case]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What names lead to at the second look."""
    yield "inside.test", (OUTSIDE,)
    forms = (
        (OUTSIDE,),
        ("93.184.216.34", "192.168.0.1"),
        ("::ffff:10.0.0.1",),
        ("fd00::1",),
        ("100.64.0.1",),
    )
    for index, case in enumerate(case for case in cases if case.kind_of_page == "private-by-name.test"):
        yield case.host, forms[index % len(forms)]
