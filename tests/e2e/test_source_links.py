"""Links before there is an engine: checked in pull requests, and previewed."""

from __future__ import annotations

from tests.adapters.web.site import Site, moved, plain
from tests.e2e.sources_world import HERE, Learning


def test_private_addresses_are_refused_unless_the_environment_allows_them(learning: Learning) -> None:
    learning.run("validate", "--check-links", env={"RECONCILE_PRIVATE_SOURCES": None}).ended(
        0, "not a public address"
    )
    (learning.root / "reconcile.yaml").write_text("private_sources: 127.0.0.1\n")
    for command in (("plan", "--check-sources"), ("validate", "--check-links"), ("sources", "acme")):
        learning.run(*command, env={"RECONCILE_PRIVATE_SOURCES": None}).ended(
            6, "which a pull request can edit"
        )
    learning.run("validate", "--check-links", env={"RECONCILE_PRIVATE_SOURCES": "a b"}).ended(3)


def test_links_are_checked_each_at_its_line(learning: Learning, site: Site) -> None:
    site.pages[HERE, "/moved"] = moved("/brand")
    site.pages[HERE, "/login"] = plain("no", "401 Unauthorized")
    site.pages[HERE, "/data"] = plain(b"\x89PNG\r\n\x1a\n" + b"\0" * 64, media_type="image/png")
    site.pages[HERE, "/empty"] = plain("<html><body></body></html>")
    names = ("brand", "moved", "login", "data", "empty", "gone")
    learning.learns("acme", *(site.url(HERE, f"/{name}") for name in names))
    ran = learning.run("validate", "--check-links", "--format", "json").ended(3)
    told = {one["line"]: (one["severity"], one["message"]) for one in ran.json["diagnostics"]}
    assert "has the same text as" in told[6][1] or "moved for good" in told[6][1]
    messages = [one["message"] for one in ran.json["diagnostics"] if one["line"] == 6]
    assert len(messages) == 2
    assert told[8] == ("warning", told[8][1])
    assert "asks to sign in" in told[8][1]
    assert "neither HTML nor text" in told[10][1]
    assert "no text" in told[12][1] or "nearly no text" in told[12][1]
    assert told[14][0] == "error"
    github = learning.run("validate", "--check-links", "--format", "github").ended(3).out
    assert "::error file=engines/acme.yaml,line=14,col=14" in github


def test_a_preview_needs_no_engine(learning: Learning, site: Site) -> None:
    (learning.root / "engines/glossary.md").write_text("cart: Warenkorb\n")
    url = site.url(HERE, "/brand")
    learning.engine(
        "acme",
        f"name: acme\nsources:\n  - type: link\n    payload: {url}\n  - type: content\n    file: glossary.md\n",
    )
    ran = learning.run("sources", "acme", "--format", "json").ended(0)
    link, text = ran.json["engines"][0]["sources"]
    assert (link["language"], link["title"], link["outcome"]) == ("en", "Brand", "ok")
    assert link["words"] > 50
    assert text["findings"] == ["engines/glossary.md has 2 words, which is little to learn from"]
    shown = (
        learning.run("sources", "engines/acme.yaml").ended(0, "would learn from 2 sources", "(estimate)").out
    )
    assert "Acme writes plainly" in shown
    learning.run("sources", "acm").ended(64, "did you mean `acme`?")
    learning.run("sources").ended(64, "which engine?")
    learning.run("sources", "acme", env={"LINGO_API_KEY": None}).ended(0)
