"""Files with conflict markers, taken apart."""

from __future__ import annotations

import pytest

from reconciler.core.errors import LockfileError
from reconciler.core.lockfile.conflict import Sides, take_apart


def test_both_sides_and_what_is_common() -> None:
    content = b"{\n<<<<<<< HEAD\nours\n=======\ntheirs\n>>>>>>> branch\n}\n"
    assert take_apart(content, "x") == Sides(b"{\nours\n}\n", b"{\ntheirs\n}\n", None)


def test_the_base_where_git_shows_it() -> None:
    content = b"a\n<<<<<<< HEAD\nours\n||||||| base\nold\n=======\ntheirs\n>>>>>>> branch\nb\n"
    assert take_apart(content, "x") == Sides(b"a\nours\nb\n", b"a\ntheirs\nb\n", b"a\nold\nb\n")


def test_several_conflicts_and_an_empty_side() -> None:
    content = b"<<<<<<< o\n=======\nt1\n>>>>>>> t\nmid\n<<<<<<< o\no2\n=======\n>>>>>>> t\n"
    assert take_apart(content, "x") == Sides(b"mid\no2\n", b"t1\nmid\n", None)


def test_a_conflict_in_the_base_itself_is_content_of_the_base() -> None:
    inner = b"<<<<<<<<< one\nx\n||||||||| older\n=========\ny\n>>>>>>>>> two\n"
    content = b"<<<<<<< HEAD\no\n||||||| merged common ancestors\n" + inner + b"=======\nt\n>>>>>>> b\n"
    assert take_apart(content, "x") == Sides(b"o\n", b"t\n", inner)


def test_markers_with_windows_line_ends() -> None:
    content = b"<<<<<<< HEAD\r\no\r\n=======\r\nt\r\n>>>>>>> b\r\n"
    assert take_apart(content, "x") == Sides(b"o\r\n", b"t\r\n", None)


def test_a_whole_file_is_the_same_on_both_sides() -> None:
    assert take_apart(b'{"version": 1}\n', "x") == Sides(b'{"version": 1}\n', b'{"version": 1}\n', None)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a\n=======\nb\n", "x:2: incomplete conflict markers"),
        (b"<<<<<<< o\n<<<<<<< o\n", "x:2: incomplete conflict markers"),
        (b"<<<<<<< o\n>>>>>>> t\n", "x:2: incomplete conflict markers"),
        (b"<<<<<<< o\n=======\n||||||| b\n", "x:3: incomplete conflict markers"),
        (b"<<<<<<< o\n=======\n", "x: the last conflict has no end marker"),
    ],
)
def test_broken_markers_say_where_and_what_to_do(content: bytes, message: str) -> None:
    with pytest.raises(LockfileError) as caught:
        take_apart(content, "x")
    assert caught.value.message == message
    assert "git checkout --merge -- engines.lock.json" in (caught.value.hint or "")
