"""The fast reader never accepts or reads anything differently from the reference.

A corpus of tricky files, each with its expected value or a refusal, and documents made up by hypothesis: free strings
of YAML's own punctuation, and well-formed ones with every style of scalar, of which some are damaged.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reconciler.adapters.yaml.fast import DECLINED, read_fast
from reconciler.adapters.yaml.reader import read_yaml
from reconciler.adapters.yaml.reference import read_reference
from reconciler.adapters.yaml.text import decode
from reconciler.core.errors import InvalidInput

CORPUS = Path(__file__).parents[1] / "yaml_corpus"
READ = sorted((CORPUS / "read").glob("*.yaml"))
REFUSED = sorted((CORPUS / "refused").glob("*.yaml"))


def same(one: Any, other: Any) -> bool:
    """Equal in type, value and order of keys; not-a-number equals itself."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other or (one != one and other != other))


def check(text: str) -> bool:
    """Whether the fast reader took it; fails when it should not have, or read it differently."""
    fast = read_fast(text)
    if fast is DECLINED:
        return False
    try:
        reference = read_reference(text, "x.yaml").value
    except InvalidInput as error:
        pytest.fail(f"only the fast reader accepts {text!r}: {error.diagnostics}")
    assert same(fast, reference), text
    return True


def test_the_corpus_is_there() -> None:
    assert len(READ) > 30
    assert len(REFUSED) > 50


@pytest.mark.parametrize("file", READ, ids=lambda file: file.stem)
def test_corpus_read(file: Path) -> None:
    data = file.read_bytes()
    expected = json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))
    assert same(read_yaml(data, file.name).value, expected)
    text = decode(data, file.name)
    assert same(read_reference(text, file.name).value, expected)
    check(text)


@pytest.mark.parametrize("file", REFUSED, ids=lambda file: file.stem)
def test_corpus_refused(file: Path) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_yaml(file.read_bytes(), file.name)
    for found in caught.value.diagnostics:
        assert found.file == file.name
        assert found.message
        assert found.hint
    try:
        text = decode(file.read_bytes(), file.name)
    except InvalidInput:
        return
    assert read_fast(text) is DECLINED


def test_plain_engine_files_take_the_fast_reader() -> None:
    names = (
        "modeline",
        "document_start",
        "norway",
        "markdown",
        "flow",
        "quoted",
        "windows_line_ends",
        "plain_numbers",
    )
    assert all(check(decode((CORPUS / "read" / f"{name}.yaml").read_bytes(), name)) for name in names)


# ------------------------------------------------------------------------------------------------ made-up documents

PIECES = [
    "a", "b: ", "key: ", "- ", "\n", "\n  ", "\n    ", "\n- ", "\n  - ", ": ", ":", " ", "  ", "#",
    "# c\n", '"', "'", "[",
    "]", "{", "}", ", ", ",", "|", ">", "|-\n", ">+\n", "|2", "?", "? ", "1", "0", "-", ".", "e",
    "~", "null", "true", "&x ",
    "*x", "!t ", "%", "@", "`", "\\", "\\n", "é", "no", "1.5", "...", "---", "\t", "a:b", "a #b",
    "<<", "_", "0o7", "1_0",
    "=", "\u2028", "\ue000", "''", '""', " \n", "\n\n", "k: |\n    one\n   two\n", "d: >\n  fold\n  ed\n\n   more\n",
]  # fmt: skip

PLAIN = [
    "x", "hello world", "a-b", "no", "1", "1.10", "~", "", "true", "https://acme.com/x?a=1&b=2#f",
    "it's", "pt-BR", "x: y",
    "x #y", "x# y", "é", '"q"', "[a]", "a]", "a: ", "-", ".5", "?", "?x", ":x", ":", "x:", "|",
    "> x", "&a", "*b", "!t", "%x",
    "a\\nb", "12:30", "2001-01-01", "null", "-1", "+1", "1e3", "0x1", "0b1", "1_0", "#x", "a\tb",
    "{a}", "<<", "=", "a &b *c !d",
]  # fmt: skip

LINES = [
    "text", "two words", "", "", "  more", "# no comment", "- item", "k: v", "*em* and **bold**",
    "**b**", "&amp;", "!x", '"q',
    "é", "trail  ", "   ", "---", "...", "%", "<< x", "[x", "a\tb", "1", "> quote", "| a | b |", "{x}", "a:]",
]  # fmt: skip

