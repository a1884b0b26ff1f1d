"""Looking over sockets: what is sent, what is never sent, and how often."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import aclosing
from time import monotonic

import pytest

from reconciler.adapters.web.fetcher import look
from reconciler.adapters.web.guarded_network import Resolver
from reconciler.adapters.web.limits import Limits
from reconciler.core.frozen import replace
from reconciler.core.sources.addresses import PUBLIC_ONLY, Allowed, allowed
from reconciler.core.sources.look import Outcome, PageKind, PageLook, Refusal, Target
from tests.adapters.web.articles import page
from tests.adapters.web.site import HERE, Asked, Send, Site, moved, plain, running

QUICK = Limits(pause=0.0, silence=5.0, page=10.0)


async def looks(
    targets: Iterable[Target | str],
    resolver: Resolver,
    limits: Limits = QUICK,
    allowed: Allowed = HERE,
) -> list[PageLook]:
    wanted = [Target(one) if isinstance(one, str) else one for one in targets]
    async with aclosing(look(wanted, limits=limits, allowed=allowed, resolver=resolver)) as found:
        return [one async for one in found]


def look_at(
    site: Site, *targets: Target | str, limits: Limits = QUICK, allowed: Allowed = HERE
) -> list[PageLook]:
    return asyncio.run(looks(targets, site.resolver, limits, allowed))


def test_says_who_asks_and_sends_nothing_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINGO_API_KEY", "key-7c1f")
    monkeypatch.setenv("GITHUB_TOKEN", "token-7c1f")
    with running() as site:
        site.pages["a.test", "/"] = moved(site.url("b.test", "/"), Set_Cookie="id=cookie-7c1f")
        site.pages["b.test", "/"] = plain(page("x"), Set_Cookie="id=cookie-7c1f")
        site.pages["b.test", "/again"] = plain(page("x"))
        found = look_at(site, site.url("a.test", "/"), site.url("b.test", "/again"))
    assert [one.outcome for one in found] == [Outcome.OK, Outcome.OK]
    sent = str(site.requests)
    assert "7c1f" not in sent
    assert {name for one in site.requests for name in one.headers} == {
        "host",
        "accept",
        "accept-encoding",
        "user-agent",
    }
    assert all(one.headers["user-agent"].startswith("reconcile/") for one in site.requests)
    assert all("(+http" in one.headers["user-agent"] for one in site.requests)


def test_robots_txt_is_read_once_for_each_site_and_first() -> None:
    with running() as site:
        site.pages["a.test", "/robots.txt"] = plain(
            "User-agent: *\nDisallow: /private\n", media_type="text/plain"
        )
        for number in range(5):
            site.pages["a.test", f"/{number}"] = plain(page("x"))
        urls = [site.url("a.test", f"/{number}") for number in range(5)]
        found = look_at(site, *urls, site.url("a.test", "/private/1"))
    assert site.asked("a.test")[0] == "/robots.txt"
    assert sorted(site.asked("a.test")) == ["/0", "/1", "/2", "/3", "/4", "/robots.txt"]
    assert [one.refusal for one in found if "private" in one.url] == [Refusal.ROBOTS]


def test_robots_txt_of_the_place_that_a_redirect_leads_to_counts() -> None:
    with running() as site:
        site.pages["b.test", "/robots.txt"] = plain(
            "User-agent: reconcile\nDisallow: /", media_type="text/plain"
        )
        site.pages["a.test", "/"] = moved(site.url("b.test", "/x"))
        (found,) = look_at(site, site.url("a.test", "/"))
    assert (found.outcome, found.refusal, found.final_url) == (
        Outcome.REFUSED,
        Refusal.ROBOTS,
        site.url("b.test", "/x"),
    )
    assert site.asked("b.test") == ["/robots.txt"]


@pytest.mark.parametrize("status", ["404 No", "401 No", "403 No"])
def test_no_robots_txt_allows_everything(status: str) -> None:
    with running() as site:
        site.pages["a.test", "/robots.txt"] = plain("User-agent: *\nDisallow: /", status)
        site.pages["a.test", "/"] = plain(page("x"))
        (found,) = look_at(site, site.url("a.test", "/"))
    assert found.outcome is Outcome.OK


def test_a_long_robots_txt_is_cut_and_its_beginning_counts() -> None:
    rules = "User-agent: *\nDisallow: /no\n" + "# filler\n" * 200_000 + "Disallow: /yes\n"
    with running() as site:
        site.pages["a.test", "/robots.txt"] = plain(rules, media_type="text/plain")
        site.pages["a.test", "/yes"] = plain(page("x"))
        found = look_at(site, site.url("a.test", "/yes"), site.url("a.test", "/no"))
    assert {one.url.rpartition("/")[2]: one.outcome for one in found} == {
        "yes": Outcome.OK,
        "no": Outcome.REFUSED,
    }


def test_robots_txt_through_a_redirect_to_a_private_address_is_refused() -> None:
    with running() as site:
        site.pages["a.test", "/robots.txt"] = moved("http://10.0.0.1/robots.txt")
        site.pages["a.test", "/"] = plain(page("x"))
        (found,) = look_at(site, site.url("a.test", "/"))
    assert found.refusal is Refusal.PRIVATE
    assert site.asked("a.test") == ["/robots.txt"]


def test_a_tag_is_sent_to_the_address_that_it_belongs_to_alone() -> None:
    with running() as site:
        target = Target(
            site.url("a.test", "/"), '"v1"', "Tue, 05 Mar 2024 10:00:00 GMT", site.url("b.test", "/x")
        )
        site.pages["a.test", "/"] = moved(site.url("c.test", "/y"))
        site.pages["c.test", "/y"] = plain(page("x"))
        (found,) = look_at(site, target)
        assert found.outcome is Outcome.OK
        assert not [one for one in site.requests if "if-none-match" in one.headers]
        site.pages["a.test", "/"] = moved(site.url("b.test", "/x"))
        site.pages["b.test", "/x"] = plain("", "304 Not Modified", Content_Length="")
        (found,) = look_at(site, target)
    told = {one.host: one.headers.get("if-none-match") for one in site.requests if one.path != "/robots.txt"}
    assert told == {"a.test": None, "b.test": '"v1"', "c.test": None}
    assert (found.outcome, found.etag) == (Outcome.UNCHANGED, '"v1"')


@pytest.mark.parametrize("etag", ['"a"\r\nX-Evil: 1', "no quotes", '"ü"', '"' + "x" * 600 + '"', ""])
def test_a_tag_that_is_none_is_not_sent(etag: str) -> None:
    with running() as site:
        site.pages["a.test", "/"] = plain(page("x"))
        (found,) = look_at(site, Target(site.url("a.test", "/"), etag, "yesterday\r\nX-Evil: 1"))
    assert found.outcome is Outcome.OK
    assert not [
        one for one in site.requests if {"if-none-match", "if-modified-since", "x-evil"} & one.headers.keys()
    ]


def test_not_modified_without_having_been_asked_is_unknown() -> None:
    with running() as site:
        site.pages["a.test", "/"] = plain("", "304 Not Modified", Content_Length="")
        (found,) = look_at(site, site.url("a.test", "/"))
    assert (found.outcome, found.status) == (Outcome.UNKNOWN, 304)


def test_a_name_is_looked_up_once_and_cannot_change_its_mind() -> None:
    """DNS rebinding: the check sees a public address, and a second look-up would find this machine."""
    answers = iter([["93.184.216.34"], ["127.0.0.1"], ["127.0.0.1"]])
    lookups: list[str] = []

    async def resolve(host: str, port: int) -> list[str]:
        lookups.append(host)
        return next(answers)

    with running() as site:
        site.pages["a.test", "/"] = plain(page("x"))
        limits = replace(QUICK, connect=0.5)
        (found,) = asyncio.run(looks([site.url("a.test", "/")], resolve, limits, PUBLIC_ONLY))
    assert found.outcome is not Outcome.OK
    assert lookups == ["a.test"]
    assert site.requests == []


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/", "http://localhost:{port}/", "http://2130706433:{port}/", "http://0x7f.1:{port}/",
        "http://0177.0.0.1:{port}/", "http://127.1:{port}/", "http://127.0.0.1.:{port}/", "http://[::1]:{port}/",
        "http://[::ffff:127.0.0.1]:{port}/", "http://[64:ff9b::7f00:1]:{port}/", "http://0:{port}/",
        "http://１２７.0.0.1:{port}/", "http://①②⑦.0.0.1:{port}/", "http://[fe80::1%25eth0]:{port}/",
    ],
)  # fmt: skip
def test_this_machine_is_refused_in_every_spelling(url: str) -> None:
    with running() as site:
        site.pages["127.0.0.1", "/"] = plain(page("x"))
        (found,) = look_at(site, url.format(port=site.port), allowed=PUBLIC_ONLY)
    assert found.outcome is Outcome.REFUSED
    assert site.requests == []


@pytest.mark.parametrize(
    "url",
    [
        "", "acme.com", "//acme.com/", "javascript:alert(1)", "file:///etc/passwd", "data:text/html,x", "ftp://acme.com/",
        "http://", "http:///path", "http://user:secret@acme.com/", "http://acme.com:22/", "http://acme.com:6379/",
        "http://acme.com:99999/", "http://a b.com/", "http://acme.com/\r\nX: 1", "http://1.2.3.4.5/", "http://08.1.1.1/",
        "https://" + "a" * 3000 + ".com/", "http://[::1", "http://acme.com:0x50/", "http://./",
        "http://a..b/", "http://%31%32%37.0.0.1/", "http://acme.com:0/", "http://" + "a" * 64 + ".com/",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(url: str) -> None:
    with running() as site:
        (found,) = look_at(site, url)
    assert (found.outcome, found.refusal) == (Outcome.REFUSED, Refusal.ADDRESS)
    assert "secret" not in found.reason
    assert found.reason.isprintable()


def test_an_allowed_name_and_an_allowed_network() -> None:
    with running() as site:
        site.pages["wiki.test", "/"] = plain(page("x"))
        url = site.url("wiki.test", "/")
        found = [
            *look_at(site, url, allowed=allowed(("wiki.test",))),
            *look_at(site, url, allowed=allowed(("other.test",))),
        ]
    assert [one.outcome for one in found] == [Outcome.OK, Outcome.REFUSED]


def test_hosts_are_given_pauses_and_rest() -> None:
    times: list[float] = []

    async def answer(asked: Asked, send: Send) -> None:
        times.append(monotonic())
        await plain(page("x"))(asked, send)

    with running() as site:
        site.pages["a.test", "/robots.txt"] = plain(
            "User-agent: *\nCrawl-delay: 0.3", media_type="text/plain"
        )
        for number in range(4):
            site.pages["a.test", f"/{number}"] = answer
        look_at(site, *(site.url("a.test", f"/{number}") for number in range(4)))
    assert len(times) == 4
    assert times[-1] - times[0] > 0.6  # of 0.9; a busy machine delays the first one, too


def test_a_host_that_asks_for_a_long_rest_gets_it() -> None:
    with running() as site:
        for number in range(6):
            site.pages["a.test", f"/{number}"] = plain("", "429 Slow down", Retry_After="3600")
        urls = [site.url("a.test", f"/{number}") for number in range(6)]
        found = look_at(site, *urls, limits=replace(QUICK, per_host=1))
    assert {one.outcome for one in found} == {Outcome.UNKNOWN}
    assert site.asked("a.test") == ["/robots.txt", "/0"]
    assert sorted(one.retry_after or 0 for one in found) == [0, 0, 0, 0, 0, 3600]
    assert all("asks to wait 3,6" in one.reason or "asks to wait 3,5" in one.reason for one in found)


def test_a_host_that_never_answers_is_given_up() -> None:
    async def answer(asked: Asked, send: Send) -> None:
        await asyncio.sleep(30)

    with running() as site:
        for number in range(8):
            site.pages["a.test", f"/{number}"] = answer
        urls = [site.url("a.test", f"/{number}") for number in range(8)]
        found = look_at(site, *urls, limits=replace(QUICK, per_host=1, silence=0.3))
    assert {one.outcome for one in found} == {Outcome.UNKNOWN}
    assert len(site.asked("a.test")) == 4


def test_all_pages_together_have_an_end() -> None:
    async def answer(asked: Asked, send: Send) -> None:
        await asyncio.sleep(30)

    with running() as site:
        for number in range(8):
            site.pages[f"{number}.test", "/"] = answer
        began = monotonic()
        found = look_at(
            site,
            *(site.url(f"{number}.test", "/") for number in range(8)),
            limits=replace(QUICK, everything=0.5),
        )
    assert monotonic() - began < 8
    assert len(found) == 8
    assert all("took longer than 0.5 s" in one.reason for one in found)


def test_leaving_early_leaves_nothing_behind() -> None:
    async def first(site: Site) -> tuple[PageLook, int]:
        targets = [Target(site.url(f"{number}.test", "/")) for number in range(50)]
        async with aclosing(look(targets, limits=QUICK, allowed=HERE, resolver=site.resolver)) as found:
            one = await anext(found)
        return one, len(asyncio.all_tasks())

    with running() as site:
        for number in range(50):
            site.pages[f"{number}.test", "/"] = plain(page("x"))
        one, left = asyncio.run(first(site))
    assert one.outcome is Outcome.OK
    assert left == 1


def test_equal_targets_are_looked_at_once() -> None:
    with running() as site:
        site.pages["a.test", "/"] = plain(page("x"))
        found = look_at(site, *[site.url("a.test", "/")] * 5)
    assert len(found) == 1
    assert site.asked("a.test").count("/") == 1


def test_what_a_page_says_of_itself_is_bounded_and_on_one_line() -> None:
    hostile = "\x1b[31m::error::<script>|`\u202e" * 300
    with running() as site:
        body = page("x").replace("<title>", f"<title>{hostile}\n\n")
        site.pages["a.test", "/"] = plain(
            body, ETag=f'"{"e" * 9000}"', media_type=f"text/html; charset={'c' * 400}"
        )
        (found,) = look_at(site, site.url("a.test", "/"))
    assert found.outcome is Outcome.OK
    for text in (
        found.title,
        found.etag or "",
        found.media_type,
        found.charset,
        found.reason,
        found.language,
    ):
        assert len(text) <= 512
        assert text.isprintable()


def test_a_proxy_that_is_no_use_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    from reconciler.core.errors import PlatformError

    monkeypatch.setenv("http_proxy", "socks5://127.0.0.1:1")
    with running() as site, pytest.raises(PlatformError, match="SOCKS"):
        look_at(site, site.url("a.test", "/"))


def test_through_a_proxy_names_are_left_to_it_and_addresses_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    async def unknown(host: str, port: int) -> list[str]:
        if host == "inside.test":
            return ["10.0.0.1"]
        raise OSError("no such name here")

    with running() as proxy:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        proxy.pages["a.test", "http://a.test:8080/"] = plain(page("x"))
        urls = [
            "http://a.test:8080/",
            "http://inside.test:8080/",
            "http://10.0.0.1:8080/",
            "http://0x7f.1:8080/",
        ]
        found = asyncio.run(looks(urls, unknown, QUICK, PUBLIC_ONLY))
    by_url = {one.url: (one.outcome, one.refusal) for one in found}
    assert by_url[urls[0]] == (Outcome.OK, None)
    assert {by_url[url] for url in urls[1:]} == {(Outcome.REFUSED, Refusal.PRIVATE)}
    assert {one.host for one in proxy.requests} == {"a.test"}


def test_pages_without_text_say_what_they_are() -> None:
    with running() as site:
        site.pages["a.test", "/"] = plain(b"%PDF-1.7", media_type="application/pdf", ETag='"p1"')
        (found,) = look_at(site, site.url("a.test", "/"))
    assert (found.outcome, found.kind, found.etag) == (Outcome.UNKNOWN, PageKind.NOT_TEXT, '"p1"')
    assert found.text_digest is None
