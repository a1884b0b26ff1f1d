from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.adapters.engine_files.files import EngineFiles
from reconciler.app.environments.validating import validate_everywhere
from reconciler.core.engine.overlay import EngineChoice
from reconciler.core.errors import InvalidInput, Severity

LISTED = ("production", "staging")


def everywhere(root: Path, **excluded: tuple[str, ...]) -> dict[str, EngineFiles]:
    return {
        name: EngineFiles(root, choice=EngineChoice(name, LISTED, exclude=excluded.get(name, ())))
        for name in LISTED
    }


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "engines").mkdir()
    return tmp_path


def write(root: Path, **files: str) -> None:
    for name, text in files.items():
        (root / f"engines/{name.replace('_', '.')}.yaml").write_text(text)


def test_each_environment_is_checked_and_what_is_wrong_in_all_is_said_once(root: Path) -> None:
    write(root, a="nam: A\n", b="name: B\n", b_staging="locales: [xx_yy]\n", c="name: C\n")
    valid, found = validate_everywhere(everywhere(root))
    assert valid == ["c"]
    assert [one.place for one in found] == ["engines/a.yaml:1:1", "engines/b.staging.yaml:1:11"]


def test_a_base_may_be_a_part_where_every_environment_that_chooses_it_completes_it(root: Path) -> None:
    write(root, a="locales: [de]\n", a_staging="name: A\n")
    assert validate_everywhere(everywhere(root))[0] == []
    assert validate_everywhere(everywhere(root, production=("a",)))[1][0].message.startswith(
        "no engine in engines/"
    )
    write(root, b="name: B\n")
    assert validate_everywhere(everywhere(root, production=("a",))) == (["a", "b"], [])


def test_an_engine_that_no_environment_chooses_is_checked_all_the_same(root: Path) -> None:
    write(root, a="nam: A\n", b="name: B\n")
    valid, found = validate_everywhere(everywhere(root, production=("a",), staging=("a",)))
    assert (valid, [one.place for one in found]) == (["b"], ["engines/a.yaml:1:1"])


def test_paths_without_an_engine_are_refused(root: Path) -> None:
    write(root, a="name: A\n")
    with pytest.raises(InvalidInput, match="none of these paths"):
        validate_everywhere(everywhere(root), {"engines/x.yaml"})


def test_a_place_for_the_engine_ids_of_several_environments_is_a_warning(root: Path) -> None:
    place = "outputs: [{file: app.json, pointer: /id}]\n"
    write(
        root, a=f"name: A\n{place}", b=f"name: B\n{place.replace('/id', '/b')}", b_staging="outputs: null\n"
    )
    valid, found = validate_everywhere(everywhere(root))
    assert valid == ["a", "b"]
    assert [(one.key, one.severity) for one in found] == [("a", Severity.WARNING)]
    assert found[0].message.startswith("app.json /id is written for `production` and `staging`")
    assert validate_everywhere(everywhere(root, staging=("a",)))[1] == []
