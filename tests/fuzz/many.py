"""`python -m tests.fuzz.many [EXAMPLES] [NAME …]`: as tests/fuzz/test_foreign_content.py, as often as is asked for."""

from __future__ import annotations

import sys
import time
import traceback

from tests.fuzz.readers import READERS
from tests.fuzz.test_foreign_content import check


def main(examples: int, names: list[str]) -> int:
    wrong = 0
    for name in names or READERS:
        begun = time.monotonic()
        try:
            check(name, examples)
            result = "right"
        except Exception:
            wrong += 1
            result = "wrong\n" + traceback.format_exc()
        print(f"{name}: {examples:,} examples in {time.monotonic() - begun:.0f} s: {result}", flush=True)
    return wrong


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000, sys.argv[2:]))
