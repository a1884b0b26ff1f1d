"""Plan files, written and read back; and those that somebody tampered with."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from reconciler.adapters.storage.plan_file import MAX_BYTES, read_plan_file, write_plan_file
from reconciler.core.errors import InvalidInput, StorageError
from reconciler.core.plan.model import digest_input
from reconciler.core.plan.saved import apply_document
from reconciler.render.data.json_view import plan_document
from tests.core.build import A, current, entry, lockfile
from tests.render.samples import PLANS

SCHEMA = json.loads((Path(__file__).parents[3] / "schemas/plan.schema.json").read_text(encoding="utf-8"))
LOCK = lockfile({"legal": entry(current("a", A))})
Document = dict[str, Any]


def document(name: str = "every-kind") -> Document:
    plan = PLANS[name]
    return {**plan_document(plan), "apply": apply_document(plan, LOCK, True), "exitCode": 0}


@pytest.mark.parametrize("name", ["every-kind", "guarded", "nothing", "large"])
def test_what_is_written_is_read_back(tmp_path: Path, name: str) -> None:
    file = tmp_path / "plan.json"
    write_plan_file(file, document(name))
    jsonschema.Draft202012Validator(SCHEMA).validate(json.loads(file.read_bytes()))
    saved, plan = read_plan_file(file), PLANS[name]
    assert [digest_input(one) for one in saved.plan.actions] == [digest_input(one) for one in plan.actions]
    assert saved.plan.digest == plan.digest
    assert saved.retry_failed is True
    assert saved.entries.keys() == saved.keys


def refused(file: Path) -> str:
    with pytest.raises(InvalidInput) as caught:
        read_plan_file(file)
    assert "reconcile plan --out" in (caught.value.hint or "")
    assert caught.value.diagnostics == ()
    return caught.value.message.removeprefix(f"{file} ")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "cannot be applied: not valid JSON: it is incomplete"),
        (b"\x00\xff", "cannot be applied: it is not UTF-8 (byte 1)"),
        (b"[" * 100_000, "cannot be applied: it is nested too deeply"),
        (b"[]", "cannot be applied: it is not a JSON object"),
        (b"{}", "cannot be applied: it is the output of --format json, not a plan file"),
        (b'{"apply": {"version": 2}}', "is a plan file of version 2, but this reconcile supports version 1"),
        (b'{"apply": {}}', "is a plan file of version nothing, but this reconcile supports version 1"),
        (b'{"error": {"message": "x"}}', "cannot be applied: it records that no plan could be made"),
        (b'{"apply": {"version": 1}}', "cannot be applied: schemaVersion: Field required"),
    ],
)
def test_what_is_no_plan_file_is_one_clear_message(tmp_path: Path, content: bytes, words: str) -> None:
    file = tmp_path / "plan.json"
    file.write_bytes(content)
    assert refused(file) == words


def _drop_action(plan: Document) -> None:
    del plan["actions"][0]


def _set(*path: str | int, value: object) -> Callable[[Document], None]:
    def change(plan: Document) -> None:
        part: Any = plan
        for name in path[:-1]:
            part = part[name]
        part[path[-1]] = value

    return change


@pytest.mark.parametrize(
    ("tamper", "words"),
    [
        (_drop_action, "its digest does not match its actions"),
        (_set("actions", 0, "engineId", value="eng_evil"), "its digest does not match its actions"),
        (_set("actions", 5, "fingerprint", value="v1:evil"), "its digest does not match its actions"),
        (_set("environment", value="staging"), "its digest does not match its actions"),
        (_set("digest", value="sha256:" + "0" * 64), "its digest does not match its actions"),
        (_set("actions", 1, "key", value="apps/android"), "it lists an engine twice"),
        (_set("actions", 0, "action", value="explode"), "actions.0.action: Input should be"),
        (_set("actions", 0, "key", value=7), "actions.0.key: Input should be a valid string"),
        (_set("actions", 0, "key", value=""), "actions.0.key: it must be an engine key"),
        (_set("actions", value="all"), "actions: Input should be a valid array"),
        (_set("digest", value="sha256:beef"), "digest: String should match pattern"),
        (_set("apply", "entries", value={"legal": 1}), "apply.entries.legal: Input should be a valid string"),
        (_set("apply", "more", value=1), "apply.more: Extra inputs are not permitted"),
        (_set("apply", "retryFailed", value="yes"), "apply.retryFailed: Input should be a valid boolean"),
    ],
)
def test_a_plan_that_was_tampered_with_is_refused(
    tmp_path: Path, tamper: Callable[[Document], None], words: str
) -> None:
    plan = document()
    tamper(plan)
    file = tmp_path / "plan.json"
    write_plan_file(file, plan)
    assert refused(file).startswith(f"cannot be applied: {words}")


@pytest.mark.parametrize(
    "later",
    [
        _set("later", value={"x": 1}),
        _set("exitCode", value=99),
        _set("summary", "later", value=1),
        _set("diagnostics", value=[{"severity": "later"}]),
        _set("actions", 0, "origin", value="later"),
        _set("actions", 0, "changes", value=[{"field": "later"}]),
    ],
)
def test_what_a_later_version_says_for_reading_does_not_matter(
    tmp_path: Path, later: Callable[[Document], None]
) -> None:
    file, plan = tmp_path / "plan.json", document()
    later(plan)
    write_plan_file(file, plan)
    assert not jsonschema.Draft202012Validator(SCHEMA).is_valid(plan)
    assert read_plan_file(file).plan.digest == PLANS["every-kind"].digest


def test_a_file_that_is_missing_too_large_or_not_a_file(tmp_path: Path) -> None:
    assert refused(tmp_path / "plan.json") == f"no plan file {tmp_path / 'plan.json'}"
    large = tmp_path / "large.json"
    with large.open("wb") as stream:
        stream.truncate(MAX_BYTES + 1)
    assert refused(large) == "cannot be applied: it is larger than 32 MiB"
    os.mkfifo(tmp_path / "pipe")
    for odd in (tmp_path, tmp_path / "pipe", tmp_path / ("x" * 300), Path("/dev/zero")):
        with pytest.raises(StorageError):
            read_plan_file(odd)


def test_it_is_not_written_where_there_is_no_folder(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="no folder"):
        write_plan_file(tmp_path / "missing/plan.json", document())
    with pytest.raises(StorageError, match="not a regular file"):
        write_plan_file(tmp_path, document())


def test_what_is_no_regular_file_is_left_in_its_place(tmp_path: Path) -> None:
    """Replacing it, as is done with files, would remove a device or a pipe for everybody."""
    pipe, link = tmp_path / "pipe", tmp_path / "link"
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    for path in (pipe, link):
        with pytest.raises(StorageError, match="not a regular file"):
            write_plan_file(path, document())
    assert pipe.is_fifo()
    assert link.is_symlink()
