"""Pseudo-translation keeps what programs look for in a text, and shows that everything else was translated."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.sandbox.pseudo import TooDeep, characters, language_of, pseudo, translated

MARKS = [
    "{name}", "{{ user.name }}", "${total}", "$name", "%s", "%1$s", "%(count)d", "%{count}", "%.2f", "%@", "%%",
    ":name", "@:common.ok", "{0}", "{n, plural, one {# file} other {{n} files}}",
    "<b>", "</b>", '<a href="/x?a=b">', "<br/>",
    "&amp;", "&#39;", "https://acme.example/a?b=c", "ops@acme.example", "`reconcile plan`", "\\n", "__name__",
]  # fmt: skip


@pytest.mark.parametrize("mark", MARKS)
def test_marks_stay_as_they_are(mark: str) -> None:
    said = pseudo(f"Send {mark} today", "de")
    assert said == f"[de] Šéñð {mark} ţöðåý"
    assert pseudo(mark, "de") == mark or mark.startswith("{n, plural")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Hello, {name}!", "[de] Ĥéļļö, {name}!"),
        ("  Hello\n", "  [de] Ĥéļļö\n"),
        ("", ""),
        ("  \n", "  \n"),
        ("42 %", "42 %"),
        ("100% sure", "[de] 100% šûŕé"),
        ("open { brace", "[de] öþéñ { bŕåçé".replace("þ", "p")),
        ("close } brace", "[de] çļöšé } bŕåçé"),
        ("日本", "[de] 日本"),
        ("a < b and b > c", "[de] å < b åñð b > ç"),
    ],
)
def test_texts(text: str, said: str) -> None:
    assert pseudo(text, "de") == said


@given(st.text(max_size=60))
def test_nothing_is_lost_and_nothing_but_letters_changes(text: str) -> None:
    said = pseudo(text, "de").replace("[de] ", "", 1) if pseudo(text, "de") != text else text
    assert len(said) == len(text)
    assert all(new == old or old.isalpha() for new, old in zip(said, text, strict=True))


@given(
    st.recursive(
        st.text(max_size=5) | st.integers() | st.none() | st.booleans(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        max_leaves=8,
    )
)
def test_data_keeps_its_shape(data: object) -> None:
    def shape(value: object) -> object:
        if isinstance(value, dict):
            return {key: shape(each) for key, each in value.items()}
        return (
            [shape(each) for each in value]
            if isinstance(value, list)
            else ""
            if isinstance(value, str)
            else value
        )

    assert shape(translated(data, "de")) == shape(data)
    assert characters(data) >= 0


def test_data_without_end_is_refused() -> None:
    deep: object = "x"
    for _ in range(100):
        deep = [deep]
    with pytest.raises(TooDeep):
        translated(deep, "de")
    with pytest.raises(TooDeep):
        characters(deep)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Where is my order?", "en"), ("Wo ist die Bestellung?", "de"), ("Où est la commande et les autres", "fr"),
        ("Привет", "ru"), ("注文はどこですか", "ja"), ("订单", "zh"), ("주문", "ko"), ("[pt-BR] Ĥéļļö", "pt-BR"),
        ("42", "en"),
    ],
)  # fmt: skip
def test_the_language_is_guessed(text: str, language: str) -> None:
    assert language_of(text) == language
