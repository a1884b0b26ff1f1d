"""Another process of our own program, which runs nothing that stands in the folder it is started in.

`python -m` puts that folder before everything else, and it may be a repository's, in which a commit can have put a
module of any name. `-P` keeps it out.
"""

from __future__ import annotations

import sys
from pathlib import Path

import reconciler


def own_python(module: str, function: str) -> list[str]:
    """The beginning of a command line that calls this function; what follows is in `sys.argv[1:]`."""
    # Where this program is comes last, so that nothing beside it hides the standard library.
    start = f"import sys; sys.path.append(sys.argv.pop(1)); from {module} import {function}; {function}()"
    return [sys.executable, "-P", "-c", start, str(Path(reconciler.__file__).resolve().parent.parent)]
