from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from sampler.errors import RequestError
from sampler.model import Conclusion, SubmissionState
from sampler.queue import Queue, QueuePolicy, Submission
from sampler.queue.search_tlsh import Digest
from sampler.storage.memory_queue import MemoryQueueLedger
from sampler.wire.codec import encode
from sampler.wire.messages import (
    CompleteRequest,
    ContentMessage,
    Fields,
    LeaseRequest,
    Manifest,
    ObjectMessage,
    StatementMessage,
)
from sampler.wire.retention_messages import Part
from sampler.wire.search_messages import SearchPage, SearchRequest, Where

OTHER = "22222222-2222-4222-8222-222222222222"
MD5 = "0123456789abcdef0123456789abcdef"
LIKE = "T1" + "6672D076FA21697913760FC14A311E32BB34D1224DB1BE64879C1EDF8C576943E131A2"
FAR = "T1" + "32E0A30821925E34124297B56C3614B9307B13CD82E14B9218D60CD1D9EB7CD56967A7"


def _changed(digest: str, places: int) -> str:
    """The same digest with one step more in so many of its last codes."""
    codes = bytearray.fromhex(digest[2:])
    for place in range(places):
        codes[-1 - place] ^= 1
    return "T1" + codes.hex().upper()


@pytest.fixture
def offer(queue: Queue, device: str) -> Callable[..., Awaitable[str]]:
    """Submit a manifest without contents, and index it; its identifier."""

    async def run(
        sha256: str = "a" * 64,
        fields: Fields | None = None,
        matches: list[Fields] | None = None,
        contents: list[ContentMessage] | None = None,
        by: str = device,
    ) -> str:
        manifest = Manifest(
            id=str(uuid.uuid4()),
            created=datetime(2026, 1, 2, tzinfo=UTC),
            object=ObjectMessage(sha256=sha256, size=5),
            statement=StatementMessage(id="basic", version=1, digest="0" * 64),
            fields=fields or {},
            matches=matches or [],
            contents=contents or [],
        )
        await queue.submit(by, encode(manifest))
        await _indexed(queue)
        return manifest.id

    return run


async def _indexed(queue: Queue) -> None:
    while await queue.index():
        pass


async def _found(queue: Queue, asked: SearchRequest, tenant: str | None = None) -> list[str]:
    """All pages of a search."""
    page = await queue.search(asked, tenant)
    found = [hit.id for hit in page.hits]
    while page.after is not None:
        page = await queue.search(msgspec.structs.replace(asked, after=page.after), tenant)
        found += [hit.id for hit in page.hits]
    return found


def _where(field: str, value: str, how: str = "is") -> SearchRequest:
    return SearchRequest(where=(Where(field=field, how=how, value=value),))  # type: ignore[arg-type]


async def test_a_hash_finds_what_has_it(queue: Queue, offer: Callable[..., Awaitable[str]]) -> None:
    """The object's hash, any field's and any content's, whole or by its beginning."""
    part = ContentMessage(sha256="b" * 64, size=5)
    whole = await offer("b" * 64, {"file.hash.md5": MD5, "file.pe.imphash": "c" * 32}, contents=[part])
    await offer("d" * 64)
    for prefix in ("b" * 64, "bbbb", "b" * 40, MD5, MD5[:5], MD5[:9], "c" * 32):
        assert await _found(queue, SearchRequest(hash=prefix)) == [whole], prefix
    assert await _found(queue, SearchRequest(hash="e" * 64)) == []


async def test_all_conditions_have_to_hold(queue: Queue, offer: Callable[..., Awaitable[str]]) -> None:
    """Rule, reason, device and any other field narrow together, and case does not count."""
    rules: list[Fields] = [{"rule.name": "Alpha_Rule", "sampler.rule.tags": ["apt", "loader"]}]
    one = await offer(fields={"event.reason": "detection", "file.name": "Invoice.EXE"}, matches=rules)
    two = await offer(fields={"event.reason": "analyst", "file.name": "invoice.exe"}, matches=rules, by=OTHER)
    await offer(fields={"event.reason": "detection"}, matches=[{"rule.name": "Alpha_Other"}])
    assert await _found(queue, _where("rule.name", "alpha_rule")) == [two, one]
    assert await _found(queue, _where("sampler.rule.tags", "loader")) == [two, one]
    assert await _found(queue, _where("file.name", "invo", "begins")) == [two, one]
    both = (Where(field="rule.name", value="Alpha_Rule"), Where(field="event.reason", value="detection"))
    assert await _found(queue, SearchRequest(where=both)) == [one]
    assert await _found(queue, SearchRequest(where=both[:1], device=OTHER)) == [two]
    assert await _found(queue, SearchRequest(where=both, device=OTHER)) == []


