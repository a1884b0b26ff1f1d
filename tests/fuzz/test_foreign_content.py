"""A sample of the fuzzing of everything read from disk, network and git; `python -m tests.fuzz.many` does more."""

from __future__ import annotations

import inspect
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings

from reconciler.core.errors import ReconcileError
from tests.fuzz.readers import READERS, Reader

EXAMPLES = 50


def check(name: str, examples: int) -> None:
    """Give the reader so many contents. Raises what it raises, but for an error of ours."""
    contents, read = READERS[name]
    with TemporaryDirectory() as folder:

        @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
        @given(contents)
        def one(content: bytes) -> None:
            attempt(read, content, Path(folder))

        one()


def attempt(read: Reader, content: bytes, folder: Path) -> None:
    with suppress(ReconcileError):
        if len(inspect.signature(read).parameters) == 2:
            read(content, folder)  # type: ignore[call-arg]
        else:
            read(content)  # type: ignore[call-arg]


@pytest.mark.parametrize("name", READERS)
def test_foreign_content_is_a_value_or_an_error_of_ours(name: str) -> None:
    check(name, EXAMPLES)
