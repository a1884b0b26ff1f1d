"""Engine files in memory have no overlays, unless a test is about them."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.core.engine.overlay import NOTHING, Beside


class NoOverlays:
    def beside(self) -> Beside:
        return NOTHING

    def overlay_names(self, path: str) -> Sequence[str]:
        return ()
