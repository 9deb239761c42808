"""The worker against a real server over TLS: what it reports, what it gives back, what it leaves behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from sampler.errors import QueueRefused, SettingsError
from sampler.model import Conclusion, TaskState
from sampler.wire import routes
from sampler.wire.messages import TaskView
from sampler.worker import AnalyzerFailure, AnalyzerVerdict, ExecAnalyzer, PeopleClient, Tally, Worker
from sampler.worker.analyzers.process import ProcessLimits

Analyze = Callable[[TaskView, Path, Mapping[str, Path]], Awaitable[AnalyzerVerdict | AnalyzerFailure]]
BENIGN = AnalyzerVerdict(Conclusion.BENIGN, 3, note="fine")


class Scripted:
    """An analyzer that does what a test says and keeps what it was given."""

    name = "scripted"

    def __init__(self, analyze: Analyze | None = None) -> None:
        self.seen: list[dict[str, bytes]] = []
        self.folders: list[Path] = []
        self.cancelled = 0
        self._analyze = analyze

    async def analyze(
        self, task: TaskView, folder: Path, files: Mapping[str, Path]
    ) -> AnalyzerVerdict | AnalyzerFailure:
        self.folders.append(folder)
        self.seen.append({name: file.read_bytes() for name, file in files.items()})
        try:
            return BENIGN if self._analyze is None else await self._analyze(task, folder, files)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise


async def _forever(*_given: object) -> AnalyzerVerdict:
    await asyncio.Event().wait()
    return BENIGN


async def _raise(*_given: object) -> AnalyzerVerdict:
    raise ZeroDivisionError("by the analyzer")


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """Where task folders are made; every test ends by looking that it is empty."""
    made = tmp_path / "scratch"
    made.mkdir()
    return made


@pytest.fixture
def worker(client: PeopleClient, scratch: Path, quick: Any) -> Callable[..., Worker]:
    """A worker that waits hardly at all: ``worker(analyzer, lease_seconds=…)``."""

    def make(analyzer: Any, **options: Any) -> Worker:
        given = {"name": "tester", "scratch": scratch, "backoff": quick, "poll_seconds": 0.2} | options
        return Worker(client, analyzer, **given)

    return make


@pytest.fixture(autouse=True)
async def nothing_is_left(scratch: Path) -> AsyncIterator[None]:
    """Whatever a test did, no task's folder stays."""
    yield
    assert list(scratch.iterdir()) == []


async def test_every_task_gets_its_verdict(queue: Any, worker: Any) -> None:
    """Waiting tasks are leased, their contents handed over verified, and the verdicts reported."""
    first, second = queue.put(b"whole", b"part", b"part"), queue.put()
    analyzer = Scripted()
    assert await worker(analyzer).run(once=True) == Tally(completed=2)
    assert analyzer.seen == [{content.sha256: queue.contents[content.sha256] for content in first.contents}, {}]
    assert [queue.state(task) for task in (first, second)] == [TaskState.DONE, TaskState.DONE]
    report = queue.completed[0]
    assert (report.conclusion, report.score, report.analyzer, report.note) == (
        Conclusion.BENIGN,
        3,
        "scripted",
        "fine",
    )


async def test_contents_lie_under_their_hash_in_a_private_folder(queue: Any, worker: Any, scratch: Path) -> None:
    """No name that a host chose reaches the disk."""
    task = queue.put(b"whole", b"part")
    names: list[str] = []

    async def look(_task: TaskView, folder: Path, files: Mapping[str, Path]) -> AnalyzerVerdict:
        names.extend(sorted(file.name for file in folder.iterdir()))
        assert folder.parent == scratch
        assert folder.stat().st_mode & 0o777 == 0o700
        assert {file.stat().st_mode & 0o777 for file in files.values()} == {0o600}
        return BENIGN

    assert await worker(Scripted(look)).run(once=True) == Tally(completed=1)
    assert names == sorted(content.sha256 for content in task.contents)


