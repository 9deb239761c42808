"""Receipts, heads and proofs over HTTP: what they are, and who may ask."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from sampler.identity import PublicKey, make_host_key
from sampler.server import QueueSettings
from sampler.server.keys import receipt_key
from sampler.wire.codec import decode
from sampler.wire.log_proofs import is_included
from sampler.wire.messages import EnrollAnswer, EnrollRequest, Manifest
from sampler.wire.receipt_messages import (
    HEAD_CONTEXT,
    RECEIPT_CONTEXT,
    LogKey,
    LogProof,
    Receipt,
    ReceiptPage,
    Signed,
    TreeHead,
)
from sampler.wire.routes import Role

Call = Callable[..., Awaitable[Any]]
Person = Callable[[Role], Call]
Deliver = Callable[[Manifest, bytes], Awaitable[None]]

LOG = ("/v1/log/head", "/v1/log/consistency?first=0&second=0")


async def test_a_host_can_check_its_receipt(
    host: Call, deliver: Deliver, make_manifest: Callable[[bytes], Manifest], settings: QueueSettings
) -> None:
    """Key, receipt, head and proof fit together, and the key is the one of the queue's file."""
    manifest = make_manifest(b"abc")
    await deliver(manifest, b"abc")
    key = PublicKey.parse(decode((await host("GET", "/v1/log/key")).body, LogKey).key)
    assert key == receipt_key(settings.folder).public
    page = decode((await host("GET", "/v1/receipts?after=0&wait=5")).body, ReceiptPage)
    (signed,) = page.receipts
    assert key.has_signed(RECEIPT_CONTEXT, signed.document, signed.signature)
    receipt = decode(signed.document, Receipt)
    assert (receipt.submission, receipt.position, page.cursor) == (manifest.id, 0, 1)
    head = decode((await host("GET", "/v1/log/head")).body, Signed)
    assert key.has_signed(HEAD_CONTEXT, head.document, head.signature)
    tree = decode(head.document, TreeHead)
    proof = decode((await host("GET", "/v1/log/inclusion?position=0&size=1")).body, LogProof)
    assert is_included(signed.document, 0, tree.size, bytes.fromhex(tree.root), proof.nodes)


async def test_a_host_sees_its_own_receipts_only(
    host: Call, other_host: Call, deliver: Deliver, make_manifest: Callable[[bytes], Manifest]
) -> None:
    """The log is everybody's; what was acknowledged to whom is not."""
    await deliver(make_manifest(b"abc"), b"abc")
    assert decode((await other_host("GET", "/v1/receipts")).body, ReceiptPage).receipts == ()
    assert decode(decode((await other_host("GET", "/v1/log/head")).body, Signed).document, TreeHead).size == 1
    assert len(decode((await host("GET", "/v1/receipts")).body, ReceiptPage).receipts) == 1


@pytest.mark.parametrize("path", LOG)
async def test_auditors_see_the_log(person: Person, anybody: Call, path: str) -> None:
    """Analysts and administrators may; workers and strangers may not."""
    assert [(await person(role)("GET", path)).status for role in (Role.ANALYST, Role.ADMIN)] == [200, 200]
    assert (await person(Role.WORKER)("GET", path)).status == 403
    assert (await anybody("GET", path)).status == 401


async def test_the_key_is_for_everybody(anybody: Call, settings: QueueSettings) -> None:
    """A key that checks signatures is no secret."""
    assert decode((await anybody("GET", "/v1/log/key")).body, LogKey).key == str(receipt_key(settings.folder).public)


async def test_receipts_are_not_for_people(person: Person) -> None:
    """They are at the hosts' door only."""
    assert (await person(Role.ADMIN)("GET", "/v1/receipts")).status == 404


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/log/consistency?first=1&second=2", 422),
        ("/v1/log/consistency?first=1&second=0", 422),
        ("/v1/log/inclusion?position=0&size=0", 422),
        ("/v1/log/inclusion?position=-1&size=0", 400),
        ("/v1/log/consistency?first=x", 400),
        ("/v1/receipts?after=99999999999999999999", 400),
        ("/v1/receipts?wait=31", 400),
    ],
)
async def test_what_is_not_there_is_refused(host: Call, path: str, status: int) -> None:
    """Numbers that are none, and places that the log does not have."""
    assert (await host("GET", path)).status == status


async def test_enrolment_brings_the_key(person: Person, settings: QueueSettings) -> None:
    """A host knows from its first moment whom to believe."""
    reply = await person(Role.ENROLL)("POST", "/v1/enroll", message=EnrollRequest(csr=make_host_key().csr_pem))
    assert decode(reply.body, EnrollAnswer).receipt_key == str(receipt_key(settings.folder).public)


@pytest.mark.parametrize("service", ["process"], indirect=True)
async def test_a_killed_server_has_a_receipt_for_each_task(
    host: Call,
    person: Person,
    deliver: Deliver,
    make_manifest: Callable[[bytes], Manifest],
    restart: Callable[[], Awaitable[None]],
) -> None:
    """``kill -9`` while submissions become whole: no task, and no receipt, is there alone, and the log is sound."""
    bodies = [b"%d" % number for number in range(12)]
    under_way = [asyncio.ensure_future(deliver(make_manifest(body), body)) for body in bodies]
    await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
    await restart()
    await asyncio.gather(*under_way, return_exceptions=True)
    tasks = json.loads((await person(Role.ANALYST)("GET", "/v1/tasks")).body).get("tasks", [])
    page = decode((await host("GET", "/v1/receipts")).body, ReceiptPage)
    receipts = [decode(signed.document, Receipt) for signed in page.receipts]
    assert {receipt.submission for receipt in receipts} == {task["submission"] for task in tasks}
    assert [receipt.position for receipt in receipts] == list(range(len(tasks)))
    head = decode(decode((await host("GET", "/v1/log/head")).body, Signed).document, TreeHead)
    assert head.size == len(tasks) > 0
    last = page.receipts[-1].document
    proof = decode((await host("GET", f"/v1/log/inclusion?position={head.size - 1}&size={head.size}")).body, LogProof)
    assert is_included(last, head.size - 1, head.size, bytes.fromhex(head.root), proof.nodes)


async def test_receipts_survive_a_restart(
    host: Call,
    deliver: Deliver,
    make_manifest: Callable[[bytes], Manifest],
    restart: Callable[[], Awaitable[None]],
) -> None:
    """The same bytes and the same signature are given out for ever."""
    await deliver(make_manifest(b"abc"), b"abc")
    before = (await host("GET", "/v1/receipts")).body
    await restart()
    assert (await host("GET", "/v1/receipts")).body == before
