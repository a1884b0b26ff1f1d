"""What is done with foreign content, reader by reader, up to what is shown and written of it.

Each takes bytes and raises nothing but `ReconcileError`: anything else would end a command with our "this is a bug".
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from reconciler.adapters.engine_files.files import EngineFiles
from reconciler.adapters.git import printed
from reconciler.adapters.git.command import _small_blobs, _split_batch
from reconciler.adapters.git.trust import Repository, parse_config
from reconciler.adapters.github.event_file import read_event_file, read_job_event
from reconciler.adapters.outputs.yaml_file import put_into_yaml
from reconciler.adapters.project.settings import read_settings_file
from reconciler.adapters.storage.plan_file import read_plan_file
from reconciler.core.engine.spec import record_of
from reconciler.core.errors import ReconcileError
from reconciler.core.ledger import journal, lease, sealed
from reconciler.core.ledger.commit_messages import publish_message
from reconciler.core.ledger.facts import resolutions
from reconciler.core.ledger.fold import fold
from reconciler.core.ledger.published import number_of, set_back
from reconciler.core.ledger.seal import Seal
from reconciler.core.ledger.webhook_facts import known_in, learn
from reconciler.core.lockfile import engine_ids
from reconciler.core.lockfile import model as lockfile_format
from reconciler.core.lockfile.merge import merge
from reconciler.core.outputs.env_file import put_into_env
from reconciler.core.outputs.json_file import put_into_json
from reconciler.core.outputs.places import writes_of
from reconciler.core.plan.collect import actions_to_collect
from reconciler.core.plan.diff import PlanInput, actions_for
from reconciler.core.plan.model import Plan
from reconciler.core.plan.saved import apply_document, entry_digest
from reconciler.core.platform.webhook import SigningKeys, read_event
from reconciler.core.pull_request.comment_state import first_submitted, read_told
from reconciler.core.pull_request.event import pull_request_of
from reconciler.core.run.local_actions import perform_all
from reconciler.core.settings.resolution import resolve
from reconciler.render.data.json_view import plan_document
from reconciler.render.data.status_json import render_status_json
from reconciler.render.text.plan import render_plan
from reconciler.render.text.status import render_status
from tests.core.build import (
    A,
    B,
    C,
    accepted,
    begin,
    current,
    ended,
    entry,
    failed,
    lockfile,
    pending,
    superseded,
    uncertain,
    wanted,
)
from tests.fuzz.mutations import HOSTILE, as_bytes, damaged, documents

NOW = "2026-11-24T12:00:00.000Z"
KNOWN = lockfile(
    {
        "acme": entry(current("1", B, summary={"instructions": 6}), pending("3", C), superseded("0", A)),
        "blog": entry(current("4", A, files={"engines/blog.yaml": "a" * 40}), failed("5", B)),
        "doubt": entry(None, uncertain("6", A)),
    },
    old=entry(current("7", A), None, superseded("8", B, "in_progress")),
)
DOCUMENT: dict[str, Any] = json.loads(lockfile_format.render(KNOWN))
DOCUMENT["engines"]["acme"] |= {
    "protect": True,
    "outputs": [{"file": "i18n.json", "pointer": "/a/b"}, {"file": ".env", "key": "ENGINE"}],
}
DOCUMENT["engines"]["doubt"]["uncertain"] = [
    DOCUMENT["engines"]["doubt"]["pending"] | {"operationId": "op_9"}
]
FILES = {key: wanted(key, spec) for key, spec in (("acme", A), ("blog", B), ("new", C), ("old", A))}


def read_lockfile(content: bytes) -> None:
    """As a plan, a status, a merge and an apply without calls do."""
    found = lockfile_format.parse(content, "engines.lock.json")
    first_submitted(found)
    shown = [merge(base, found, KNOWN).lockfile for base in (None, KNOWN)]
    set_back(found, KNOWN, earlier=False, former=lambda: [KNOWN])
    for one in (found, *shown):
        actions = actions_for(PlanInput(one, FILES, FILES.keys()))
        plan = Plan("production", actions)
        json.dumps(plan_document(plan)).encode()
        render_plan(plan)
        actions_to_collect(one, lambda key: True)
        lockfile_format.render(perform_all(one, actions, NOW))
    writes_of(found)
    learn(found, [event for body in _BODIES if (event := read_event(body, "op_6")) is not None], NOW)
    known_in(found)
    engines, _ = engine_ids.serving(found, lambda key: True)
    engine_ids.variables(engines, "X_")
    render_status(found, now=NOW, retired=True)
    render_status_json(found, now=NOW)
    publish_message(KNOWN, found, None, skip_ci=False)
    fold(found, journal.parse(JOURNAL, "journal")[0])
    for key in found.engines:
        entry_digest(found, key)
    found.check()
    lockfile_format.parse(lockfile_format.render(found), "again")


def read_records(content: bytes) -> None:
    """As a run does that finds a journal, here or on the remote."""
    records, _ = journal.parse(content, "journal.jsonl")
    resolutions(records)
    for before in (lockfile_format.EMPTY, KNOWN):
        found = fold(before, records)
        found.check()
        assert lockfile_format.parse(lockfile_format.render(found), "again") == found
        render_status(found, now=NOW, retired=True)
    assert journal.parse(journal.render(records), "again")[0] == records


def read_sealed(content: bytes) -> None:
    """As a run does that finds records on the remote, with and without the key."""
    lines = sealed.parse(content, "refs/reconcile/production")
    for seal in (None, Seal(b"k" * 32)):
        records, others = sealed.sorted_out(lines, seal)
        sealed.doubts(fold(KNOWN, records), records, others)
        sealed.left_over(others, KNOWN)
        assert sealed.parse(sealed.to_keep(records, others), "again") is not None
        number_of(seal, "0" * 40, content.decode("utf-8", "replace"))


def read_lease(content: bytes) -> None:
    found = lease.parse(content)
    str(found.holder)
    found.held_at(NOW)
    lease.seconds_left(found, NOW)
    lease.parse(lease.render(lease.renew(found, NOW, 60.0)))


def read_event_files(content: bytes, folder: Path) -> None:
    file = folder / "event.json"
    file.write_bytes(content)
    pull_request_of(read_job_event(file), "refs/pull/7/merge")
    read_event_file(file, SigningKeys([b"k" * 32]))


def read_plan(content: bytes, folder: Path) -> None:
    file = folder / "plan.json"
    file.write_bytes(content)
    saved = read_plan_file(file)
    saved.check_for("production", "engines.lock.json")
    saved.still(actions_for(PlanInput(KNOWN, FILES, FILES.keys())), KNOWN)


def read_settings(content: bytes, folder: Path) -> None:
    file = folder / "reconcile.yaml"
    file.write_bytes(content)
    found = read_settings_file(file, name="reconcile.yaml")
    resolve({}, {}, found.values, place=found.place)


def read_engine(content: bytes, folder: Path) -> None:
    (folder / "engines").mkdir(exist_ok=True)
    (folder / "engines/acme.yaml").write_bytes(content)
    engines = EngineFiles(folder)
    loaded = engines.load("acme", "engines/acme.yaml", 40)
    engines.parse_old(content, "engines/acme.yaml")
    if isinstance(loaded, list):
        return
    made = journal.Begin("op", "acme", loaded.fingerprint, record_of(loaded.spec), loaded.files, NOW)
    assert journal.parse(journal.render([made]), "journal")[0] == (made,)


def read_git(content: bytes) -> None:
    """Everything that reads what git prints, whatever it is given."""
    text = content.decode("utf-8", "replace")
    printed.contents_of(content)
    printed.tips_in(content)
    printed.changed_in(content)
    printed.versions_in(text)
    printed.parents_in(text)
    printed.entries_in(text, 3)
    printed.sides_in(content)
    _small_blobs(content)
    list(_split_batch(content))
    parse_config(content, Repository(Path("/project/.git"), Path("/project")))


def read_output(content: bytes) -> None:
    """A file of the application that an engine's ID is written into."""
    for put, place in ((put_into_json, "/a/0/b"), (put_into_yaml, "/a/0/b"), (put_into_env, "ENGINE")):
        with suppress(ReconcileError):
            assert b"eng_1" in put(content, place, "eng_1")