async def test_a_task_that_comes_later_is_waited_for(queue: Any, worker: Any, until: Any) -> None:
    """Without an end the worker keeps asking, and takes what comes."""
    running = asyncio.create_task(worker(Scripted()).run())
    await until(lambda: queue.requests.count("leases") >= 2)
    task = queue.put(b"late")
    await until(lambda: queue.state(task) is TaskState.DONE)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_a_lease_is_kept_while_its_task_is_analyzed(queue: Any, worker: Any, until: Any) -> None:
    """An analysis longer than its lease is fine: the lease is renewed at a third of its time, again and again."""
    task = queue.put(b"slow")

    async def slow(*_given: object) -> AnalyzerVerdict:
        await until(lambda: queue.requests.count("renew") >= 4)
        return BENIGN

    assert await worker(Scripted(slow), lease_seconds=0.3).run(once=True) == Tally(completed=1)
    assert queue.state(task) is TaskState.DONE


async def test_a_lost_lease_abandons_the_analysis(queue: Any, worker: Any) -> None:
    """When a renewal is refused, the analysis is cancelled and nothing is reported."""
    queue.put(b"sample")
    analyzer = Scripted(_forever)

    async def lose(request: Any) -> Any:
        queue.leases.clear()
        return await queue._renew(request)

    queue.answer(routes.RENEW, lose)
    assert await worker(analyzer, lease_seconds=0.3).run(once=True) == Tally(abandoned=1)
    assert analyzer.cancelled == 1
    assert (queue.completed, queue.failed) == ([], [])


async def test_a_task_that_is_taken_back_stops_its_analyzer_at_once(queue: Any, worker: Any, until: Any) -> None:
    """Long before any renewal is due, the task's events tell that it was cancelled, and nothing is reported."""
    task, analyzer = queue.put(b"slow"), Scripted(_forever)
    running = asyncio.create_task(worker(analyzer, lease_seconds=3600).run(once=True))
    await until(lambda: analyzer.seen and "task_events" in queue.requests)
    queue.cancel(task)
    assert await running == Tally(abandoned=1)
    assert analyzer.cancelled == 1
    assert (queue.completed, queue.failed) == ([], [])


async def test_a_recalled_task_stops_its_analyzer_at_once(queue: Any, worker: Any, refuse: Any, until: Any) -> None:
    """The stream's own 410 makes the worker ask, and the answer to that is the same."""
    queue.put(b"slow")
    analyzer = Scripted(_forever)
    queue.answer(routes.TASK_EVENTS, refuse(410))
    queue.answer(routes.RENEW, refuse(410))
    running = worker(analyzer, lease_seconds=3600).run(once=True)
    assert await asyncio.wait_for(running, 30) == Tally(abandoned=1)


async def test_without_events_a_worker_does_its_work(queue: Any, worker: Any, refuse: Any, until: Any) -> None:
    """A queue that has no such route, or whose streams break off, is worked for like any other."""
    queue.put(b"one"), queue.put(b"two")
    queue.answer(routes.TASK_EVENTS, refuse(404), refuse(503))

    async def slow(*_given: object) -> AnalyzerVerdict:
        await until(lambda: queue.requests.count("renew") >= queue.requests.count("leases"))
        return BENIGN

    assert await worker(Scripted(slow), lease_seconds=3600).run(once=True) == Tally(completed=2)


async def test_a_worker_asks_for_what_it_does(queue: Any, worker: Any) -> None:
    """Kinds are named in each request for work, and one that is none is refused at the start."""
    queue.put(b"one")
    await worker(Scripted(), kinds=["static", "sandbox"]).run(once=True)
    assert queue.kinds == ["static", "sandbox"]
    with pytest.raises(SettingsError, match="kinds"):
        worker(Scripted(), kinds=["No Such"])


