"""Exports are read back by the programs that they are for."""

from __future__ import annotations

import json
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from reconciler.render.data.exports import (
    render_env,
    render_export_json,
    render_export_yaml,
    render_github_output,
)

ENGINES = {
    "acme": "eng_1",
    "no": "eng_2",
    "shop/web": "1e3",
    "größe": "tru\"e'",
    "1": "a: b",
    "x #y": "$(id)",
}
LINES = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp", "Cf", "Cn", "Co", "Zs"]), min_size=1
)


def read_github_output(text: str) -> dict[str, str]:
    """As the runner does: `name<<delimiter`, lines, the delimiter alone on its line."""
    found: dict[str, str] = {}
    lines = iter(text.split("\n"))
    for line in lines:
        if not line:
            continue
        name, _, delimiter = line.partition("<<")
        value = []
        for part in lines:
            if part == delimiter:
                break
            value.append(part)
        else:
            pytest.fail(f"{name} does not end")
        found[name] = "\n".join(value)
    return found


def test_the_shell_reads_the_variables() -> None:
    values = {"A": "eng_1", "B": "it's $(id) `id`", "C": "a b"}
    script = render_env(values) + 'printf \'%s\\n\' "$A" "$B" "$C"'
    done = subprocess.run(["sh", "-c", script], capture_output=True, check=True, text=True)
    assert done.stdout.splitlines() == list(values.values())


def test_json_is_read_back() -> None:
    assert json.loads(render_export_json(ENGINES)) == ENGINES


@pytest.mark.parametrize("version", ["1.1", "1.2"])
@pytest.mark.parametrize("engines", [ENGINES, {}])
def test_yaml_is_read_back_by_readers_of_both_versions(version: str, engines: dict[str, str]) -> None:
    yaml = YAML(typ="safe", pure=True)
    yaml.version = version
    assert yaml.load(render_export_yaml(engines)) == engines


def test_simple_names_stay_unquoted_in_yaml() -> None:
    assert render_export_yaml({"shop/web": "eng_X1"}) == "shop/web: eng_X1\n"


@given(st.dictionaries(st.from_regex(r"[A-Z_]{1,9}", fullmatch=True), LINES, max_size=5))
def test_the_runner_reads_the_outputs(values: dict[str, str]) -> None:
    assert read_github_output(render_github_output(values)) == values


def test_a_value_that_knows_how_delimiters_are_made_cannot_end_its_own() -> None:
    evil = "x"
    for _ in range(3):  # each round holds the delimiter of the round before
        delimiter = render_github_output({"A": evil}).split("\n")[0].partition("<<")[2]
        evil = f"x\n{delimiter}\nPATH=/tmp"
    assert read_github_output(render_github_output({"A": evil})) == {"A": evil}
