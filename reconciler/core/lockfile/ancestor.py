"""The base of a merge, where a lockfile goes on from one that was published and never committed beside it.

A run that publishes writes what it published into the work tree, too. Until somebody pulls, the commit that is checked
out holds an older lockfile, and what stands in the work tree looks as if it had been added there.
"""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.core.frozen import replace
from reconciler.core.lockfile.entry_format import Document, read_entry
from reconciler.core.lockfile.model import EMPTY, Lockfile
from reconciler.core.lockfile.names import names_of


def with_former(base: Lockfile | None, ours: Lockfile, former: Sequence[Lockfile]) -> Lockfile | None:
    """The base, but every entry of ours that goes on from one that was published has that one there.

    `former` is what was published before, newest first. Raises `LockfileError` for an entry that cannot be read.
    """
    if not former:
        return base
    known = base or EMPTY
    engines, retired = dict(known.engines), dict(known.retired)
    for key, document in ours.engines.items():
        if engines.get(key) != document:
            found = _newest(key, document, [one.engines[key] for one in former if key in one.engines])
            engines |= {} if found is None else {key: found}
    for key, documents in ours.retired.items():
        if any(one.retired.get(key) == documents for one in former):
            retired[key] = documents
    return replace(known, engines=engines, retired=retired)


def _newest(key: str, document: Document, former: Sequence[Document]) -> Document | None:
    """The very same, or the newest one that names nothing beyond this one, and says the same of how it is kept."""
    if document in former:
        return document
    entry, names = read_entry(document, f"engines.{key}"), set(names_of(document))
    for one in former:
        if names.issuperset(names_of(one)) and read_entry(one, f"engines.{key}").kept == entry.kept:
            return one
    return None