async def test_a_lease_lost_before_the_report_is_no_error(queue: Any, worker: Any) -> None:
    """When somebody else has the task by the time of the verdict, the worker goes on to the next."""

    async def outlived(*_given: object) -> AnalyzerVerdict:
        queue.leases.clear()
        return BENIGN

    queue.put(b"sample")
    assert await worker(Scripted(outlived)).run(once=True) == Tally(abandoned=1)
    assert queue.completed == []


async def test_a_renewal_that_fails_for_a_while_loses_nothing(queue: Any, worker: Any, refuse: Any, until: Any) -> None:
    """A queue that is busy at the moment of a renewal is asked again, and the analysis goes on."""
    queue.put(b"sample")
    queue.answer(routes.RENEW, refuse(503), refuse(500))

    async def slow(*_given: object) -> AnalyzerVerdict:
        await until(lambda: queue.requests.count("renew") >= 3)
        return BENIGN

    assert await worker(Scripted(slow), lease_seconds=0.3).run(once=True) == Tally(completed=1)


async def test_an_analyzer_that_raises_fails_its_task_only(queue: Any, worker: Any) -> None:
    """An error of the analyzer's own is the task's failure, with its name, and the next task is worked on."""
    bad, good = queue.put(b"bad"), queue.put(b"good")

    async def picky(task: TaskView, *given: Any) -> AnalyzerVerdict:
        return await _raise() if task.id == bad.id else BENIGN

    assert await worker(Scripted(picky)).run(once=True) == Tally(completed=1, failed=1)
    assert queue.failed[0].reason == "the analyzer raised ZeroDivisionError: by the analyzer"
    assert [queue.state(task) for task in (bad, good)] == [TaskState.DEAD, TaskState.DONE]


async def test_a_failure_is_reported_as_it_is(queue: Any, worker: Any) -> None:
    """An analyzer's failure goes to the queue with its reason, cut to what the queue takes, and with its advice."""

    async def fail(*_given: object) -> AnalyzerFailure:
        return AnalyzerFailure("r" * 5000, retry=False)

    queue.put(b"sample")
    assert await worker(Scripted(fail)).run(once=True) == Tally(failed=1)
    assert (queue.failed[0].reason, queue.failed[0].retry) == ("r" * 1024, False)


async def test_wrong_bytes_never_reach_the_analyzer(queue: Any, worker: Any) -> None:
    """Contents that do not hash to their name fail the task."""
    task = queue.put(b"sample")
    queue.contents[task.contents[0].sha256] = b"samplE"
    analyzer = Scripted()
    assert await worker(analyzer).run(once=True) == Tally(failed=1)
    assert analyzer.seen == []
    assert task.contents[0].sha256 in queue.failed[0].reason
    assert queue.failed[0].retry


async def test_contents_that_are_gone_are_not_tried_again(queue: Any, worker: Any) -> None:
    """When the queue has no such content any more, trying again is of no use and the report says so."""
    queue.put(b"sample")
    queue.contents.clear()
    assert await worker(Scripted()).run(once=True) == Tally(failed=1)
    assert not queue.failed[0].retry


async def test_too_much_is_not_fetched(queue: Any, worker: Any) -> None:
    """A task with more bytes, or more contents, than this worker takes is given back without a download."""
    queue.put(b"x" * 100, b"y" * 100)
    assert await worker(Scripted(), contents_max_bytes=150).run(once=True) == Tally(failed=1)
    queue.put(*(str(number).encode() for number in range(258)))
    assert await worker(Scripted()).run(once=True) == Tally(failed=1)
    assert [failure.reason for failure in queue.failed] == [
        "200 bytes of contents, this worker takes at most 150",
        "258 contents, at most 257 are taken",
    ]
    assert "content" not in queue.requests


async def test_a_download_is_tried_again(queue: Any, worker: Any, refuse: Any) -> None:
    """A queue that is busy in the middle is asked again for the same content."""
    queue.put(b"sample")
    queue.answer(routes.CONTENT, refuse(503), refuse(429, "later", {"Retry-After": "0"}))
    assert await worker(Scripted()).run(once=True) == Tally(completed=1)
    assert queue.requests.count("content") == 3


