"""Print the tables of docs/scale.md."""

from __future__ import annotations

from benchmarks.scale.tables import tables

for name, table in tables().items():
    print(f"{name}\n\n{table}\n")
