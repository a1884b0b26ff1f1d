"""Typed constants are given to the compilers that they are for."""

from __future__ import annotations

import json
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.values import KEY
from reconciler.render.data.exports import render_python, render_typescript

ROOT = Path(__file__).resolve().parents[3]
HOSTILE = [
    "a-b", "a/b", "a_b", "A_B", "class", "None", "import", "__proto__", "constructor", "toString", "1", "0x1", "größe",
    "日本/語", "e\u0301", "😀", "x'y", 'x"y', 'x"""y',
    "${x}", "`x`", "*/ x /*", "$(touch x)", "# x", "// x", "{x}", "a b", "%s",
]  # fmt: skip
ENGINES = {key: f"eng_{number}" for number, key in enumerate(HOSTILE)}
KEYS = st.text(min_size=1, max_size=12).filter(KEY.accepts)
TSC = [
    place
    for name in ("tsc", ROOT / ".venv/node/node_modules/.bin/tsc")
    if (place := shutil.which(name)) is not None
]


def tsc(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [
        TSC[0],
        "--strict",
        "--noEmit",
        "--module",
        "esnext",
        "--moduleResolution",
        "bundler",
        "use.ts",
    ]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def mypy(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--cache-dir=cache", "use.py"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.skipif(not TSC, reason="there is no tsc; .ci/run installs it where there is npm")
@pytest.mark.parametrize("engines", [ENGINES, {}], ids=["hostile", "none"])
def test_typescript_compiles_and_knows_every_key(tmp_path: Path, engines: dict[str, str]) -> None:
    (tmp_path / "engines.ts").write_text(render_typescript(engines))
    uses = [f"const k{n}: EngineKey = {json.dumps(key)};" for n, key in enumerate(engines)]
    uses += [
        f"const i{n}: {json.dumps(value)} = engineIds[k{n}];" for n, value in enumerate(engines.values())
    ]
    head = 'import { engineIds, type EngineId, type EngineKey } from "./engines";'
    (tmp_path / "use.ts").write_text("\n".join([head, *uses, "export type Any = EngineId;"]))
    done = tsc(tmp_path)
    assert (done.returncode, done.stdout) == (0, "")
    (tmp_path / "use.ts").write_text(f'{head}\nexport const wrong: EngineKey = "acmee";\n')
    assert "error TS2322" in tsc(tmp_path).stdout


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no node")
def test_javascript_has_the_same_values(tmp_path: Path) -> None:
    """What is left of the module without its types, run."""
    text = render_typescript(ENGINES).replace(" as const;", ";")
    text = re.sub(r"^export type .*$", "", text, flags=re.MULTILINE)
    (tmp_path / "engines.mjs").write_text(text)
    script = "import('./engines.mjs').then(m => console.log(JSON.stringify(Object.entries(m.engineIds))))"
    done = subprocess.run(["node", "-e", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert dict(json.loads(done.stdout)) == ENGINES


@pytest.mark.parametrize("engines", [ENGINES, {}], ids=["hostile", "none"])
def test_python_passes_mypy_and_knows_every_key(tmp_path: Path, engines: dict[str, str]) -> None:
    (tmp_path / "engines.py").write_text(render_python(engines))
    head = "from engines import ENGINE_IDS, EngineKey"
    uses = [f"k{n}: EngineKey = {key!a}\nv{n}: str = ENGINE_IDS[k{n}]" for n, key in enumerate(engines)]
    (tmp_path / "use.py").write_text("\n".join([head, *uses, ""]))
    done = mypy(tmp_path)
    assert done.returncode == 0, done.stdout
    (tmp_path / "use.py").write_text(f'{head}\nwrong: EngineKey = "acmee"\nprint(ENGINE_IDS)\n')
    assert "Incompatible types in assignment" in mypy(tmp_path).stdout


@given(st.dictionaries(KEYS, st.from_regex(r"eng_\w{1,9}", fullmatch=True), max_size=6))
def test_python_is_read_back(engines: dict[str, str]) -> None:
    names: dict[str, object] = {}
    exec(compile(render_python(engines), "engines.py", "exec"), names)  # noqa: S102 # what is tested
    assert names["ENGINE_IDS"] == engines


def test_python_runs_as_a_module(tmp_path: Path) -> None:
    (tmp_path / "engines.py").write_text(render_python(ENGINES))
    assert runpy.run_path(str(tmp_path / "engines.py"))["ENGINE_IDS"] == ENGINES


@given(st.permutations(HOSTILE))
def test_the_order_of_the_lockfile_does_not_matter(keys: list[str]) -> None:
    shuffled = {key: ENGINES[key] for key in keys}
    assert render_typescript(shuffled) == render_typescript(ENGINES)
    assert render_python(shuffled) == render_python(ENGINES)


def test_the_modules_are_plain_ascii_and_named() -> None:
    for text in (render_typescript(ENGINES), render_python(ENGINES)):
        assert text.isascii()
        assert "written by `reconcile export --format" in text.splitlines()[0]
