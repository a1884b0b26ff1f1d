"""The journal's records about changes in place (see `journal`, which reads and writes them, and `updates`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from reconciler.core.engine.spec import SpecRecord
from reconciler.core.frozen import dataclass


@dataclass(frozen=True, slots=True)
class UpdateBegin:
    """A call is about to be issued that changes an engine in place. `number` counts such calls of an engine: what has
    the same number or a lower one than the last that was made is over.
    """

    type: ClassVar[str] = "updating"
    operation: str
    key: str
    engine_id: str
    number: int
    at: str


@dataclass(frozen=True, slots=True)
class Update:
    """The platform has changed the engine: to this, from these files."""

    type: ClassVar[str] = "updated"
    operation: str
    key: str
    engine_id: str
    number: int
    fingerprint: str
    spec: SpecRecord
    files: Mapping[str, str]
    at: str
    kept: Mapping[str, Any] | None = None  # as in `Begin`


@dataclass(frozen=True, slots=True)
class UpdateRefusal:
    """The engine was not changed. `status` is as in `Refusal`."""

    type: ClassVar[str] = "not_updated"
    operation: str
    key: str
    engine_id: str
    number: int
    message: str
    status: int
    at: str
