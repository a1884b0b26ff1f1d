"""Fails when too few branches of reconciler/core are covered.

`coverage report --fail-under` mixes lines and branches into one figure, in which many covered lines can hide
missing branches. The floor is on branches, so they are counted by themselves here.

    python .ci/core_floor.py coverage.json
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

FLOOR = 95.0
CORE = "reconciler/core/"


def branch_percent(report: dict[str, dict[str, dict[str, dict[str, int]]]]) -> float:
    """Covered branches of core in percent, from the report that `coverage json` writes."""
    summaries = [file["summary"] for name, file in report["files"].items() if CORE in Path(name).as_posix()]
    if not summaries:
        raise SystemExit(f"core floor: no file under {CORE} was measured")
    branches = sum(summary["num_branches"] for summary in summaries)
    covered = sum(summary["covered_branches"] for summary in summaries)
    return 100.0 * covered / branches if branches else 100.0


def main() -> None:
    percent = branch_percent(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    print(f"branches covered in {CORE}: {percent:.1f} % (floor {FLOOR:.0f} %)")
    if percent < FLOOR:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
