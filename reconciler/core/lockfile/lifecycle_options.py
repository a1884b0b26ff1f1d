"""What is kept of an engine file beside its spec, as a document in the lockfile and in the journal.

Protection has to outlive the file that asked for it, and the places that want an engine's ID have to be known to a run
that looks at no engine file. So both are recorded, and left out where there is nothing to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.core.engine.spec import MAX_OUTPUTS, LifecycleOptions, Output
from reconciler.core.values import OUTPUT_PATH, POINTER, VARIABLE

NAMES = ("protect", "outputs")  # the keys of such a document
_KINDS = {"file": OUTPUT_PATH, "pointer": POINTER, "key": VARIABLE}


def lifecycle_document(kept: LifecycleOptions) -> dict[str, Any]:
    """Plain values; empty when nothing is kept."""
    document: dict[str, Any] = {"protect": True} if kept.protect else {}
    if kept.outputs:
        document["outputs"] = [_output_document(output) for output in kept.outputs]
    return document


def _output_document(output: Output) -> dict[str, str]:
    values = {"file": output.file, "pointer": output.pointer, "key": output.key}
    return {name: value for name, value in values.items() if value is not None}


def read_lifecycle(document: Mapping[str, Any]) -> LifecycleOptions:
    """What a document keeps; other keys in it are not looked at. Raises `ValueError` with what is wrong."""
    protect, outputs = document.get("protect", False), document.get("outputs", [])
    if not isinstance(protect, bool):
        raise ValueError("`protect` must be true or false")
    if not isinstance(outputs, list) or len(outputs) > MAX_OUTPUTS:
        raise ValueError(f"`outputs` must be a list of at most {MAX_OUTPUTS}")
    return LifecycleOptions(protect, tuple(_read_output(output) for output in outputs))


def _read_output(document: object) -> Output:
    names = document.keys() if isinstance(document, dict) else ()
    if not isinstance(document, dict) or names not in ({"file", "pointer"}, {"file", "key"}):
        raise ValueError("`outputs` must be a list of files, each with a pointer or a key")
    for name, value in document.items():
        if not _KINDS[name].accepts(value):
            raise ValueError(f"`{name}` of an output must be {_KINDS[name].what}")
    return Output(**document)


def why_not_kept(document: object) -> str | None:
    """What is wrong with such a document where it stands by itself, as a sentence."""
    if not isinstance(document, dict) or not document.keys() <= set(NAMES):
        return "`kept` must be an object of `protect` and `outputs`"
    try:
        read_lifecycle(document)
    except ValueError as error:
        return str(error)
    return None
