"""What of a main text counts, and what does not."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.sources.main_text import (
    normalized,
    text_digest,
    token_estimate,
    without_tracking,
    word_count,
)

GUIDE = "Write short sentences.\nAcme is never translated. See https://acme.com/guide?page=2 for more."


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Updated 2024-05-06", "Updated 2026-11-29"),
        ("Updated March 12, 2024 at 10:32 am UTC", "Updated November 1st, 2026 at 9:01 pm UTC"),
        ("Stand: 12. März 2024", "Stand: 1. Dezember 2025"),
        ("Mis à jour le 3 août 2023", "Mis à jour le 12 juillet 2024"),
        ("最終更新 2024年3月5日", "最終更新 2025年12月31日"),
        ("As of 2024-05-06T10:22:33.123Z", "As of 2025-01-01T00:00:00.000+01:00"),
        ("Posted 3 hours ago", "Posted just now"),
        ("vor 3 Stunden", "vor einem Tag"),
        ("1,234 views · 12 comments", "9.9k views · 13 comments"),
        ("5 min read", "6 min read"),
        ("Request ID: 8f3a9b2c4d5e6f70", "Request ID: 0011223344556677aa"),
        ("Ray 550e8400-e29b-41d4-a716-446655440000", "Ray 123e4567-e89b-12d3-a456-426614174000"),
        ("Nonce ABCdef123456GHIjkl789012", "Nonce zzzYYY999888xxxWWW777666"),
        ("Served at 1717171717171", "Served at 1717171799999"),
        ("See https://a.com/x?utm_source=mail&id=3", "See https://a.com/x?id=3&fbclid=abc#top"),
        ("See https://a.com/x;jsessionid=12AB?id=3", "See https://a.com/x?id=3"),
        ("a  b\u00a0c\n\n\nd", "a b c\r\nd \n"),
        (unicodedata.normalize("NFD", "Größe café"), "Größe café"),
        ("soft\u00adhyphen zero\u200bwidth", "softhyphen zerowidth"),
        ("Text\n© 2024 Acme Inc.", "Text\n© 2025 Acme Inc."),
        ("Text\n* * *", "Text\n---"),
    ],
)
def test_visits_and_dates_do_not_count(one: str, other: str) -> None:
    assert text_digest(one) == text_digest(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Use the Sie form.", "Use the du form."),
        ("Acme", "acme"),
        ("It costs 12.50", "It costs 13.50"),
        ("Section 3.2", "Section 3.3"),
        ("Call 0800 123456", "Call 0800 123457"),
        ("Open 9:00–17:00", "Open 9:00–18:00"),
        ("We may do this", "We do this"),
        ("See https://a.com/x?id=3", "See https://a.com/x?id=4"),
        ("The second-generation-edition-for-2-players", "The second-generation-edition-for-4-players"),
        ("SKU AB12-9F", "SKU AB12-9E"),
        ("one\ntwo", "one two"),
        ("10 comments are enough. Be kind.", "10 comments are enough. Be brief."),
        ("Grüße", "Grusse"),
    ],
)
def test_words_and_figures_count(one: str, other: str) -> None:
    assert text_digest(one) != text_digest(other)


def test_digest_names_its_rules() -> None:
    """Whoever changes the rules gives them another version: a recorded digest must not mean something else."""
    assert text_digest(GUIDE) == "m1:sha256:0c82bebf282a9f639e98b57a4b45ac765d87d1a65d561619d9643717c7b8daa4"


@given(st.text())
def test_normalized_is_settled(text: str) -> None:
    once = normalized(text)
    assert not once or all(line == " ".join(line.split()) for line in once.split("\n"))
    assert text_digest(text) == text_digest(text.replace("\n", "\r\n"))


@given(st.text(alphabet="1a:-. ,?&=/©h", max_size=400))
def test_blanks_around_lines_never_count(text: str) -> None:
    assert text_digest("\n".join(f"  {line}\t" for line in text.split("\n"))) == text_digest(text)


@pytest.mark.parametrize(
    "piece", ["1 ", "1,", "a1", "A1-", "1:", "12/", "http://", "(c) ", "a few ", "2024-", "Ab1_"]
)
def test_long_hostile_lines_take_linear_time(piece: str) -> None:
    """No pattern tries each start of a line against each end: a megabyte would take hours."""
    from time import process_time

    began = process_time()
    normalized(piece * (100_000 // len(piece)))
    assert process_time() - began < 2


def test_tracking_parameters() -> None:
    assert without_tracking("https://a.com/?utm_source=x") == "https://a.com/"
    assert without_tracking("https://a.com/watch?v=1&t=20&gclid=2") == "https://a.com/watch?v=1&t=20"


def test_figures_for_people() -> None:
    assert word_count("Don't translate state-of-the-art names.") == 4
    assert word_count("日本語のガイド") == 7
    assert token_estimate("word " * 100) == 125
    assert token_estimate("日本語") == 3
    assert token_estimate("Привет") == 3
    assert token_estimate("") == 0