async def test_a_content_that_cannot_be_had_is_given_up(queue: Any, worker: Any, refuse: Any) -> None:
    """A queue that fails at one content every time does not keep the worker for ever."""
    queue.put(b"bad")
    queue.answer(routes.CONTENT, *[refuse(500)] * 20)
    assert await worker(Scripted()).run(once=True) == Tally(failed=1)
    assert queue.requests.count("content") == 8
    assert "could not be fetched" in queue.failed[0].reason


async def test_a_report_that_nobody_takes_is_given_up(queue: Any, worker: Any, refuse: Any) -> None:
    """After the time of its lease a report is of no use any more, and the worker goes on."""
    queue.put(b"sample")
    queue.answer(routes.COMPLETE, *[refuse(500)] * 1000)
    assert await worker(Scripted(), lease_seconds=0.3).run(once=True) == Tally(abandoned=1)
    assert queue.requests.count("complete") > 1


async def test_a_report_is_tried_again(queue: Any, worker: Any, refuse: Any) -> None:
    """A verdict is not lost because the queue is busy when it comes."""
    task = queue.put(b"sample")
    queue.answer(routes.COMPLETE, refuse(507), refuse(503))
    assert await worker(Scripted()).run(once=True) == Tally(completed=1)
    assert queue.state(task) is TaskState.DONE


async def test_a_report_that_is_refused_stops_nobody(queue: Any, worker: Any, refuse: Any) -> None:
    """When the queue will not have a report, its task is left to its lease and the next one is worked on."""
    queue.put(b"one")
    queue.put(b"two")
    queue.answer(routes.COMPLETE, refuse(422))
    assert await worker(Scripted()).run(once=True) == Tally(completed=1, abandoned=1)


async def test_a_queue_that_comes_back_is_worked_for(queue: Any, worker: Any, until: Any) -> None:
    """While the queue is down the worker waits and asks; when it is up again, the waiting task is done."""
    await queue.stop()
    waits: list[float] = []

    def chance() -> float:
        waits.append(0.0)
        return 0.0

    running = asyncio.create_task(worker(Scripted(), random=chance).run(once=True))
    task = queue.put(b"sample")
    await until(lambda: len(waits) >= 3)
    assert not running.done()
    await queue.start()
    assert await running == Tally(completed=1)
    assert queue.state(task) is TaskState.DONE


async def test_a_queue_that_goes_down_during_an_analysis_gets_its_verdict(queue: Any, worker: Any, until: Any) -> None:
    """A restart of the queue in the middle of an analysis costs nothing."""
    task = queue.put(b"sample")

    async def outage(*_given: object) -> AnalyzerVerdict:
        await queue.stop()
        return BENIGN

    running = asyncio.create_task(worker(Scripted(outage)).run(once=True))
    await until(lambda: queue._runner is None)
    await queue.start()
    assert await running == Tally(completed=1)
    assert queue.state(task) is TaskState.DONE


async def test_a_stopped_worker_gives_its_task_back(queue: Any, worker: Any, until: Any) -> None:
    """Cancelling ends the analysis, gives the task back at once and leaves as cancelled."""
    queue.put(b"sample")
    analyzer = Scripted(_forever)
    running = asyncio.create_task(worker(analyzer).run())
    await until(lambda: analyzer.folders)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert analyzer.cancelled == 1
    assert [(failure.reason, failure.retry) for failure in queue.failed] == [("the worker tester was stopped", True)]
    assert not analyzer.folders[0].exists()


