"""Programs for the analyzers to run, and the tasks that they are run on."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sampler.model import PartKind, TaskState
from sampler.wire.messages import Fields, ObjectMessage, PartMessage, StoredContent, TaskView


@pytest.fixture
def program(tmp_path: Path) -> Callable[..., Path]:
    """An executable shell script: ``program("echo …")``."""

    def make(body: str, name: str = "analyze") -> Path:
        file = tmp_path / name
        file.write_text(f"#!/bin/sh\n{body}\n")
        file.chmod(0o755)
        return file

    return make


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A task's folder."""
    made = tmp_path / "task folder"
    made.mkdir()
    return made


@pytest.fixture
def task() -> Callable[..., TaskView]:
    """A leased task: ``task(whole=b"…", parts=[b"…"], matches=[…], fields={…})``."""

    def make(
        whole: bytes | None = b"sample",
        parts: list[bytes] | None = None,
        matches: list[Fields] | None = None,
        fields: Fields | None = None,
    ) -> TaskView:
        contents = [
            StoredContent(
                sha256=hashlib.sha256(data).hexdigest(),
                size=len(data),
                part=PartMessage(kind=PartKind.HEADER, name="", offset=0, length=len(data)),
            )
            for data in parts or []
        ]
        if whole is not None:
            contents.append(StoredContent(sha256=hashlib.sha256(whole).hexdigest(), size=len(whole)))
        return TaskView(
            id=str(uuid.uuid4()),
            state=TaskState.LEASED,
            submission=str(uuid.uuid4()),
            object=ObjectMessage(sha256="0" * 64, size=6),
            created=datetime(2026, 1, 2, tzinfo=UTC),
            contents=contents,
            matches=matches or [],
            fields=fields or {},
        )

    return make
