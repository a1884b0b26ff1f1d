"""Whether an engine file is valid: the question of every plan with an edit, answered without building the model.

pydantic-core checks; what it checks is what the model told it when `accepted.py` was made. The model itself is built
only to say what is wrong with a file, and where a release of pydantic-core does not take that schema.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from reconciler.adapters.engine_files.core_alone import pydantic_core


def accepts(value: Any) -> bool:
    """Whether the model accepts it."""
    return _question()(value)


@cache
def _question() -> Callable[[Any], bool]:
    from reconciler.adapters.engine_files.accepted import SCHEMA

    core = pydantic_core()
    try:
        question: Callable[[Any], bool] = core.SchemaValidator(SCHEMA).isinstance_python
    except core.SchemaError:
        from reconciler.adapters.engine_files.model import EngineFile

        question = EngineFile.__pydantic_validator__.isinstance_python
    return question
