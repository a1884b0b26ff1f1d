from __future__ import annotations

import pytest

from reconciler.core.ledger.seal import PUBLISHED, RECORD, Seal, derive, repository_name, seal_for

LEDGER = "refs/reconcile/production"


@pytest.mark.parametrize(
    ("secret", "salt", "info", "expected"),
    [  # RFC 5869, A.1 to A.3
        (
            "0b" * 22,
            "000102030405060708090a0b0c",
            "f0f1f2f3f4f5f6f7f8f9",
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
        ),
        (
            bytes(range(0x00, 0x50)).hex(),
            bytes(range(0x60, 0xB0)).hex(),
            bytes(range(0xB0, 0x100)).hex(),
            "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c"
            "59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71"
            "cc30c58179ec3e87c14c01d5c1f3434f1d87",
        ),
        (
            "0b" * 22,
            "",
            "",
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
        ),
    ],
)
def test_keys_are_derived_as_the_rfc_says(secret: str, salt: str, info: str, expected: str) -> None:
    derived = derive(bytes.fromhex(secret), bytes.fromhex(salt), bytes.fromhex(info), len(expected) // 2)
    assert derived.hex() == expected


@pytest.mark.parametrize(
    "address",
    [
        "https://github.com/acme/engines",
        "https://github.com/acme/engines.git",
        "https://github.com:443/Acme/Engines/",
        "https://x-access-token:ghs_secret@github.com/acme/engines.git",
        "HTTPS://GitHub.com//acme/engines.git/",
        "git@github.com:acme/engines.git",
        "github.com:/acme/engines",
        "ssh://git@github.com:22/acme/engines.git",
        "git+ssh://git@github.com/acme/engines",
        "https://user:p@ss@github.com/acme/engines",
    ],
)
def test_a_repository_has_one_name_however_it_is_spelled(address: str) -> None:
    assert repository_name(address) == "github.com/acme/engines"


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("ssh://git@git.example:2222/acme/engines", "git.example:2222/acme/engines"),
        ("https://git.example:22/acme", "git.example:22/acme"),
        ("https://git.example/Acme/engines", "git.example/Acme/engines"),
        ("ssh://[::1]:22/x", "[::1]/x"),
        ("[::1]:x", "[::1]/x"),
        ("file:///srv/git/x.git", "/srv/git/x"),
        ("file://localhost/srv/git/x.git", "/srv/git/x"),
        ("/srv/git/x.git", "/srv/git/x"),
        ("/srv/a:b/x", "/srv/a:b/x"),
        ("", "/"),
    ],
)
def test_other_repositories_have_other_names(address: str, name: str) -> None:
    assert repository_name(address) == name


def test_a_seal_is_for_one_key_one_repository_one_ledger_and_one_text() -> None:
    here = seal_for("key", "git@github.com:acme/x", LEDGER)
    seal = here.of(RECORD, "text")
    assert here.fits(RECORD, "text", seal)
    assert seal_for("key", "https://github.com/acme/x.git", LEDGER).fits(RECORD, "text", seal)
    assert not here.fits(RECORD, "texts", seal)
    assert not here.fits(PUBLISHED, "text", seal)
    for other in (
        seal_for("yek", "git@github.com:acme/x", LEDGER),
        seal_for("key", "git@github.com:acme/y", LEDGER),
        seal_for("key", "git@github.com:acme/x", "refs/reconcile/staging"),
    ):
        assert not other.fits(RECORD, "text", seal)


@pytest.mark.parametrize("seal", [None, 7, "", "é", "\ud800", ["a"]])
def test_anything_may_stand_in_a_seals_place(seal: object) -> None:
    assert not seal_for("key", "/x", LEDGER).fits(RECORD, "text", seal)


def test_neither_key_is_shown() -> None:
    shown = repr(seal_for("lk_secret", "/x", LEDGER))
    assert shown == "Seal()"
    assert Seal(b"a").of(RECORD, "\ud800")  # half a pair is sealed, too
