"""The engines that `reconcile import --all` offers, numbered, so that a person can choose."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.core.plan.lookup import created
from reconciler.core.plan.offers import Offer
from reconciler.render.phrases.sanitize import sanitize
from reconciler.render.phrases.style import Look
from reconciler.render.text.table import Column, table_lines


def offer_lines(offers: Sequence[Offer], *, ascii_only: bool = False, wrap: int | None = None) -> list[str]:
    """A table with a number for each; what cannot be imported says why in the place of its key."""
    look = Look(False, ascii_only, wrap)
    engines = [offer.engine for offer in offers]
    columns = [
        Column("NO", [str(number) for number in range(1, len(offers) + 1)]),
        Column("NAME", [sanitize(engine.name or "(no usable name)") for engine in engines], flows=True),
        Column("KEY", [sanitize(offer.key or f"none: {offer.why_not}") for offer in offers], flows=True),
        Column("ENGINE", [engine.engine_id for engine in engines], rank=1),
        Column("CREATED", [(created(engine) or "")[:10] for engine in engines], rank=2),
    ]
    return table_lines(columns, look)
