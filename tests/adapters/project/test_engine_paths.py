from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.adapters.project.engine_paths import key_of


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "l10n/engines/shop/web").mkdir(parents=True)
    (tmp_path / "l10n/engines/a.yaml.yaml").touch()
    (tmp_path / "l10n/engines/engines").mkdir()
    return tmp_path


def key(root: Path, word: str, base: str = "") -> str:
    return key_of(word, [str(root / base), str(root)], str(root), "l10n/engines")


@pytest.mark.parametrize(
    ("base", "word", "meant"),
    [
        ("", "l10n/engines/acme.yaml", "acme"),
        ("", "./l10n/engines/shop/web.yml", "shop/web"),
        ("", "l10n/engines/shop", "shop"),
        ("", "l10n/engines/shop/", "shop/*"),
        ("", "l10n/engines/", "*"),
        ("", "l10n/engines/shop/*.yaml", "shop/*"),
        ("l10n", "engines/acme.yaml", "acme"),
        ("l10n", "l10n/engines/acme.yaml", "acme"),  # from the project, too
        ("l10n/engines/shop", "web.yaml", "shop/web"),
        ("l10n/engines/shop", "../acme.yaml", "acme"),
        ("l10n/engines/shop", "./", "shop/*"),
    ],
)
def test_a_path_is_the_key_of_its_engine(root: Path, base: str, word: str, meant: str) -> None:
    assert key(root, word, base) == meant


@pytest.mark.parametrize("word", ["acme", "shop/web", "shop/*", "*", "engines/x", "", "-x"])
def test_a_key_stays_as_it_is(root: Path, word: str) -> None:
    assert key(root, word, "l10n/engines/shop") == word


def test_a_key_with_a_suffix_is_a_key_where_there_is_such_an_engine(root: Path) -> None:
    assert key(root, "a.yaml", "l10n/engines") == "a.yaml"
    assert key(root, "b.yaml", "l10n/engines") == "b"


def test_a_path_elsewhere_is_left_for_the_error(root: Path) -> None:
    assert key(root, "other/acme.yaml") == "other/acme.yaml"
    assert key(root, "../../x.yaml") == "../../x.yaml"


def test_a_link_to_the_project_leads_there(root: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(root / "l10n")
    assert key_of("engines/acme.yaml", [str(link)], str(link.parent), "l10n/engines") == "acme"
