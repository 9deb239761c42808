"""One suite over every implementation of ``queue.Ledger``."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from sampler.errors import Conflict, StorageError
from sampler.model import AskState, Conclusion, TaskState, Verdict
from sampler.queue import AskRecord, Device, Ledger, Recall, ReceiptRecord, Submission, Task, TokenRecord, Upload
from sampler.wire.ask_messages import AskRequest
from sampler.wire.routes import Role

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
ONE, TWO, THREE = "a" * 64, "b" * 64, "c" * 64


def _at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def _device(agent_id: str = "d1") -> Device:
    return Device(agent_id, "abc", "lab", NOW, _at(100), tenant="bank")


def _token(digest: str = ONE, name: str = "lab") -> TokenRecord:
    return TokenRecord(digest, Role.WORKER, name, NOW, _at(100), tenant="bank", raw=True)


def _submit(ledger: Ledger, submission_id: str, sizes: dict[str, int] | None = None, device: str = "d1") -> Submission:
    submission = Submission(submission_id, device, NOW, b"manifest " + submission_id.encode())
    ledger.add_submission(submission, sizes or {})
    return submission


def _task(ledger: Ledger, task_id: str, *, due: float = 0) -> Task:
    _submit(ledger, f"s-{task_id}")
    task = Task(id=task_id, submission=f"s-{task_id}", created=NOW, not_before=_at(due))
    ledger.add_task(task)
    return task


def _upload(upload_id: str, submission: str, *, sha256: str = ONE, size: int = 10, expires: float = 50) -> Upload:
    return Upload(upload_id, submission, "d1", sha256, size, _at(expires))


def test_a_device_comes_back_as_it_was(ledger: Ledger) -> None:
    """Every value of a device is kept, to the microsecond, and its identifier is taken."""
    ledger.add_device(_device())
    assert ledger.device("d1") == _device()
    assert ledger.device("d2") is None
    with pytest.raises(Conflict, match="d1"):
        ledger.add_device(_device())


def test_a_device_is_revoked_once(ledger: Ledger) -> None:
    """Revoking says whether it changed anything, and the first moment stays."""
    ledger.add_device(_device("d2"))
    ledger.add_device(_device("d1"))
    assert ledger.revoke_device("d1", _at(5))
    assert not ledger.revoke_device("d1", _at(6))
    assert not ledger.revoke_device("d3", _at(6))
    assert ledger.devices() == (_device("d2"), replace(_device("d1"), revoked=_at(5)))


def test_a_token_ends_once(ledger: Ledger) -> None:
    """Of two who use a token up only one succeeds."""
    ledger.add_token(_token())
    assert ledger.token(ONE) == _token()
    assert ledger.end_token(ONE, _at(1))
    assert not ledger.end_token(ONE, _at(2))
    assert not ledger.end_token(TWO, _at(2))
    assert ledger.token(ONE) == replace(_token(), ended=_at(1))
    assert ledger.token(TWO) is None


def test_a_tokens_name_is_free_again_after_its_end(ledger: Ledger) -> None:
    """Two tokens in use never share a name or a digest."""
    ledger.add_token(_token())
    with pytest.raises(Conflict):
        ledger.add_token(_token(TWO))
    with pytest.raises(Conflict):
        ledger.add_token(_token(ONE, "other"))
    ledger.end_token(ONE, _at(1))
    ledger.add_token(_token(TWO))
    assert [token.digest for token in ledger.tokens()] == [ONE, TWO]


def test_a_submission_lacks_what_is_not_verified(ledger: Ledger) -> None:
    """What is missing is told in the manifest's order and shrinks with each verified content."""
    submission = _submit(ledger, "s1", {TWO: 2, ONE: 1, THREE: 3})
    assert ledger.submission("s1") == submission
    assert ledger.submission("s2") is None
    assert ledger.missing("s1") == (TWO, ONE, THREE)
    ledger.add_content(ONE, 1, NOW)
    ledger.add_content(ONE, 1, _at(1))
    assert ledger.missing("s1") == (TWO, THREE)
    assert ledger.verified([THREE, ONE]) == {ONE}
    assert ledger.verified([]) == frozenset()
    assert (ledger.offered_size("s1", TWO), ledger.offered_size("s1", "d" * 64)) == (2, None)


