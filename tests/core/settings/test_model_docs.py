"""docs/settings.md against the table it describes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from reconciler.core.settings.model import OVERLAYS, SETTINGS
from reconciler.core.settings.resolution import resolve

DOCS = (Path(__file__).parents[3] / "docs/settings.md").read_text()
ROWS = {
    cells[0].strip("`"): [cell.strip("`") for cell in cells[1:]]
    for line in re.findall(r"^\| (`.*) \|$", DOCS.partition("\n## Other variables")[0], re.MULTILINE)
    if (cells := [cell.strip() for cell in line.split("|")])
}


def test_the_docs_name_every_setting_in_order_and_no_other() -> None:
    assert list(ROWS) == list(SETTINGS)
    assert re.findall(r"^### `(\w+)`$", DOCS, re.MULTILINE) == list(SETTINGS)


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
def test_a_row_says_what_the_table_says(setting: object) -> None:
    name = setting.name  # type: ignore[attr-defined]
    declared = SETTINGS[name]
    variable, flag, default, example = ROWS[name]
    assert variable == declared.variable
    assert flag in ("", declared.flag)
    assert default == ("none" if declared.default is None else declared.example)
    declared.kind.parse(example, True)


def test_the_example_of_environments_works() -> None:
    from reconciler.adapters.yaml.reader import read_yaml

    (example,) = [block for block in re.findall(r"```yaml\n(.*?)```", DOCS, re.DOTALL) if OVERLAYS in block]
    file = read_yaml(example.encode(), "docs/settings.md").value
    staging = resolve({"environment": "staging"}, {}, file)
    assert (staging.lockfile, staging.concurrency) == ("engines.staging.lock.json", 2)
    assert resolve({}, {}, file).concurrency == 8
