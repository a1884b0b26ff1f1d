"""Where the console script begins: before anything is imported.

Whatever is imported stays, so looking through it for garbage again and again only takes time: a tenth of a short run.
"""

from __future__ import annotations

import gc
from typing import NoReturn


def entry() -> NoReturn:
    """The console script."""
    gc.disable()  # on again for commands that run long (main.py)
    from reconciler.cli.main import entry as run

    run()
