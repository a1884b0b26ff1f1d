"""`reconcile watch` without a least interval, so that a test sees thousands of its cycles."""

from __future__ import annotations

from reconciler.cli.commands.service import watch
from reconciler.cli.start import entry

if __name__ == "__main__":
    watch.LEAST = 0.0
    entry()
