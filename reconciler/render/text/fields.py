"""What stands under an engine's heading in the text view: its file, why, and each field that differs."""

from __future__ import annotations

from reconciler.core.display import display_width
from reconciler.core.engine.spec import Source, Spec, meaning_of_text
from reconciler.core.frozen import dataclass
from reconciler.core.plan.model import Action, Change
from reconciler.render.phrases.sanitize import sanitize, sanitize_lines, shorten, shorten_pair
from reconciler.render.phrases.style import Look, Style
from reconciler.render.phrases.text_diff import DiffLine, diff_lines
from reconciler.render.phrases.words import content_title, counted, short_digest

_LABELS = 12  # the longest is `description`
_PREVIEW = 3  # lines of a new text that are shown: a text is reviewed in its file
_TAGS = 100  # locales of one engine that are named
_MARKS: dict[str, Style] = {"+": "green", "-": "red", "~": "yellow", "@": "cyan"}


@dataclass(frozen=True, slots=True)
class Room:
    """How much may be shown: the terminal's width in cells, and the lines of one text."""

    width: int
    max_lines: int

    @property
    def longest(self) -> int:
        """Characters of one line of foreign text; a terminal wraps it, and more is not read in a log."""
        return 4 * self.width


def field_lines(action: Action, look: Look, room: Room) -> list[str]:
    """The lines under the heading of one action, indented."""
    lines: list[str] = []
    if action.read_from is not None:
        lines.append(_field(" ", "file", sanitize(action.read_from), look))
    if action.reason:
        lines += _text_field("reason", action.reason, look, room)
    if action.changes:
        lines += _changed(action.changes, look, room)
    elif action.spec is not None and not action.drift:
        lines += _asked_for(action.spec, look, room)
    if action.drift:
        lines += drift_lines(action.drift, look, room)
    if action.hint:
        first, *more = sanitize_lines(action.hint)
        lines += [_field(" ", "hint", look.paint(first, "cyan"), look), *(_under(line) for line in more)]
    return lines


def drift_lines(drift: tuple[Change, ...], look: Look, room: Room) -> list[str]:
    """What was changed on the platform: both values of each field."""
    head = _field(" ", "drift", f"in the lockfile {look.arrow} on the platform", look)
    return [head, *_changed(drift, look, room)]


def _field(mark: str, label: str, value: str, look: Look) -> str:
    name = look.paint(f"{label:<{_LABELS}}", "dim")
    return f"  {look.paint(mark, _MARKS.get(mark, 'plain'))} {name} {value}".rstrip()


def _under(line: str) -> str:
    return f"{'':{_LABELS + 5}}{line}".rstrip()


def _text_field(label: str, text: str, look: Look, room: Room, mark: str = " ") -> list[str]:
    style = _MARKS.get(mark, "plain")
    first, *more = sanitize_lines(shorten(text, room.longest, look.ellipsis))
    shown = more[: room.max_lines]
    lines = [_field(mark, label, look.paint(first, style), look)]
    lines += [_under(look.paint(line, style)) for line in shown]
    return lines + _rest(len(more) - len(shown), look, _LABELS + 5)


def _rest(number: int, look: Look, indent: int) -> list[str]:
    if number <= 0:
        return []
    return [" " * indent + look.paint(f"{look.ellipsis} {counted(number, 'more line')}", "dim")]


def _asked_for(spec: Spec, look: Look, room: Room) -> list[str]:
    lines = _text_field("name", spec.name, look, room)
    if spec.description:
        lines += _text_field("description", spec.description.rstrip(), look, room)
    if spec.locales:
        lines += _text_field("locales", ", ".join(spec.locales), look, room)
    for source in spec.sources:
        lines += _new_source(source, look, room)
    return lines


def _new_source(source: Source, look: Look, room: Room) -> list[str]:
    text = source.payload
    if source.type == "link":
        return _text_field("link", text, look, room)
    size = counted(len(meaning_of_text(text)), "character")
    lines = [_field(" ", "content", f"{sanitize(source.file)} ({size})" if source.file else size, look)]
    return lines + _preview(text, look, room, "|")


