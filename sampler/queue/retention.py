"""The part of the queue that keeps what came in no longer than it may.

It runs in the background, a batch at a time, and can be ended at any moment: what is given up is noted in the ledger
first, the bytes follow, each is looked for again, and whatever a crash left is taken up at the next look. A change of
the rules destroys nothing by itself until it has stood for some time. A recall does not wait for any of this.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import structlog

from sampler.errors import Conflict, NotFound, SamplerError, StorageError
from sampler.limits import HOLDS_PAGE_MAX_COUNT, RETENTION_BATCH_MAX_COUNT
from sampler.queue import retention_steps
from sampler.queue.acts import Act, Actor, note
from sampler.queue.core import Core, content_bell
from sampler.queue.ports import Ledger
from sampler.queue.retention_ports import Hold
from sampler.queue.retention_rules import RetentionPolicy
from sampler.queue.retention_views import cursor_of, due_line, hold_view, position_of, rule_text
from sampler.runtime.blocking import off_loop
from sampler.wire.audit_messages import Action
from sampler.wire.retention_messages import (
    DuePage,
    HoldPage,
    HoldRequest,
    HoldView,
    Part,
    RetentionStatus,
    RunAnswer,
)
from sampler.wire.tenant_messages import ALL_TENANTS

log = structlog.get_logger()

_LOOK_SECONDS: Final = 60.0
"""How often it is looked whether anything is due."""
_RECKONED_AT_ONCE_COUNT: Final = 200
_COUNTED_MAX_COUNT: Final = 1_000
_ITSELF: Final = Actor("retention", "queue", ALL_TENANTS)
"""Under what name it is written down what the queue destroys by itself."""


class Retention(Core):
    """Times, holds and destruction."""

    async def retention(self) -> RetentionStatus:
        """The rules, since when they stand, and what is due by them."""
        return await self._step(_status, self._policy.retention, self._clock.now())

    async def due(self, part: Part, at: datetime | None, after: str | None, limit: int) -> DuePage:
        """What would be destroyed if it were done now, or at another moment; nothing is changed.

        Raises:
            RequestError: the cursor is none.
        """
        moment, behind = at or self._clock.now(), position_of(after)
        found = await self._step(lambda ledger: ledger.due(part, moment, after=behind, limit=limit))
        last = cursor_of(found[-1], part) if len(found) == limit else None
        return DuePage(lines=tuple(due_line(part, kept) for kept in found), after=last)

    async def run_retention(self, limit: int = RETENTION_BATCH_MAX_COUNT, *, by: Actor = _ITSELF) -> RunAnswer:
        """Destroy some of what is due now, whether or not the rules have stood for long; it is written down who did."""
        if await self._step(retention_steps.reckon, self._policy.retention, _RECKONED_AT_ONCE_COUNT):
            return RunAnswer(more=True)  # not before every time stands by the present rules
        now = self._clock.now()
        contents = await self._step(retention_steps.give_up_contents, now, limit, by)
        records = await self._step(retention_steps.give_up_records, now, limit, by)
        for upload_id in records.uploads:
            await off_loop(self._blobs.discard, upload_id)
        gone, wanted, failed = await self._destroy_doomed()
        if contents.submissions or records.submissions or gone:
            await self._step(lambda ledger: ledger.forget_deleted())
        return RunAnswer(
            contents_of=contents.submissions,
            records_of=records.submissions,
            destroyed=gone,
            wanted_again=wanted,
            failed=failed,
            more=limit in (contents.submissions, records.submissions) or gone >= _COUNTED_MAX_COUNT,
        )

    async def keep_retaining(self) -> None:
        """Destroy what is due, for ever; first, what an earlier process deleted leaves the database's files."""
        await self._forgotten()
        while True:
            await self._clock.sleep(_LOOK_SECONDS)
            try:
                async with self._sharing.chore("retention") as mine:
                    if mine:
                        await self.retain()
            except SamplerError as error:
                log.warning("retention could not go on; trying again", error=str(error))

    async def _forgotten(self) -> None:
        try:
            await self._step(lambda ledger: ledger.forget_deleted())
        except SamplerError as error:
            log.warning("the database's log could not be folded; the next run does it", error=str(error))

    async def retain(self) -> None:
        """All that is to be done now, a batch at a time; while the rules are new, only their times are reckoned."""
        policy = self._policy.retention
        since = await self._step(_note_policy, policy.digest, self._clock.now())
        if self._clock.now() < since + timedelta(seconds=policy.settle_seconds):
            while await self._step(retention_steps.reckon, policy, _RECKONED_AT_ONCE_COUNT):
                pass
            await self._destroy_doomed()
            return
        more = True
        while more:
            done = await self.run_retention()
            more = done.more
            if done.contents_of or done.records_of:
                log.info("retention", contents_of=done.contents_of, records_of=done.records_of, gone=done.destroyed)

    async def place_hold(self, asked: HoldRequest, by: Actor) -> HoldView:
        """Let retention leave something alone."""
        hold = Hold(self._new_id(), asked.kind, asked.target, asked.reason, by.name, self._clock.now())
        await self._step(_place, hold, by)
        return hold_view(hold)

    async def lift_hold(self, hold_id: str, by: Actor) -> HoldView:
        """Let retention go on with it.

        Raises:
            NotFound: there is no such hold.
            Conflict: it was lifted before.
        """
        return hold_view(await self._step(_lift, hold_id, by, self._clock.now()))

    async def holds(self, *, lifted: bool) -> HoldPage:
        """Holds, the newest first; those that were lifted too where that is asked."""
        found = await self._step(lambda ledger: ledger.holds(lifted=lifted, limit=HOLDS_PAGE_MAX_COUNT))
        return HoldPage(holds=tuple(hold_view(hold) for hold in found))

    async def _destroy_doomed(self) -> tuple[int, int, int]:
        """Destroy what was given up: contents that are gone, that were brought anew, that could not be destroyed."""
        gone = wanted = failed = 0
        for sha256 in await self._step(lambda ledger: ledger.doomed(_COUNTED_MAX_COUNT)):
            try:
                destroyed = await self._destroy_and_look(sha256)
            except StorageError as error:
                log.error("a content whose time is over is still there", content=sha256, error=str(error))
                failed += 1
                continue
            await self._step(_forget_doomed, sha256)
            gone += destroyed
            wanted += not destroyed
        return gone, wanted, failed

    async def _destroy_and_look(self, sha256: str) -> bool:
        """Whether a content is gone; false when somebody has delivered it anew.

        Raises:
            StorageError: it is still there.
        """
        async with self._locks.of(content_bell(sha256)):
            if not await self._destroy(sha256):
                return False
            if await off_loop(self._blobs.has, sha256):
                raise StorageError(f"content {sha256} was destroyed and can still be read")
        return True


