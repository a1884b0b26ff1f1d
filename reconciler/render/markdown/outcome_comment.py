"""What became of a merge, as a comment in the pull request that brought it, and as a job's summary.

The first line is the marker that the comment is known by, the last one holds what was told as data, for the run that
ends what this one left running. Both are HTML comments, and no value can end one: what may not stand there is written
as JSON escapes. Everything is kept within what GitHub takes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.core.errors import Diagnostic
from reconciler.core.frozen import dataclass, replace
from reconciler.core.patterns import lazy_pattern
from reconciler.core.pull_request.comment_state import CommentState, read_told, told_document
from reconciler.core.run.outcome import Outcome
from reconciler.render.markdown.comment import COMMENT_BYTES, SUMMARY_BYTES, link_to, marker
from reconciler.render.markdown.escape import code_span, fenced, prose, size
from reconciler.render.markdown.outcome import outcome_details, steps_to_take
from reconciler.render.phrases.diagnostics import render_diagnostics
from reconciler.render.phrases.outcome_words import closing_sentence
from reconciler.render.phrases.words import counted

_COMMAND = "apply"  # in the marker: whatever a later run adds, it is the apply's comment
_DATA = lazy_pattern(r"<!-- reconcile:told (\{.*\}) -->")
_DATA_BYTES = 24_000
_RESERVE = 1_500  # bytes for what stands between the parts


@dataclass(frozen=True, slots=True)
class Merge:
    """What a comment is about besides the outcome. `folder` is the project's, from the root of the repository, and
    `lockfile` the path in it; `page` is the repository's address, `published` the commit of the lockfile.

    `problem` is set where the run ended before it did anything, or could not be planned.
    """

    command: str
    environment: str
    lockfile: str
    folder: str = "."
    page: str | None = None
    commit: str | None = None
    published: str | None = None
    run_url: str | None = None
    report_url: str | None = None  # where the result is as a page
    problem: Diagnostic | None = None
    findings: Sequence[Diagnostic] = ()


def outcome_marker(merge: Merge) -> str:
    """The hidden line that the comment is known by."""
    return marker(_COMMAND, merge.environment, merge.folder)


def render_outcome_comment(
    merge: Merge, outcome: Outcome, told: CommentState, *, limit: int = COMMENT_BYTES
) -> str:
    """The comment, in at most `limit` UTF-8 bytes (40,000 or more). `told` is all there is to tell, this run's results
    included, and `outcome` the run's own: what it could not do is told as well.
    """
    document = told_document(told, _DATA_BYTES, lambda part: len(_written(part)) + 1)
    last = f"<!-- reconcile:told {_written(document)} -->"
    line = outcome_marker(merge)
    doing = _COMMAND if merge.command == _COMMAND else f"{_COMMAND} and {merge.command}"
    body = _body(merge, outcome, told, doing, limit - size(line) - size(last) - 4)
    return f"{line}\n\n{body}\n\n{last}"


def render_outcome_summary(merge: Merge, outcome: Outcome, *, limit: int = SUMMARY_BYTES) -> str:
    """The same of this run alone, for a job's summary."""
    told = CommentState(commit=merge.commit, run=merge.run_url, unchanged=outcome.unchanged).and_then(
        outcome.results
    )
    return _body(merge, outcome, told, merge.command, limit)


def read_comment(body: str) -> CommentState | None:
    """What such a comment tells; None where it has no data, or none that can be read."""
    found = _DATA.search(body.rstrip().rpartition("\n")[2])
    try:
        return None if found is None else read_told(json.loads(found[1]))
    except (ValueError, RecursionError):
        return None


def _body(merge: Merge, outcome: Outcome, told: CommentState, doing: str, limit: int) -> str:
    everything = replace(outcome, results=tuple(told.results.values()), unchanged=told.unchanged)
    head = [_heading(merge), *_problem(merge, limit // 2)]
    if told.results or told.unchanged or merge.problem is None:
        head.append(f"**{closing_sentence(everything, doing)}**" + _and_before(told))
    head += _only_here(merge, outcome)
    steps = steps_to_take(everything, merge.command, None)
    foot = _foot(merge, told)
    used = sum(size(part) + 2 for part in (*head, steps, foot))
    details = outcome_details(everything, merge.lockfile, limit - used - _RESERVE)
    return "\n\n".join(part for part in (*head, *details, steps, foot) if part)


def _heading(merge: Merge) -> str:
    where = "" if merge.folder == "." else f" in {code_span(merge.folder, 200)}"
    return f"### Localization engines{where}: applied to {code_span(merge.environment, 100)}"


def _problem(merge: Merge, room: int) -> list[str]:
    """What kept the run from doing anything, and what to do about it."""
    if merge.problem is None:
        return []
    hint = f" Hint: {prose(merge.problem.hint, 2_000)}" if merge.problem.hint else ""
    parts = [f"**Not applied: {prose(merge.problem.message)}**{hint}"]
    if merge.findings:
        parts.append(fenced(render_diagnostics(merge.findings, color=False).split("\n"), room=room))
    return parts


def _and_before(told: CommentState) -> str:
    return f" {counted(told.left, 'engine')} more, reported earlier." if told.left else ""


def _only_here(merge: Merge, outcome: Outcome) -> list[str]:
    """Written where the run was, which a runner forgets."""
    known = outcome.published or outcome.proposed or outcome.unpublished or outcome.unwritten
    if not outcome.wrote or known:
        return []
    return [
        f"{code_span(merge.lockfile, 200)} was written where this ran, but not published; use `--publish` for that."
    ]


def _foot(merge: Merge, told: CommentState) -> str:
    facts = [_commit("commit", told.commit or merge.commit, merge.page)]
    facts.append(_commit("lockfile", merge.published, merge.page))
    if told.run is not None and told.run != merge.run_url:
        facts.append(link_to("first run", told.run))
    if merge.run_url is not None:
        facts.append(link_to("run" if merge.command == _COMMAND else f"{merge.command} run", merge.run_url))
    if merge.report_url is not None:
        facts.append(link_to("HTML report", merge.report_url))
    known = [fact for fact in facts if fact]
    return f"<sub>{' · '.join(known)}</sub>" if known else ""


def _commit(word: str, commit: str | None, page: str | None) -> str:
    if commit is None or not re.fullmatch(r"[0-9a-f]{7,64}", commit):
        return ""
    shown = code_span(commit[:12])
    return f"{word} {link_to(shown, f'{page}/commit/{commit}') or shown}"


def _written(document: Mapping[str, Any]) -> str:
    """JSON that cannot end the HTML comment it stands in, nor mention anybody where comments are shown as text."""
    text = json.dumps(document, separators=(",", ":"))
    for char in "<>@#":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text.replace("--", "-\\u002d")
