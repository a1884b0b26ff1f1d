"""Documents as strangers, bad merges and broken disks leave them: valid ones with a few things changed, and noise."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

HOSTILE: list[Any] = [
    *(None, True, False, 0, -1, 1, 2, 1.5, 10**30, 1e308, float("inf"), float("nan")),
    *("", " ", "x", "\0", "\ud800", "a\nb", "a\rb", "\x1b[2J", "\u2028", "\u202e", "ünï", "x" * 5000),
    *("..", "../x", "a/../../b", "/etc/passwd", ".git/config", "a\\b", "~/x", "-x", "--help", "a//b", ".env"),
    *("2026-02-30T00:00:00Z", "2026-11-24T11:08:13Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z"),
    *("v1:" + "0" * 64, "sha256:" + "0" * 64, "0" * 40, "f" * 64, "0" * 39, "v2:x", "1" * 4000),
    *("eng_1", "pjb_1", "op_1", "completed", "failed", "in_progress", "uncertain", "engine", "acme", "link"),
    *("https://a.b", "https://[::1", "https://me:pw@a.b", "http://a.b:99999999", "<script>", "::error::x"),
    *([], {}, [[]], [{}], {"": ""}, {"type": "link"}, {"a": {"b": None}}, ["x", 1, None]),
]
_NAMES = """
engineId jobId operationId spec files pending superseded uncertain status name sources outputs protect at key version
type __class__ acme a/b ../x
"""
NAMES = st.sampled_from(["", *_NAMES.split()])
values = st.sampled_from(HOSTILE) | st.recursive(
    st.sampled_from(HOSTILE) | st.text(max_size=4) | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=5,
)


def _places(document: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(document, dict | list):
        for name in document if isinstance(document, dict) else range(len(document)):
            yield (*at, name)
            yield from _places(document[name], (*at, name))


@st.composite
def changed(draw: st.DrawFn, valid: Any) -> Any:
    """A valid document with one to three values replaced, taken away, added or moved elsewhere."""
    document = copy.deepcopy(valid)
    for _ in range(draw(st.integers(1, 3))):
        places = list(_places(document))
        if not places:
            return copy.deepcopy(draw(values))
        *above, name = draw(st.sampled_from(places))
        parent = document
        for step in above:
            parent = parent[step]
        match draw(st.sampled_from(["replace", "replace", "replace", "remove", "add", "rename", "swap"])):
            case "remove":
                del parent[name]
            case "add" if isinstance(parent, dict):
                parent[draw(NAMES)] = copy.deepcopy(draw(values))
            case "rename" if isinstance(parent, dict):
                new = draw(st.sampled_from([one for one in HOSTILE if isinstance(one, str)]))
                parent[new] = parent.pop(name)
            case "swap":
                other: Any = document
                for step in draw(st.sampled_from(places)):
                    if not isinstance(other, dict | list) or (
                        isinstance(other, list) and not isinstance(step, int)
                    ):
                        break
                    if (step not in other) if isinstance(other, dict) else step >= len(other):
                        break
                    other = other[step]
                parent[name] = copy.deepcopy(other)
            case _:
                parent[name] = copy.deepcopy(draw(values))
    return document


def as_bytes(document: Any, *, line: bool = False, ascii_only: bool = True) -> bytes:
    text = json.dumps(document, ensure_ascii=ascii_only, indent=None if line else 2)
    return text.encode("utf-8", "surrogatepass")


@st.composite
def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """Content with a few bytes changed, or in another encoding."""
    match draw(
        st.sampled_from(["cut", "insert", "replace", "bom", "utf-16", "twice", "deep", "digits", "nothing"])
    ):
        case "cut":
            return content[: draw(st.integers(0, len(content)))]
        case "insert":
            at = draw(st.integers(0, len(content)))
            return content[:at] + draw(st.binary(min_size=1, max_size=6)) + content[at:]
        case "replace":
            at = draw(st.integers(0, max(0, len(content) - 1)))
            return content[:at] + draw(st.binary(min_size=1, max_size=3)) + content[at + 1 :]
        case "bom":
            return b"\xef\xbb\xbf" + content
        case "utf-16":
            return content.decode("utf-8", "replace").encode("utf-16")
        case "twice":
            return content.replace(b'"engineId"', b'"jobId"').replace(b'"key"', b'"at"')
        case "deep":
            return content.replace(b"{}", b"[" * 30_000 + b"]" * 30_000).replace(b"null", b"[" * 30_000)
        case "digits":
            return content.replace(b"1", b"1" * 5000, 1)
    return draw(
        st.sampled_from([b"", b"\n", b"null", b"[]", b"{}", b'""', b"0", b"\xff\xfe", b"[" * 100_000])
    )


def documents(*valid: Any, line: bool = False) -> st.SearchStrategy[bytes]:
    """Foreign content in the place of one of these documents."""
    one = st.sampled_from(valid)
    mutated = one.flatmap(changed)
    written = st.builds(as_bytes, mutated, line=st.just(line), ascii_only=st.booleans())
    broken = one.flatmap(lambda document: damaged(as_bytes(document, line=line)))
    noise = st.builds(as_bytes, values, line=st.just(line)) | st.binary(max_size=40)
    return st.one_of(written, written, written, broken, noise)
