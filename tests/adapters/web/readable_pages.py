"""Pages that can be read at both looks: changed in what counts, in what does not, moved, or told otherwise."""

from __future__ import annotations

import gzip
import zlib

from tests.adapters.web.articles import page, paragraphs
from tests.adapters.web.cases import Case, Found, Make, case_of, html_of
from tests.adapters.web.site import Asked, Send, Site, moved, plain


def unchanged(site: Site, host: str, number: int) -> Case:
    answer = plain(html_of(host, number))
    return case_of(host, number, answer, answer, Found.FRESH)


def changed_word(site: Site, host: str, number: int) -> Case:
    seed = f"{host} {number}"
    body = paragraphs(seed)
    other = list(body)
    place = number % len(body)
    words = other[place].split(" ")
    words[len(words) // 2] = "otherwise"
    other[place] = " ".join(words)
    return case_of(host, number, plain(page(seed, body)), plain(page(seed, other)), Found.STALE)


def added_paragraph(site: Site, host: str, number: int) -> Case:
    seed = f"{host} {number}"
    body = paragraphs(seed)
    other = [
        *body[: number % 5],
        "From now on write the name of the product in capital letters, everywhere.",
        *body[number % 5 :],
    ]
    return case_of(host, number, plain(page(seed, body)), plain(page(seed, other)), Found.STALE)


def removed_paragraph(site: Site, host: str, number: int) -> Case:
    seed = f"{host} {number}"
    body = paragraphs(seed)
    other = body[: number % 5] + body[number % 5 + 1 :]
    return case_of(host, number, plain(page(seed, body)), plain(page(seed, other)), Found.STALE)


def changed_nonce(site: Site, host: str, number: int) -> Case:
    first, second = (html_of(host, number, nonce=f"{value * (number + 3):032x}") for value in (7**20, 11**20))
    return case_of(host, number, plain(first), plain(second), Found.FRESH)


def changed_navigation(site: Site, host: str, number: int) -> Case:
    first, second = (
        html_of(host, number, navigation=word) for word in ("Products", "Our solutions for teams")
    )
    return case_of(host, number, plain(first), plain(second), Found.FRESH)


def changed_date(site: Site, host: str, number: int) -> Case:
    first, second = (html_of(host, number, date=date) for date in ("March 12, 2024", "November 3, 2026"))
    return case_of(host, number, plain(first), plain(second), Found.FRESH)


def changed_banner(site: Site, host: str, number: int) -> Case:
    banners = (
        "",
        '<div class="ad advertisement"><a href="/buy">Cheap shoes from 9 a month</a></div>'
        '<div id="cookie-consent" role="dialog"><p>We use cookies.</p><button>Accept</button></div>',
    )
    first, second = (html_of(host, number, banner=banner) for banner in banners)
    return case_of(host, number, plain(first), plain(second), Found.FRESH)


def changed_tracking(site: Site, host: str, number: int) -> Case:
    first, second = (html_of(host, number, link=f"/more?utm_source={word}") for word in ("mail", "feed"))
    return case_of(host, number, plain(first), plain(second), Found.FRESH)


def moved_page(site: Site, host: str, number: int) -> Case:
    """Half of them for good; with another text they are stale, too."""
    changed = number % 5 == 4
    new = html_of(host, number + 100 if changed else number)
    site.pages[host, f"/new/{number}"] = plain(new)
    status = "301 Moved Permanently" if number % 2 else "302 Found"
    first, second = plain(html_of(host, number)), moved(f"/new/{number}", status)
    found = Found.STALE if changed else Found.FRESH
    return case_of(host, number, first, second, found, moved_for_good=number % 2 == 1)


def moved_by_page(site: Site, host: str, number: int) -> Case:
    """By `meta refresh`, as sites without a server of their own do."""
    site.pages[host, f"/new/{number}"] = plain(html_of(host, number))
    stub = f'<html><head><meta http-equiv="Refresh" content="0; url=/new/{number}"></head><body>Moved.</body></html>'
    return case_of(host, number, plain(html_of(host, number)), plain(stub), Found.FRESH)


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
    return case_of(host, number, before, after, Found.STALE if changed is not body else Found.FRESH)


def compressed(site: Site, host: str, number: int) -> Case:
    """The same page in another wrapping."""
    whole = html_of(host, number).encode()
    raw = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    packed = (
        (gzip.compress(whole), "gzip"),
        (zlib.compress(whole), "deflate"),
        (raw.compress(whole) + raw.flush(), "deflate"),
        (gzip.compress(whole[:300]) + gzip.compress(whole[300:]), "x-gzip"),
        (whole, "identity"),
    )[number % 5]
    return case_of(host, number, plain(whole), plain(packed[0], Content_Encoding=packed[1]), Found.FRESH)


def text_file(site: Site, host: str, number: int) -> Case:
    """Plain text and Markdown; every other one changes."""
    name = ("text/plain", "text/markdown; charset=utf-8", "")[number % 3]
    texts = paragraphs(f"{host} {number}")
    first = "# Guide\n\n" + "\n\n".join(texts)
    second = first.replace("\n", "\r\n") + ("\r\nOne more rule." if number % 2 else "\r\n\r\n")
    found = Found.STALE if number % 2 else Found.FRESH
    return case_of(host, number, plain(first, media_type=name), plain(second, media_type=name), found)


def conditional(site: Site, host: str, number: int) -> Case:
    """Answers 304 to who knows the tag, and a different text to everybody else: nobody may ask without."""
    tag, date = f'"v{number}"', "Tue, 05 Mar 2024 10:00:00 GMT"
    known = ("if-none-match", tag) if number % 2 else ("if-modified-since", date)
    headers = {"ETag": tag} if number % 2 else {"Last_Modified": date}

    async def second(asked: Asked, send: Send) -> None:
        same = asked.headers.get(known[0]) == known[1]
        answer = (
            plain("", "304 Not Modified", Content_Length="") if same else plain(html_of(host, number + 100))
        )
        await answer(asked, send)

    return case_of(host, number, plain(html_of(host, number), **headers), second, Found.FRESH)


def busy_for_a_moment(site: Site, host: str, number: int) -> Case:
    """Asks for a second, and is fine after that."""
    asked_before: list[str] = []

    async def second(asked: Asked, send: Send) -> None:
        asked_before.append(asked.path)
        busy = len(asked_before) == 1
        answer = plain("", "429 Too Many Requests", Retry_After="1") if busy else plain(html_of(host, number))
        await answer(asked, send)

    own = f"{number}.{host}"
    return Case(host, own, "/", plain(html_of(host, number)), second, Found.FRESH)


READABLE: tuple[Make, ...] = (
    unchanged, changed_word, added_paragraph, removed_paragraph, changed_nonce, changed_navigation,
    changed_date, changed_banner, changed_tracking, moved_page, moved_by_page, wrong_charset, compressed,
    text_file, conditional, busy_for_a_moment,
)  # fmt: skip