def test_a_submissions_identifier_is_taken(ledger: Ledger) -> None:
    """Another submission under the same identifier is a conflict and changes nothing."""
    submission = _submit(ledger, "s1", {ONE: 1})
    with pytest.raises(Conflict, match="s1"):
        ledger.add_submission(replace(submission, manifest=b"other"), {TWO: 2})
    assert ledger.submission("s1") == submission
    assert ledger.missing("s1") == (ONE,)


def test_submissions_that_wait_for_a_content_are_found(ledger: Ledger) -> None:
    """Those that offer it and have no task yet, oldest first."""
    for submission_id, sizes in (("s2", {ONE: 1}), ("s1", {ONE: 1, TWO: 2}), ("s3", {TWO: 2}), ("s4", {ONE: 1})):
        _submit(ledger, submission_id, sizes)
    ledger.add_task(Task(id="t", submission="s4", created=NOW, not_before=NOW))
    assert ledger.receiving(ONE) == ("s2", "s1")


def test_an_upload_moves_and_ends(ledger: Ledger) -> None:
    """An upload is found by its identifier and by what it brings, moves, and is gone when removed."""
    _submit(ledger, "s1", {ONE: 10})
    upload = _upload("u1", "s1")
    ledger.add_upload(upload)
    assert ledger.upload("u1") == ledger.upload_for("s1", ONE) == upload
    assert ledger.upload_for("s1", TWO) is None
    assert ledger.move_upload("u1", 4, _at(99))
    assert ledger.upload("u1") == replace(upload, offset=4, expires=_at(99))
    assert ledger.remove_upload("u1")
    assert not ledger.remove_upload("u1")
    assert not ledger.move_upload("u1", 5, _at(99))
    assert ledger.upload("u1") is None


def test_a_content_of_a_submission_has_one_upload(ledger: Ledger) -> None:
    """A second upload for the same content of the same submission is a conflict."""
    _submit(ledger, "s1", {ONE: 10})
    ledger.add_upload(_upload("u1", "s1"))
    with pytest.raises(Conflict):
        ledger.add_upload(_upload("u2", "s1"))


def test_finished_uploads_are_not_open(ledger: Ledger) -> None:
    """Only unfinished uploads count, but both kinds expire, the oldest first."""
    _submit(ledger, "s1", {ONE: 10, TWO: 10, THREE: 10})
    for upload_id, sha256, expires in (("u3", ONE, 60), ("u2", TWO, 50), ("u1", THREE, 70)):
        ledger.add_upload(_upload(upload_id, "s1", sha256=sha256, expires=expires))
    ledger.move_upload("u2", 10, _at(50))
    assert [upload.id for upload in ledger.uploads()] == ["u1", "u3"]
    assert (ledger.open_uploads("d1"), ledger.open_uploads("d2")) == (2, 0)
    assert [upload.id for upload in ledger.expired_uploads(_at(60), 9)] == ["u2", "u3"]
    assert [upload.id for upload in ledger.expired_uploads(_at(60), 1)] == ["u2"]


def test_cursors_grow_over_the_whole_queue(ledger: Ledger) -> None:
    """Each verdict has a cursor above all before it; a device sees its own, behind a cursor, oldest first."""
    _submit(ledger, "s1")
    _submit(ledger, "s2", device="d2")
    verdicts = [Verdict(Conclusion.BENIGN, score, "a", _at(score)) for score in range(4)]
    cursors = [
        ledger.add_verdict(device, submission, verdict)
        for (device, submission), verdict in zip(
            [("d1", "s1"), ("d2", "s2"), ("d1", "s1"), ("d1", "s1")], verdicts, strict=True
        )
    ]
    assert cursors == sorted(set(cursors))
    assert min(cursors) >= 1
    mine = ledger.verdicts("d1", 0, 9)
    assert [record.verdict for record in mine] == [verdicts[0], verdicts[2], verdicts[3]]
    assert {(record.device, record.submission) for record in mine} == {("d1", "s1")}
    assert [record.cursor for record in ledger.verdicts("d1", cursors[0], 1)] == [cursors[2]]
    assert ledger.verdicts("d1", cursors[3], 9) == ()


