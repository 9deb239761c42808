"""The part of the queue that gives submissions back: destroys what they brought, and says so under its signature.

Recorded first, then destroyed: one transaction ends the submission and everything that hangs on it and notes which
contents have to go; from then on nothing of it is given out. The contents follow, each looked for again after it was
removed; a crash in between is made good at the next start. A content is made and unmade under one lock, so that an
upload that ends at this moment either finds it gone or keeps it for its own submission. What stays is a tombstone; the
names of the contents leave it as soon as a lost confirmation need not be repeated any more.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta

import msgspec
import structlog

from sampler.errors import NotFound, StorageError
from sampler.limits import ANSWER_MAX_BYTES, RECALL_NAMES_SECONDS
from sampler.model import AskState, SubmissionState
from sampler.queue import recalls
from sampler.queue.core import Core, content_bell
from sampler.queue.ports import Ledger
from sampler.queue.recalls import Recall
from sampler.queue.receiving import SWEEP_MAX_COUNT
from sampler.queue.records import Submission
from sampler.queue.registry import tenant_of
from sampler.queue.submissions import state_of
from sampler.runtime.blocking import off_loop
from sampler.wire.codec import encode
from sampler.wire.recall_messages import RECALL_CONTEXT, Cause, SubmissionLine, SubmissionPage
from sampler.wire.receipt_messages import Signed

log = structlog.get_logger()

_ASKS_MAX_COUNT = 1000


class Recalling(Core):
    """Recalls. They win over leases, uploads and asks."""

    async def recall(self, device: str, submission_id: str, cause: Cause) -> Signed:
        """Destroy what a submission of this device brought; the same again gets the same confirmation.

        One that the queue does not know is noted as well, so that a manifest that is still on its way is refused.

        Raises:
            NotFound: it is another device's.
            StorageError: something could not be destroyed; it is tried again at the next call and the next start.
        """
        wish = Recall(submission_id, device, cause, self._clock.now())
        begun, uploads = await self._step(_begin, wish)
        for upload_id in uploads:
            await off_loop(self._blobs.discard, upload_id)
        self._ring_moved(submission_id)
        document = encode((await self._ended(begun)).confirmation())
        return Signed(document=document, signature=self._signer.sign(RECALL_CONTEXT, document))

    async def own_submissions(self, device: str, after: str | None, limit: int) -> SubmissionPage:
        """A device's submissions by identifier, those that were recalled among them; fewer when manifests are large."""
        ids = await self._step(lambda ledger: ledger.submissions_of(device, after, limit))
        lines: list[SubmissionLine] = []
        room = ANSWER_MAX_BYTES
        for submission_id in ids:
            submission, line = await self._step(_line, submission_id)
            lines.append(await off_loop(_hashed, submission, line) if submission.manifest else line)
            room -= len(submission.manifest)
            if room < 0:
                break
        more = len(lines) < len(ids) or len(ids) == limit
        return SubmissionPage(submissions=tuple(lines), after=lines[-1].id if lines and more else None)

    async def resume_recalls(self) -> None:
        """Destroy what a crash or a failing disk left of recalled submissions; forget names told long ago."""
        for recall in await self._step(lambda ledger: ledger.unfinished_recalls(SWEEP_MAX_COUNT)):
            try:
                await self._ended(recall)
            except StorageError as error:
                log.error("a recalled content is still there", submission=recall.submission, error=str(error))
        before = self._clock.now() - timedelta(seconds=RECALL_NAMES_SECONDS)
        await self._step(lambda ledger: ledger.forget_recalled_contents(before))

    async def _ended(self, recall: Recall) -> Recall:
        if recall.done is not None:
            return recall
        again = {sha256 for sha256 in recall.doomed if not await self._destroyed(sha256)}
        await self._step(lambda ledger: ledger.forget_deleted())
        after = await self._step(_end, recalls.ended(recall, again, self._clock.now()))
        log.info("submission recalled", submission=recall.submission, destroyed=len(after.doomed), kept=len(after.kept))
        return after

    async def _destroyed(self, sha256: str) -> bool:
        """Whether a content is gone; false when somebody has delivered it anew."""
        async with self._locks.of(content_bell(sha256)):
            return await self._destroy(sha256)


def _begin(ledger: Ledger, wish: Recall) -> tuple[Recall, tuple[str, ...]]:
    """Note the recall and end everything that hangs on the submission; its uploads, whose bytes are to be dropped.

    Raises:
        NotFound: it is another device's.
    """
    with ledger.transaction():
        before = ledger.recall(wish.submission)
        if before is not None and before.device == wish.device:
            return before, ()
        submission = ledger.submission(wish.submission)
        if before is not None or (submission is not None and submission.device != wish.device):
            raise NotFound(f"no submission {wish.submission}")
        if submission is None:
            tenant = tenant_of(ledger, wish.device)
            ledger.add_submission(Submission(wish.submission, wish.device, wish.asked, b"", tenant), {})
        recall = _with_contents(ledger, wish)
        _end_asks(ledger, wish.submission)
        ledger.add_recall(recall)
        uploads = ledger.erase_submission(wish.submission)
        for sha256 in recall.doomed:
            ledger.remove_content(sha256)
        for sha256 in recall.kept:
            ledger.release_held(tenant_of(ledger, wish.device), sha256)
    return recall, uploads


def _end(ledger: Ledger, after: Recall) -> Recall:
    """Note that it has ended; whoever ended it first, in a request or in a sweep, is who signs for it."""
    ledger.end_recall(after)
    return ledger.recall(after.submission) or after


def _with_contents(ledger: Ledger, wish: Recall) -> Recall:
    """The recall with what has to be destroyed: also contents whose bytes are there and not recorded yet."""
    task = ledger.task_of(wish.submission)
    offered = ledger.offered(wish.submission)
    kept = tuple(sha256 for sha256 in offered if ledger.offered_elsewhere(sha256, wish.submission))
    doomed = tuple(sha256 for sha256 in offered if sha256 not in kept)
    return replace(wish, task=task.id if task else None, doomed=doomed, kept=kept)


def _end_asks(ledger: Ledger, submission_id: str) -> None:
    for ask in ledger.asks(submission_id, _ASKS_MAX_COUNT):
        state = AskState.GONE if ask.state is AskState.OPEN else ask.state
        ledger.put_ask(replace(ask, state=state, reason="its host took the submission back"))


def _line(ledger: Ledger, submission_id: str) -> tuple[Submission, SubmissionLine]:
    submission, task = ledger.submission(submission_id), ledger.task_of(submission_id)
    assert submission is not None  # submissions stay, as tombstones where they were recalled
    state = state_of(task.state if task else None)
    if not submission.manifest:
        recalled = ledger.recall(submission_id) is not None
        state = SubmissionState.RECALLED if recalled else SubmissionState.DESTROYED
    missing = len(ledger.missing(submission_id))
    return submission, SubmissionLine(id=submission_id, state=state, received=submission.received, missing=missing)


def _hashed(submission: Submission, line: SubmissionLine) -> SubmissionLine:
    return msgspec.structs.replace(line, manifest=hashlib.sha256(submission.manifest).hexdigest())
