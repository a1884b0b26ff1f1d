"""The validator that was built before accepts exactly what the model accepts, and is what the model says now."""

from __future__ import annotations

import ast
import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reconciler.adapters.engine_files import validator
from reconciler.adapters.engine_files.accepted import SCHEMA
from reconciler.adapters.engine_files.model import EngineFile
from tests.adapters.engine_files.test_model import FILE, INVALID, LINK, TEXT, VALID

ROOT = Path(__file__).parents[3]
REMAKE = "python tools/engine_validator.py && ruff format reconciler"


def model_accepts(value: Any) -> bool:
    return EngineFile.__pydantic_validator__.isinstance_python(value)


def test_it_is_what_the_model_says_now() -> None:
    found = importlib.util.spec_from_file_location("engine_validator", ROOT / "tools/engine_validator.py")
    assert found is not None
    assert found.loader is not None
    tool = importlib.util.module_from_spec(found)
    found.loader.exec_module(tool)
    assert tool.accepted() == SCHEMA, f"run: {REMAKE}"
    written, committed = tool.text(), tool.FILE.read_text(encoding="utf-8")
    assert ast.dump(ast.parse(written)) == ast.dump(ast.parse(committed)), f"run: {REMAKE}"


@pytest.mark.parametrize("value", VALID)
def test_what_is_valid_is_accepted(value: Any) -> None:
    assert validator.accepts(value)
    assert model_accepts(value)


@pytest.mark.parametrize("value", INVALID)
def test_what_is_invalid_is_not(value: Any) -> None:
    assert not validator.accepts(value)
    assert not model_accepts(value)


_scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
_texts = st.sampled_from(["", " ", "a", "a\nb", "\x07", "x" * 201, "\u200b"]) | st.text(max_size=5)
_links = st.sampled_from(["https://acme.com", "acme.com", "https://me:pw@acme.com", "https://a b"])
_odd = _scalars | st.lists(_scalars, max_size=2) | st.dictionaries(st.text(max_size=3), _scalars, max_size=2)


def _mapping(**values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Some of these keys, their values mostly of the right kind, and now and then another key."""
    known = {name: value | _odd for name, value in values.items()}
    return st.builds(
        lambda some, more: {**more, **some},
        st.fixed_dictionaries({}, optional=known),
        st.just({}) | st.dictionaries(st.text(max_size=3), _odd, max_size=1),
    )


_sources = (
    st.sampled_from([LINK, TEXT, FILE])
    | _mapping(type=st.sampled_from(["link", "content"]), payload=_links | _texts, file=_texts)
    | _odd
)
_outputs = _mapping(
    file=st.just("i18n.json") | _texts,
    pointer=st.sampled_from(["/a", "/a/~0b", "a", ""]),
    key=st.sampled_from(["LINGO_ID", "1", ""]),
)
_files = _mapping(
    name=_texts,
    description=_texts,
    locales=st.lists(st.sampled_from(["de", "fr", "pt-BR", "pt-br", "xx-xx-xx"]) | _odd, max_size=4),
    sources=st.lists(_sources, max_size=11),
    lifecycle=_mapping(protect=st.booleans()),
    outputs=st.lists(_outputs, max_size=3),
)


@given(_files | _odd)
@example({"name": "a", "sources": [TEXT] * 10, "outputs": [{"file": ".env", "key": "ID"}] * 21})
@example({"name": "a", "sources": [{**TEXT, "file": "a.md"}]})
@example({"name": "a", "outputs": [{"file": "a.json", "pointer": "/a", "key": "A"}]})
@example({"name": "a", "locales": ["de", "de"]})
def test_both_decide_alike(value: Any) -> None:
    assert validator.accepts(value) is model_accepts(value)


def test_a_schema_that_is_not_taken_leads_to_the_model() -> None:
    """As with a release of pydantic-core that wants other words; in a process of its own, as the answer is kept."""
    script = f"""
import json, sys
from reconciler.adapters.engine_files import accepted, validator
accepted.SCHEMA = {{"type": "of another release"}}
told = [validator.accepts(value) for value in json.load(sys.stdin)]
print(json.dumps([told, "{EngineFile.__module__}" in sys.modules]))
"""
    values = [{"name": "Acme"}, {"name": 1}]
    done = subprocess.run(
        [sys.executable, "-c", script], input=json.dumps(values), capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == [[True, False], True]


@pytest.mark.parametrize("first", ["validator.accepts({})", "import pydantic"])
def test_the_package_has_the_module_that_was_loaded_alone(first: str) -> None:
    """Whichever comes first: the rules' errors must be those that the model knows."""
    script = f"""
import sys
from reconciler.adapters.engine_files import validator
from reconciler.adapters.engine_files.core_alone import pydantic_core as alone
{first}
assert not validator.accepts({{"name": " "}})
import pydantic_core
from reconciler.adapters.engine_files.model import EngineFile
try:
    EngineFile.model_validate({{"name": " "}})
except pydantic_core.ValidationError as error:
    assert error.errors()[0]["type"] == "engine_blank"
assert alone().SchemaValidator is pydantic_core.SchemaValidator
"""
    subprocess.run([sys.executable, "-c", script], check=True)


def test_a_package_without_a_module_of_that_name_is_taken_whole(tmp_path: Path) -> None:
    (tmp_path / "pydantic_core").mkdir()
    (tmp_path / "pydantic_core" / "__init__.py").write_text("here = True\n")
    script = """
from reconciler.adapters.engine_files.core_alone import pydantic_core
assert pydantic_core().here
"""
    subprocess.run([sys.executable, "-c", script], check=True, env={"PYTHONPATH": str(tmp_path)})
