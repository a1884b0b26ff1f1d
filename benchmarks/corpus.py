"""A project of many engines to measure on: files of about 1 KB, like those that people write, and their lockfile.

The lockfile is made by the code that is measured, read and written as a run would: every file is loaded, and its entry
is what a completed job leaves. `python -m benchmarks.corpus FOLDER COUNT` does it in a process of its own, since what
is measured afterwards is started from a process that must be small.
"""

from __future__ import annotations

import contextlib
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from reconciler.core.engine.overlay import ALL, EngineChoice

PER_FOLDER = 100
LOCKFILE = "engines.lock.json"

_ENVIRONMENTS = "environments:\n  production: {}\n  staging: {lockfile: staging.lock.json}\n"
_NO_CLEAN_UP = ("config", "gc.auto", "0")  # it would still be at it when the folder goes
_LOCALES = (
    "de",
    "fr",
    "es",
    "it",
    "ja",
    "ko",
    "nb",
    "pl",
    "pt-BR",
    "sv",
    "tr",
    "uk",
    "zh-Hans",
    "zh-Hant-TW",
)
_WORDS = """
    formal tone keep the brand name short sentences never translate product plural button menu title customer
    support invoice friendly precise legal review glossary term German Japanese polite informal headline playful
    number date currency unit gender neutral address reader directly avoid idioms exclamation marks
"""


@contextlib.contextmanager
def project(count: int, overlays: int = 0) -> Iterator[Path]:
    """The root of a project with `count` engines and a complete lockfile, in a git repo, while it is needed. So many of
    them have an overlay for the environment `production`.
    """
    with tempfile.TemporaryDirectory(prefix="reconcile-bench-") as folder:
        command = [sys.executable, "-m", "benchmarks.corpus", folder, str(count), str(overlays)]
        subprocess.run(command, check=True)
        yield Path(folder)


@contextlib.contextmanager
def edited(root: Path, share: float) -> Iterator[int]:
    """Changes that share of the engine files, a locale and a line of text each, and takes it back; how many."""
    files = sorted(root.glob("engines/*/*.yaml"))
    changed = {file: file.read_bytes() for file in files[:: max(1, round(1 / share))]}
    try:
        for file, content in changed.items():
            file.write_bytes(
                content.replace(b"locales: [", b"locales: [nl, ") + b"      One more line of advice.\n"
            )
        yield len(changed)
    finally:
        for file, content in changed.items():
            file.write_bytes(content)


@contextlib.contextmanager
def one_overlay_edited(root: Path) -> Iterator[None]:
    """Changes one overlay, and takes it back."""
    file = next(iter(sorted(root.glob("engines/*/*.production.yaml"))))
    content = file.read_bytes()
    try:
        file.write_bytes(content.replace(b"[de]", b"[de, nl]"))
        yield
    finally:
        file.write_bytes(content)


def write_project(root: Path, count: int, overlays: int = 0) -> None:
    """Writes engine files and lockfile below `root`, and commits both: the lockfile as a run does, from whose commit
    every later clone knows that nobody edited it.
    """
    write_engines(root, count)
    if overlays:
        (root / "reconcile.yaml").write_text(_ENVIRONMENTS, encoding="utf-8")
        for file in sorted(root.glob("engines/*/*.yaml"))[:: count // overlays]:
            file.with_suffix(".production.yaml").write_text("locales: [de]\n", encoding="utf-8")
    write_lockfile(root, EngineChoice("production", ("production", "staging") if overlays else ()))
    message = f"Record {count} engines"
    identity = ("-c", "user.name=Benchmark", "-c", "user.email=benchmark@example.com")
    for words in (
        ("init", "-q"),
        _NO_CLEAN_UP,
        ("add", "."),
        (*identity, "commit", "-q", "--no-verify", "-m", message),
    ):
        subprocess.run(["git", "-C", str(root), *words], check=True)


def write_engines(root: Path, count: int) -> None:
    chance = random.Random(1)  # the same project every time
    for number in range(count):
        folder = root / "engines" / f"team-{number // PER_FOLDER:03}"
        if number % PER_FOLDER == 0:
            folder.mkdir(parents=True)
        (folder / f"engine-{number:05}.yaml").write_text(_engine(number, chance), encoding="utf-8")


def write_lockfile(root: Path, choice: EngineChoice = ALL) -> None:
    """What the lockfile holds when a job has completed for every engine."""
    from reconciler.adapters.engine_files.files import EngineFiles
    from reconciler.adapters.storage.lockfile_store import LockfileFile
    from reconciler.core.engine.spec import Desired, record_of
    from reconciler.core.lockfile.entry import Entry, Provisioned
    from reconciler.core.lockfile.model import EMPTY

    engines = EngineFiles(root, choice=choice)
    entries: dict[str, Entry | None] = {}
    for number, (key, path) in enumerate(engines.discover()[0].items()):
        loaded = engines.load(key, path)
        if not isinstance(loaded, Desired):
            raise TypeError(f"the corpus has an invalid engine file: {loaded}")
        entries[key] = Entry(
            Provisioned(
                engine_id=f"eng_{number:016x}",
                job_id=f"pjb_{number:016x}",
                operation_id=f"{number:032x}",
                fingerprint=loaded.fingerprint,
                spec=record_of(loaded.spec),
                files=loaded.files,
                provisioned_at="2026-11-24T11:08:13Z",
                summary={"brandVoices": 4, "glossaryItems": 12, "instructions": 6},
            )
        )
    LockfileFile(root, LOCKFILE).write(EMPTY.with_entries(entries))


def _engine(number: int, chance: random.Random) -> str:
    locales = ", ".join(chance.sample(_LOCALES, chance.randint(3, 8)))
    advice = "\n".join(f"      {_sentence(chance, 9)}" for _ in range(12))
    return f"""\
# yaml-language-server: $schema=../../schemas/engine.schema.json
name: Engine {number:05}
description: {_sentence(chance, 8)}
locales: [{locales}]
sources:
  - type: link
    payload: https://acme.example/brand/{number:05}/guidelines
  - type: content
    payload: |
{advice}
"""


def _sentence(chance: random.Random, words: int) -> str:
    return " ".join(chance.choices(_WORDS.split(), k=words)).capitalize() + "."


if __name__ == "__main__":
    write_project(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 0)
