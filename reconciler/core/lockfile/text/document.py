"""What a document in a lockfile can do besides giving its values, where it is still a text (see `text.entry`).

Apart from the class that does it, so that asking whether a document is one imports nothing.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any

NEWER = frozenset({"hold", "pruning", "revision", "updating"})  # what only version 2 of the lockfile has


class TextDocument(Mapping[str, Any]):
    """A document that was not read yet. As a mapping it has its values, which costs as much as reading it."""

    __slots__ = ()

    @property
    @abstractmethod
    def settled_files(self) -> Mapping[str, str] | None:
        """The files of an entry of which `fast_path.recorded_files` may give any; None where it needs a full look."""

    @property
    @abstractmethod
    def newer(self) -> bool:
        """Whether it has one of these, or an engine that it replaced does."""

    @abstractmethod
    def names(self) -> Iterator[tuple[str, str | None, str | None]]:
        """Engine and operation of each of its parts, and which part that is: `""`, `pending`, `uncertain` or
        `superseded`, in this order.
        """

    @abstractmethod
    def spelled(self, indent: bytes) -> memoryview | None:
        """The text, if a run writes it like this with that line feed and indent, and its values are sound."""
