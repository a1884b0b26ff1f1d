"""`reconcile status` as a page."""

from __future__ import annotations

from dataclasses import replace

from reconciler.core.lockfile.entry import Entry
from reconciler.core.lockfile.model import EMPTY, Lockfile
from reconciler.core.values import as_line
from reconciler.render.html.status import render_status_html
from reconciler.render.markdown.comment import Occasion
from tests.render.html.reading import Page
from tests.render.html.test_page import check
from tests.render.samples import EVIL
from tests.render.text.test_status import LOCKFILE, NOW, SERVING, pending


def page(lockfile: Lockfile) -> Page:
    return Page(render_status_html(lockfile, Occasion(), now=NOW, environment="production"))


def test_every_engine_is_there_retired_ones_last() -> None:
    shown = page(LOCKFILE)
    assert "6 engines: 3 serving, 2 in progress, 1 failed, 1 uncertain; 1 retired." in shown.words
    keys = [one["key"] for one in shown.data["engines"]]
    assert keys == ["o'shop", "legal", "docs/help", "store", "acme", "unused", "campaign"]
    chips = [one.attributes["data-state"] for one in shown.all("button") if "data-state" in one.attributes]
    assert chips == ["uncertain", "failed", "in_progress", "serving", "unused", "retired"]


def test_an_engine_says_what_serves_and_what_is_pending() -> None:
    shown = page(LOCKFILE)
    about = dict(shown.engine("legal")["about"])
    assert (about["Engine"], about["Pending engine"], about["Error"]) == (
        "eng_Serving1",
        "eng_Bad",
        "no crawl 404",
    )
    assert shown.engine("store")["label"] == "serving, replacement in progress (submitted 5m 03s ago)"
    uncertain = shown.engine("o'shop")
    assert uncertain["open"]
    assert [line[-1][1] for line in uncertain["hint"]] == ["text", "command", "command", "command"]


def test_an_empty_lockfile() -> None:
    shown = page(EMPTY)
    assert "0 engines." in shown.words
    assert shown.all("svg") == []


def test_hostile_entries_are_text() -> None:
    text = as_line(EVIL)
    failed = replace(pending("failed", "eng_B", "pjb_B", EVIL), spec={"name": text, "description": text})
    entry = Entry(replace(SERVING, spec={"name": text, "locales": ["de"]}), failed)
    shown = page(EMPTY.with_entries({"evil": entry, "acme": Entry(SERVING)}))
    check(shown)
    assert "onerror" in dict(shown.engine("evil")["about"])["Name"]
