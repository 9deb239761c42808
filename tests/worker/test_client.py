"""The client of people and workers against a real server over TLS."""

from __future__ import annotations

import hashlib
import stat
from pathlib import Path
from typing import Any

import pytest

from sampler.errors import (
    Conflict,
    ContentMismatch,
    DeliveryError,
    IdentityError,
    NotFound,
    QueueBusy,
    QueueRefused,
    QueueUnreachable,
    SettingsError,
)
from sampler.identity import Authority
from sampler.limits import ANSWER_MAX_BYTES
from sampler.model import Conclusion, TaskState
from sampler.wire import routes
from sampler.wire.messages import CompleteRequest, FailRequest, LeaseRequest, RenewRequest
from sampler.worker import PeopleClient

ABSENT = "00000000-0000-4000-8000-000000000000"


async def test_a_task_from_lease_to_verdict(queue: Any, client: PeopleClient) -> None:
    """A task is leased, renewed and completed, and the queue has what was reported."""
    task = queue.put(b"sample")
    lease = await client.lease(LeaseRequest(worker="me"))
    assert lease is not None
    assert lease.task.id == task.id
    renewed = await client.renew(task.id, RenewRequest(lease=lease.lease))
    assert renewed.worker == "me"
    verdict = CompleteRequest(lease=lease.lease, conclusion=Conclusion.BENIGN, score=1, analyzer="me", note="Ω")
    assert (await client.complete(task.id, verdict)).state is TaskState.DONE
    assert queue.completed == [verdict]
    assert await client.lease(LeaseRequest(worker="me")) is None


async def test_a_named_task_is_failed_and_requeued(queue: Any, client: PeopleClient) -> None:
    """A task that is asked for by its id is given back and made to wait again."""
    queue.put(b"other")
    task = queue.put(b"wanted")
    lease = await client.lease(LeaseRequest(worker="me", task=task.id))
    assert lease is not None
    assert lease.task.id == task.id
    await client.fail(task.id, FailRequest(lease=lease.lease, reason="cannot"))
    assert queue.failed[0].reason == "cannot"
    assert (await client.requeue(task.id)).state is TaskState.WAITING


async def test_tasks_and_submissions_are_seen(queue: Any, client: PeopleClient) -> None:
    """Lists are filtered by state and paged; one task and one submission come by id."""
    task = queue.put(b"sample")
    assert [found.id for found in (await client.tasks(state=TaskState.WAITING, after="x", limit=5)).tasks] == [task.id]
    assert (await client.tasks(state=TaskState.DEAD)).tasks == []
    assert (await client.task(task.id)).submission == task.submission
    assert (await client.submission(task.submission)).object == task.object


async def test_what_is_not_there_is_not_found(client: PeopleClient, tmp_path: Path) -> None:
    """404 is NotFound, with the queue's own words."""
    with pytest.raises(NotFound, match="task: no such task"):
        await client.task(ABSENT)
    with pytest.raises(NotFound, match="no such submission"):
        await client.submission(ABSENT)
    with pytest.raises(NotFound, match="no such content"):
        await client.download("0" * 64, 1, tmp_path / "file")
    assert list(tmp_path.iterdir()) == []


async def test_a_lost_lease_is_a_conflict(queue: Any, client: PeopleClient) -> None:
    """409 is Conflict, whatever was asked."""
    task = queue.put(b"sample")
    with pytest.raises(Conflict, match="the lease is not yours"):
        await client.renew(task.id, RenewRequest(lease="stale"))
    with pytest.raises(Conflict, match="not dead"):
        await client.requeue(task.id)


@pytest.mark.parametrize(
    ("header", "seconds"), [("7", 7.0), (None, None), ("soon", None), ("99999", 3600.0), ("\u0667", None)]
)
async def test_busy_says_how_long(
    queue: Any, client: PeopleClient, refuse: Any, header: str | None, seconds: float | None
) -> None:
    """A queue that asks to wait is busy, and only a sensible Retry-After is believed."""
    for status in (429, 503, 507):
        queue.answer(routes.TASKS, refuse(status, "later", {"Retry-After": header} if header else None))
        with pytest.raises(QueueBusy, match="later") as busy:
            await client.tasks()
        assert busy.value.retry_after_seconds == seconds