def test_a_transaction_is_all_or_nothing(ledger: Ledger) -> None:
    """What is raised inside takes with it all that was written inside, and nothing else."""
    _submit(ledger, "s0", {ONE: 1})
    with pytest.raises(Conflict):
        _write_and_fail(ledger)
    assert ledger.submission("s1") is None
    assert ledger.task_counts() == {}
    assert ledger.missing("s0") == (ONE,)
    assert ledger.verdicts("d1", 0, 9) == ()
    with ledger.transaction():
        _task(ledger, "t1")
    assert ledger.task("t1") is not None


def _write_and_fail(ledger: Ledger) -> None:
    with ledger.transaction():
        _submit(ledger, "s1", {TWO: 1})
        _task(ledger, "t1")
        ledger.add_content(ONE, 1, NOW)
        ledger.add_verdict("d1", "s1", Verdict(Conclusion.BENIGN, 1, "a", NOW))
        _submit(ledger, "s1")


def test_closing_twice_does_no_harm(ledger: Ledger) -> None:
    """A second close does nothing."""
    ledger.close()
    ledger.close()


def _ask(ledger: Ledger, ask_id: str, submission: str, *, device: str = "d1", ends: float = 100) -> AskRecord:
    ask = AskRecord(ask_id, submission, device, AskRequest(wants="parts", parts=("header",)), NOW, _at(ends))
    ledger.add_ask(ask)
    return ask


def test_asks_are_kept_as_they_were_made_and_as_they_ended(ledger: Ledger) -> None:
    """An ask is found by its identifier, by its submission and in the order of its making; once added it is there."""
    _submit(ledger, "s1")
    _submit(ledger, "s2")
    one, two, three = _ask(ledger, "a1", "s1"), _ask(ledger, "a2", "s2"), _ask(ledger, "a3", "s1")
    assert (ledger.ask("a1"), ledger.ask("a9")) == (one, None)
    assert ledger.asks(None, 10) == (three, two, one)
    assert ledger.asks("s1", 10) == (three, one)
    assert ledger.asks("s1", 1) == (three,)
    ended = replace(one, state=AskState.REFUSED, reason="P1", answer=None)
    ledger.put_ask(ended)
    assert ledger.ask("a1") == ended
    with pytest.raises(Conflict):
        ledger.add_ask(two)


def test_open_asks_are_a_devices_own_and_end_in_time(ledger: Ledger) -> None:
    """A device sees what it has not answered, the oldest first; what is overdue is found, the longest first."""
    _submit(ledger, "s1")
    _submit(ledger, "s2", device="d2")
    one, two = _ask(ledger, "a1", "s1", ends=50), _ask(ledger, "a2", "s1", ends=20)
    other = _ask(ledger, "a3", "s2", device="d2", ends=90)
    assert ledger.open_asks("d1", 10) == (one, two)
    assert ledger.open_asks("d1", 1) == (one,)
    assert ledger.open_asks("d2", 10) == (other,)
    assert ledger.overdue_asks(_at(50), 10) == (two, one)
    assert ledger.overdue_asks(_at(50), 1) == (two,)
    ledger.put_ask(replace(two, state=AskState.SENT, answer="s9"))
    assert ledger.open_asks("d1", 10) == (one,)
    assert ledger.overdue_asks(_at(1000), 10) == (one, other)


def test_an_ask_is_undone_with_its_transaction(ledger: Ledger) -> None:
    """Whatever is raised in a transaction takes the ask along."""
    _submit(ledger, "s1")

    def twice() -> None:
        with ledger.transaction():
            _ask(ledger, "a1", "s1")
            _ask(ledger, "a1", "s1")

    with pytest.raises(Conflict):
        twice()
    assert ledger.asks(None, 10) == ()


def _receipt(position: int, submission: str, device: str = "d1") -> ReceiptRecord:
    return ReceiptRecord(position, submission, device, b"receipt of " + submission.encode(), bytes(64))


