"""What has to be written so that one environment's engine gets the content of another's.

A field is moved as the lines that it stands on, with the comments in it: removed from the overlay of the target where
the engine file says what was tested, copied from the overlay of the source otherwise. It goes into the engine file
where that changes no further environment, and into the target's overlay if it would. Whatever comes of it is read again
before it is written, and a text that cannot be edited by lines is left to a person.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Set
from pathlib import Path
from typing import Any

from reconciler.adapters.engine_files.files import EngineFiles
from reconciler.adapters.project.safe_read import FileRefused, SafeFiles
from reconciler.adapters.yaml.reader import YamlDocument, read_yaml
from reconciler.core.engine.blocks import Span, has_words, put, says_nothing, spans, taken
from reconciler.core.engine.overlay import EngineChoice, overlay_names
from reconciler.core.engine.spec import Desired
from reconciler.core.outputs.rules import OutputRules
from reconciler.core.plan.environments.promotion import CannotWrite, Edits

FIELDS = ("name", "description", "locales", "sources")


class _File:
    """One file as it is edited. `name` need not be there yet. One that is `linked` belongs to others, too."""

    def __init__(self, files: SafeFiles, name: str, *, linked: bool) -> None:
        self.name = name
        self.linked = linked
        self.text: str | None = None
        self.spans: dict[str, Span] | None = None
        self.value: dict[str, Any] = {}
        self._lines_end = "\n"
        try:
            data = files.read(name)
        except FileRefused as refused:
            if refused.reason != "missing" or linked:
                raise CannotWrite(f"{name} cannot be read") from refused
            return
        document = read_yaml(data, name)
        self.text = data.decode("utf-8-sig").replace("\r\n", "\n")
        self._lines_end = "\r\n" if b"\r\n" in data else "\n"
        self._has_mark = data.startswith(b"\xef\xbb\xbf")
        self.value = document.value if isinstance(document.value, dict) else {}
        self.spans = _spans(document, self.text, self.value)

    @property
    def editable(self) -> bool:
        return self.text is None or (self.spans is not None and not self.linked)

    def with_fields(self, fields: Mapping[str, list[str]]) -> str | None:
        """The new text with these lines for its fields; None where nothing would be left of the file."""
        text, found = self.text or "", self.spans or {}
        if not self.value:  # `{}` in its place would not go with fields below it
            text = "\n".join(line for line in text.split("\n") if line.strip() != "{}")
        last_first = sorted(fields, key=lambda name: found.get(name, (-1, 0))[0], reverse=True)
        for name in last_first:
            if name in found:
                text = put(text, found[name], fields[name])
        for name in FIELDS:
            if name in fields and name not in found and fields[name]:
                text = put(text, None, fields[name])
        if says_nothing(text):
            return f"{text.rstrip()}\n{{}}\n" if has_words(text) else None
        mark = "\ufeff" if self.text is not None and self._has_mark else ""
        return mark + text.replace("\n", self._lines_end)


def _spans(document: YamlDocument, text: str, value: Mapping[str, Any]) -> dict[str, Span] | None:
    return spans(text, {key: document.place((key,), of="key")[:2] for key in value})


class Promoter:
    """`listed` are all environments. Paths are relative to `root`. `linked` are the places on disk of files that are
    reached by links, too.
    """

    def __init__(
        self, root: str, engines_dir: str, rules: OutputRules, listed: tuple[str, ...], linked: Set[str]
    ) -> None:
        self._root, self._engines_dir, self._rules = root, engines_dir, rules
        self._listed, self._linked = listed, linked
        self._files = SafeFiles(root)

    def edits(self, wanted: Desired, source: str, target: str, others: Iterable[str]) -> Edits:
        """What gives `target` what `wanted` is in `source`, and leaves `others` as they are. Raises `CannotWrite`, and
        `InvalidInput` for files that are not YAML.
        """
        path, others = wanted.file, (source, *others)
        base, theirs = self._file(path), self._overlay(path, source)
        own = self._overlay(path, target)
        tries = (self._plan(base, theirs, own, into_base=into_base) for into_base in (True, False))
        fitting = (one for one in tries if one is not None and self._fits(one, wanted, target, others))
        found = next(fitting, None)
        if found is None:
            raise CannotWrite(_why_not(base, theirs, own), tuple(_steps(base, theirs, own)))
        changed = {name: text for name, text in found.items() if text != self._text(name)}
        notes = _notes(theirs, path) if path in changed else ()
        return Edits({name: self._text(name) for name in changed}, changed, notes)

    def _overlay(self, path: str, environment: str) -> _File:
        found = [self._file(name) for name in overlay_names(path, environment)]
        suffix = path.rpartition(".")[2]
        new = next(one for one in found if one.name.endswith(f".{suffix}"))
        return next((one for one in found if one.text is not None), new)

    def _file(self, name: str) -> _File:
        place = os.path.join(self._root, name)
        real = os.path.realpath(place)
        here = os.path.join(os.path.realpath(self._root), name)
        return _File(self._files, name, linked=real != here or real in self._linked)

    def _text(self, name: str) -> str | None:
        try:
            return self._files.read(name).decode("utf-8")
        except FileRefused:
            return None

    def _plan(
        self, base: _File, theirs: _File, own: _File, *, into_base: bool
    ) -> dict[str, str | None] | None:
        """The new texts; None where they cannot be made of lines."""
        if not (base.editable and theirs.editable and own.editable):
            return None
        in_base: dict[str, list[str]] = {}
        in_own: dict[str, list[str]] = {}
        for name, (action, lines) in _moves(base, theirs, own).items():
            if action == "drop":
                in_own[name] = []
            elif into_base:
                in_base[name] = lines if theirs.value.get(name) is not None else []
                if name in own.value:
                    in_own[name] = []
            else:
                in_own[name] = lines
        texts = {base.name: base.with_fields(in_base)} if in_base else {}
        return texts | ({own.name: own.with_fields(in_own)} if in_own else {})

    def _fits(
        self, texts: dict[str, str | None], wanted: Desired, target: str, others: Iterable[str]
    ) -> bool:
        """Whether the target then means what was tested, and every other environment what it meant before."""
        if texts.get(wanted.file, "") is None:
            return False
        then = _Edited(self._root, texts)
        now = self._load(wanted, target, then)
        if not isinstance(now, Desired) or now.fingerprint != wanted.fingerprint:
            return False
        for environment in others:
            after = self._load(wanted, environment, then)
            before = self._load(wanted, environment, self._files)
            if isinstance(before, Desired) and (
                not isinstance(after, Desired)
                or (after.fingerprint, after.kept) != (before.fingerprint, before.kept)
            ):
                return False
        return True

    def _load(self, wanted: Desired, environment: str, files: SafeFiles) -> Any:
        choice = EngineChoice(environment, self._listed)
        engines = EngineFiles(
            Path(self._root), self._engines_dir, rules=lambda: self._rules, files=files, choice=choice
        )
        return engines.load(wanted.key, wanted.file)


class _Edited(SafeFiles):
    """The files as they will be."""

    def __init__(self, root: str, texts: Mapping[str, str | None]) -> None:
        super().__init__(root)
        self._texts = texts

    def read(self, path: str) -> bytes:
        if path not in self._texts:
            return super().read(path)
        text = self._texts[path]
        if text is None:
            raise FileRefused("missing")
        return text.encode()


def _moves(base: _File, theirs: _File, own: _File) -> dict[str, tuple[str, list[str]]]:
    """By field what is done to the target: its overlay drops it, or it gets these lines."""
    moves: dict[str, tuple[str, list[str]]] = {}
    for name in FIELDS:
        if name in theirs.value:
            if own.value.get(name, base.value.get(name)) == theirs.value[name]:
                continue  # also both absent, where both say null
            if base.value.get(name) == theirs.value[name] and name in own.value:
                moves[name] = ("drop", [])
            elif theirs.spans is not None:
                moves[name] = ("put", taken(theirs.text or "", theirs.spans[name]))
        elif name in own.value and own.value[name] != base.value.get(name, ...):
            moves[name] = ("drop", [])
    return moves


def _why_not(base: _File, theirs: _File, own: _File) -> str:
    for one in (base, theirs, own):
        if one.linked:
            return f"{one.name} is a link, or others link to it"
        if not one.editable:
            return f"{one.name} does not have each field on lines of its own"
    return "no edit of these files gives the target what was tested without changing another environment"


def _steps(base: _File, theirs: _File, own: _File) -> list[str]:
    """What is to be edited, where the fields are not lines that can be moved."""
    import json

    steps: list[str] = []
    for name in FIELDS:
        if name in theirs.value and own.value.get(name, base.value.get(name)) != theirs.value[name]:
            value = json.dumps(theirs.value[name], ensure_ascii=False)
            steps.append(f"in {own.name}, set `{name}: {value}`")
        elif name not in theirs.value and name in own.value and own.value[name] != base.value.get(name, ...):
            steps.append(f"in {own.name}, remove `{name}`")
    return steps


def _notes(theirs: _File, path: str) -> tuple[str, ...]:
    if theirs.text is None:
        return ()
    return (f"{theirs.name} repeats {path} now; you can remove those fields",)
