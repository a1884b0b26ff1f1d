"""The checks of `reconcile doctor` that need no network: git, engine files, records, API key, lease, merge driver."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from reconciler.adapters.git.command import run_git
from reconciler.adapters.project.places import find_git
from reconciler.app.planning import validate_engines
from reconciler.app.recorded import RecordedState, read_recorded_state
from reconciler.cli.checks.workflows import check_workflows
from reconciler.cli.wiring.api_key import DEPRECATED_KEY, api_key, is_deprecated
from reconciler.cli.wiring.publishing import shares
from reconciler.core.checkup import Finding, Verdict, from_error, judge_git, ok, problem, warning
from reconciler.core.commands import KEY_VARIABLE, git, key_variable, reconcile
from reconciler.core.engine.spec import Desired
from reconciler.core.errors import (
    Diagnostic,
    GitError,
    GuardRefused,
    InvalidInput,
    LeaseHeld,
    ReconcileError,
    Severity,
)
from reconciler.core.lockfile.entry import FAILED, UNCERTAIN
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.settings.model import Settings
from reconciler.project.hand_edits import hand_edits
from reconciler.project.opened import Project
from reconciler.project.sealing import RESOLVE_WORKFLOW

_SHOWN = 3  # operations that are named


def check_here(project: Project) -> list[Finding]:
    """Every finding, in the order in which they are shown."""
    engines, valid = _engines(project)
    return [
        _git(project.root, project.settings),
        engines,
        *check_workflows(project.root, project.settings.engines, valid),
        *_records(project),
        _lease(project.private),
        *_merge_driver(project.root, project.settings.lockfile),
    ]


def _git(root: Path, settings: Settings) -> Finding:
    try:
        finding = judge_git(run_git(root, ["--version"], timeout=5.0))
        if find_git(root) is None and finding.verdict is Verdict.OK:
            return warning(
                "git",
                f"{root} is not in a git repository",
                f"run `{git('init')}`; publishing needs a repository",
            )
    except GitError as error:
        needed = shares(settings)
        return from_error("git", error, Verdict.PROBLEM if needed else Verdict.WARNING)
    return finding


def _engines(project: Project) -> tuple[Finding, Collection[Desired]]:
    """What is to be said of the engine files, and those that are valid."""
    try:
        valid, findings = validate_engines(project.engines, None, project.checkout)
    except ReconcileError as error:
        return _invalid(from_error("engines", error)), ()
    return _judged(len(valid), findings), valid.values()


def _judged(valid: int, findings: Sequence[Diagnostic]) -> Finding:
    wrong = [one for one in findings if one.severity is Severity.ERROR]
    if wrong:
        said = f"{len({one.file for one in wrong}):,} of the engine files cannot be used"
        return Finding("engines", Verdict.PROBLEM, said, "fix them", tuple(wrong), invalid=True)
    count = f"{valid:,} engine file{'s' if valid != 1 else ''} valid"
    if findings:
        return Finding("engines", Verdict.WARNING, count, None, tuple(findings))
    return ok("engines", count)


def _invalid(finding: Finding) -> Finding:
    return Finding(
        finding.check, finding.verdict, finding.said, finding.hint, finding.diagnostics, invalid=True
    )


def _ignored(project: Project) -> Finding | None:
    from reconciler.adapters.checkout.ignored import refuse_if_ignored

    try:
        refuse_if_ignored(project.root, project.settings.lockfile)
    except InvalidInput as error:
        return problem("lockfile", error.message, error.hint)
    except GitError:
        return None  # the check of git says so
    return None


def _records(project: Project) -> list[Finding]:
    """The lockfile, and what is open in it."""
    try:
        recorded = read_recorded_state(project.lockfile, project.known_journal)
        pending = _pending(recorded.folded) | dict.fromkeys(recorded.doubts, UNCERTAIN)
    except ReconcileError as error:
        return [_invalid(from_error("lockfile", error))]
    count = len(recorded.folded.engines)
    name = project.settings.lockfile
    said = f"{name} has {count:,} engine{'s' if count != 1 else ''}" if count else f"{name} has no engine yet"
    findings = [_ignored(project) or ok("lockfile", said)]
    if recorded.unwritten:
        left = "a run was interrupted: the journal has results that the lockfile lacks"
        findings.append(warning("lockfile", left, f"run `{reconcile('apply')}` to write them"))
    findings += _unverified(recorded)
    edited = tuple(hand_edits(project, recorded.on_disk))
    if edited:
        said = f"{name} was edited by hand"
        findings.append(Finding("lockfile", Verdict.WARNING, said, edited[0].hint, edited))
    findings += _half_checkout(project, recorded.folded)
    return [*findings, _open_operations(pending), *_outputs(project, recorded.folded)]


def _half_checkout(project: Project, lockfile: Lockfile) -> list[Finding]:
    """Engines whose files git has, and this checkout does not."""
    try:
        found, _ = project.engines.discover()
    except InvalidInput:  # the check of engine files says so
        return []
    gone = sorted(lockfile.engines.keys() - found.keys())
    told = project.checkout().not_gone({key: [] for key in gone}) if gone else []
    if not told:
        return []
    said = "the checkout is incomplete, so no plan can be made"
    return [Finding("checkout", Verdict.PROBLEM, said, told[0].hint, tuple(told), invalid=True)]


def _unverified(recorded: RecordedState) -> list[Finding]:
    """Records of the remote that do not count."""
    if recorded.unverified is None:
        return []
    from reconciler.core.ledger.sealed import told_of  # only where there are some

    hint = f"run `{reconcile('plan')}` to see the commands that resolve them"
    if not recorded.unverified.has_key:
        hint = f"set {key_variable()}, or resolve them with the workflow {RESOLVE_WORKFLOW}"
    return [warning("ledger", told_of(recorded.unverified), hint)]


def _outputs(project: Project, lockfile: Lockfile) -> list[Finding]:
    """Whether the files of applications have the IDs that serve; nothing to say where none is asked for."""
    if not any("outputs" in document for document in lockfile.engines.values()):
        return []
    from reconciler.adapters.outputs.files import OutputFiles  # only with outputs

    edits, problems = OutputFiles(project.root, project.settings.output_rules).edits(lockfile)
    if problems:
        return [problem("outputs", one, f"fix it, then run `{reconcile('apply')}`") for one in problems]
    if edits:
        behind = ", ".join(sorted(edits))
        return [warning("outputs", f"not up to date: {behind}", f"run `{reconcile('apply')}` to write them")]
    return [ok("outputs", "up to date")]


def _pending(lockfile: Lockfile) -> dict[str, str]:
    entries = ((key, lockfile.entry(key)) for key in sorted(lockfile.engines))
    return {
        key: entry.pressing.status
        for key, entry in entries
        if entry is not None and entry.pressing is not None
    }


def _open_operations(pending: dict[str, str]) -> Finding:
    uncertain = [key for key, status in pending.items() if status == UNCERTAIN]
    failed = [key for key, status in pending.items() if status == FAILED]
    if uncertain:
        said = f"unknown outcome of the create call of {_named(uncertain)}"
        return problem(
            "operations",
            said,
            f"run `{reconcile('status')}` for the commands that resolve it",
        )
    if failed:
        said = f"the last attempt failed: {_named(failed)}"
        return warning("operations", said, f"edit the file, or run `{reconcile('apply', '--retry-failed')}`")
    return ok(
        "operations", f"no unknown outcomes, {len(pending)} in progress" if pending else "no unknown outcomes"
    )


def _named(keys: list[str]) -> str:
    more = len(keys) - _SHOWN
    return ", ".join(f"`{key}`" for key in keys[:_SHOWN]) + (f" and {more:,} more" if more > 0 else "")


def check_key_here(settings: Settings, *, needed: bool) -> tuple[Finding, str | None]:
    """Whether an API key is set, and it. Planning needs none, so that it is missing need not be a problem."""
    try:
        key = api_key(settings)
    except (InvalidInput, GuardRefused) as error:
        return Finding("key", Verdict.PROBLEM if needed else Verdict.WARNING, error.message, error.hint), None
    if is_deprecated(settings):
        return warning("key", f"{DEPRECATED_KEY} is a deprecated name", f"use {key_variable()}"), key
    return ok("key", f"an API key is set{_named_key(settings)}"), key


def _named_key(settings: Settings) -> str:
    return f" ({settings.api_key_env})" if settings.api_key_env != KEY_VARIABLE else ""


def _lease(private: Path) -> Finding:
    if not (private / "lease.lock").exists():
        return ok("lease here", "free")
    from reconciler.adapters.storage.lease_file import FileLease

    try:
        with FileLease(private).hold():
            return ok("lease here", "free")
    except LeaseHeld as error:
        return warning("lease here", error.message, error.hint)
    except ReconcileError as error:
        return from_error("lease here", error)


def _merge_driver(root: Path, lockfile: str) -> list[Finding]:
    """Whether git merges the lockfile entry by entry: named in the repo, and set up in this clone."""
    if find_git(root) is None:
        return []
    from reconciler.adapters.checkout.merge_driver import NAME, why_useless
    from reconciler.adapters.checkout.probe import merge_driver_here

    try:
        named, driver = merge_driver_here(root, lockfile)
    except GitError as error:
        return [from_error("merge driver", error, Verdict.WARNING)]
    if named and driver and (trouble := why_useless(driver)) is not None:
        return [warning("merge driver", trouble, f"run `{reconcile('init')}` to set it up again")]
    if named and driver:
        return [ok("merge driver", "git merges the lockfile entry by entry")]
    where = ".gitattributes does not name" if not named else "this clone's git does not know"
    hint = f"run `{reconcile('init')}` to set it up, once in each clone"
    return [warning("merge driver", f"{where} {NAME}, so git merges the lockfile line by line", hint)]
