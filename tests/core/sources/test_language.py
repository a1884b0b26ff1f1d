"""A cheap guess, which rather says nothing."""

from __future__ import annotations

import pytest

from reconciler.core.sources.language import language_of


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The name of the product is written with a capital letter, and that is all you have to know.", "en"),
        ("Der Name des Produkts wird nicht übersetzt, und das ist für die Redaktion wichtig.", "de"),
        ("Le nom du produit est écrit avec une majuscule dans les textes et sur les pages.", "fr"),
        ("El nombre del producto se escribe con mayúscula y los textos son para una página.", "es"),
        ("製品名は翻訳しないでください。ひらがなもあります。", "ja"),
        ("产品名称不应翻译成其他语言", "zh"),
        ("제품 이름은 번역하지 않습니다", "ko"),
        ("Название продукта не переводится на другие языки, и это важно для всех, как и что это по.", "ru"),
        ("Το όνομα δεν μεταφράζεται", "el"),
        ("اسم المنتج لا يترجم", "ar"),
        ("Acme 2024 v1.2.3", ""),
        ("", ""),
    ],
)
def test_language(text: str, language: str) -> None:
    assert language_of(text) == language
