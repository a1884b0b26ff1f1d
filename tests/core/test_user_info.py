from __future__ import annotations

import pytest

from reconciler.core.user_info import secret_parts, without_user_info


@pytest.mark.parametrize(
    "user_info",
    [
        "ci:word",
        "ci:wo/rd",
        "ci:wo@rd",
        "ci:wo rd",
        "ci:%2Fword",
        "word",
        "ci:?word",
        "ci:#word",
        "ci:12/word",
        ":word",
    ],
)
@pytest.mark.parametrize(
    "around", ["'{}'", "see {} there", "{}", 'payload: "{}"', "a https://x.example/ and {}"]
)
def test_no_part_of_the_user_information_is_left(user_info: str, around: str) -> None:
    text = around.format(f"https://{user_info}@acme.example:8443/x")
    shown = without_user_info(text)
    assert "rd" not in shown
    assert "@acme.example:8443/x" in shown


@pytest.mark.parametrize(
    "text",
    [
        "https://acme.example:8443/x: no answer, ask ops@acme.example",
        "ops@acme.example",
        "http://a/ b",
        "git@host:x",
    ],
)
def test_an_address_without_any_stays(text: str) -> None:
    assert without_user_info(text) == text


def test_a_password_is_known_by_its_pieces_too() -> None:
    assert secret_parts("http://ci:1234/word@host/x") == {"1234/word", "1234", "word"}
    assert secret_parts("https://token@host/x") == {"token"}
    assert secret_parts("https://host/x") == secret_parts("git@host:x") == frozenset()
