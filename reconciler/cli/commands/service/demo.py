"""`reconcile demo`: the whole loop on a real socket, in a temporary git repo, with the real commands.

Nothing in it is played: each command runs as its own process against the sandbox platform, and the demo fails when the
platform saw something else than the text says.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from reconciler.cli.command import Command
from reconciler.cli.options import given, global_options
from reconciler.core.errors import ReconcileError, StorageError
from reconciler.sandbox.server import SandboxServer
from reconciler.sandbox.settings import SandboxSettings

JOB_SECONDS = 1.5
_TIME_LIMIT = 60  # seconds for one command; they take about two
_PATIENCE = 10.0  # seconds in which a command that was interrupted has to be over

_ACME = """\
# yaml-language-server: $schema=../schemas/engine.schema.json
name: Acme Corp Engine
description: Production engine for acme.com
locales: [de, fr, ja, es]
sources:
  - type: link
    payload: https://acme.example/brand-guidelines
  - type: content
    file: glossary.md
"""
_GLOSSARY = """\
# Glossary

- Acme: never translated
- workspace: Arbeitsbereich (de), espace de travail (fr)
- checkout: Kasse (de), paiement (fr)

Use formal tone in German (Sie-form).
"""
_WEBSITE = """\
name: Marketing website
locales: [pt-BR, ko]
sources:
  - type: content
    payload: |
      Short sentences. Friendly tone.
"""


@click.command("demo", cls=Command, docs="sandbox.md")
@global_options
@click.pass_context
def command(ctx: click.Context) -> None:
    """Show the whole loop on a local platform, in about 15 seconds.

    Plans, applies, edits, replaces and reverts in a temporary git repository. Needs no API key and no network, and
    cleans up after itself.
    """
    signal.signal(
        signal.SIGTERM, signal.default_int_handler
    )  # as Ctrl-C: ends the command under way, and cleans up
    with (
        _passing_folder() as folder,
        SandboxServer(SandboxSettings(job_seconds=JOB_SECONDS)) as platform,
    ):
        demo = _Demo(folder, platform, given(ctx, "color"))
        demo.run()


@contextmanager
def _passing_folder() -> Iterator[Path]:
    """A temporary folder. A git that was interrupted may write for a moment more, so removing is tried again."""
    folder = Path(tempfile.mkdtemp(prefix="reconcile-demo-"))
    try:
        yield folder
    finally:
        end = time.monotonic() + _PATIENCE
        while folder.exists():
            try:
                shutil.rmtree(folder)
            except OSError as error:
                if time.monotonic() > end:
                    raise StorageError(f"cannot remove {folder}: {error.strerror or error}") from error
                time.sleep(0.02)


@dataclass
class _Demo:
    """The steps, one after the other."""

    root: Path
    platform: SandboxServer
    color: str | None

    def run(self) -> None:
        self._set_up()
        self._report("1. Two engine files and no lockfile yet. What would happen?")
        self._reconcile("--dry-run")
        self._report("2. Apply it. In CI, merging to main does this.")
        self._reconcile("apply", "--yes")
        self._commit("Record the engines")
        self._expect(2)
        self._report("3. A pull request edits the glossary and adds a locale.")
        self._edit()
        self._reconcile("--dry-run")
        self._report(
            "4. Merged: a new engine is created, and the old one keeps serving until the new one is ready."
        )
        self._reconcile("apply", "--yes")
        self._commit("Record the replacement")
        self._expect(3)
        self._report("5. It was a mistake. `git revert` brings back the previous engine: no call, no cost.")
        self._git("revert", "--no-edit", "HEAD~1")
        self._reconcile("apply", "--yes")
        self._expect(3)
        self._report("6. What applications read, and what is recorded.")
        self._show("engines.lock.json")
        self._reconcile("status")
        click.echo(f"\nThe platform saw {self.platform.create_calls()} create calls in total.")

    def _set_up(self) -> None:
        self._git("init", "--quiet", "--initial-branch=main", shown=False)
        engines = self.root / "engines"
        (engines / "marketing").mkdir(parents=True)
        (engines / "acme.yaml").write_text(_ACME)
        (engines / "glossary.md").write_text(_GLOSSARY)
        (engines / "marketing" / "website.yaml").write_text(_WEBSITE)
        self._commit("Two engines", shown=False)

    def _edit(self) -> None:
        acme, glossary = self.root / "engines/acme.yaml", self.root / "engines/glossary.md"
        acme.write_text(acme.read_text().replace("[de, fr, ja, es]", "[de, fr, ja, es, it]"))
        glossary.write_text(glossary.read_text().replace("checkout: Kasse", "checkout: Bezahlen"))
        self._commit("Add Italian, change the word for checkout")

    def _commit(self, message: str, *, shown: bool = True) -> None:
        self._git("add", "--all", shown=False)
        self._git("commit", "--quiet", "-m", message, shown=shown)

    def _git(self, *arguments: str, shown: bool = True) -> None:
        from reconciler.adapters.git.command import run_git  # GitPython, only where git is asked

        if shown:
            self._prompt("git", *arguments)
        who = ("-c", "user.name=Demo", "-c", "user.email=demo@localhost", "-c", "commit.gpgsign=false")
        run_git(self.root, [*who, *arguments])

    def _reconcile(self, *arguments: str) -> None:
        from reconciler.adapters.system.own_python import own_python

        self._prompt("reconcile", *arguments)
        color = ("--color", self.color) if self.color else ()
        done = subprocess.run(  # noqa: S603 - our own command, as an argument list
            [*own_python("reconciler.cli.start", "entry"), *arguments, *color],
            cwd=self.root,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            timeout=_TIME_LIMIT,
            check=False,
        )
        if done.returncode != 0:
            raise ReconcileError(
                f"the demo's `reconcile {shlex.join(arguments)}` ended with {done.returncode}"
            )

    def _environment(self) -> dict[str, str]:
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("RECONCILE_", "LINGO"))
        }
        kept.pop("CI", None)  # the demo's repository has no remote to publish to
        return kept | {"LINGO_API_URL": self.platform.url, "LINGO_API_KEY": "sandbox-key"}

    def _expect(self, create_calls: int) -> None:
        seen = self.platform.create_calls()
        if seen != create_calls:
            raise ReconcileError(f"the platform saw {seen} create calls, and there should be {create_calls}")

    def _show(self, name: str) -> None:
        self._prompt("cat", name)
        click.echo((self.root / name).read_text(), nl=False)

    def _report(self, text: str) -> None:
        click.echo("\n" + click.style(f"── {text}", bold=True))

    def _prompt(self, *words: str) -> None:
        click.echo(click.style(f"\n$ {shlex.join(words)}", fg="cyan"))
