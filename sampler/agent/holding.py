"""Holding: contents that a person has to approve get an event of their own, which waits until somebody decides.

The bytes are durable before their event is visible, and both before the object's first event is acknowledged: whoever
flags an object again after a crash gets the same event again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from sampler.agent.finder import Found
from sampler.agent.held_objects import HeldObjects, held_id
from sampler.agent.spooling import sampling_of, without_proofs
from sampler.journal import Journal
from sampler.limits import TEXT_MAX_CHARACTERS
from sampler.model import Candidate, ObjectRecord, ObjectState, Parcel, Snapshot
from sampler.permit import Rule, content_label
from sampler.spool import Spool

_NUMBER: Final = re.compile(r" \(\d+\)\Z")
"""How many contents a reason stands for."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Lets contents wait. Blocking."""

    held: HeldObjects
    spool: Spool
    journal: Journal

    def hold(self, record: ObjectRecord, parcel: Parcel, candidate: Candidate, whole: Snapshot, found: Found) -> None:
        """Keep what a parcel tells of as held; where it cannot be kept after all, it ends as refused, by name.

        Args:
            record: of the object's first event.
            parcel: of the same.
            candidate: the object.
            whole: its bytes.
            found: what is known of it.

        Raises:
            SpoolFull, JournalError: it can neither be kept nor be written down; nothing is to be acknowledged.
        """
        waiting = _waiting(record, parcel, candidate)
        with self.held.turns:  # so that nobody sweeps away bytes whose event is not visible yet
            if self.spool.get(waiting.event_id) is not None:
                return
            if self.held.keep(candidate, whole, found.ask):
                contents = [content_label(content.part) for content in parcel.held]
                self._note("held", waiting, {"follows": waiting.follows, "why": waiting.detail, "contents": contents})
                self.spool.record(waiting)
                return
        detail = "it would have to wait for approval, and the host has no room to keep it until then"
        refused = replace(waiting, state=ObjectState.REFUSED, rule=Rule.NOT_HELD.value, detail=detail)
        self._note("refused", refused, {"rule": refused.rule, "detail": detail})
        self.spool.record(refused)

    def _note(self, kind: str, record: ObjectRecord, document: Mapping[str, Any]) -> None:
        self.journal.append(kind, record.event_id, record.updated, {"reason": record.reason, **document})


def _waiting(record: ObjectRecord, parcel: Parcel, candidate: Candidate) -> ObjectRecord:
    held = (each.reason for each in parcel.omissions if each.reason.startswith(Rule.HELD))
    why = dict.fromkeys(_NUMBER.sub("", reason.partition(": ")[2]) for reason in held)
    return replace(
        record,
        event_id=held_id(record.event_id),
        state=ObjectState.HELD,
        rule=Rule.HELD.value,
        detail="; ".join(why)[:TEXT_MAX_CHARACTERS],
        sampling=sampling_of(parcel.held),
        contents=without_proofs(parcel.held),
        omissions=(),
        follows=candidate.follows or candidate.event_id,
        scopes=parcel.held_scopes,
    )