async def test_what_the_index_does_not_know_is_looked_up_in_the_manifest(
    queue: Queue, offer: Callable[..., Awaitable[str]]
) -> None:
    """Numbers and moments are compared, beginnings hold of any field, truth has two words."""
    one = await offer(fields={"file.size": 5, "file.mtime": "2026-01-02T03:04:05Z", "file.path": "~user/a", "a": True})
    two = await offer(fields={"sampler.file.entropy": 7.5, "file.mtime": "2026-02-02T03:04:05Z", "a": False})
    assert await _found(queue, _where("sampler.file.entropy", "7.25", "at_least")) == [two]
    assert await _found(queue, _where("sampler.file.entropy", "10", "at_most")) == [two]
    assert await _found(queue, _where("file.mtime", "2026-01-31", "at_most")) == [one]
    assert await _found(queue, _where("file.path", "~us", "begins")) == [one]
    assert await _found(queue, _where("a", "true")) == [one]


async def test_no_host_can_write_the_queues_own_names(queue: Queue, offer: Callable[..., Awaitable[str]]) -> None:
    """A field that is called like one of the queue's own facts is found as a field, and not as the fact."""
    one = await offer(fields={"tenant": "bank", "device": OTHER, "state": "done"})
    assert await _found(queue, SearchRequest(device=OTHER)) == []
    assert await _found(queue, SearchRequest(), tenant="bank") == []
    assert await _found(queue, _where("tenant", "bank"), tenant="default") == [one]


async def test_state_and_verdict_are_the_present_ones(queue: Queue, deliver: Callable[..., Awaitable[str]]) -> None:
    """A submission is found by where it stands now, and by no state that it was in before."""
    done, waiting = await deliver(b"one"), await deliver(b"two")
    await _indexed(queue)
    assert await _found(queue, SearchRequest(state=SubmissionState.QUEUED)) == [waiting, done]
    lease = (await queue.lease(LeaseRequest(worker="w"))).lease
    assert lease is not None
    assert lease.task.submission == done
    report = CompleteRequest(
        lease=lease.lease, conclusion=Conclusion.MALICIOUS, score=90, analyzer="lab", family="Emotet"
    )
    await queue.complete(lease.task.id, report)
    await _indexed(queue)
    assert await _found(queue, SearchRequest(state=SubmissionState.QUEUED)) == [waiting]
    for asked in (
        SearchRequest(state=SubmissionState.DONE),
        SearchRequest(conclusion=Conclusion.MALICIOUS),
        SearchRequest(family="emotet", analyzer="LAB"),
    ):
        assert await _found(queue, asked) == [done]
    assert await _found(queue, SearchRequest(conclusion=Conclusion.BENIGN)) == []


async def test_what_the_index_says_is_held_against_the_present(
    make_queue: Callable[..., Queue], make_manifest: Callable[..., Manifest], device: str
) -> None:
    """An index that is behind misses what has changed, says so, and shows nothing that does not hold any more."""
    queue = make_queue()  # it was not entered: nothing indexes by itself
    await queue.submit(device, encode(make_manifest()))
    await _indexed(queue)
    await queue.lease(LeaseRequest(worker="w"))
    assert await queue.search(SearchRequest(state=SubmissionState.QUEUED)) == SearchPage(behind=1)
    assert (await queue.search(SearchRequest(state=SubmissionState.ANALYZING))).hits == ()
    await _indexed(queue)
    assert len(await _found(queue, SearchRequest(state=SubmissionState.ANALYZING))) == 1


async def test_a_time_is_a_stretch(queue: Queue, offer: Callable[..., Awaitable[str]], clock: Any) -> None:
    """From one moment on, and up to before another."""
    ids, times = [], []
    for _ in range(3):
        times.append(clock.now())
        ids.append(await offer())
        clock.advance(3600)
    assert await _found(queue, SearchRequest(since=times[1])) == [ids[2], ids[1]]
    assert await _found(queue, SearchRequest(until=times[1])) == [ids[0]]
    assert await _found(queue, SearchRequest(since=times[1], until=times[2])) == [ids[1]]
    assert await _found(queue, SearchRequest(since=times[2] + timedelta(days=1))) == []
    forever = SearchRequest(since=datetime.min.replace(tzinfo=UTC), until=datetime.max.replace(tzinfo=UTC))
    assert await _found(queue, forever) == ids[::-1]
    with pytest.raises(RequestError, match="until lies before since"):
        await queue.search(SearchRequest(since=times[1], until=times[0]))