@pytest.mark.parametrize("status", [301, 400, 403, 413, 422])
async def test_refusals_keep_their_status(queue: Any, client: PeopleClient, refuse: Any, status: int) -> None:
    """Any other refusal, a redirect among them, is not tried again and says its status."""
    queue.answer(routes.TASKS, refuse(status, "no", {"Location": "https://localhost/"} if status == 301 else None))
    with pytest.raises(QueueRefused, match="no") as refused:
        await client.tasks()
    assert refused.value.status == status
    assert queue.requests == ["tasks"]


async def test_a_wrong_token_says_what_to_do(queue: Any) -> None:
    """401 tells how to get a token and does not repeat the one that was shown."""
    async with PeopleClient(queue.url, queue.ca, "smp_worker_secret") as client:
        with pytest.raises(QueueRefused, match="sampler queue tokens create") as refused:
            await client.tasks()
    assert refused.value.status == 401
    assert "secret" not in str(refused.value)


async def test_a_failing_queue_may_be_asked_again(queue: Any, client: PeopleClient, say: Any) -> None:
    """500 is no refusal: it counts as unreachable, whatever its body is."""
    queue.answer(routes.TASKS, say(status=500, body=b"<html>"))
    with pytest.raises(QueueUnreachable, match=r"500.*its log says why"):
        await client.tasks()


async def test_a_problems_text_is_shown_on_one_line(queue: Any, client: PeopleClient, refuse: Any) -> None:
    """A detail cannot move the cursor of a terminal or fill it."""
    queue.answer(routes.TASKS, refuse(400, "a\x1b[2J\nb" + "x" * 5000))
    with pytest.raises(QueueRefused) as refused:
        await client.tasks()
    assert "\x1b" not in str(refused.value)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 1100


@pytest.mark.parametrize("body", [b"", b"{}", b'{"tasks":[],"more":1}', b"\xff", b"[" * 100_000])
async def test_answers_outside_the_interface_are_errors(
    queue: Any, client: PeopleClient, say: Any, body: bytes
) -> None:
    """An answer that is no message, or has unknown keys, is an error that names the operation."""
    queue.answer(routes.TASK, say(body=body))
    with pytest.raises(DeliveryError, match="task: the answer is not one of this interface"):
        await client.task(ABSENT)


async def test_answers_have_a_ceiling(queue: Any, client: PeopleClient, say: Any) -> None:
    """More than the ceiling is not read, in success and in refusal."""
    for status in (200, 400):
        queue.answer(routes.TASKS, say(status=status, body=b" " * (ANSWER_MAX_BYTES + 1)))
        with pytest.raises(DeliveryError, match="more than"):
            await client.tasks()


async def test_download_is_private_and_verified(queue: Any, client: PeopleClient, tmp_path: Path) -> None:
    """A content lands in a file that is not executable and that nobody else can read."""
    data = bytes(range(256)) * 10_000
    content = queue.put(data).contents[0]
    file = tmp_path / "sample"
    assert await client.download(content.sha256, content.size, file) == content.sha256
    assert file.read_bytes() == data
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    streamed = [chunk async for chunk in client.stream(content.sha256, content.size)]
    assert b"".join(streamed) == data


async def test_an_empty_content_is_a_content(queue: Any, client: PeopleClient, tmp_path: Path) -> None:
    """Nothing at all, under its hash, is downloaded like anything else."""
    content = queue.put(b"").contents[0]
    await client.download(content.sha256, 0, tmp_path / "sample")
    assert (tmp_path / "sample").read_bytes() == b""


@pytest.mark.parametrize("served", [b"samplE", b"samp", b"sample and more", b""])
async def test_wrong_bytes_leave_no_file(queue: Any, client: PeopleClient, tmp_path: Path, served: bytes) -> None:
    """Bytes of another hash or length are an error, and nothing of them stays."""
    content = queue.put(b"sample").contents[0]
    queue.contents[content.sha256] = served
    with pytest.raises(ContentMismatch, match=content.sha256):
        await client.download(content.sha256, content.size, tmp_path / "sample")
    assert list(tmp_path.iterdir()) == []