async def test_a_worker_stopped_during_a_download_gives_its_task_back(queue: Any, worker: Any, until: Any) -> None:
    """A download that is under way is no obstacle to stopping."""
    queue.put(b"sample")

    async def stall(_request: Any) -> Any:
        return await asyncio.Event().wait()

    queue.answer(routes.CONTENT, stall)
    running = asyncio.create_task(worker(Scripted()).run())
    await until(lambda: "content" in queue.requests)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert len(queue.failed) == 1


async def test_a_worker_stops_although_the_queue_is_gone(queue: Any, worker: Any, until: Any) -> None:
    """When the task cannot be given back, the worker ends all the same; the lease runs out by itself."""
    queue.put(b"sample")
    analyzer = Scripted(_forever)
    running = asyncio.create_task(worker(analyzer).run())
    await until(lambda: analyzer.folders)
    await queue.stop()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert queue.failed == []


async def test_stopping_is_not_lost_with_a_lease(queue: Any, worker: Any) -> None:
    """A worker that is stopped in the very moment in which its lease is lost stops all the same."""
    queue.put(b"sample")

    async def lose(request: Any) -> Any:
        queue.leases.clear()
        return await queue._renew(request)

    async def stop_when_abandoned(*_given: object) -> AnalyzerVerdict:
        try:
            return await _forever()
        finally:
            running.cancel()

    queue.answer(routes.RENEW, lose)
    running = asyncio.create_task(worker(Scripted(stop_when_abandoned), lease_seconds=0.3).run())
    with pytest.raises(asyncio.CancelledError):
        await running
    assert queue.failed == []


async def test_a_refused_token_ends_the_worker(queue: Any, worker: Any) -> None:
    """Without a valid token there is nothing to wait for."""
    queue.token = "another"
    with pytest.raises(QueueRefused, match="tokens create"):
        await worker(Scripted()).run()


async def test_a_token_revoked_during_an_analysis_ends_the_worker(queue: Any, worker: Any) -> None:
    """A renewal that is refused for the token's sake abandons the analysis, and the next request ends the worker."""
    queue.put(b"sample")

    async def revoke(*_given: object) -> AnalyzerVerdict:
        queue.token = "another"
        return await _forever()

    analyzer = Scripted(revoke)
    with pytest.raises(QueueRefused):
        await worker(analyzer, lease_seconds=0.3).run()
    assert analyzer.cancelled == 1


async def test_no_room_for_a_folder_is_a_failure(queue: Any, client: PeopleClient, quick: Any, tmp_path: Path) -> None:
    """A worker that cannot make its folder gives the task back with the reason."""
    queue.put(b"sample")
    worker = Worker(client, Scripted(), name="w", scratch=tmp_path / "absent", backoff=quick)
    assert await worker.run(once=True) == Tally(failed=1)
    assert "No such file" in queue.failed[0].reason
    assert queue.failed[0].retry


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("exit 9", "status 9"),
        ("exec sleep 1000", "did not end within"),
        ("exec yes", "printed more than"),
        ("echo hello", "did not print a verdict"),
        ("mkdir -p a/b; touch a/b/c; chmod 0 a/b a; ln -s / root; exit 1", "status 1"),
    ],
)
async def test_bad_programs_fail_their_task(queue: Any, worker: Any, tmp_path: Path, body: str, words: str) -> None:
    """A program that crashes, hangs, floods, babbles or locks its folder costs its own task and nothing else."""
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)
    queue.put(b"sample")
    analyzer = ExecAnalyzer(f"{program} {{sample}}", limits=ProcessLimits(seconds=1.0))
    assert await worker(analyzer).run(once=True) == Tally(failed=1)
    assert words in queue.failed[0].reason


@pytest.mark.parametrize("options", [{"name": ""}, {"name": "x" * 129}, {"lease_seconds": 0}, {"lease_seconds": 3601}])
def test_what_the_queue_would_refuse_is_refused_at_once(worker: Any, options: dict[str, Any]) -> None:
    """A name or a lease that no queue takes is told before anything is asked."""
    with pytest.raises(SettingsError):
        worker(Scripted(), **options)
