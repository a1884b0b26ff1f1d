"""pydantic-core without the package around it, which costs ten times as much to import: types for those who write
schemas by hand. Whoever imports `pydantic_core` afterwards gets the same module.
"""

from __future__ import annotations

import sys
import threading
from importlib.machinery import PathFinder
from typing import Any

_PACKAGE = "pydantic_core"
_NAME = f"{_PACKAGE}._pydantic_core"
_importing = threading.Lock()  # programs that use the API may ask from several threads


def pydantic_core() -> Any:
    """What validates: the extension module, or the package where that is not found under its name."""
    with _importing:
        return sys.modules[_NAME] if _NAME in sys.modules else _imported()


def _imported() -> Any:
    package = PathFinder.find_spec(_PACKAGE)
    places = None if package is None else package.submodule_search_locations
    spec = None if places is None else PathFinder.find_spec(_NAME, places)
    if spec is None or spec.loader is None:
        import pydantic_core

        return pydantic_core
    from importlib.util import module_from_spec

    module = module_from_spec(spec)
    sys.modules[_NAME] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[_NAME]
        raise
    return module
