"""The documentation's site in a browser: its search needs this machine only, and its pages can be read by all."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.opened import missing

SITE = Path(__file__).resolve().parents[2] / "build/site"


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Nothing of each request."""


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    if not (SITE / "index.html").exists():
        missing("there is no site in build/site; `make docs` builds it")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(SITE)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def page(browser: Browser, site: str) -> Iterator[Page]:
    """What it asked for, and what it complained of, is looked at when the test has ended."""
    context = browser.new_context(base_url=site, service_workers="block")
    made = context.new_page()
    asked: list[str] = []
    said: list[str] = []
    made.on("request", lambda request: asked.append(request.url))
    made.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    made.on("pageerror", lambda error: said.append(str(error)))
    yield made
    context.close()
    assert asked
    assert [url for url in asked if not url.startswith((site, "data:", "blob:"))] == []
    assert said == []


def test_the_search_finds_pages_without_another_host(page: Page) -> None:
    page.goto("/")
    page.get_by_role("textbox", name="Search").click()
    page.locator(
        ".md-search-result__meta", has_text="Type to start searching"
    ).wait_for()  # the index is there
    page.get_by_role("textbox", name="Search").press_sequentially("lease break")
    found = page.locator(".md-search-result__link")
    found.first.wait_for()
    addresses = " ".join(found.nth(index).get_attribute("href") or "" for index in range(found.count()))
    assert "reference/cli/" in addresses
    found.first.click()
    page.wait_for_url(lambda url: "search" not in url and url.count("/") > 3)


@pytest.mark.parametrize("address", ["/", "/get-started/", "/reference/cli/", "/architecture/"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious_stands_in_the_way_of_a_reader(
    page: Page, axe: str, address: str, scheme: Any
) -> None:
    page.emulate_media(color_scheme=scheme)
    page.goto(address)
    page.evaluate(axe)
    found = page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
    bad = [
        (one["id"], [node["target"] for node in one["nodes"]])
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
    ]
    assert bad == [], json.dumps(bad)


def test_every_picture_is_there(page: Page) -> None:
    for address in ("/", "/get-started/", "/architecture/", "/webhooks/"):
        page.goto(address)
        page.wait_for_load_state("load")
        broken = page.evaluate(
            "() => [...document.images].filter(one => !one.naturalWidth).map(one => one.src)"
        )
        assert broken == [], address
