from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.adapters.engine_files.files import EngineFiles
from reconciler.core.engine.overlay import EngineChoice
from reconciler.core.engine.spec import Desired

BASE = """\
name: Acme
locales: [de, fr]
lifecycle:
  protect: true
sources:
  - type: content
    file: glossary.md
"""
STAGING = EngineChoice("staging", ("production", "staging"))


def files_of(
    root: Path, overlay: str | None, base: str = BASE, choice: EngineChoice = STAGING
) -> EngineFiles:
    (root / "engines").mkdir(exist_ok=True)
    (root / "engines/acme.yaml").write_text(base)
    (root / "engines/glossary.md").write_text("Words")
    if overlay is not None:
        (root / "engines/acme.staging.yaml").write_text(overlay)
    return EngineFiles(root, choice=choice)


def loaded(files: EngineFiles) -> Desired:
    assert files.discover()[0] == {"acme": "engines/acme.yaml"}
    found = files.load("acme", "engines/acme.yaml")
    assert isinstance(found, Desired), found
    return found


def places(files: EngineFiles) -> list[str]:
    files.discover()
    found = files.load("acme", "engines/acme.yaml")
    assert isinstance(found, list)
    return [f"{one.place}: {one.message}" for one in found]


def test_the_overlay_of_the_environment_lies_over_the_file(tmp_path: Path) -> None:
    found = loaded(files_of(tmp_path, "name: Acme S\nlifecycle: {protect: null}\nlocales: [ja]\n"))
    assert (found.spec.name, found.spec.locales, found.protect) == ("Acme S", ("ja",), False)
    assert [source.payload for source in found.spec.sources] == ["Words"]
    assert sorted(found.files) == ["engines/acme.staging.yaml", "engines/acme.yaml", "engines/glossary.md"]
    assert found.file == "engines/acme.yaml"


def test_equal_content_has_one_fingerprint_wherever_it_came_from(tmp_path: Path) -> None:
    whole = loaded(files_of(tmp_path, None, BASE.replace("Acme", "Acme S")))
    assert loaded(files_of(tmp_path, "name: Acme S\n")).fingerprint == whole.fingerprint
    other = loaded(files_of(tmp_path, None, choice=EngineChoice("production", ("production", "staging"))))
    assert other.spec.name == "Acme"
    assert sorted(other.files) == ["engines/acme.yaml", "engines/glossary.md"]


@pytest.mark.parametrize(
    ("overlay", "base", "expected"),
    [
        ("locales: [xx_yy]\n", BASE, ["engines/acme.staging.yaml:1:11: `xx_yy` is not a known locale"]),
        ("sorces: []\n", BASE, ["engines/acme.staging.yaml:1:1: unknown key `sorces`"]),
        ("name: null\n", BASE, ["engines/acme.staging.yaml:1:1: `name` is missing: this overlay removes it"]),
        ("name: 1.10\n", BASE, ["engines/acme.staging.yaml:1:7: `name` must be text, not a number"]),
        (
            "lifecycle: {protect: 1}\n",
            BASE,
            ["engines/acme.staging.yaml:1:22: `protect` must be true or false, not a number"],
        ),
        ("", BASE, ["engines/acme.staging.yaml:1:1: the overlay is empty"]),
        ("- a\n", BASE, ["engines/acme.staging.yaml:1:1: an overlay must be a mapping of what differs"]),
        ("description: x\n", "locales: [de]\n", ["engines/acme.yaml:1:1: `name` is missing"]),
        ("description: x\n", "", ["engines/acme.yaml:1:1: the file is empty"]),
        (
            "sources: [{type: content, file: no.md}]\n",
            BASE.replace("de,", "d_,"),
            [
                "engines/acme.yaml:2:11: `d_` is not a locale",
                "engines/acme.staging.yaml:1:33: `no.md` does not exist",
            ],
        ),
        (
            "locales: [de\n",
            "name: [\n",
            [
                "engines/acme.yaml:2:1: not valid YAML: the file ends inside a bracket that is never closed",
                "engines/acme.staging.yaml:1:10: not valid YAML: the bracket opened here is never closed",
            ],
        ),
    ],
)
def test_errors_point_into_the_file_that_said_it(
    tmp_path: Path, overlay: str, base: str, expected: list[str]
) -> None:
    assert places(files_of(tmp_path, overlay, base)) == expected


def test_what_the_overlay_replaces_is_not_looked_at(tmp_path: Path) -> None:
    assert loaded(
        files_of(tmp_path, "locales: [de]\nname: A\n", BASE.replace("de", "xx_yy"))
    ).spec.locales == ("de",)
    assert loaded(files_of(tmp_path, "name: A\n", BASE.replace("name: Acme\n", ""))).spec.name == "A"


def test_an_overlay_of_another_environment_is_no_engine(tmp_path: Path) -> None:
    files = files_of(
        tmp_path, "nonsense: true\n", choice=EngineChoice("production", ("production", "staging"))
    )
    assert loaded(files).spec.name == "Acme"
    assert files.beside().bases == {"acme.staging": "acme"}


def test_an_overlay_that_cannot_be_read_is_no_missing_one(tmp_path: Path) -> None:
    files = files_of(tmp_path, None)
    (tmp_path / "engines/acme.staging.yaml").symlink_to("nowhere.yaml")
    assert places(files) == ["engines/acme.staging.yaml: the file no longer exists"]
    (tmp_path / "engines/acme.staging.yaml").unlink()
    (tmp_path / "engines/acme.staging.yaml").symlink_to(tmp_path.parent)
    assert [one.message for one in files.discover()[1]] == ["this link leads out of the project"]
    (tmp_path / "engines/acme.staging.yaml").unlink()
    (tmp_path / "engines/acme.staging.yaml").symlink_to("/etc/hostname")
    assert [one.message for one in files.discover()[1]] == ["this link leads out of the project"]


def test_a_linked_overlay_counts(tmp_path: Path) -> None:
    files = files_of(tmp_path, None)
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared/s.yaml").write_text("name: Linked\n")
    (tmp_path / "engines/acme.staging.yml").symlink_to("../shared/s.yaml")
    assert loaded(files).spec.name == "Linked"


def test_a_file_that_only_looks_like_an_overlay_says_so(tmp_path: Path) -> None:
    files = files_of(tmp_path, "locales: [de]\n", choice=EngineChoice("staging"))
    files.discover()
    found = files.load("acme.staging", "engines/acme.staging.yaml")
    assert isinstance(found, list)
    assert found[0].message == "`name` is missing; the settings list no environment `staging`"
    assert "list it under `environments:`" in str(found[0].hint)


def test_nothing_chosen_is_an_error_and_not_an_empty_wish(tmp_path: Path) -> None:
    from reconciler.core.errors import InvalidInput

    with pytest.raises(InvalidInput, match="no engine in engines/ is chosen for the environment `staging`"):
        files_of(tmp_path, None, choice=EngineChoice("staging", include=("x",))).discover()
