"""What must agree about one object between ledger, journal and queue. Pure.

The ledger has one state for each object. The journal has, for each state, what must have been written before it; more
than that is no fault, since a crash between journal and ledger repeats an entry and loses none. The queue has what was
delivered, whole, under the hash of the manifest that the journal has, and nothing that was taken back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from sampler.agent.reconcile_facts import Facts, Trail
from sampler.model import ObjectState, SubmissionState
from sampler.wire.recall_messages import SubmissionLine
from sampler.wire.reconcile_messages import Difference

_REPORT: Final = "look at: sampler history verify; restore the journal or the spool from a backup of the same moment"
_RECALL: Final = "take it back with: sampler recall"
_ALLOWED: Final = frozenset({"permitted", "approved"})
_ENDED: Final = frozenset({"refused", "denied", "expired"})
_GIVEN_UP: Final = frozenset({ObjectState.EVICTED, ObjectState.EXPIRED})
"""What had been offered when it ended may have arrived all the same, with its answer lost."""
_BEFORE: Final[Mapping[ObjectState, tuple[frozenset[str], ...]]] = {
    ObjectState.SPOOLED: (_ALLOWED,),
    ObjectState.HELD: (frozenset({"held", "permitted"}),),
    ObjectState.DELIVERED: (_ALLOWED, frozenset({"offered"}), frozenset({"delivered"})),
    ObjectState.DUPLICATE: (_ALLOWED, frozenset({"offered"}), frozenset({"delivered", "duplicate"})),
    ObjectState.REJECTED: (_ALLOWED, frozenset({"offered"}), _ENDED),
    ObjectState.REFUSED: (_ENDED,),
    ObjectState.EXPIRED: (_ENDED,),
    ObjectState.EVICTED: (_ALLOWED, frozenset({"evicted"})),
    ObjectState.KNOWN: (frozenset({"known"}),),
}
"""Of each group one entry must be there."""
_ON_QUEUE: Final = frozenset({ObjectState.DELIVERED, ObjectState.DUPLICATE})
_GONE: Final = frozenset({SubmissionState.RECALLED, SubmissionState.DESTROYED})
"""Nothing of it is left at the queue."""
_LEFT: Final = frozenset({"offered", "delivered", "duplicate", "recall_asked", "recall_confirmed"})


def within(facts: Facts, trail: Trail, *, complete: bool) -> Iterator[Difference]:
    """Whether ledger and journal agree.

    Args:
        facts: of the ledger.
        trail: of the journal.
        complete: whether the journal still has everything of the object's time.
    """
    if facts.listed is not facts.state:
        what = f"it is listed as {facts.listed}, and its record says {facts.state}"
        yield _difference(facts.event_id, "ledger", "two-states", what, _REPORT)
    if facts.state.is_final and facts.manifest is not None:
        what = f"it has ended as {facts.state}, and something of it waits for delivery"
        yield _difference(facts.event_id, "ledger", "ended-and-waits", what, _REPORT)
    if facts.state is ObjectState.SPOOLED and facts.manifest is None:
        what = "it waits for delivery, and there is nothing to deliver"
        yield _difference(facts.event_id, "ledger", "nothing-waits", what, "flag the object again")
    if facts.manifest and trail.manifest and facts.manifest != trail.manifest:
        what = "what waits for delivery is not what the journal says was offered"
        yield _difference(facts.event_id, "ledger", "manifest-differs", what, _REPORT)
    if complete:
        yield from _unwritten(facts, trail)
    if trail.receipted and trail.manifest and trail.receipted != trail.manifest:
        what = "the queue's receipt is for another manifest than the one that was offered"
        yield _difference(facts.event_id, "journal", "receipt-differs", what, "ask the queue's operator")


def only_in_journal(event_id: str, trail: Trail) -> Iterator[Difference]:
    """Something left, and the ledger has no object for it; what was only permitted was never acknowledged."""
    if left := sorted(trail.kinds & _LEFT):
        what = f"the journal has it as {', '.join(left)}, and the ledger does not know it"
        yield _difference(event_id, "ledger", "unknown", what, "restore the spool's ledger from a backup")


def with_queue(facts: Facts, trail: Trail, line: SubmissionLine | None) -> Iterator[Difference]:
    """Whether ledger and queue agree."""
    on_queue = line is not None and line.state not in _GONE
    if facts.state in _ON_QUEUE:
        yield from _delivered(facts, trail, line)
    elif not on_queue:
        return
    elif facts.state is ObjectState.RECALLED:
        yield from _taken_back(facts)
    elif "offered" not in trail.kinds or (facts.state.is_final and facts.state not in _GIVEN_UP):
        what = f"the queue has it, and here it is {facts.state} and was not sent"
        yield _difference(facts.event_id, "queue", "not-sent", what, f"{_RECALL} {facts.event_id}")


def only_on_queue(line: SubmissionLine) -> Iterator[Difference]:
    """The queue has something under this host's name that this host knows nothing of."""
    if line.state not in _GONE:
        what = f"the queue has it since {line.received:%Y-%m-%dT%H:%M:%SZ}, and this host does not know it"
        advice = "restore the spool's ledger, or ask the queue's operator whether another host has this certificate"
        yield _difference(line.id, "ledger", "unknown-submission", what, advice)


def _unwritten(facts: Facts, trail: Trail) -> Iterator[Difference]:
    groups = _BEFORE.get(facts.state, ())
    if facts.wish is not None:
        confirmed = (frozenset({"recall_confirmed"}),) if facts.wish.confirmed else ()
        groups = (frozenset({"recall_asked"}), *confirmed)
    for group in groups:
        if not group & trail.kinds:
            word = " or ".join(sorted(group))
            what = f"it is {facts.state}, and the journal has no entry {word}"
            yield _difference(facts.event_id, "journal", f"no-{min(group)}", what, _REPORT)


def _delivered(facts: Facts, trail: Trail, line: SubmissionLine | None) -> Iterator[Difference]:
    flag = "flag the object again if the queue should have it"
    if line is None:
        yield _difference(facts.event_id, "queue", "unknown", f"it is {facts.state}, and the queue has it not", flag)
    elif line.state is SubmissionState.RECALLED:
        what = f"it is {facts.state}, and the queue has it as recalled"
        yield _difference(facts.event_id, "ledger", "recalled-there", what, f"{_RECALL} {facts.event_id}")
    else:
        if line.missing:
            what = f"it is {facts.state}, and the queue lacks {line.missing} of its contents"
            yield _difference(facts.event_id, "queue", "contents-missing", what, flag)
        if trail.manifest and line.manifest and line.manifest != trail.manifest:
            what = "the queue has another manifest than the one that the journal says was offered"
            yield _difference(facts.event_id, "queue", "manifest-differs", what, "ask the queue's operator")


def _taken_back(facts: Facts) -> Iterator[Difference]:
    if facts.wish is None:
        what = "it was stopped on its way, and the queue has what had left by then"
        yield _difference(facts.event_id, "queue", "left-behind", what, f"{_RECALL} {facts.event_id}")
    elif facts.wish.confirmed:
        what = "the queue confirmed that it is destroyed, and has it"
        yield _difference(facts.event_id, "queue", "not-destroyed", what, "hold the confirmation against its operator")


def _difference(event_id: str, where: str, code: str, what: str, advice: str) -> Difference:
    return Difference(id=event_id, where=where, code=code, what=what, advice=advice)  # type: ignore[arg-type]  # ours
