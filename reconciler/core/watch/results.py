"""What a run that a watch started came to: read off its exit code and the JSON that every run prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from reconciler.core.errors import ExitCode
from reconciler.core.watch.machine import Trouble, Verdict

STATES = ("up_to_date", "running", "failed", "uncertain", "drifted", "held_back", "not_started")
_STATE_OF = {"done": "up_to_date", "guarded": "held_back"}
_LEFT = frozenset({"failed", "uncertain", "drifted", "guarded", "not_started"})
_REASONS = ("halted", "unwritten", "unpublished")  # of an outcome: what may succeed later


class Item(NamedTuple):
    """An engine that a run did something about, or left. `status` is that of the outcome."""

    key: str
    status: str
    action: str
    engine_id: str | None = None
    reason: str | None = None
    hint: str | None = None
    operation: str | None = None


class RunResult(NamedTuple):
    """`states` is how many engines are in which state, None where the run could not tell. `done` and `left` are the
    engines that it did something about, and those that it left. `trouble` is what stopped it.
    """

    verdict: Verdict
    code: int
    acted: bool = False
    states: Mapping[str, int] | None = None
    done: Sequence[Item] = ()
    left: Sequence[Item] = ()
    trouble: Trouble | None = None


def result_of(code: int, document: Mapping[str, Any] | None) -> RunResult:
    """From the exit code (negative for a signal) and what `--format json` printed, None where it is no JSON."""
    if document is None:
        return RunResult(Verdict.RETRY, code, trouble=_no_answer(code))
    error, outcome = document.get("error"), document.get("outcome")
    if outcome is None:
        return RunResult(_verdict(code), code, trouble=_trouble(code, error, document))
    items = _items(document, outcome)
    counts = dict.fromkeys(STATES, 0)
    counts["up_to_date"] = int(outcome["counts"].get("unchanged", 0))
    for item in items:
        counts[_STATE_OF.get(item.status, item.status)] += 1
    reason = next((str(outcome[name]) for name in _REASONS if name in outcome), None)
    left = tuple(item for item in items if item.status in _LEFT)
    verdict = Verdict.ATTENTION if code == ExitCode.FAILED else _verdict(code)
    if reason is not None or any(item.status == "not_started" for item in left):
        verdict = Verdict.HELD if code == ExitCode.LEASE else Verdict.RETRY
    kind = "platform" if "halted" in outcome else "publish" if "unpublished" in outcome else "run"
    trouble = None if reason is None else Trouble(kind, reason, needs_person="unpublished" in outcome)
    done = tuple(item for item in items if item.status in ("done", "running"))
    return RunResult(verdict, code, bool(done) or bool(outcome.get("wrote")), counts, done, left, trouble)


def _verdict(code: int) -> Verdict:
    match code:
        case ExitCode.OK:
            return Verdict.CONVERGED
        case ExitCode.RUNNING:
            return Verdict.RUNNING
        case ExitCode.LEASE:
            return Verdict.HELD
        case ExitCode.INVALID | ExitCode.GUARD | ExitCode.UNCERTAIN | ExitCode.USAGE:
            return Verdict.ATTENTION
        case _:
            return Verdict.RETRY


def _items(document: Mapping[str, Any], outcome: Mapping[str, Any]) -> list[Item]:
    """The engines of the outcome; where it does not say why one was left, the plan does."""
    planned = {action["key"]: action for action in document.get("actions", ())}
    items = []
    for result in outcome["results"]:
        action = planned.get(result["key"], {})
        reason = result.get("error") or action.get("guard") or action.get("reason")
        hint = result.get("hint") or action.get("hint")
        operation = result.get("operationId") or action.get("operationId")
        named = (result["key"], result["status"], result["action"], result.get("engineId"))
        items.append(Item(*named, reason, hint, operation))
    return items


def _no_answer(code: int) -> Trouble:
    if code < 0:
        return Trouble("killed", f"the run was ended by signal {-code}")
    return Trouble(
        "bug" if code == ExitCode.BUG else "run", f"the run ended with {code}, and printed no result"
    )


def _trouble(code: int, error: Mapping[str, Any] | None, document: Mapping[str, Any]) -> Trouble | None:
    """Why there is no outcome: what failed, or the first finding in files with errors."""
    person = _verdict(code) is Verdict.ATTENTION
    kinds: Mapping[int, str] = {ExitCode.INVALID: "files", ExitCode.BUG: "bug", ExitCode.LEASE: "lease"}
    kind = kinds.get(code, "run")
    if error is not None:
        return Trouble(kind, str(error.get("message")), error.get("hint"), person)
    findings = [one for one in document.get("diagnostics", ()) if one.get("severity") == "error"]
    if not findings:
        return None
    first, more = findings[0], len(findings) - 1
    place = ":".join(str(first[name]) for name in ("file", "line", "col") if name in first)
    message = f"{place}: {first['message']}" if place else str(first["message"])
    return Trouble(kind, message + (f" (and {more} more)" if more else ""), first.get("hint"), person)
