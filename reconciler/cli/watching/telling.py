"""What a watch logs: one line for each thing that happens, and for what stays as it is, one line when it begins."""

from __future__ import annotations

import os
from collections.abc import Mapping

from reconciler.adapters.receiver.log import Field, ServeLog
from reconciler.cli.scrubbing import without_secrets
from reconciler.core.patterns import lazy_pattern
from reconciler.core.watch.machine import Trouble, Verdict
from reconciler.core.watch.results import Item, RunResult

_TIME = lazy_pattern(r"^[0-9-]{10}T[0-9:.]{8,12}Z  ")  # a line of progress brings its own
_MOST = 50  # engines that are named after one run
_REPEATED = ("error:", "hint:", "bug:")  # lines of a run that its result tells as well
_STANDING = ("warning:", "note:")
_EVENTS = {"failed": "engine failed", "uncertain": "engine uncertain", "drifted": "engine drifted"}


class Teller:
    """Keeps what was told, so that it is not told again."""

    def __init__(self, log: ServeLog) -> None:
        self._log = log
        self._trouble: Trouble | None = None
        self._run_trouble: Trouble | None = None
        self._left: dict[str, Item] = {}
        self._heard: set[str] = set()
        self._hears: set[str] = set()
        self._converged = self._standing_by = self._waits = False

    def say(self, level: str, event: str, **fields: Field) -> None:
        clean = {
            name: without_secrets(value, os.environ) if isinstance(value, str) else value
            for name, value in fields.items()
        }
        self._log.say(level, event, **clean)

    def trouble(self, trouble: Trouble | None, retry_in: float | None = None) -> None:
        """What is in the way of everything. What is tried again is told at every try, which are further and further
        apart; what stays in the way for a person to mend only once."""
        if trouble is None:
            if self._trouble is not None:
                self.say("info", "mended", kind=self._trouble.kind)
        elif trouble != self._trouble or retry_in is not None:
            level = "error" if trouble.needs_person else "warning"
            pause = None if retry_in is None else round(retry_in, 1)
            self.say(
                level, "blocked", kind=trouble.kind, why=trouble.message, hint=trouble.hint, retry_in=pause
            )
        self._trouble = trouble

    def waits_for(self, holder: str | None) -> None:
        """There is work, and another run has the lease; None when that is over."""
        if holder is not None and not (self._waits or self._standing_by):
            self._waits = True
            self.say("info", "standing by", why=f"{holder} holds the lease")
        elif holder is None and self._waits:
            self._waits = False
            self.say("info", "lease is free")

    def run_begins(self) -> None:
        self._heard, self._hears = self._hears, set()

    def heard(self, line: str) -> None:
        """A line that a run says on stderr. Of warnings and notes, those that the run before said, too, were told."""
        line = _TIME.sub("", line, count=1)
        word = line.partition(" ")[0]
        if word in _REPEATED:
            return
        self._hears.add(line)
        if word not in _STANDING or line not in self._heard:
            self.say("warning" if word == "warning:" else "info", "run", line=line.removeprefix("warning: "))

    def result(self, result: RunResult, *, refresh: bool, seconds: float) -> None:
        for item in result.done[:_MOST]:
            self._engine("info", "engine " + item.status, item)
        if len(result.done) > _MOST:
            self.say("info", "more engines", count=len(result.done) - _MOST)
        if result.states is not None:
            self._tell_left(result, refresh=refresh)
        self._tell_standby(result)
        self._tell_trouble(result)
        converged = result.verdict is Verdict.CONVERGED
        if result.acted or converged != self._converged or refresh:
            again = "yes" if refresh else None
            counts = _counts(result.states)
            verdict, took = result.verdict.value, round(seconds, 2)
            self.say(
                "info", "round ended", result=verdict, code=result.code, refresh=again, seconds=took, **counts
            )
        self._converged = converged

    def _tell_left(self, result: RunResult, *, refresh: bool) -> None:
        """Only a refresh knows of drift: what it found stands until the next one."""
        now = {item.key: item for item in result.left}
        if not refresh:
            now |= {k: v for k, v in self._left.items() if v.status == "drifted" and k not in now}
        new = [item for key, item in now.items() if _is_news(item, self._left.get(key))]
        for item in new[:_MOST]:
            event = _EVENTS.get(item.status, "engine " + item.status.replace("_", " "))
            self._engine("warning", event.replace("guarded", "held back"), item)
        if len(new) > _MOST:
            self.say("warning", "more engines", count=len(new) - _MOST)
        for key in [key for key in self._left if key not in now][:_MOST]:
            self.say("info", "engine settled", key=key)
        self._left = now

    def _tell_standby(self, result: RunResult) -> None:
        held = result.verdict is Verdict.HELD
        if held and not self._standing_by:
            self.say("info", "standing by", why=None if result.trouble is None else result.trouble.message)
        elif self._standing_by and result.acted:
            self.say("info", "taken over")
        self._standing_by = held or (self._standing_by and not result.acted)

    def _tell_trouble(self, result: RunResult) -> None:
        trouble = None if result.verdict is Verdict.HELD else result.trouble
        if trouble is not None and trouble != self._run_trouble:
            level = "error" if trouble.needs_person else "warning"
            self.say(level, "run failed", kind=trouble.kind, why=trouble.message, hint=trouble.hint)
        elif trouble is None and self._run_trouble is not None:
            self.say("info", "mended", kind=self._run_trouble.kind)
        self._run_trouble = trouble

    def _engine(self, level: str, event: str, item: Item) -> None:
        reason = item.reason if level != "info" else None
        self.say(
            level, event, key=item.key, action=item.action, engine=item.engine_id, why=reason, hint=item.hint
        )


def _is_news(item: Item, before: Item | None) -> bool:
    """What a later run finds of an engine that failed is worded otherwise, and is the same. Of two calls in doubt for
    one key, the first may have been resolved while another replica was at work.
    """
    if before is None or before.status != item.status:
        return True
    if before.operation and item.operation and before.operation != item.operation:
        return True
    if item.status in ("failed", "uncertain"):
        return item.action != "none"
    return (before.action, before.reason) != (item.action, item.reason)


def _counts(states: Mapping[str, int] | None) -> dict[str, Field]:
    return {name: count for name, count in (states or {}).items() if count}