async def test_pages_follow_each_other(queue: Queue, offer: Callable[..., Awaitable[str]]) -> None:
    """Each submission is on one page, the newest first, whatever comes in meanwhile."""
    ids = [await offer(fields={"a": "x"}) for _ in range(7)]
    first = await queue.search(SearchRequest(limit=3))
    newer = await offer()
    second = await queue.search(SearchRequest(limit=3, after=first.after))
    third = await queue.search(SearchRequest(limit=3, after=second.after))
    assert [hit.id for page in (first, second, third) for hit in page.hits] == ids[::-1]
    assert third.after is None
    assert await _found(queue, SearchRequest(limit=1)) == [newer, *ids[::-1]]
    with pytest.raises(RequestError, match="no cursor"):
        await queue.search(SearchRequest(after="A.B.C"))


async def test_each_tenant_finds_its_own(queue: Queue, offer: Callable[..., Awaitable[str]]) -> None:
    """Of another tenant's submissions nothing is found, by whatever is asked."""
    one = await offer(fields={"file.hash.tlsh": LIKE})
    for asked in (SearchRequest(), SearchRequest(hash="aaaa"), SearchRequest(near=LIKE)):
        assert await _found(queue, asked, tenant="default") == [one]
        assert await _found(queue, asked, tenant="other") == []
    assert await _found(queue, SearchRequest(tenant="default")) == [one]
    assert await _found(queue, SearchRequest(tenant="default"), tenant="other") == []


async def test_neighbours_come_by_distance(queue: Queue, offer: Callable[..., Awaitable[str]]) -> None:
    """Objects that are like one are found with their distance, the nearest first, beside other conditions."""
    near, same, far = _changed(LIKE, 3), LIKE, _changed(LIKE, 20)
    ids = {digest: await offer(fields={"file.hash.tlsh": digest}) for digest in (near, same, far, FAR)}
    again = await offer(fields={"file.hash.tlsh": near.lower(), "a": "x"})
    page = await queue.search(SearchRequest(near=LIKE))
    assert [(hit.id, hit.distance) for hit in page.hits] == [
        (ids[same], 0), (again, 3), (ids[near], 3), (ids[far], 20),
    ]  # fmt: skip
    assert await _found(queue, SearchRequest(near=LIKE, limit=1)) == [hit.id for hit in page.hits]
    assert await _found(queue, SearchRequest(near=LIKE, within=3)) == [ids[same], again, ids[near]]
    assert await _found(queue, SearchRequest(near=LIKE, where=(Where(field="a", value="x"),))) == [again]
    assert Digest.parse(FAR).distance(Digest.parse(LIKE)) > 100  # type: ignore[union-attr,arg-type]


async def test_hits_bring_what_was_asked(queue: Queue, offer: Callable[..., Awaitable[str]], device: str) -> None:
    """A hit says what was submitted in short, and all of it where that was asked for."""
    fields: Fields = {"event.reason": "detection", "file.name": "x"}
    matches: list[Fields] = [{"rule.name": "A"}, {"rule.name": "B"}, {"rule.name": "A"}]
    await offer("a" * 64, fields, matches)
    (short,) = (await queue.search(SearchRequest())).hits
    assert (short.device, short.tenant, short.reason, short.rules) == (device, "default", "detection", ("A", "B"))
    assert (short.fields, short.matches) == (None, ())
    (full,) = (await queue.search(SearchRequest(full=True))).hits
    assert (full.fields, full.matches) == (fields, tuple(matches))


async def test_what_was_recalled_is_not_found(
    queue: Queue, offer: Callable[..., Awaitable[str]], device: str, policy: QueuePolicy
) -> None:
    """A submission that its host took back is found by nothing."""
    one = await offer("b" * 64, {"file.hash.tlsh": LIKE})
    await queue.recall(device, one, "person")
    await _indexed(queue)
    for asked in (
        SearchRequest(),
        SearchRequest(hash="b" * 64),
        SearchRequest(near=LIKE),
        SearchRequest(device=device),
    ):
        assert await _found(queue, asked) == []


async def test_it_is_indexed_by_itself(queue: Queue, deliver: Callable[..., Awaitable[str]]) -> None:
    """What came in is found soon, without anybody's doing."""
    one = await deliver(b"one")
    async with asyncio.timeout(30):
        while (await queue.search(SearchRequest())).behind:
            await asyncio.sleep(0)
    assert await _found(queue, SearchRequest(state=SubmissionState.QUEUED)) == [one]


async def test_a_manifest_that_cannot_be_read_keeps_nothing_else_from_being_found(
    queue: Queue, offer: Callable[..., Awaitable[str]], ledger: MemoryQueueLedger, clock: Any
) -> None:
    """What an older version took and this one would not is not found, has its time all the same, and is passed over."""
    old = Submission(str(uuid.uuid4()), "d1", clock.now(), b'{"schema": "of long ago"}')
    ledger.add_submission(old, {})
    one = await offer()
    assert await _found(queue, SearchRequest()) == [one]
    clock.advance(400 * 86_400)
    assert {kept.submission for kept in ledger.due(Part.RECORDS, clock.now(), after=None, limit=9)} == {old.id, one}
