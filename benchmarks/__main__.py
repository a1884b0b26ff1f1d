"""`python -m benchmarks [--quick] [NAME …]`: run all benchmarks, or some, and print one table.

The exit code says whether they ran, never whether they were fast: a machine that is busy must not break a build.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import sys
from collections.abc import Iterator

from benchmarks.table import Row, rendered, row_in

BY_DEFAULT = ("startup", "plans", "edits", "creates", "waits", "publish")
BY_NAME_ONLY = ("inboxes", "peers", "reports", "webhook_timing", "webhooks")
_OVER_SOCKETS = ("creates", "waits")  # these print their rows themselves, and know one size only


def rows_of(name: str, quick: bool) -> Iterator[Row]:
    # Imported one by one: what the measured processes are started from must stay small (see `processes.cost_of`).
    benchmark = importlib.import_module(f"benchmarks.{name}")
    if name not in _OVER_SOCKETS:
        yield from benchmark.rows(quick)
    elif not quick:
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            benchmark.main()
        yield from map(row_in, printed.getvalue().splitlines())


def main() -> None:
    known = (*BY_DEFAULT, *BY_NAME_ONLY)
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(known))
    parser.add_argument(
        "--quick", action="store_true", help="a tenth of the size; creates and waits are left out"
    )
    arguments = parser.parse_args()
    unknown = [name for name in arguments.names if name not in known]
    if unknown:
        parser.error(f"no benchmark `{unknown[0]}`; there are {', '.join(known)}")
    rows: list[Row] = []
    for name in arguments.names or BY_DEFAULT:
        print(f"{name} …", file=sys.stderr, flush=True)
        rows += rows_of(name, arguments.quick)
    print(rendered(rows))


if __name__ == "__main__":
    main()