def test_receipts_make_a_log(ledger: Ledger) -> None:
    """Positions count up over all devices; each device reads its own behind a cursor; nodes come back as they were."""
    assert (ledger.log_size(), ledger.receipt("s1"), ledger.receipts("d1", 0, 10)) == (0, None, ())
    ledger.add_receipt(_receipt(0, "s1"), {(0, 0): b"0" * 32})
    ledger.add_receipt(_receipt(1, "s2", "d2"), {(0, 1): b"1" * 32, (1, 0): b"2" * 32})
    ledger.add_receipt(_receipt(2, "s3"), {(0, 2): b"3" * 32})
    assert ledger.log_size() == 3
    assert ledger.receipt("s2") == _receipt(1, "s2", "d2")
    assert ledger.receipts("d1", 0, 10) == (_receipt(0, "s1"), _receipt(2, "s3"))
    assert ledger.receipts("d1", 1, 10) == (_receipt(2, "s3"),)
    assert ledger.receipts("d1", 0, 1) == (_receipt(0, "s1"),)
    assert (ledger.log_node(0, 1), ledger.log_node(1, 0)) == (b"1" * 32, b"2" * 32)
    with pytest.raises(StorageError, match="1/1"):
        ledger.log_node(1, 1)


def test_a_submission_and_a_position_have_one_receipt(ledger: Ledger) -> None:
    """Nothing is ever signed twice in one place."""
    ledger.add_receipt(_receipt(0, "s1"), {(0, 0): b"0" * 32})
    with pytest.raises(Conflict):
        ledger.add_receipt(_receipt(1, "s1"), {(0, 1): b"1" * 32})
    with pytest.raises(Conflict):
        ledger.add_receipt(_receipt(0, "s2"), {(0, 0): b"1" * 32})
    assert (ledger.log_size(), ledger.log_node(0, 0)) == (1, b"0" * 32)


def test_a_receipt_that_is_undone_leaves_no_node(ledger: Ledger) -> None:
    """The log and its tree move together with everything else of a transaction."""

    def add_and_fail() -> None:
        with ledger.transaction():
            ledger.add_receipt(_receipt(0, "s1"), {(0, 0): b"0" * 32})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        add_and_fail()
    assert (ledger.log_size(), ledger.receipt("s1")) == (0, None)


def test_submissions_without_a_receipt(ledger: Ledger) -> None:
    """Those that have a task and none, oldest first, up to a limit."""
    for number in (1, 2, 3):
        _task(ledger, f"t{number}")
    _submit(ledger, "s-open", {ONE: 1})
    ledger.add_receipt(_receipt(0, "s-t2"), {(0, 0): b"0" * 32})
    assert [each.id for each in ledger.without_receipt(10)] == ["s-t1", "s-t3"]
    assert [each.manifest for each in ledger.without_receipt(1)] == [b"manifest s-t1"]


def _recall(submission: str = "s1", *, doomed: tuple[str, ...] = (ONE,), kept: tuple[str, ...] = (TWO,)) -> Recall:
    return Recall(submission, "d1", "person", NOW, task="t1", doomed=doomed, kept=kept)


def test_a_recall_comes_back_as_it_was(ledger: Ledger) -> None:
    """By its submission, its task and the contents that it destroys, not by those that stay; and there is one."""
    _submit(ledger, "s1")
    ledger.add_recall(_recall())
    for found in (ledger.recall("s1"), ledger.recall_of_task("t1"), ledger.recall_of_content(ONE)):
        assert found == _recall()
    assert (ledger.recall("s2"), ledger.recall_of_task("t2"), ledger.recall_of_content(TWO)) == (None, None, None)
    with pytest.raises(Conflict, match="s1"):
        ledger.add_recall(_recall())


