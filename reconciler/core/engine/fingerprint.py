"""Digests: of a spec's meaning (the fingerprint), and of files (git's blob ids).

The fingerprint is computed from the spec's *record*, in which content is already a digest. So the lockfile alone is
enough to compute it again under another algorithm version, and a new version never causes a replacement.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from reconciler.core.digests import sha1, sha256
from reconciler.core.engine.spec import Spec, SpecRecord, record_of, sources_of

VERSION = "v1"

_encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode


def fingerprint(spec: Spec) -> str:
    """`v1:<sha256 hex>` of what the spec means: order, style, trailing blanks and Unicode form do not count."""
    return fingerprint_of_record(record_of(spec))


def fingerprint_of_record(record: SpecRecord) -> str:
    """The same digest, from what the lockfile keeps of a spec."""
    canonical = {
        "name": record["name"],
        "description": record.get("description", ""),
        "locales": sorted(record.get("locales", ())),
        "sources": sorted(_meaning_of_source(source) for source in sources_of(record)),
    }
    return f"{VERSION}:" + sha256(_encode(canonical).encode("utf-8", "surrogatepass"))


def _meaning_of_source(source: Mapping[str, Any]) -> list[str]:
    return [
        source["type"],
        source["payload"] if source["type"] == "link" else source["digest"],
    ]


def same_sources(one: SpecRecord, two: SpecRecord) -> bool:
    """Whether both learn from the same links and texts: all that their fingerprints can then differ in is what an
    engine can have changed in place.
    """
    mine, yours = (sorted(map(_meaning_of_source, sources_of(record))) for record in (one, two))
    return mine == yours


def same_meaning(recorded_fingerprint: str, record: SpecRecord | None, desired: str) -> bool:
    """Whether what is recorded means what is desired, also when it was recorded under another algorithm version."""
    return recorded_fingerprint == desired or meaning_of(recorded_fingerprint, record) == desired


def meaning_of(recorded_fingerprint: str, record: SpecRecord | None) -> str:
    """What `same_meaning` compares with the desired fingerprint: the digest of this algorithm version."""
    if recorded_fingerprint.startswith(f"{VERSION}:") or record is None:
        return recorded_fingerprint
    return fingerprint_of_record(record)


def blob_id(content: bytes, length: int = 40) -> str:
    """The id git gives a file's content: SHA-1 (40 hex digits), or SHA-256 (64) in a repo of that format.

    Line ends count as `\\n`, as they do in git's own store under `text=auto`, so that a checkout with `\\r\\n` has the
    same ids; binary content is taken as it is.
    """
    # One byte is found ten times as fast as two.
    if b"\r" in content and b"\r\n" in content and b"\0" not in content:
        content = content.replace(b"\r\n", b"\n")
    head = b"blob %d\0" % len(content)
    return sha256(head, content) if length == 64 else sha1(head, content)
