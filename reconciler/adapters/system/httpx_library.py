"""httpx without its own command line, whose libraries (rich, pygments) are over a third of the cost of importing it.

httpx does without that module where one of those libraries is missing; here it is told that one is.
"""

from __future__ import annotations

import sys

sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]  # how Python is told that a module is not there

import httpx as httpx  # noqa: E402
