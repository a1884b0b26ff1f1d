from __future__ import annotations

import pytest

from reconciler.core.strict_json import JsonRefused, read_json


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is incomplete"),
        (b'{"a": 1', "is incomplete"),
        (b'{"a" 1}', "Expecting"),
        (b"\xff", "not UTF-8 (byte 0)"),
        ('{"a": 1}'.encode("utf-16"), "not UTF-8"),
        (b'{"a": NaN}', "NaN is not a number"),
        (b'{"a": -Infinity}', "-Infinity is not a number"),
        (b"[" * 100_000, "nested too deeply"),
        (b"1" * 5_000, "a number is too long"),
        (b'{"a": {"b": 1, "b": 2}}', "duplicate key `b`"),
        (b'{"\\n\\u0000": 1, "\\n\\u0000": 2}', "duplicate key `-`"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(content: bytes, said: str) -> None:
    with pytest.raises(JsonRefused) as caught:
        read_json(content)
    assert said in caught.value.reason
    assert caught.value.reason.isprintable()


def test_what_is_right_comes_back() -> None:
    assert read_json(b'\xef\xbb\xbf{"a": [1, null, "\xc3\xa9"]}') == {"a": [1, None, "é"]}
    assert read_json(b'{"a": 1, "a": 2}', unique=False) == {"a": 2}
