"""`reconcile status`: the lockfile's engines for people and for programs."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import pytest

from reconciler.core.display import display_width
from reconciler.core.engine.spec import LifecycleOptions
from reconciler.core.errors import LockfileError
from reconciler.core.lockfile.entry import Entry, Pending, Provisioned, Retired, Superseded
from reconciler.core.lockfile.model import EMPTY, Lockfile
from reconciler.core.values import as_line
from reconciler.render.data.status_json import render_status_json
from reconciler.render.text.status import render_status
from tests.render.samples import EVIL

NOW = "2026-11-24T12:00:00Z"
SPEC = {"name": "Acme", "locales": ["de", "fr", "ja", "es", "pt-BR"]}
SERVING = Provisioned("eng_Serving1", "v1:a", SPEC, job_id="pjb_1", provisioned_at="2026-11-20T11:08:13Z")
OLD = Superseded("eng_Old", "v1:0", SPEC, replaced_at="2026-11-20T11:08:13Z")


def pending(
    status: str, engine_id: str | None = None, job_id: str | None = None, error: str | None = None
) -> Pending:
    return Pending(
        status,
        "op-1",
        "v1:b",
        SPEC,
        submitted_at="2026-11-24T11:54:57Z",
        engine_id=engine_id,
        job_id=job_id,
        error=error,
    )


LOCKFILE = EMPTY.with_entries(
    {
        "acme": Entry(SERVING, None, (OLD, OLD)),
        "docs/help": Entry(None, pending("in_progress", engine_id="eng_New", job_id="pjb_New")),
        "legal": Entry(
            SERVING, pending("failed", engine_id="eng_Bad", job_id="pjb_Bad", error="no crawl 404")
        ),
        "o'shop": Entry(None, pending("uncertain", error="the answer was lost")),
        "store": Entry(SERVING, pending("in_progress", engine_id="eng_Next", job_id="pjb_Next")),
        "unused": Entry(None, None, (OLD,)),
    }
).with_retired("campaign", (Retired(Entry(SERVING), "2026-11-22T10:00:00Z"),))


def line_of(text: str, key: str) -> str:
    return next(line for line in text.splitlines() if line.startswith(key))


def test_the_table_says_what_serves_and_what_is_under_way() -> None:
    text = render_status(LOCKFILE, now=NOW, width=160)
    assert line_of(text, "acme").split() == [
        *("acme", "eng_Serving1", "serving", "2026-11-20"),
        *("de,", "fr,", "ja,", "es,", "pt-BR", "2"),
    ]
    assert "(eng_New)     being created (submitted 5m 03s ago)" in line_of(text, "docs/help")
    assert "eng_Serving1  serving, replacement in progress (submitted 5m 03s ago)" in line_of(text, "store")
    assert "serving, replacement failed" in line_of(text, "legal")
    assert "outcome unknown" in line_of(text, "o'shop")
    assert "unused" in line_of(text, "unused")
    assert text.endswith(
        "6 engines: 3 serving, 2 in progress, 1 failed, 1 uncertain; 1 retired (--all lists them)."
    )


def test_failed_and_uncertain_ones_are_explained_with_commands() -> None:
    text = render_status(LOCKFILE, now=NOW, width=160)
    failed = "legal failed (eng_Bad, job pjb_Bad)\n    no crawl 404\n"
    assert (
        failed + "    hint: edit its file, or try again: reconcile apply --retry-failed --only legal\n"
        in text
    )
    assert "    the answer was lost\n    hint: look on the platform for an engine named 'Acme'" in text
    assert "reconcile resolve 'o'\"'\"'shop' --engine-id '<ENGINE_ID>'" in text


def test_retired_ones_are_listed_on_request() -> None:
    assert "campaign" not in render_status(LOCKFILE, now=NOW)
    text = render_status(LOCKFILE, now=NOW, retired=True)
    assert "eng_Serving1  retired" in line_of(text, "campaign")
    assert text.endswith("; 1 retired.")


def test_only_the_wanted_keys() -> None:
    text = render_status(LOCKFILE, now=NOW, keys=lambda key: key == "acme")
    assert len(text.splitlines()) == 4
    assert text.endswith("1 engine: 1 serving.")


def test_an_empty_lockfile_has_no_table() -> None:
    assert render_status(EMPTY, now=NOW) == "0 engines."


@pytest.mark.parametrize("width", [100, 80])
def test_locales_give_way_and_names_do_not(width: int) -> None:
    text = render_status(LOCKFILE, now=NOW, width=width)
    assert "pt-BR" not in text
    for key, row in (("acme", LOCKFILE.entry("acme")), ("store", LOCKFILE.entry("store"))):
        assert row is not None
        assert row.current is not None
        assert f"  {row.current.engine_id}  " in line_of(text, key)
    roomy = render_status(EMPTY.with_entry("a", Entry(SERVING)), now=NOW, width=60)
    assert max(map(display_width, roomy.splitlines())) <= 60
    assert "de, fr, ja, es, +1" in roomy


@pytest.mark.parametrize("width", [40, 80, 120])
def test_the_table_fits_and_breaks_no_word(width: int) -> None:
    whole = render_status(LOCKFILE, now=NOW, retired=True)
    table = render_status(LOCKFILE, now=NOW, retired=True, width=width).split("\n\n")[0]
    assert max(map(display_width, table.splitlines())) <= width
    assert {word for word in table.split() if not word.startswith("+")} <= set(
        whole.replace(",", ", ").split()
    ) | set(whole.split())
    assert [line.split()[0] for line in table.splitlines() if not line.startswith(" ")][1:] == [
        *("acme", "docs/help", "legal", "o'shop", "store", "unused", "campaign")
    ]


def test_on_a_narrow_terminal_a_status_hangs_under_its_beginning() -> None:
    table = render_status(LOCKFILE, now=NOW, width=40).splitlines()
    at = table[0].index("STATUS")
    start = next(number for number, line in enumerate(table) if line.startswith("store"))
    first, second = (line[at:] for line in table[start : start + 2])
    assert first.startswith("serving, ")
    assert table[start + 1].startswith(" " * at + second[:1])
    assert f"{first} {second}" in render_status(LOCKFILE, now=NOW)


def test_wide_characters_keep_the_columns() -> None:
    lockfile = EMPTY.with_entries({"東京/店": Entry(SERVING), "acme": Entry(SERVING)})
    lines = render_status(lockfile, now=NOW).splitlines()[:3]
    places = {
        display_width(line[: line.index(word)])
        for line, word in zip(lines, ("ENGINE", *["eng_"] * 2), strict=True)
    }
    assert places == {9}


def test_foreign_text_is_harmless() -> None:
    spec = {"name": as_line(EVIL)}
    entry = Entry(None, Pending("failed", "op", "v1:b", spec, error=EVIL))
    lockfile = EMPTY.with_entry("acme", entry)
    for text in (render_status(lockfile, now=NOW), render_status_json(lockfile, now=NOW)):
        assert not {"\x1b", "\x07", "\u202e", "\u200b", "\r", "\x9b"} & set(text)
    assert render_status(lockfile, now=NOW, ascii_only=True).isascii()


def test_colour_only_when_asked() -> None:
    assert "\x1b" not in render_status(LOCKFILE, now=NOW)
    assert "\x1b[32mserving" in render_status(LOCKFILE, now=NOW, color=True)


def test_protected_engines_are_marked() -> None:
    kept = LifecycleOptions(protect=True)
    lockfile = LOCKFILE.with_entries({key: Entry(SERVING, kept=kept) for key in ("acme", "docs/help")})
    lockfile = lockfile.with_entry("legal", Entry(SERVING, pending("failed", error="no"), kept=kept))
    lockfile = lockfile.with_retired("old", (Retired(Entry(SERVING, kept=kept), "2026-11-22T10:00:00Z"),))
    text = render_status(lockfile, now=NOW, width=160, retired=True)
    assert "eng_Serving1  serving, protected" in line_of(text, "acme")
    assert "serving, replacement failed, protected" in line_of(text, "legal")
    assert "retired, protected" in line_of(text, "old")
    assert "protected" not in line_of(text, "store")
    assert "1 uncertain, 3 protected; 2 retired." in text
    document = json.loads(render_status_json(lockfile, now=NOW))
    marked = {engine["key"] for engine in document["engines"] if engine.get("protected")}
    assert marked == {"acme", "docs/help", "legal"}
    assert document["summary"]["protected"] == 3


def test_json() -> None:
    document = json.loads(render_status_json(LOCKFILE, now=NOW))
    assert document["schemaVersion"] == 1
    engines = {engine["key"]: engine for engine in document["engines"]}
    assert engines["acme"] == {
        "key": "acme",
        "name": "Acme",
        "status": "serving",
        "engineId": "eng_Serving1",
        "jobId": "pjb_1",
        "provisionedAt": "2026-11-20T11:08:13Z",
        "locales": SPEC["locales"],
        "superseded": 2,
    }
    new = engines["docs/help"]
    assert "engineId" not in new
    assert new["status"] == "in_progress"
    assert new["pending"] == {
        "status": "in_progress",
        "operationId": "op-1",
        "jobId": "pjb_New",
        "engineId": "eng_New",
        "submittedAt": "2026-11-24T11:54:57Z",
        "ageSeconds": 303,
    }
    assert engines["legal"]["pending"]["error"] == "no crawl 404"
    assert "reconcile resolve" in engines["o'shop"]["hint"]
    assert document["retired"][0]["retiredAt"] == "2026-11-22T10:00:00Z"
    assert document["summary"] == {
        "engines": 6,
        "serving": 3,
        "inProgress": 2,
        "failed": 1,
        "uncertain": 1,
        "protected": 0,
        "retired": 1,
    }
    one = json.loads(render_status_json(LOCKFILE, now=NOW, keys=lambda key: key == "acme"))
    assert [engine["key"] for engine in one["engines"]] == ["acme"]


def test_every_call_with_an_unknown_outcome_is_named() -> None:
    calls = [replace(pending("uncertain", error="no answer"), operation_id=name) for name in ("op-a", "op-b")]
    running = pending("in_progress", engine_id="eng_New", job_id="pjb_New")
    for entry in (
        Entry(None, calls[1], uncertain=(calls[0],)),
        Entry(SERVING, running, uncertain=tuple(calls)),
    ):
        lockfile = EMPTY.with_entry("acme", entry)
        text = render_status(lockfile, now=NOW, width=160)
        assert "outcome unknown" in line_of(text, "acme")
        (engine,) = json.loads(render_status_json(lockfile, now=NOW))["engines"]
        assert engine["status"] == "uncertain"
        parts = (engine["pending"], *engine["uncertain"])
        named = [one["operationId"] for one in parts if one["status"] == "uncertain"]
        assert sorted(named) == ["op-a", "op-b"]
        for name in named:
            assert f"reconcile resolve acme --operation {name}" in engine["hint"]
            assert f"reconcile resolve acme --operation {name}" in text


def test_an_operation_without_a_time_has_no_age() -> None:
    entry = Entry(None, Pending("in_progress", "op", "v1:b", SPEC, job_id="j", engine_id="e"))
    lockfile = EMPTY.with_entry("acme", entry)
    assert "submitted" not in render_status(lockfile, now=NOW)
    (engine,) = json.loads(render_status_json(lockfile, now=NOW))["engines"]
    assert "ageSeconds" not in engine["pending"]


def test_an_unreadable_entry_is_an_error() -> None:
    with pytest.raises(LockfileError, match="acme"):
        render_status(Lockfile({"acme": {"engineId": 7}}), now=NOW)


def test_neither_view_loads_a_terminal_library() -> None:
    code = (
        "import sys, reconciler.render.text.status, reconciler.render.data.outcome_json, "
        "reconciler.render.text.outcome; "
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code + "print('rich' in sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert loaded.stdout == "False\n"