def test_recalls_end(ledger: Ledger) -> None:
    """What is unfinished is listed, the oldest first; an ended one has its time, and its contents until it forgets."""
    for submission, seconds in (("s1", 5), ("s2", 1)):
        _submit(ledger, submission)
        ledger.add_recall(replace(_recall(submission), task=None, asked=_at(seconds)))
    assert [each.submission for each in ledger.unfinished_recalls(9)] == ["s2", "s1"]
    assert len(ledger.unfinished_recalls(1)) == 1
    ended = replace(_recall("s1"), task=None, asked=_at(5), doomed=(), kept=(ONE, TWO), done=_at(10))
    ledger.end_recall(ended)
    ledger.end_recall(replace(ended, done=_at(99)))  # who ended it first, signs
    assert [each.submission for each in ledger.unfinished_recalls(9)] == ["s2"]
    ledger.forget_recalled_contents(_at(10))
    assert ledger.recall("s1") == ended
    ledger.forget_recalled_contents(_at(11))
    assert ledger.recall("s1") == replace(ended, kept=())
    unfinished = ledger.recall("s2")
    assert unfinished is not None
    assert unfinished.doomed == (ONE,)


def test_a_submission_is_erased(ledger: Ledger) -> None:
    """What hangs on it goes, and of others nothing; verdicts' cursors are not given again."""
    for submission in ("s1", "s2"):
        _submit(ledger, submission, {ONE: 10, TWO: 10})
        ledger.add_upload(_upload(f"u-{submission}", submission))
        ledger.add_task(Task(id=f"t-{submission}", submission=submission, created=NOW, not_before=NOW))
    verdict = Verdict(Conclusion.BENIGN, 0, "a", NOW)
    ledger.add_verdict("d1", "s2", verdict)
    last = ledger.add_verdict("d1", "s1", verdict)
    assert ledger.offered("s1") == (ONE, TWO)
    assert ledger.offered_elsewhere(ONE, "s1")
    assert ledger.erase_submission("s1") == ("u-s1",)
    assert not ledger.offered_elsewhere(ONE, "s2")
    left = ledger.submission("s1")
    assert left is not None
    assert left.manifest == b""
    assert (ledger.offered("s1"), ledger.task_of("s1"), ledger.upload("u-s1")) == ((), None, None)
    assert [each.submission for each in ledger.verdicts("d1", 0, 9)] == ["s2"]
    assert ledger.add_verdict("d1", "s2", verdict) == last + 1
    assert (ledger.task_of("s2") is None, ledger.upload("u-s2") is None, len(ledger.offered("s2"))) == (False, False, 2)
    ledger.forget_deleted()


def test_a_content_is_held_no_longer(ledger: Ledger) -> None:
    """It is wanted again from then on."""
    ledger.add_content(ONE, 10, NOW)
    ledger.remove_content(ONE)
    ledger.remove_content(TWO)
    assert ledger.verified((ONE, TWO)) == frozenset()


def test_submissions_of_a_device(ledger: Ledger) -> None:
    """Its own, by identifier, page by page."""
    for submission, device in (("c", "d1"), ("a", "d1"), ("b", "d2"), ("d", "d1")):
        _submit(ledger, submission, device=device)
    assert ledger.submissions_of("d1", None, 2) == ("a", "c")
    assert ledger.submissions_of("d1", "c", 2) == ("d",)


def test_receipts_that_are_due_stay_so_until_they_are_made(ledger: Ledger) -> None:
    """They are told in the order in which submissions became whole, and one that is taken back needs none."""
    for name in ("s2", "s1", "s3"):
        _submit(ledger, name)
        ledger.add_receipt_due(name)
    assert [submission.id for submission in ledger.receipts_due(2)] == ["s2", "s1"]
    ledger.end_receipt_due("s2")
    ledger.erase_submission("s1")
    assert [submission.id for submission in ledger.receipts_due(9)] == ["s3"]


def test_who_claims_a_task_leaves_the_next_to_others(ledger: Ledger) -> None:
    """A claiming transaction is one: what it changed is there when it ends, and undone when it fails."""
    task = _task(ledger, "t1")
    leased = replace(task, state=TaskState.LEASED, attempts=1, worker="w", lease_digest=TWO, expires=_at(5))

    def undone() -> None:
        with ledger.claiming():
            ledger.put_task(leased)
            raise Conflict("undone")

    with pytest.raises(Conflict, match="undone"):
        undone()
    assert ledger.task("t1") == task
    with ledger.turn(), ledger.claiming():
        ledger.put_task(leased)
    assert ledger.task("t1") == leased