def _status(ledger: Ledger, policy: RetentionPolicy, now: datetime) -> RetentionStatus:
    since = ledger.note_policy(policy.digest, now)

    def due(part: Part) -> int:
        return len(ledger.due(part, now, after=None, limit=_COUNTED_MAX_COUNT))

    return RetentionStatus(
        contents_days=policy.contents_days,
        records_days=policy.records_days,
        rules=tuple(rule_text(number, rule) for number, rule in enumerate(policy.rules, 1)),
        since=since,
        acts_from=since + timedelta(seconds=policy.settle_seconds),
        contents_due=due(Part.CONTENTS),
        records_due=due(Part.RECORDS),
        to_reckon=len(ledger.kept_by_others(policy.digest, _COUNTED_MAX_COUNT)),
        to_destroy=len(ledger.doomed(_COUNTED_MAX_COUNT)),
        holds=len(ledger.holds(lifted=False, limit=HOLDS_PAGE_MAX_COUNT)),
    )


def _note_policy(ledger: Ledger, digest: str, now: datetime) -> datetime:
    return ledger.note_policy(digest, now)


def _forget_doomed(ledger: Ledger, sha256: str) -> None:
    ledger.remove_doomed(sha256)


def _place(ledger: Ledger, hold: Hold, by: Actor) -> None:
    with ledger.transaction():
        ledger.add_hold(hold)
        note(ledger, Act(by, Action.HOLD_PLACE, hold.placed, f"{hold.kind} {hold.target}: {hold.reason}"), hold.id)


def _lift(ledger: Ledger, hold_id: str, by: Actor, now: datetime) -> Hold:
    with ledger.transaction():
        hold = ledger.hold(hold_id)
        if hold is None:
            raise NotFound(f"no hold {hold_id}")
        if hold.lifted is not None:
            raise Conflict(f"hold {hold_id} was lifted by {hold.lifted_by} before")
        lifted = replace(hold, lifted_by=by.name, lifted=now)
        ledger.put_hold(lifted)
        note(ledger, Act(by, Action.HOLD_LIFT, now, f"{hold.kind} {hold.target}"), hold.id)
    return lifted