def read_comment(content: bytes) -> None:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return
    read_told(document)


def read_body(content: bytes) -> None:
    event = read_event(content, "op_6")
    if event is not None:
        learn(KNOWN, [event], NOW)


_ID, _SUMMARY = {"jobId": "pjb_3", "engineId": "eng_3"}, {"brandVoices": 1, "glossaryItems": [1, 2]}
_EVENTS: list[dict[str, Any]] = [
    {"type": "provisioning.completed", **_ID, "summary": _SUMMARY},
    {"type": "provisioning.failed", **_ID, "error": "it broke"},
]
_BODIES = [json.dumps(one).encode() for one in _EVENTS]
_RECORDS = [
    begin("10", A, 1),
    accepted("10", 2),
    ended("10", 3, "failed", "it broke"),
    begin("3", C, 4, "acme"),
    ended("3", 5),
    begin("6", A, 6, "doubt"),
    journal.UncertainOutcome("op_6", "no answer", NOW),
    journal.Settlement("op_6", "engine", NOW, "eng_6", "pjb_6"),
    journal.Refusal("op_10", "no", 400, True, NOW),
    journal.JobSummary("op_3", {"instructions": 6}, NOW),
    journal.Decision("d-1", "acme", "restore", NOW, "eng_0", files={"engines/acme.yaml": "b" * 40}),
    journal.Decision("d-2", "moved", "move", NOW, "eng_4", from_key="blog", kept={"protect": True}),
    journal.Decision("d-3", "old", "resume", NOW, "eng_8", about="op_8", fingerprint="v1:" + "0" * 64),
]
JOURNAL = journal.render(_RECORDS)
_LINES = [json.loads(line) for line in JOURNAL.splitlines()]


