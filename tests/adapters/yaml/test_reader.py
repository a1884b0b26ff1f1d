from __future__ import annotations

import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.adapters.yaml.fast import DECLINED, MAX_NODES, read_fast
from reconciler.adapters.yaml.reader import read_yaml
from reconciler.adapters.yaml.reference import core_schema
from reconciler.adapters.yaml.text import MAX_BYTES, cut
from reconciler.core.errors import Diagnostic, InvalidInput
from reconciler.core.excerpt import Excerpt


def findings(text: str | bytes) -> tuple[Diagnostic, ...]:
    with pytest.raises(InvalidInput) as caught:
        read_yaml(text.encode() if isinstance(text, str) else text, "a.yaml")
    return caught.value.diagnostics


@pytest.mark.parametrize(
    ("plain", "value"),
    [
        ("no", "no"), ("on", "on"), ("y", "y"), ("true", True), ("FALSE", False), ("tRue", "tRue"),
        ("~", None), ("", None),
        ("NULL", None), ("012", 12), ("0o14", 12), ("0o8", "0o8"), ("0x1F", 31), ("+7", 7),
        ("-7", -7), ("-0x1F", "-0x1F"),
        ("1.10", 1.1), (".5", 0.5), ("5.", 5.0), ("-1e-3", -0.001), ("1e400", float("inf")), ("1_000", "1_000"),
        ("-.INF", float("-inf")), ("+.inf", float("inf")), ("2001-01-01", "2001-01-01"), ("1:20", "1:20"), ("=", "="),
        (".", "."), ("-", "-"), ("1e", "1e"), ("0b1", "0b1"), ("9" * 500, "9" * 500),
    ],
)  # fmt: skip
def test_core_schema(plain: str, value: object) -> None:
    read = core_schema(plain)
    assert type(read) is type(value)
    assert read == value


def test_not_a_number_is_a_float() -> None:
    read = core_schema(".NaN")
    assert isinstance(read, float)
    assert read != read


def test_places_of_keys_and_values() -> None:
    document = read_yaml(b"name: Acme\nlocales:\n  - de\n  - fr  # c\nempty:\n", "a.yaml")
    assert document.place(("name",)) == (1, 7, Excerpt("name: Acme", 6))
    assert document.place(("name",), of="key") == (1, 1, Excerpt("name: Acme", 0))
    assert document.place(("locales", 1)) == (4, 5, Excerpt("  - fr  # c", 4))
    assert document.place(("empty",)) == (5, 1, Excerpt("empty:", 0))
    assert document.place(()) == (1, 1, Excerpt("name: Acme", 0))


def test_place_of_what_is_not_there_is_its_parent() -> None:
    document = read_yaml(b"a:\n  b: c\n", "a.yaml")
    assert document.place(("a", "x", 3)) == (2, 3, Excerpt("  b: c", 2))
    assert read_yaml(b"", "a.yaml").place(("a",)) == (1, 1, Excerpt("", 0))


def test_written_is_the_source_of_plain_scalars() -> None:
    document = read_yaml(b"a: 1.10\nb: '1.10'\n", "a.yaml")
    assert document.written(("a",)) == "1.10"
    assert document.written(("b",)) is None


def test_all_findings_at_once() -> None:
    found = findings("a: &x 1\na: 2\n3: *x\nb: !!str c\nd: @\n")
    assert [(each.line, each.col) for each in found] == [(1, 4), (2, 1), (3, 1), (3, 4), (4, 4), (5, 4)]
    assert found[1] == Diagnostic(
        "duplicate key `a`",
        "a.yaml",
        2,
        1,
        Excerpt("a: 2", 0),
        hint="keep one of them; the first is on line 1",
    )


def test_a_tab_as_indentation_is_named() -> None:
    (found,) = findings("locales:\n\t- de\n")
    assert (found.line, found.col) == (2, 1)
    assert "tab" in found.message
    assert "spaces" in (found.hint or "")


def test_the_place_of_invalid_utf8() -> None:
    (found,) = findings(b"a: b\nc: \xe4\xff\n")
    assert found[:5] == ("byte 0xe4 is not valid UTF-8", "a.yaml", 2, 4, Excerpt("c: ��", 3))


def test_an_escape_beyond_unicode_has_a_place() -> None:
    (found,) = findings('a: b\nc: "\\UFFFFFFFF"\n')
    assert (found.line, found.col) == (2, 5)


