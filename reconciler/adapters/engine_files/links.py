"""Where the links of an engine stand: in its file, or in the overlay that says what its sources are."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.adapters.yaml.reader import YamlDocument
from reconciler.core.sources.links import Place


def places_of(documents: Sequence[tuple[str, YamlDocument]]) -> dict[str, Place]:
    """By address; `documents` are the files with their paths, of which the first one with sources counts."""
    for file, document in documents:
        sources = document.value.get("sources") if isinstance(document.value, dict) else None
        if isinstance(sources, list):
            return {
                source["payload"]: (file, *document.place(("sources", index, "payload")))
                for index, source in enumerate(sources)
                if isinstance(source, dict)
                and source.get("type") == "link"
                and isinstance(source.get("payload"), str)
            }
    return {}