async def test_compressed_bytes_are_not_unpacked(queue: Any, client: PeopleClient, tmp_path: Path, say: Any) -> None:
    """A content that claims to be compressed is taken as the bytes it is, so that no bomb goes off."""
    content = queue.put(b"\x1f\x8b anything").contents[0]
    queue.answer(routes.CONTENT, say(body=b"\x1f\x8b anything", headers={"Content-Encoding": "gzip"}))
    await client.download(content.sha256, content.size, tmp_path / "sample")
    assert hashlib.sha256((tmp_path / "sample").read_bytes()).hexdigest() == content.sha256


async def test_nothing_is_overwritten(queue: Any, client: PeopleClient, tmp_path: Path) -> None:
    """A file or link that is there already stays as it is."""
    content = queue.put(b"sample").contents[0]
    (tmp_path / "kept").write_text("precious")
    (tmp_path / "link").symlink_to(tmp_path / "kept")
    for name in ("kept", "link"):
        with pytest.raises(FileExistsError):
            await client.download(content.sha256, content.size, tmp_path / name)
    assert (tmp_path / "kept").read_text() == "precious"
    assert (tmp_path / "link").is_symlink()


async def test_nobody_listening_is_said(queue: Any, client: PeopleClient) -> None:
    """A queue that is down is unreachable, with its address and the reason."""
    await queue.stop()
    with pytest.raises(QueueUnreachable, match=rf"localhost:{queue.port}: nobody answers: Connect call failed"):
        await client.tasks()


async def test_a_connection_that_breaks_is_said(queue: Any, client: PeopleClient, tmp_path: Path) -> None:
    """An answer that ends too soon is unreachable, and a half download is removed."""
    content = queue.put(b"sample" * 1000).contents[0]

    async def cut(request: Any) -> Any:
        from aiohttp import web

        response = web.StreamResponse()
        response.content_length = content.size
        await response.prepare(request)
        await response.write(b"sample")
        request.transport.abort()
        return response

    queue.answer(routes.CONTENT, cut)
    with pytest.raises(QueueUnreachable, match="broke off"):
        await client.download(content.sha256, content.size, tmp_path / "sample")
    assert list(tmp_path.iterdir()) == []


async def test_another_authoritys_queue_is_not_believed(queue: Any, tmp_path: Path) -> None:
    """A queue whose certificate another authority issued never sees the token."""
    from datetime import UTC, datetime

    Authority.create(tmp_path, "other", datetime.now(UTC))
    async with PeopleClient(queue.url, tmp_path / "ca.pem", queue.token) as client:
        with pytest.raises(QueueUnreachable, match=r"certificate is not accepted: .*check the url's name and the ca"):
            await client.tasks()
    assert queue.requests == []


async def test_another_name_is_not_believed(queue: Any) -> None:
    """An address that the certificate does not list is refused."""
    async with PeopleClient(f"https://127.0.0.1:{queue.port}", queue.ca, queue.token) as client:
        with pytest.raises(QueueUnreachable, match=r"certificate is not accepted: .*mismatch"):
            await client.tasks()


def test_only_https_is_spoken(queue: Any) -> None:
    """A token is never sent in the clear."""
    with pytest.raises(SettingsError, match="begins with https://"):
        PeopleClient("http://localhost:1", queue.ca, queue.token)


def test_a_ca_file_that_is_none_is_named(tmp_path: Path) -> None:
    """A wrong CA file is told before anything is connected."""
    (tmp_path / "ca.pem").write_text("x")
    with pytest.raises(IdentityError, match=r"ca\.pem: not a certificate"):
        PeopleClient("https://localhost:1", tmp_path / "ca.pem", "t")


async def test_a_closed_client_says_so(queue: Any) -> None:
    """Outside its context a client does nothing."""
    with pytest.raises(RuntimeError, match="async with"):
        await PeopleClient(queue.url, queue.ca, queue.token).tasks()
