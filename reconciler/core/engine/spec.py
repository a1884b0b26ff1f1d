"""What one engine file asks for, and what of it is kept in the lockfile.

A *spec* is the content of an engine file after reading, defaults and all. A *record* is its shape in the lockfile:
links as they are, content as digest and length, so that the lockfile stays small and holds no texts. What a file says
beside its spec, for us and not for the platform, is *kept* in the lockfile, too.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from reconciler.core.digests import sha256
from reconciler.core.frozen import dataclass

SourceType = Literal["link", "content"]
SpecRecord = Mapping[str, Any]  # {"name", "description"?, "locales"?, "sources"?: [{"type", …}]}

MAX_SOURCES = 10  # the platform's limit (docs/platform.md)
MAX_OUTPUTS = 20


@dataclass(frozen=True, slots=True)
class Source:
    """Something that teaches an engine: a URL to crawl, or a text.

    `file` is where a text was read from, relative to the project's root with forward slashes; it is not part
    of the meaning.
    """

    type: SourceType
    payload: str
    file: str | None = None


@dataclass(frozen=True, slots=True)
class Spec:
    """An engine as asked for. `locales` are canonical BCP-47 tags; both tuples keep the file's order."""

    name: str
    description: str | None = None
    locales: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()


@dataclass(frozen=True, slots=True)
class Output:
    """A place in another file that holds the engine's ID: a JSON Pointer into JSON or YAML, or the key of a .env line.

    `file` is relative to the project's root, with forward slashes. Either `pointer` or `key` is set.
    """

    file: str
    pointer: str | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class LifecycleOptions:
    """What an engine file says that is not sent to the platform, and that the lockfile keeps all the same.

    It is no part of the fingerprint: changing it never replaces an engine.
    """

    protect: bool = False
    outputs: tuple[Output, ...] = ()


NOTHING_KEPT = LifecycleOptions()


@dataclass(frozen=True, slots=True)
class RefreshOptions:
    """What is done when a page changed that the engine learned from. The lockfile does not keep it: without its file an
    engine is not refreshed. `max_age` is in seconds.
    """

    reprovision: bool = False
    max_age: float | None = None


ONLY_REPORTED = RefreshOptions()


@dataclass(frozen=True, slots=True)
class Desired:
    """A spec with its name in the repo and the blob ids of the files it was read from.

    `file` is the engine file; `files` maps it and each `file:` source to their git blob ids. All paths are relative
    to the project's root, with forward slashes.
    """

    key: str
    file: str
    spec: Spec
    fingerprint: str
    files: Mapping[str, str]
    protect: bool = False
    outputs: tuple[Output, ...] = ()
    refresh: RefreshOptions = ONLY_REPORTED

    @property
    def kept(self) -> LifecycleOptions:
        return LifecycleOptions(self.protect, self.outputs)


def meaning_of_text(text: str) -> str:
    """The part of a text that counts: NFC, `\\n` line ends, no trailing blanks on a line or at the end."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if " \n" in text or "\t\n" in text:
        text = "\n".join(line.rstrip(" \t") for line in text.split("\n"))
    return text.rstrip(" \t\n")


def digest_of_text(text: str) -> str:
    """`sha256:<hex>` of the text's meaning; how a content source is named in the lockfile."""
    return _digest(meaning_of_text(text))


def _digest(meaning: str) -> str:
    return "sha256:" + sha256(meaning.encode("utf-8", "surrogatepass"))


def record_of(spec: Spec) -> dict[str, Any]:
    """The spec as the lockfile keeps it. Values that are empty are left out."""
    record: dict[str, Any] = {"name": meaning_of_text(spec.name)}
    if spec.description and (description := meaning_of_text(spec.description)):
        record["description"] = description
    if spec.locales:
        record["locales"] = list(spec.locales)
    if spec.sources:
        record["sources"] = [_record_of_source(source) for source in spec.sources]
    return record


def _record_of_source(source: Source) -> dict[str, Any]:
    if source.type == "link":
        return {"type": "link", "payload": source.payload}
    text = meaning_of_text(source.payload)
    record: dict[str, Any] = {
        "type": "content",
        "digest": _digest(text),
        "chars": len(text),
    }
    if source.file is not None:
        record["file"] = source.file
    return record


def sources_of(record: SpecRecord) -> Sequence[Mapping[str, Any]]:
    """The recorded sources, in the file's order; empty when there are none."""
    sources: Sequence[Mapping[str, Any]] = record.get("sources", ())
    return sources