def _preview(text: str, look: Look, room: Room, edge: str, style: Style = "plain") -> list[str]:
    all_lines = text.rstrip().split("\n")
    shown = all_lines[: min(_PREVIEW, room.max_lines)]
    lines = [
        look.paint(f"{edge} {sanitize(shorten(line, room.width, look.ellipsis))}".rstrip(), style)
        for line in shown
    ]
    return [f"      {line}" for line in lines] + _rest(len(all_lines) - len(shown), look, 6)


def _changed(changes: tuple[Change, ...], look: Look, room: Room) -> list[str]:
    lines: list[str] = []
    for change in changes:
        if change.field in ("name", "description"):
            lines += _plain_change(change, look, room)
    locales = [change for change in changes if change.field == "locales"]
    if locales:
        tags = [_tag(change, look) for change in locales[:_TAGS]]
        if len(locales) > _TAGS:
            tags.append(f"{look.ellipsis} {len(locales) - _TAGS:,} more")
        lines.append(_field("~", "locales", " ".join(tags), look))
    for change in changes:
        if change.content:
            lines += _content_change(change, look, room)
        elif change.field not in ("name", "description", "locales"):
            lines += _link_change(change, look, room)
    return lines


def _tag(change: Change, look: Look) -> str:
    sign, tag = ("+", change.new) if change.new is not None else ("-", change.old)
    return look.paint(sign + sanitize(tag or ""), _MARKS[sign])


def _plain_change(change: Change, look: Look, room: Room) -> list[str]:
    if change.old is None or change.new is None:
        mark, text = ("+", change.new) if change.old is None else ("-", change.old)
        return _text_field(change.field, text or "", look, room, mark)
    if "\n" in change.old or "\n" in change.new:
        return [_field("~", change.field, "", look), *_diff(change.old, change.new, look, room)]
    old, new = (sanitize(side) for side in shorten_pair(change.old, change.new, room.longest, look.ellipsis))
    before, after = look.paint(old, "red"), look.paint(new, "green")
    if display_width(f"{old} -> {new}") <= room.width - _LABELS - 5:
        return [_field("~", change.field, f"{before} {look.arrow} {after}", look)]
    return [_field("-", change.field, before, look), _field("+", "", after, look)]


def _link_change(change: Change, look: Look, room: Room) -> list[str]:
    label = "link" if change.field == "sources" else sanitize(change.field)
    sides = (("-", change.old), ("+", change.new))
    return [
        line for mark, url in sides if url is not None for line in _text_field(label, url, look, room, mark)
    ]


def _content_change(change: Change, look: Look, room: Room) -> list[str]:
    mark = "+" if change.old is None else "-" if change.new is None else "~"
    lines = [_field(mark, "content", content_title(change, look), look)]
    if mark == "~" and change.old_text is not None and change.new_text is not None:
        return lines + _diff(change.old_text, change.new_text, look, room)
    text = change.new_text if mark == "+" else change.old_text if mark == "-" else None
    if text is not None:
        return lines + _preview(text, look, room, mark, _MARKS[mark])
    digests = [short_digest(digest) for digest in (change.old, change.new) if digest is not None]
    return [*lines, "      " + look.paint(f" {look.arrow} ".join(digests), "dim")]


def _diff(old: str, new: str, look: Look, room: Room) -> list[str]:
    lines = diff_lines(old, new, limit=room.longest, ellipsis=look.ellipsis)
    shown = lines[: room.max_lines]
    return [f"      {_diff_line(line, look)}".rstrip(" ") for line in shown] + _rest(
        len(lines) - len(shown), look, 6
    )


def _diff_line(line: DiffLine, look: Look) -> str:
    text = line.text if line.mark == "@" else line.mark + line.text
    return look.paint(text.rstrip(" "), _MARKS.get(line.mark, "plain"))
