"""`python -m reconciler` is `reconcile`."""

import os
import sys

if __name__ == "__main__":
    # Python has put the folder that it was started in first. It is the project's, whose modules are not ours to run.
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    try:
        started_in = os.getcwd()
    except OSError:  # it is gone
        started_in = ""
    if not sys.flags.safe_path and sys.path[0] != here and sys.path[0] in ("", started_in):
        del sys.path[0]
    from reconciler.cli.start import entry

    entry()
