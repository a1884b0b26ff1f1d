"""Hundreds of pages in three dozen kinds; here are those that cannot be read at the second look."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import Iterator

from reconciler.core.sources.look import PageKind, Refusal
from tests.adapters.web.cases import Case, Found, Make, case_of, html_of
from tests.adapters.web.readable_pages import READABLE, wrong_charset
from tests.adapters.web.site import Asked, Send, Site, moved, plain

EACH = 6  # pages of a kind, unless there are more ways to be of it
OUTSIDE = "10.1.2.3"  # an address that nobody may ask


def corpus(site: Site) -> list[Case]:
    cases = []
    for make in _KINDS:
        host = make.__name__.replace("_", "-") + ".test"
        for number in range(10 if make in (private_by_redirect, wrong_charset) else EACH):
            cases.append(make(site, host, number))
    return cases


def put_up(site: Site, cases: list[Case], second: bool) -> None:
    for case in cases:
        site.pages[case.host, case.path] = case.second if second else case.first


def gone(site: Site, host: str, number: int) -> Case:
    status = ("404 Not Found", "410 Gone")[number % 2]
    return case_of(host, number, plain(html_of(host, number)), plain("gone", status), Found.DEAD)


def failing(site: Site, host: str, number: int) -> Case:
    status = (
        "500 Internal Server Error",
        "502 Bad Gateway",
        "503 Service Unavailable",
        "429 Too Many Requests",
    )
    second = plain("sorry", status[number % 4])
    return case_of(host, number, plain(html_of(host, number)), second, Found.UNKNOWN)


def slow(site: Site, host: str, number: int) -> Case:
    """Nothing at all, or a byte now and then."""

    async def answer(asked: Asked, send: Send) -> None:
        if number % 2:
            await send(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n")
        for _ in range(100):
            await asyncio.sleep(0.05 if number % 2 else 1)
            await send(b"x" if number % 2 else b"H")

    return case_of(host, number, plain(html_of(host, number)), answer, Found.UNKNOWN)


def endless(site: Site, host: str, number: int) -> Case:
    """A body, or a header, that never ends."""

    async def answer(asked: Asked, send: Send) -> None:
        await send(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n")
        await send(b"\r\n<html>" if number % 2 else b"X-Endless: ")
        for _ in range(1000):
            await send(b"more and more " * 4096)

    return case_of(host, number, plain(html_of(host, number)), answer, Found.UNKNOWN)


def huge(site: Site, host: str, number: int) -> Case:
    async def answer(asked: Asked, send: Send) -> None:
        await send(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 99999999999\r\n\r\n<html>")

    return case_of(host, number, plain(html_of(host, number)), answer, Found.UNKNOWN)


def cut_off(site: Site, host: str, number: int) -> Case:
    """Half a page is not a page that lost its second half."""
    whole = html_of(host, number).encode()
    if number % 2:
        half = plain(
            gzip.compress(whole)[:-100], Content_Encoding="gzip", Content_Length="", Connection="close"
        )
    else:
        half = plain(whole[: len(whole) // 2], Content_Length=str(len(whole)))
    return case_of(host, number, plain(whole), half, Found.UNKNOWN)


def redirect_loop(site: Site, host: str, number: int) -> Case:
    """Onto itself, between two, and ever deeper."""
    for step in range(30):
        site.pages[host, f"/deep/{number}/{step}"] = moved(f"/deep/{number}/{step + 1}")
    site.pages[host, f"/two/{number}"] = moved(f"/{number}")
    to = (f"/{number}", f"/two/{number}", f"/deep/{number}/0")[number % 3]
    first = plain(html_of(host, number))
    return case_of(host, number, first, moved(to), Found.UNKNOWN, refusal=Refusal.REDIRECTS)


def private_by_name(site: Site, host: str, number: int) -> Case:
    """The name has a private address at the second look: alone, beside a public one, or spelled in IPv6."""
    own = f"{number}.{host}"
    answer = plain(html_of(host, number))
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
    first = plain(html_of(host, number))
    return case_of(host, number, first, moved(to, "302 Found"), Found.REFUSED, refusal=Refusal.PRIVATE)


def bad_redirect(site: Site, host: str, number: int) -> Case:
    to = (
        "file:///etc/passwd",
        "ftp://a.test/",
        "gopher://a.test/",
        "http://u:p@a.test/",
        "http://a.test:22/",
    )[number % 5]
    first = plain(html_of(host, number))
    return case_of(host, number, first, moved(to), Found.REFUSED, refusal=Refusal.ADDRESS)


def gzip_bomb(site: Site, host: str, number: int) -> Case:
    content = b"<html><body><p>" + b"bomb " * 2_000_000
    packed = (gzip.compress(content), zlib.compress(content), gzip.compress(gzip.compress(content)))[
        number % 3
    ]
    name = ("gzip", "deflate", "gzip, gzip")[number % 3]
    second = plain(packed, Content_Encoding=name)
    return case_of(host, number, plain(html_of(host, number)), second, Found.UNKNOWN)


def script_shell(site: Site, host: str, number: int) -> Case:
    shell = (
        '<!doctype html><html><head><title>App</title><script src="/app.js"></script></head><body><div id="root"></div>'
        "<noscript>You need to enable JavaScript to run this app.</noscript></body></html>",
        '<html><head><script>window.__STATE__={}</script></head><body><div id="__next"></div></body></html>',
    )[number % 2]
    first = plain(html_of(host, number))
    return case_of(host, number, first, plain(shell), Found.UNKNOWN, kind=PageKind.SCRIPT)


def bot_check(site: Site, host: str, number: int) -> Case:
    check = (
        "<html><head><title>Just a moment...</title></head><body><p>Checking your browser</p></body></html>"
    )
    second = (
        plain(check),
        plain(check, "403 Forbidden", cf_mitigated="challenge"),
        plain('<html><body><div class="h-captcha"></div><script src="x"></script></body></html>'),
    )[number % 3]
    first = plain(html_of(host, number))
    return case_of(host, number, first, second, Found.UNKNOWN, kind=PageKind.CHALLENGE)


def robots_forbid(site: Site, host: str, number: int) -> Case:
    rules = (
        "User-agent: *\nDisallow: /"
        if number % 2
        else "User-agent: reconcile\nDisallow: /*\n\nUser-agent: *\nAllow: /"
    )
    site.pages[f"{number}.{host}", "/robots.txt"] = plain(rules, media_type="text/plain")
    answer = plain(html_of(host, number))
    return Case(host, f"{number}.{host}", "/", answer, answer, Found.REFUSED, refusal=Refusal.ROBOTS)


def robots_unreadable(site: Site, host: str, number: int) -> Case:
    site.pages[f"{number}.{host}", "/robots.txt"] = plain(
        "sorry", ("500 Oops", "503 Busy", "429 Slow down")[number % 3]
    )
    answer = plain(html_of(host, number))
    return Case(host, f"{number}.{host}", "/", answer, answer, Found.UNKNOWN)


def login_wall(site: Site, host: str, number: int) -> Case:
    fields = '<form><input name="u"><input type="PASSWORD"></form>'
    form = f"<html><head><title>Sign in</title></head><body>{fields}</body></html>"
    site.pages[host, "/login"] = plain(html_of(host, number))  # which is long, and is not the page
    second = (
        plain("", "401 Unauthorized", WWW_Authenticate="Basic"),
        plain("", "403 Forbidden"),
        moved("/login?next=x", "302 Found"),
        moved("/login", "303 See Other"),
        plain(form),
    )[number % 5]
    site.pages[host, "/login?next=x"] = plain(form)
    first = plain(html_of(host, number))
    return case_of(host, number, first, second, Found.UNKNOWN, kind=PageKind.LOGIN)


def soft_404(site: Site, host: str, number: int) -> Case:
    text = (
        "<title>404</title><h1>Oops</h1>",
        "<title>Acme</title><h1>Page not found</h1>",
        "<h1>Seite nicht gefunden</h1>",
    )
    second = plain(
        f"<html><body>{text[number % 3]}<p>Try our search or go back to the start page.</p></body></html>"
    )
    if number % 4 == 3:
        site.pages[host, "/"] = plain(html_of(host, number))  # which is long, and is not the page
        second = moved("/", "302 Found")
    first = plain(html_of(host, number))
    return case_of(host, number, first, second, Found.UNKNOWN, kind=PageKind.NOT_FOUND)


def emptied(site: Site, host: str, number: int) -> Case:
    second = plain(("", "<html></html>", "<html><body><p>Soon.</p></body></html>", " \n\t")[number % 4])
    first = plain(html_of(host, number))
    return case_of(host, number, first, second, Found.UNKNOWN, kind=PageKind.NEARLY_EMPTY)


def not_text(site: Site, host: str, number: int) -> Case:
    content, name = (
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3 text text text", "application/pdf"),
        (b"%PDF-1.7\n text", "text/html"),
        (b"\x89PNG\r\n\x1a\n\0\0", "image/png"),
        (b'{"a": 1}', "application/json"),
        (b"PK\x03\x04\0\0", "application/octet-stream"),
    )[number % 5]
    second = plain(content, media_type=name, Content_Disposition='attachment; filename="x"')
    first = plain(html_of(host, number))
    return case_of(host, number, first, second, Found.UNKNOWN, kind=PageKind.NOT_TEXT)


_KINDS: tuple[Make, ...] = (
    *READABLE,
    gone, failing, slow, endless, huge, cut_off, redirect_loop, private_by_name, private_by_redirect,
    bad_redirect, gzip_bomb, script_shell, bot_check, robots_forbid, robots_unreadable, login_wall, soft_404,
    emptied, not_text,
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
