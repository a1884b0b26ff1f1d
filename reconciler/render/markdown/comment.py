"""The plan as a pull request's comment, and as a job's summary: what merging does, first in a sentence, then by engine.

A comment is found again by a hidden marker on its first line, one for each command, environment and working
directory, so that each has one comment and not one for every push. Everything is kept within what GitHub takes,
counted in UTF-8 bytes: GitHub counts characters of its own kind, and bytes are never fewer.

What comes from files, branches and the platform stands in code spans, in fences longer than any run of backticks in
them, or escaped (see `markdown_text`): it cannot mention people, link issues, or be HTML.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple
from urllib.parse import quote

from reconciler.core.errors import Severity
from reconciler.core.frozen import dataclass, replace
from reconciler.core.patterns import lazy_pattern
from reconciler.core.plan.model import Action, Condition, Kind, Origin, Plan
from reconciler.render.markdown.comment_room import Shown, fitted
from reconciler.render.markdown.escape import code_span, fenced, prose, size
from reconciler.render.phrases.comment_words import consequences
from reconciler.render.phrases.diagnostics import render_diagnostics, tally
from reconciler.render.phrases.words import counted, short_digest, summary_sentence

COMMENT_BYTES = 60_000  # GitHub takes 65,536 characters
SUMMARY_BYTES = 1_000_000  # GitHub takes 1 MiB for each step
_RESERVE = 1_200  # bytes for the titles of groups and the closing count
_LONGEST_WORD = 300  # bytes of one value in a marker
_PARTS = 3  # patterns of --only that are told
_LISTED = 12  # lines of one group that are shown without a click
_URL = lazy_pattern(r"https?://[A-Za-z0-9._~:/?#@!$&*+,;=%\[\]-]{1,300}")
_COMMIT = lazy_pattern(r"[0-9a-f]{7,64}")


@dataclass(frozen=True, slots=True)
class Occasion:
    """What a comment is about besides the plan. `folder` is the project's, from the root of the repository."""

    command: str = "plan"
    folder: str = "."
    commit: str | None = None
    commit_url: str | None = None
    run_url: str | None = None
    report_url: str | None = None  # where the plan is as a page
    only: tuple[str, ...] = ()  # the part of the engines that was looked at, where it was not all of them
    merging: bool = True  # into the branch that is applied; else the plan is of that branch itself

    @property
    def doing(self) -> str:
        return "Merging" if self.merging else "Applying"


class _Group(NamedTuple):
    title: str
    noun: str = "engines"  # what they are called where only their number is told


_PERSON = _Group("Needs attention")
_GUARDED = _Group("Held back by a guard")
_REPLACED = _Group("Replaced", "engines that will be replaced")
_RECREATED = _Group("Recreated (drift)", "engines that will be recreated")
_RETIRED = _Group("Retired", "engines that will be retired")
_DELETED = _Group("Deleted on the platform", "engines that will be deleted")
_CREATED = _Group("Created", "new engines")
_UPDATED = _Group("Updated in place", "engines that will be updated in place")
_OTHERS = _Group("Without a new job")
_MERGED = _Group("Merged earlier, not applied yet")
_RUNNING = _Group("Another run is working on it")
# What a reviewer must not miss, then what costs, then what others have asked for.
_GROUPS = (
    _PERSON,
    _GUARDED,
    _RECREATED,
    _REPLACED,
    _DELETED,
    _RETIRED,
    _CREATED,
    _UPDATED,
    _OTHERS,
    _MERGED,
    _RUNNING,
)
_BY_ORIGIN = {Origin.MERGED: _MERGED, Origin.RUNNING: _RUNNING}
_BY_KIND = {
    Kind.NONE: _PERSON,
    Kind.REPLACE: _REPLACED,
    Kind.RECREATE: _RECREATED,
    Kind.RETIRE: _RETIRED,
    Kind.DELETE: _DELETED,
    Kind.CREATE: _CREATED,
    Kind.UPDATE: _UPDATED,
}

_CONDITIONS = (Condition.UNCERTAIN, Condition.FAILED, Condition.DRIFTED)  # the most pressing first


def marker(command: str, environment: str, folder: str) -> str:
    """The hidden line that a comment is known by. No value ends the HTML comment, or looks like two."""
    return f"<!-- reconcile:v1 {' '.join(_word(value) for value in (command, environment, folder))} -->"


def _word(value: str) -> str:
    encoded = quote(value, safe="/", errors="replace").replace("--", "-%2D")
    if len(encoded) > _LONGEST_WORD:
        return "%" + hashlib.sha256(encoded.encode()).hexdigest()
    return encoded or "%"  # no other value has a bare `%`


def worth_a_comment(plan: Plan) -> bool:
    """Whether there is anything to say in this pull request; others' changes alone, where they are known, are not."""
    if any(one.severity is Severity.WARNING and one.key is None for one in plan.diagnostics):
        return True  # about the project as a whole: a setting that moves where things go
    if plan.invalid or not any(action.origin is not None for action in plan.actions):
        return (
            plan.invalid
            or plan.changes_anything
            or bool(plan.actions or plan.outputs or plan.outputs_failed)
            or any(one.needs_attention for one in plan.sources)
        )
    return any(action.origin not in _BY_ORIGIN for action in plan.actions)


