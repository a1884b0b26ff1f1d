"""What a look at the platform's list of engines came to, for a person who settles a lost answer by it."""

from __future__ import annotations

import json
from collections.abc import Sequence

from reconciler.core.commands import reconcile
from reconciler.core.lockfile.entry import Pending
from reconciler.core.plan.lookup import SHOWN, Candidate, Found, created, how_to_adopt, is_job_unknown
from reconciler.core.platform.listing import Listing
from reconciler.render.phrases.sanitize import sanitize_lines
from reconciler.render.phrases.words import counted

_PROVES_NOTHING = (
    "  This does not prove that none was created: the list may lag behind, or leave engines out.",
    "  If you know that none was, create it with the next apply, or leave it out:",
)


def render_found(key: str, calls: Sequence[tuple[Pending, Found]], listing: Listing, *, several: bool) -> str:
    """For each call of a key what was found for it. No final newline. `several`: the key has more calls, so that
    commands name theirs.
    """
    parts = [_of_call(key, call, found, listing, several=several) for call, found in calls]
    return "\n".join(sanitize_lines("\n\n".join("\n".join(part) for part in parts)))


def _of_call(key: str, call: Pending, found: Found, listing: Listing, *, several: bool) -> list[str]:
    name = json.dumps(found.name, ensure_ascii=False)
    which = f" (operation {call.operation_id})" if several else ""
    lines = [f"{key}: engine {name}, requested at {call.submitted_at or 'an unknown time'}, no answer{which}"]
    for candidate in found.candidates[:SHOWN]:
        lines += ["", _told(candidate)]
        if is_job_unknown(call, candidate.engine):
            lines.append("  Its job is not listed; check that it has completed.")
        lines.append("  If it is the engine of this file:")
        lines.append(f"    {how_to_adopt(key, call, candidate.engine, several=several)}")
    if len(found.candidates) > SHOWN:
        lines += ["", f"  … and {len(found.candidates) - SHOWN} more"]
    if not found.candidates:
        lines += _none(key, call, listing, several=several)
    if found.elsewhen:
        ids = ", ".join(one.engine_id for one in found.elsewhen[:SHOWN])
        more = f", … and {len(found.elsewhen) - SHOWN} more" if len(found.elsewhen) > SHOWN else ""
        lines += ["", f"  Of this name, but created at another time: {ids}{more}"]
    if not listing.complete:
        lines += ["", "  The list is not complete: the platform has more engines than it listed."]
    return lines


def _told(candidate: Candidate) -> str:
    engine = candidate.engine
    at = created(engine)
    name = "" if candidate.exact else f", named {json.dumps(engine.name, ensure_ascii=False)}"
    when = f", created at {at}" if at is not None else ", creation time unknown"
    return f"  {engine.engine_id}{name}{when}, not recorded"


def _none(key: str, call: Pending, listing: Listing, *, several: bool) -> list[str]:
    which = [("--operation", call.operation_id)] if several else []
    return [
        f"  No unrecorded engine of that name among the {counted(len(listing.engines), 'engine')} listed.",
        *_PROVES_NOTHING,
        f"    {reconcile('resolve', *which, '--retry', arguments=[key])}",
        f"    {reconcile('resolve', *which, '--forget', arguments=[key])}",
    ]