@st.composite
def journals(draw: st.DrawFn, *, with_seals: bool = False) -> bytes:
    """Some records that fit together, in any order, with foreign ones among them."""
    if with_seals:
        lines = [
            one | {"seal": draw(st.sampled_from(HOSTILE))} for one in draw(st.lists(st.sampled_from(_LINES)))
        ]
        return b"".join(as_bytes(one, line=True) + b"\n" for one in lines)
    lines = [json.dumps(one).encode() + b"\n" for one in draw(st.lists(st.sampled_from(_LINES), max_size=6))]
    foreign = documents(*_LINES, line=True) if draw(st.booleans()) else st.just(b"")
    return b"".join(lines) + draw(foreign) + b"\n"


_LEASE = json.loads(
    lease.render(lease.take(lease.FREE, lease.Holder("ci", 7, "https://ci/1"), "t-1", NOW, 60.0))
)
_SEEN = actions_for(PlanInput(KNOWN, FILES, FILES.keys()))
_PLAN = Plan("production", _SEEN, lockfile="engines.lock.json", lockfile_digest="sha256:" + "0" * 64)
PLAN_DOCUMENT = {**plan_document(_PLAN), "apply": apply_document(_PLAN, KNOWN, False), "exitCode": 0}
_PULL = {
    "pull_request": {
        "number": 7,
        "head": {"sha": "a" * 40, "repo": {"full_name": "acme/web"}},
        "base": {"repo": {"full_name": "acme/web"}},
    },
    "issue": {"number": 7, "pull_request": {}},
}
_DISPATCH = {
    "client_payload": {
        "version": 1,
        "webhookId": "msg_1",
        "timestamp": "1700000000",
        "signature": "v1,AAAA",
        "body": _BODIES[0].decode(),
        "operationId": "op_6",
        "jobId": "pjb_6",
    }
}
_SETTINGS = {
    "concurrency": 4,
    "api_url": "https://api.lingo.dev",
    "timeout": "30m",
    "publish": True,
    "lockfile": "engines.lock.json",
    "environments": {"staging": {"branch": "develop", "lease_ttl": 90}},
    "author": "Bot <bot@acme.com>",
}
_ENGINE = {
    "name": "Acme",
    "description": "Production\nengine",
    "locales": ["de", "pt-BR"],
    "sources": [{"type": "link", "payload": "https://a.b/c"}, {"type": "content", "payload": "Formal."}],
    "lifecycle": {"protect": True},
    "outputs": [{"file": "i18n.json", "pointer": "/a"}, {"file": ".env", "key": "ENGINE"}],
}
_COMMENT = {
    "v": 1,
    "unchanged": 3,
    "left": 0,
    "commit": "a" * 40,
    "results": [{"key": "acme", "kind": "create", "status": "running", "operationId": "op_6"}],
}
_FILES = [
    b"# Engines\na:\n  - b: eng_0 # now\nc: [1, {d: e}]\n",
    b"export A=\"x y\"\nENGINE=eng_0\n# ENGINE=no\nB='c'\n",
    b'{"a": [{"b": "eng_0"}], "c": {}}\n',
]
_ZEROS = "0" * 40
_GIT = [
    f"{'a' * 40} blob 3\nabc\n{'b' * 40} tree 0\n\nHEAD:x y missing\n".encode(),
    f"{'a' * 40}\trefs/heads/main\n{'b' * 40}\trefs/reconcile/production\n".encode(),
    f":100644 100644 {'a' * 40} {_ZEROS} M\0engines.lock.json\0".encode(),
    f":100644 100644 {'a' * 40} {'b' * 40} M\tengines.lock.json\n".encode(),
    f"tree {'a' * 40}\nparent {'b' * 40}\nauthor A <a@b> 1 +0000\n\nparent x\n".encode(),
    f"{'a' * 40}\tA <a@b>\tSubject\n\nBody\n\0".encode(),
    f"100644 {'a' * 40} 2\tengines.lock.json\0100644 {'b' * 40} 3\tengines.lock.json\0".encode(),
    b"file:.git/config\0core.bare\nfalse\0file:x\0remote.origin.url\nhttps://a.b\0",
]

Reader = Callable[[bytes], None] | Callable[[bytes, Path], None]
READERS: dict[str, tuple[st.SearchStrategy[bytes], Reader]] = {
    "lockfile": (documents(DOCUMENT), read_lockfile),
    "journal": (journals(), read_records),
    "ledger": (journals(with_seals=True), read_sealed),
    "lease": (documents(_LEASE), read_lease),
    "plan file": (documents(PLAN_DOCUMENT), read_plan),
    "event files": (documents(_PULL, _DISPATCH), read_event_files),
    "settings": (documents(_SETTINGS), read_settings),
    "engine file": (documents(_ENGINE), read_engine),
    "git's output": (st.sampled_from(_GIT).flatmap(damaged) | st.binary(max_size=60), read_git),
    "output": (
        documents(_ENGINE, {"a": [{"b": "eng_0"}]}) | st.sampled_from(_FILES).flatmap(damaged),
        read_output,
    ),
    "comment": (documents(_COMMENT), read_comment),
    "webhook": (documents(*_EVENTS), read_body),
}
__all__ = ["HOSTILE", "READERS"]
