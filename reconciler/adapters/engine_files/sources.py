"""`file:` sources: a text that stands in a file of its own, somewhere in the project.

The path is the user's, relative to the engine file. It may go up and down inside the project, and nowhere else.
"""

from __future__ import annotations

import posixpath
from typing import Any, NamedTuple

from reconciler.adapters.engine_files.words import Finding
from reconciler.adapters.project.safe_read import MAX_FILE_BYTES, FileRefused, SafeFiles
from reconciler.adapters.yaml.text import MAX_BYTES, too_large
from reconciler.adapters.yaml.unready import conflict_hint, conflict_line, stand_in
from reconciler.core.commands import git, git_path
from reconciler.core.patterns import lazy_pattern
from reconciler.core.values import PATH

_DRIVE = lazy_pattern(r"[A-Za-z]:")
_HINTS = {
    "missing": "check the path: it is relative to the engine file",
    "outside": "use a file inside the project and outside `.git`",
    "not a file": "name a regular text file",
    "too large": f"at most {MAX_FILE_BYTES // 1024} KiB; shorten it",
    "unreadable": "check its permissions",
    "not a folder": "check the path: it is relative to the engine file",
}
_WORDS = {
    "missing": "does not exist",
    "outside": "leads out of the project",
    "not a file": "is not a regular file",
    "too large": "is too large",
    "unreadable": "cannot be read",
    "not a folder": "is below a file",
}


class SourceText(NamedTuple):
    path: str  # relative to the project's root
    text: str
    data: bytes


def source_texts(
    value: Any, engine_path: str, files: SafeFiles
) -> tuple[dict[int, SourceText], list[Finding]]:
    """The texts of all `file:` sources by their index, and what is wrong with the others."""
    texts: dict[int, SourceText] = {}
    findings: list[Finding] = []
    sources = value.get("sources") if isinstance(value, dict) else None
    for index, source in enumerate(sources if isinstance(sources, list) else ()):
        written = source.get("file") if isinstance(source, dict) else None
        if isinstance(written, str) and written.strip() and source.get("type") == "content":
            read = _read(written, engine_path, files)
            if isinstance(read, SourceText):
                texts[index] = read
            else:
                findings.append(Finding(("sources", index, "file"), *read))
    return texts, findings


def _read(written: str, engine_path: str, files: SafeFiles) -> SourceText | tuple[str, str]:
    shown = written if len(written) <= 80 else written[:80] + "…"
    if "\\" in written:
        return f"`{shown}` contains a backslash", "separate folders with `/`"
    path = posixpath.normpath(posixpath.join(posixpath.dirname(engine_path), written))
    if written.startswith("/") or _DRIVE.match(written) or path.startswith("../"):
        return f"`{shown}` leads out of the project", _HINTS["outside"]
    path = files.find(path)
    try:
        data = files.read(path)
    except FileRefused as refused:
        detail = f": {refused.detail}" if refused.detail else ""
        return f"`{shown}` {_WORDS[refused.reason]}{detail}", _HINTS[refused.reason]
    if not PATH.accepts(path):
        return f"`{shown}` contains a control character", "rename the file"
    if (what := stand_in(data)) is not None:
        return f"`{shown}` is {what[0]}", what[1]
    if (target := files.link_as_text(path, data)) is not None:
        return f"`{shown}` {link_words(target)}", link_hint(path)
    if (line := conflict_line(data)) is not None:
        return f"`{shown}` has an unresolved merge conflict on line {line}", conflict_hint()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return f"`{shown}` is not UTF-8 text", "save it as UTF-8; sources are plain text or Markdown"
    if "\0" in text:
        return f"`{shown}` is binary, not text", "use plain text or Markdown"
    if not text.strip():
        return f"`{shown}` is empty", "write some text, or remove the source"
    return SourceText(path, text, data)


def link_words(target: str) -> str:
    """What is said of a file that git wrote in the place of a link."""
    return f"contains only the path {target}: a link that was checked out as a text file"


def link_hint(path: str) -> str:
    """What makes it a link."""
    return f"{git('config', 'core.symlinks', 'true')} && {git('checkout', '--', git_path(path))}"


def refusal_words(refused: FileRefused) -> tuple[str, str]:
    """Message and hint for an engine file that was not read."""
    if refused.reason == "missing":
        return "the file no longer exists", "run the command again; the file was removed during the run"
    if refused.reason == "too large":
        return too_large(MAX_BYTES)
    detail = f": {refused.detail}" if refused.detail else ""
    return f"the file {_WORDS[refused.reason]}{detail}", _HINTS[refused.reason].replace(
        "sources", "engine files"
    )
