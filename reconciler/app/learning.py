"""What an inbox of webhooks tells becomes facts in the journal, before anything is planned; then it is claimed.

So a run starts from what is known: a job that ended, or an answer that was lost, needs no waiting and no person.
Deliveries are claimed only once all that they tell is in the lockfile; until then every run takes them in again,
which changes nothing the second time.
"""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.app.ports import Clock, Deliveries, Journal, LockfileStore
from reconciler.app.recorded import RecordedState, read_recorded_state
from reconciler.core.ledger.facts import begin_of
from reconciler.core.ledger.journal import Begin, Record
from reconciler.core.ledger.remote_snapshot import RemoteSnapshot
from reconciler.core.ledger.webhook_facts import Delivery, concerns, known_in, learn


def take_in(
    recorded: RecordedState, journal: Journal, clock: Clock, waiting: Sequence[Delivery]
) -> tuple[Record, ...]:
    """Journal what these deliveries add to where things stand; the facts are returned. The caller holds the lease of
    this machine. Raises `StorageError`.
    """
    facts = learn(recorded.folded, [one.event for one in waiting], clock.now())
    if facts:
        # Begins go along: a plan on this machine may not see those that are only on the remote or in the lockfile.
        about = {fact.operation for fact in facts}
        begins = {one.operation: one for one in recorded.records if isinstance(one, Begin)}
        known = (begins.get(one) or begin_of(recorded.folded, one) for one in sorted(about))
        journal.append([*(one for one in known if one is not None), *facts])
    return facts


def claim_taken(
    deliveries: Deliveries,
    waiting: Sequence[Delivery],
    lockfile: LockfileStore,
    journal: Journal,
    shared: RemoteSnapshot | None,
) -> int:
    """Claim the deliveries about our engines from which nothing more can be learnt; how many that were."""
    folded = read_recorded_state(lockfile, journal, shared).folded
    known = known_in(folded)
    ours = [one for one in waiting if concerns(known, one.event)]
    done = [one for one in ours if not learn(folded, [one.event], "")]
    if done:
        deliveries.claim(done)
    return len(done)


def told(facts: Sequence[Record]) -> str:
    """How many jobs ended, and how many lost answers were found, in words."""
    ended = sum(fact.type == "ended" for fact in facts)
    found = sum(fact.type == "accepted" for fact in facts)
    words = [f"{found} engine{'s' if found != 1 else ''} whose create call got no answer"] if found else []
    words += [f"{ended} job{'s' if ended != 1 else ''} that ended"] if ended else []
    return " and ".join(words) or "results"
