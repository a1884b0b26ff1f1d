"""The fast path's only question: may this entry be unchanged without reading its file as YAML?

Equal blob ids mean equal bytes, so equal meaning, whatever fingerprint version is recorded. Only a plain, settled entry
qualifies; anything else about it is left to the full comparison, which also reports what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.core.entry_format import Document


def recorded_files(document: Document, path: str) -> Mapping[str, str] | None:
    """The blob ids to compare for the engine file at `path`, or None when the entry needs a full comparison."""
    if "pending" in document or not document.get("fingerprint") or not document.get("spec"):
        return None
    engine_id, files = document.get("engineId"), document.get("files")
    if not isinstance(engine_id, str) or not engine_id or not isinstance(files, dict) or path not in files:
        return None
    return files