free_text = st.lists(st.sampled_from(PIECES), max_size=14).map("".join)
double_quoted = st.lists(
    st.sampled_from(
        [
            "a",
            " ",
            '\\"',
            "'",
            "\\u00e9",
            "\n  ",
            "\n\n  ",
            "\\\n  ",
            ": ",
            " #",
            "\\t",
            "*",
            "\\x41",
            "\\/",
            "1",
        ]
    )
).map(lambda parts: '"' + "".join(parts) + '"')
single_quoted = st.lists(
    st.sampled_from(["a", " ", "\\n", '"', "''", "\n  ", "\n\n  ", ": ", "#", "*", "!", "1"])
).map(lambda parts: "'" + "".join(parts) + "'")
inline = st.one_of(st.sampled_from(PLAIN), double_quoted, single_quoted)
flow = st.recursive(
    inline,
    lambda inner: st.one_of(
        st.tuples(st.lists(inner, max_size=3), st.sampled_from([", ", ",", " , ", ",\n      "])).map(
            lambda made: "[" + made[1].join(made[0]) + "]"
        ),
        st.lists(
            st.tuples(st.sampled_from(["a", '"b"', "c d"]), st.sampled_from([": ", ":", " : "]), inner),
            max_size=2,
        ).map(lambda pairs: "{" + ", ".join("".join(pair) for pair in pairs) + "}"),
    ),
    max_leaves=4,
)


@st.composite
def text_block(draw: st.DrawFn, indent: int) -> str:
    header = draw(st.sampled_from("||>")) + draw(st.sampled_from(["", "", "-", "+", "2", "-1"]))
    header += draw(st.sampled_from(["", "", " ", "  # c"]))
    base = indent + draw(st.sampled_from([1, 2, 2, 4, 0]))
    lines = draw(
        st.lists(st.tuples(st.sampled_from([0, 0, 0, 1, 2, -1]), st.sampled_from(LINES)), max_size=5)
    )
    return header + "".join("\n" + " " * max(base + more, 0) + line if line else "\n" for more, line in lines)


@st.composite
def node(draw: st.DrawFn, indent: int = 0, levels: int = 3) -> str:
    """What may follow `key:` or `-`, with the line break at its end."""
    kind = draw(st.sampled_from(["inline", "block", "mapping", "list"] if levels else ["inline", "block"]))
    if kind == "inline":
        return " " + draw(flow) + draw(st.sampled_from(["", "", " ", " # c", "\n    more"])) + "\n"
    if kind == "block":
        return " " + draw(text_block(indent)) + draw(st.sampled_from(["\n", "\n\n", "\n \n"]))
    margin = " " * (indent + draw(st.sampled_from([0, 2, 2, 1])))
    starts = ["name:", "key:", "b :", '"q":', "locales:"] if kind == "mapping" else ["-", "- k:"]
    starts = draw(st.lists(st.sampled_from(starts), min_size=1, max_size=3, unique=kind == "mapping"))
    lines = [margin + start + draw(node(len(margin) + len(start) // 2, levels - 1)) for start in starts]
    return draw(st.sampled_from(["\n", "\n", " # c\n", "\n# c\n"])) + "".join(lines)


@st.composite
def damaged(draw: st.DrawFn) -> str:
    text = draw(node())
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(text)))
        text = text[:at] + draw(st.sampled_from(["", *PIECES])) + text[at + draw(st.integers(0, 1)) :]
    return text


@settings(max_examples=150, deadline=None)
@given(free_text)
@example("|\n- ")
@example("[x:]\n")
@example("['a':x,a b,]\n")
@example("{a\n: b}\n")
def test_free_text(text: str) -> None:
    check(text)


@settings(max_examples=150, deadline=None)
@given(st.one_of(node(), damaged()).map(lambda text: text.lstrip("\n")))
@example("- |\n \n- a\n")
def test_documents(text: str) -> None:
    check(text)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(["a: ", "- ", ""]), inline, st.sampled_from(["", "\n"]))
def test_single_scalars(before: str, scalar: str, after: str) -> None:
    check(before + scalar + after)
