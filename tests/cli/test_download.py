"""What people type to have a content, and what lies on their disk then."""

from __future__ import annotations

import asyncio
import hashlib
import stat
from collections.abc import AsyncGenerator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from sampler.cli import download
from sampler.cli.main import main
from sampler.errors import QueueRefused
from sampler.model import PartKind, TaskState
from sampler.neutered import Form, plain, wrapped
from sampler.wire.messages import ObjectMessage, PartMessage, ProofMessage, StoredContent, TaskView

WHOLE, PART = b"MZ the whole object" * 50, b"a part of it"
TASK = "11111111-1111-4111-8111-111111111111"

Run = Callable[..., Result]


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _task(*contents: StoredContent) -> TaskView:
    return TaskView(
        id=TASK,
        state=TaskState.WAITING,
        submission=TASK,
        object=ObjectMessage(sha256=_hash(WHOLE), size=len(WHOLE), tree_root="1" * 64),
        created=datetime(2026, 11, 24, tzinfo=UTC),
        contents=list(contents),
    )


class Queue:
    """Gives out both contents, each in its form; raw to nobody."""

    def __init__(self, task: TaskView) -> None:
        self._task = task

    async def task(self, task_id: str) -> TaskView:
        assert task_id == TASK
        return self._task

    async def wrapped(self, sha256: str, form: Form, *, max_bytes: int) -> AsyncGenerator[bytes, None]:
        if form is Form.RAW:
            raise QueueRefused("content: this token may not have bytes as they are", 403)
        data = {_hash(WHOLE): WHOLE, _hash(PART): PART}[sha256]
        for piece in wrapped([data], sha256, form):
            yield piece


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """A download command over a queue with this task; files go to ``got``."""

    def run(*arguments: str, task: TaskView | None = None) -> Result:
        def with_client(_config: Any, ask: Callable[[Any], Any]) -> Any:
            return asyncio.run(ask(Queue(task or _task())))

        monkeypatch.setattr(download, "with_client", with_client)
        return CliRunner().invoke(main, ["queue", *arguments, "--to", str(tmp_path / "got")])

    return run


def test_a_tasks_contents_come_wrapped(run: Run, tmp_path: Path) -> None:
    """Each is a CaRT file called by its hash, private, and it is said what is known of its belonging."""
    part = PartMessage(kind=PartKind.MEMBER, name="a", offset=0, length=12, recipe=["zip:0"])
    contents = (StoredContent(sha256=_hash(WHOLE), size=len(WHOLE)),
                StoredContent(sha256=_hash(PART), size=len(PART), part=part))  # fmt: skip
    result = run("tasks", "download", TASK, task=_task(*contents))
    assert result.exit_code == 0
    files = [Path(line) for line in result.stdout.splitlines()]
    assert files == [tmp_path / "got" / f"{_hash(data)}.cart" for data in (WHOLE, PART)]
    assert [b"".join(plain(file, Form.CART)) for file in files] == [WHOLE, PART]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert f"{_hash(WHOLE)}.cart: the whole object" in result.stderr
    assert f"{_hash(PART)}.cart: derived from the object" in result.stderr


def test_a_part_that_does_not_belong_is_exit_code_1(run: Run) -> None:
    """Its proof is looked at without unwrapping it to the disk."""
    part = PartMessage(kind=PartKind.SECTION, name=".text", offset=0, length=len(PART), proof=ProofMessage())
    result = run("tasks", "download", TASK, task=_task(StoredContent(sha256=_hash(PART), size=len(PART), part=part)))
    assert result.exit_code == 1
    assert "DOES NOT BELONG" in result.stderr


@pytest.mark.parametrize("form", [Form.ZIP, Form.ZIPCRYPTO])
def test_contents_are_had_by_their_hash(run: Run, tmp_path: Path, form: Form) -> None:
    """Several at once, in the form that was asked for."""
    result = run("download", _hash(WHOLE), _hash(PART), "--form", form.value)
    assert result.exit_code == 0
    assert sorted(path.name for path in (tmp_path / "got").iterdir()) == sorted(
        f"{_hash(data)}.zip" for data in (WHOLE, PART)
    )
    assert b"".join(plain(tmp_path / "got" / f"{_hash(PART)}.zip", form)) == PART


def test_raw_bytes_without_the_right_are_refused(run: Run, tmp_path: Path) -> None:
    """The exit code says that somebody said no, and no file is left."""
    result = run("download", _hash(WHOLE), "--form", "raw")
    assert (result.exit_code, "as they are" in result.stderr) == (5, True)
    assert list((tmp_path / "got").iterdir()) == []


def test_another_content_than_was_named_is_noticed(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A queue that gives out something else is not believed."""
    monkeypatch.setattr("sampler.cli.download.OBJECT_MAX_BYTES", len(PART) - 1)
    result = run("download", _hash(PART))
    assert result.exit_code == 2
    assert list((tmp_path / "got").iterdir()) == []


def test_a_file_that_is_there_is_left_alone(run: Run, tmp_path: Path) -> None:
    """The error names it and what to do, and nothing of it is changed."""
    file = tmp_path / "got" / f"{_hash(PART)}.cart"
    file.parent.mkdir()
    file.write_bytes(b"mine")
    result = run("download", _hash(PART))
    assert (result.exit_code, "--to FOLDER" in result.stderr) == (2, True)
    assert file.read_bytes() == b"mine"
