"""`python -m benchmarks.sources [FOLDER [LIBRARY …]]`: precision and recall of "this page changed", for each library.

For each saved page and each kind of change, the digest of the main text before and after is compared. Precision is the
share of reported changes that are news, recall the share of news that is reported. Libraries that are not installed are
left out.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from time import perf_counter
from typing import NamedTuple

from lxml import html

from benchmarks.sources.page_changes import NEWS, NOISE
from benchmarks.sources.readers import READERS, Reader
from benchmarks.sources.saved_pages import SavedPage, parsed, saved_pages
from reconciler.core.sources.main_text import text_digest


class Pair(NamedTuple):
    page: str
    kind: str
    news: bool
    before: str
    after: str


def pairs(pages: list[SavedPage]) -> Iterator[Pair]:
    for page in pages:
        before = str(html.tostring(parsed(page.source), encoding="unicode"))
        for change in (*NEWS, *NOISE):
            tree = parsed(page.source)
            if change(tree, page.main, Random(f"{page.name} {change.__name__}")):
                after = str(html.tostring(tree, encoding="unicode"))
                yield Pair(page.name, change.__name__, change in NEWS, before, after)


def measure(name: str, reader: Reader, cases: list[Pair]) -> None:
    wrong: Counter[str] = Counter()
    seen: Counter[bool] = Counter()
    right = began = reads = 0.0
    slowest = 0.0
    digests: dict[str, str] = {}
    for case in cases:
        for source in {case.before, case.after} - digests.keys():
            begin = perf_counter()
            try:
                digests[source] = text_digest(reader(source))
            except Exception as error:
                digests[source] = f"failed: {error}"
            took = perf_counter() - begin
            began, reads, slowest = began + took, reads + 1, max(slowest, took)
        changed = digests[case.before] != digests[case.after]
        seen[case.news] += 1
        right += changed and case.news
        wrong[case.kind] += changed is not case.news
    false = sum(wrong[one.__name__] for one in NOISE)
    precision, recall = right / (right + false), right / seen[True]
    print(
        f"{name:24} precision {precision:6.1%}  recall {recall:6.1%}  false alarms {false:4} of {seen[False]}"
        f"  {began / reads * 1000:6.1f} ms a page, slowest {slowest * 1000:6.0f} ms"
    )
    print("    wrong: " + ", ".join(f"{kind} {count}" for kind, count in wrong.items() if count), flush=True)


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "build/saved-pages")
    pages = saved_pages(folder)
    cases = list(pairs(pages))
    print(
        f"{len(pages)} pages, {sum(case.news for case in cases)} changes that are news, "
        f"{sum(not case.news for case in cases)} that are not"
    )
    wanted = sys.argv[2:] or list(READERS)
    for name in wanted:
        make = READERS[name]
        try:
            reader = make()
        except ImportError as error:
            print(f"{name:24} not installed: {error.name}")
            continue
        measure(name, reader, cases)


if __name__ == "__main__":
    main()
