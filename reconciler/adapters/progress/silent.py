"""The progress of a run for somebody who wants to read only what became of it."""

from __future__ import annotations


class SilentProgress:
    """An `Observer` that shows nothing."""

    def begun(self, creates: int, waits: int, updates: int = 0) -> None:
        """See the port."""

    def submitting(self, key: str) -> None:
        """See the port."""

    def updating(self, key: str) -> None:
        """See the port."""

    def accepted(self, key: str, engine_id: str, job_id: str) -> None:
        """See the port."""

    def waiting(self, key: str, job_id: str) -> None:
        """See the port."""

    def step(self, key: str, step: str, detail: str | None) -> None:
        """See the port."""

    def completed(self, key: str, engine_id: str | None) -> None:
        """See the port."""

    def failed(self, key: str, error: str) -> None:
        """See the port."""

    def uncertain(self, key: str, reason: str) -> None:
        """See the port."""

    def notice(self, text: str) -> None:
        """See the port."""

    def ended(self) -> None:
        """See the port."""