def render_plan_comment(plan: Plan, occasion: Occasion, *, limit: int = COMMENT_BYTES) -> str:
    """The comment, its marker on the first line, in at most `limit` UTF-8 bytes (8,000 or more)."""
    line = marker(occasion.command, plan.environment, occasion.folder)
    return f"{line}\n\n{render_plan_summary(plan, occasion, limit=limit - size(line) - 2)}"


def render_plan_summary(plan: Plan, occasion: Occasion, *, limit: int = SUMMARY_BYTES) -> str:
    """The same without a marker, for a job's summary."""
    foot = _foot(plan, occasion)
    head = [_heading(plan, occasion)]
    findings = render_diagnostics(plan.diagnostics, color=False).split("\n") if plan.diagnostics else []
    if plan.invalid:
        head.append(
            f"**No plan could be made: {tally(plan.diagnostics)}** "
            f"{occasion.doing} changes nothing until this is fixed."
        )
        room = limit - _size_of([*head, foot]) - _RESERVE
        return "\n\n".join([*head, fenced(findings, room=room), foot])
    sentences = consequences(plan, code_span(plan.lockfile, 200), occasion.doing)
    head += [f"**{summary_sentence(plan)}**", *filter(None, [" ".join(sentences)])]
    if plan.outputs or plan.outputs_failed:
        from reconciler.render.phrases.outputs import outputs_lists

        head += outputs_lists(plan, code_span, prose, limit // 10)
    if plan.sources:
        from reconciler.render.phrases.sources import sources_list

        head += sources_list(plan.sources, code_span, prose, limit // 4)
    if findings:
        head.append(fenced(findings, room=limit // 4))
    room = limit - _size_of([*head, foot]) - _RESERVE
    return "\n\n".join([*head, *_engines(plan, occasion, room), foot])


def _size_of(parts: Sequence[str]) -> int:
    return sum(size(part) + 2 for part in parts)


def _heading(plan: Plan, occasion: Occasion) -> str:
    where = "" if occasion.folder == "." else f" in {code_span(occasion.folder, 200)}"
    part = ", ".join(code_span(one, 60) for one in occasion.only[:_PARTS])
    only = f", only of {part}{' and more' * (len(occasion.only) > _PARTS)}" if part else ""
    environment = f" for {code_span(plan.environment, 100)}" if plan.environment else ""
    return f"### Localization engines{where}: plan{environment}{only}"


def _foot(plan: Plan, occasion: Occasion) -> str:
    facts = [f"plan {code_span(short_digest(plan.digest))}"]
    if occasion.commit is not None and _COMMIT.fullmatch(occasion.commit):
        commit = code_span(occasion.commit[:12])
        facts.insert(0, f"commit {_link(commit, occasion.commit_url)}")
    if occasion.run_url is not None and may_be_linked(occasion.run_url):
        facts.append(_link("run", occasion.run_url))
    if occasion.report_url is not None and may_be_linked(occasion.report_url):
        facts.append(_link("HTML report", occasion.report_url))
    return f"<sub>{' · '.join(facts)}</sub>"


def _link(text: str, url: str | None) -> str:
    return (link_to(text, url) if url is not None else "") or text


def link_to(text: str, url: str) -> str:
    """A link with this text, which is harmless already; empty where the address is none that may be linked."""
    return f"[{text}](<{url}>)" if may_be_linked(url) else ""


def may_be_linked(url: str | None) -> bool:
    """Whether it is an address on the web, and nothing else."""
    return url is not None and _URL.fullmatch(url) is not None


def _engines(plan: Plan, occasion: Occasion, room: int) -> Iterator[str]:
    urgent = sorted(plan.actions, key=urgency)
    shown, left = fitted(urgent, room)
    members: dict[_Group, list[Shown]] = {}
    for one in shown:
        members.setdefault(_group_of(one.action), []).append(one)
    for group, ones in members.items():
        if len(members) > 1 or group in (_PERSON, _GUARDED):
            yield f"#### {group.title}"
        yield from _members(group, ones)
    if left:
        more = f"… and {counted(left, 'more engine')}, not shown for lack of space"
        yield f"{more}{_see_the_run(occasion)}."


def urgency(action: Action) -> tuple[int, int, int]:
    """Within a group of others' changes the same order holds as among one's own."""
    own = _group_of(replace(action, origin=None))
    condition = 0 if action.condition is None else _CONDITIONS.index(action.condition)
    return _GROUPS.index(_group_of(action)), _GROUPS.index(own), condition


def _group_of(action: Action) -> _Group:
    if action.origin in _BY_ORIGIN:
        return _BY_ORIGIN[action.origin]
    return _GUARDED if action.guard is not None else _BY_KIND.get(action.kind, _OTHERS)


def group_title(action: Action) -> str:
    """What the engines are called that it is shown among."""
    return _group_of(action).title


def _members(group: _Group, members: Sequence[Shown]) -> Iterator[str]:
    yield from (one.section for one in members if one.section is not None)
    lines = [one.line for one in members if one.section is None]
    if len(lines) <= _LISTED:
        yield from ["\n".join(lines)] * bool(lines)
        return
    more = "more " if len(lines) < len(members) else ""
    yield f"<details><summary>{len(lines):,} {more}{group.noun}, one line each</summary>"
    yield "\n".join(lines)
    yield "</details>"


def _see_the_run(occasion: Occasion) -> str:
    url = occasion.run_url
    return f": see {_link('the run', url)}" if may_be_linked(url) else ""