def test_size_is_capped() -> None:
    assert read_yaml(b"a: b\n" + b"#" * (MAX_BYTES - 6) + b"\n", "a.yaml").value == {"a": "b"}
    (found,) = findings(b"#" * (MAX_BYTES + 1))
    assert found.message == "the file is larger than 512 KiB"


def test_many_values_are_capped_alike_in_both_readers() -> None:
    most = "a:\n" + "- b\n" * (MAX_NODES - 3)
    assert read_fast(most) is not DECLINED
    assert read_yaml(most.encode(), "a.yaml").place(("a", 5)) == (7, 3, Excerpt("- b", 2))
    more = most + "- c\n"
    assert read_fast(more) is DECLINED
    assert "more than" in findings(more)[0].message


BOMB = "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n" for i in range(1, 40))


@pytest.mark.parametrize(
    "text",
    [
        "[" * 5000,
        "[" * 5000 + "]" * 5000,
        "{a: " * 5000,
        "- " * 200_000,
        "? " * 200_000,
        "".join(" " * i + "-\n" for i in range(1000)),
        "".join(" " * i + "a:\n" for i in range(1000)),
        BOMB,
        "a: " + "!" * 400_000,
        "a: &" + "x" * 400_000,
        'a: "' + "x " * 200_000,
        "a: [" + "b, " * 150_000,
        "".join(f"k{i}: v\n" for i in range(40_000)),
        "a: b\n" * 90_000,
        "x" * 400_000 + ": - a\n",
    ],
    ids=lambda text: repr(text[:8]),
)
def test_hostile_documents_end_soon(text: str) -> None:
    started = time.process_time()
    found = findings(text)
    assert time.process_time() - started < 5, "the promise is a second; this only catches the endless"
    assert 1 <= len(found) <= 21
    assert all(
        len(each.message) < 200 and len(each.excerpt.text if each.excerpt else "") < 130 for each in found
    )


def test_excerpts_are_cut_around_the_place() -> None:
    line = "    " + "a" * 300 + "HERE" + "b" * 300
    text, caret = cut(line, 305)
    assert text.startswith("…")
    assert text.endswith("…")
    assert caret is not None
    assert text[caret : caret + 4] == "HERE"
    assert cut("  short\x01  ").text == "  short�"
    assert cut("\tname", 2) == ("\tname", 1)
    assert cut(line, 1)[0].index("a") == 4
    assert cut("a: ", 4) == ("a: ", 3)


def test_excerpts_hide_passwords_in_urls() -> None:
    line = "payload: https://me:hunter2@acme.com/x"
    assert cut(line).text == "payload: https://…@acme.com/x"
    assert cut(line, line.index("x") + 1) == ("payload: https://…@acme.com/x", 28)
    assert cut(line, line.index("hunter") + 1).caret == 17  # inside of what is masked: on the mask


