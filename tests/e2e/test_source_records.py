"""The file with what pages were like, in the hands of others: links in its place, edits, records that are of no use."""

from __future__ import annotations

import json
import re

import pytest

from tests.adapters.web.site import Site, plain
from tests.e2e.sources_world import HERE, RENEWED, Learning, html

FILE = "engines.sources.json"


@pytest.mark.parametrize("target", [".github/workflows/evil.yml", "engines/new.yaml", ".gitattributes"])
def test_a_link_in_its_place_has_nothing_else_written(learning: Learning, target: str) -> None:
    (learning.root / target).parent.mkdir(parents=True, exist_ok=True)
    (learning.root / FILE).symlink_to(target)
    learning.apply().ended(0, f"{FILE} is behind a link")
    learning.run("sources", "--record").ended(3, f"{FILE} is behind a link")
    assert not (learning.root / target).exists()


def test_a_page_that_cannot_be_read_is_named_and_never_called_recorded(learning: Learning) -> None:
    nowhere: dict[str, str | None] = {"RECONCILE_PRIVATE_SOURCES": None}
    learning.run("apply", "--yes", env=nowhere).ended(0, "not recorded: ", "is not a public address")
    ran = learning.run("sources", "--record", env=nowhere).ended(0, "No page recorded.", "not recorded: ")
    assert "Recorded" not in ran.out
    ran = learning.run("validate", "--check-links", env=nowhere).ended(0, "RECONCILE_PRIVATE_SOURCES")


def test_an_edited_record_is_told_by_a_plain_plan(learning: Learning) -> None:
    learning.git("init", "--quiet")
    learning.renewed()
    learning.git("add", "--all")
    learning.git("commit", "--quiet", "-m", "Record acme")
    assert FILE not in learning.run("plan").ended(0).err
    file = learning.root / FILE
    file.write_text(re.sub(r"m1:sha256:[0-9a-f]{64}", "m1:sha256:" + "0" * 64, file.read_text()))
    learning.run("plan").ended(0, f"{FILE} was edited by hand since commit")
    learning.git("commit", "--quiet", "--all", "-m", "A small change")
    learning.run("plan").ended(0, f"{FILE} was edited by hand since commit")


def test_a_record_of_no_use_is_made_anew(learning: Learning, site: Site) -> None:
    site.pages[HERE, "/brand"] = plain("later", "503 Service Unavailable")
    learning.learns("acme", site.url(HERE, "/brand"), lifecycle=RENEWED)
    learning.renewed()
    site.pages[HERE, "/brand"] = plain(html())
    learning.check().ended(0, "sources --record` records it as it is now")
    learning.run("sources", "--record").ended(0, "Recorded 1 page of 1 engine")
    learning.check().ended(0, "1 fresh")
    file = learning.root / FILE
    file.write_text(file.read_text().replace('"reader": "', '"reader": "older '))
    learning.run("sources", "--record").ended(0, "Recorded 1 page of 1 engine")
    learning.run("sources", "--record").ended(0, "No page to record")
    [record] = json.loads(file.read_text())["engines"].values()
    assert not any("older" in seen["reader"] for seen in record["links"].values())
