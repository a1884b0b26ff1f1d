"""The real clock."""

from __future__ import annotations

from datetime import UTC, datetime


class UtcClock:
    """Implements the port `Clock`."""

    def now(self) -> str:
        """UTC with milliseconds, `2026-11-24T11:08:13.123Z`."""
        return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
