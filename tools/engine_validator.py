"""Writes `reconciler/adapters/engine_files/accepted.py` after a change of the model of engine files.

    python tools/engine_validator.py && ruff format reconciler

The model says what pydantic-core is to check; this keeps what it said, so that a plan need not build the model again
to ask the same. A test compares the two.
"""

from __future__ import annotations

import pprint
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from reconciler.adapters.engine_files import rules
from reconciler.adapters.engine_files.model import EngineFile
from reconciler.adapters.engine_files.shape import Shape

FILE = Path(__file__).parents[1] / "reconciler/adapters/engine_files/accepted.py"
# Of no consequence for what is accepted: titles, documentation, and words that say what holds anyway.
_IDLE = frozenset({"metadata", "ref", "title", "model_name", "computed_fields", "custom_init", "root_model"})
_HEAD = '''"""What the model of engine files accepts, as pydantic-core is told. Made by tools/engine_validator.py."""

from __future__ import annotations

from typing import Any

from reconciler.adapters.engine_files import rules
from reconciler.adapters.engine_files.shape import Shape

SCHEMA: dict[str, Any] = '''


def accepted() -> Any:
    """The schema as the model says it, with one shape for all its classes."""
    return _plain(EngineFile.__pydantic_core_schema__)


def _plain(part: Any) -> Any:
    if isinstance(part, dict):
        return {name: _plain(value) for name, value in part.items() if name not in _IDLE}
    if isinstance(part, list | tuple):
        return [
            _plain(each) for each in part
        ] or ()  # pydantic-core copies a list that is a default, each time
    if isinstance(part, BaseModel):
        return None  # a default that no rule looks at
    return Shape if isinstance(part, type) else part


class _Name:
    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def _written(part: Any) -> Any:
    if isinstance(part, dict):
        return {name: _written(value) for name, value in part.items()}
    if isinstance(part, list):
        return [_written(each) for each in part]
    if part is Shape:
        return _Name("Shape")
    if callable(part):
        if getattr(rules, part.__name__, None) is not part:
            raise TypeError(f"{part} is no rule of {rules.__name__}")
        return _Name(f"rules.{part.__name__}")
    return part


def text() -> str:
    return _HEAD + pprint.pformat(_written(accepted()), width=100) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
