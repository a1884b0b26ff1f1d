"""The fast path's only question: may this entry be unchanged without reading its file as YAML?

Equal blob ids mean equal bytes, so equal meaning, whatever fingerprint version is recorded. Only a plain, settled entry
qualifies; anything else about it is left to the full comparison, which also reports what is wrong with it.
It is asked for every engine of every plan, so its loops are spelled out, and nothing is built.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from unicodedata import normalize

from reconciler.core.lockfile.text.document import TextDocument
from reconciler.core.values import ID

if TYPE_CHECKING:
    from reconciler.core.lockfile.entry_format import Document


def recorded_files(document: Document, path: str) -> Mapping[str, str] | None:
    """The blob ids to compare for the engine file at `path`, or None when the entry needs a full comparison."""
    if isinstance(document, TextDocument):
        told = document.settled_files
        return told if told is not None and _has(told, path) else None
    if (
        "pending" in document
        or "uncertain" in document
        or "hold" in document
        or "updating" in document
        or not document.get("fingerprint")
        or not document.get("spec")
    ):
        return None
    engine_id, files = document.get("engineId"), document.get("files")
    if not ID.accepts(engine_id) or not isinstance(files, dict) or not _has(files, path):
        return None
    return files if _accounts_for(document["spec"], files) else None


def _has(files: Mapping[str, str], path: str) -> bool:
    """Whether the file is there by name; a system that keeps names in another Unicode form may have recorded it."""
    if path in files or path.isascii():
        return path in files
    wanted = normalize("NFC", path)
    return any(normalize("NFC", file) == wanted for file in files)


def _accounts_for(spec: object, files: Mapping[str, str]) -> bool:
    """Whether every file that a text came from has its id there; else (a bad merge, a hand edit) nobody would see
    it change.
    """
    sources = spec.get("sources", ()) if isinstance(spec, dict) else None
    if not isinstance(sources, (list, tuple)):
        return False
    for source in sources:
        file = source.get("file") if isinstance(source, dict) else False
        if file is not None and not (isinstance(file, str) and file in files):
            return False
    return True
