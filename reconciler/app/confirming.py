"""Look on the platform at the jobs that unverified records name, so that a person can resolve their calls at once.

What the platform says of a job does not tell whose call made it: a record may have been copied from another repository
or environment of the same organization. So nothing is adopted by it; it is reported, with the exact command.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from reconciler.core.frozen import replace
from reconciler.core.ledger.journal import Acceptance, Begin
from reconciler.core.ledger.sealed import Unverified
from reconciler.core.lockfile.model import Lockfile
from reconciler.core.lockfile.names import engines_of
from reconciler.core.platform.job import MadeByJob
from reconciler.core.values import ID

MOST = 20  # jobs that are looked at: whoever may write records must not make us ask for thousands


async def confirm(
    unverified: Unverified, recorded: Lockfile, read: Callable[[str], Awaitable[MadeByJob | None]]
) -> Unverified:
    """With what the platform says of the jobs. An engine on record is nobody else's, and one of another name is not
    the one that the begin asked for.
    """
    known = engines_of(recorded)
    records = [one.record for one in unverified.records]
    begins = {one.operation: one for one in records if isinstance(one, Begin)}
    answers = [one for one in records if isinstance(one, Acceptance) and one.operation in begins]
    confirmed: dict[str, tuple[str, str]] = {}
    for answer in [one for one in answers if ID.accepts(one.job_id)][:MOST]:
        made = await read(answer.job_id)
        if made is None or made.engine_id in known:
            continue
        if made.name is None or made.name == begins[answer.operation].spec.get("name"):
            confirmed[answer.operation] = (answer.job_id, made.engine_id)
    return replace(unverified, confirmed=confirmed)


def can_be_confirmed(unverified: Unverified) -> bool:
    """Whether it names a job of a call in doubt."""
    return any(isinstance(one.record, Acceptance) for one in unverified.records)