@pytest.mark.parametrize("start", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@given(
    before=st.lists(st.text("ab é日\u0301\u200b😀")),
    inside=st.text("ab é日\u0301😀"),
    bad=st.sampled_from([b"\xff", b"\x01", b"@"]),
)
def test_the_character_meant_is_the_wrong_one(
    start: str, end: str, before: list[str], inside: str, bad: bytes
) -> None:
    """Whatever the file begins with, its line ends, and what stands before."""
    lines = "".join(f"# {line}{end}" for line in before)
    data = f"{start}{lines}  '{inside}': ".encode() + bad + end.encode()
    (found,) = findings(data)
    assert found.line == len(before) + 1
    assert found.excerpt is not None
    assert found.excerpt.caret == found.col - 1 if found.col else False
    assert found.excerpt.text[found.excerpt.caret or 0] == ("@" if bad == b"@" else "�")


def test_without_the_fast_reader_everything_still_works() -> None:
    code = (
        "import sys; sys.modules['yaml_rs'] = None\n"
        "from reconciler.adapters.yaml.reader import read_yaml\n"
        "assert read_yaml(b'a: [no, 1]\\n', 'x').value == {'a': ['no', 1]}\n"
        "assert 'ruamel.yaml' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_plain_document_loads_no_heavy_module() -> None:
    code = (
        "import sys\n"
        "from reconciler.adapters.yaml.reader import read_yaml\n"
        "assert 'yaml_rs' not in sys.modules\n"
        "assert read_yaml(b'a: [no, 1]\\n', 'x').value == {'a': ['no', 1]}\n"
        "assert 'ruamel.yaml' not in sys.modules and 'pydantic' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("name: Acme\t# a comment\n", {"name": "Acme"}),
        ("name:\tAcme\t\n", {"name": "Acme"}),
        ("name:\t \tAcme", {"name": "Acme"}),
        ("a: 1\n\t\nb: 2\n", {"a": 1, "b": 2}),
        ("a: 1\n \t# comment\nb:\t# another\n  c: 2\n", {"a": 1, "b": {"c": 2}}),
        ("a: b\tc \t d\t# e\n", {"a": "b\tc \t d"}),
        ("- \ta\n-\tb: c\n".replace("b: c", "'b: c'"), ["a", "b: c"]),
        ("a: [\tb,\tc\td\t]\ne: {\tf:\tg\t}\n", {"a": ["b", "c\td"], "e": {"f": "g"}}),
        ("a\t: b\n'c'\t:\td\n", {"a": "b", "c": "d"}),
        ('a: "x\ty"\t# c\nb:\t|\n  \tkept\there\n', {"a": "x\ty", "b": "\tkept\there\n"}),
    ],
)
def test_tabs_that_separate_are_read(text: str, value: object) -> None:
    assert read_yaml(text.encode(), "a.yaml").value == value


@pytest.mark.parametrize(
    "text", ["a:\n\tb: 1\n", "a:\n  b: 1\n\tc: 2\n", "- \ta: 1\n", "-\t- 1\n", "- a: 1\n\tb: 2\n"]
)
def test_tabs_that_indent_are_not(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_yaml(text.encode(), "a.yaml")
    assert "a tab is not allowed here" in caught.value.diagnostics[0].message


@pytest.mark.parametrize(
    ("data", "line", "words"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 1\n", 1, "git lfs pull"),
        (b"\0GITCRYPT\0\x01\x02\xff", 1, "git-crypt unlock"),
        (b"$ANSIBLE_VAULT;1.1;AES256\n61\n", 1, "ansible-vault decrypt"),
        (b"name: a\n<<<<<<< HEAD\nx: 1\n=======\nx: 2\n>>>>>>> topic\n", 2, "git status"),
        (b"name: a\r\n=======\r\nx: 2\r\n>>>>>>> topic\r\n", 2, "git status"),
    ],
)
def test_a_file_that_is_not_ready_says_what_helps(data: bytes, line: int, words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_yaml(data, "a.yaml")
    [found] = caught.value.diagnostics
    assert found.line == line
    assert words in (found.hint or "")


@pytest.mark.parametrize(
    ("text", "line", "col", "name"),
    [
        ("\xa0a: 1\n\xa0b:\n  - c\n d\n", 4, 2, None),
        ("a:\n\xa0\xa0- b\n", 2, 1, "no-break space (U+00A0)"),
        ("a: 1\nb:\xa0c\n", 2, 3, "no-break space (U+00A0)"),
        ("a:\n\u3000- b\n", 2, 1, "ideographic space (U+3000)"),
        ("a: [b,\u200bc\n", 1, 7, "zero width space (U+200B)"),
        ("a: |\n  x\xa0y\nb: [c\n", 3, 4, None),
    ],
)
def test_what_cannot_be_seen_is_named_where_it_stands(
    text: str, line: int, col: int, name: str | None
) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_yaml(text.encode(), "a.yaml")
    found = caught.value.diagnostics[0]
    assert (found.line, found.col) == (line, col)
    assert ("invisible character here" in found.message) == (name is not None)
    assert (name or "") in found.message


def test_a_thread_that_ends_leaves_the_fast_reader_usable() -> None:
    """The library crashes the process when the thread that imported it has ended."""
    script = """
import sys, threading
from reconciler.adapters.yaml.reader import read_yaml
def read(): assert read_yaml(b"name: acme\\nlocales: [de]\\n", "f").value == {"name": "acme", "locales": ["de"]}
for there in (True, False):
    for _ in range(200):
        thread = threading.Thread(target=read)
        thread.start()
        thread.join()
    assert ("yaml_rs" in sys.modules) is not there
    read()
"""
    done = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
