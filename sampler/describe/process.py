"""The process concerned and its parent (ECS ``process.*``), read while it may end at any moment.

Invariants: facts of two processes are never mixed, so the start time is compared before and after reading; what cannot
be read is left out; every read has a byte ceiling, because a process chooses its own command line and its length.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final, TypeVar

import psutil

from sampler.describe.text import hostile_text, rfc3339
from sampler.limits import FIELD_VALUE_MAX_CHARACTERS, KIB
from sampler.model import Field, FieldValue

T = TypeVar("T")

COMMAND_LINE_MAX_BYTES: Final = 64 * KIB
ARGUMENTS_MAX_COUNT: Final = 256
_KERNEL_NAME_CHARACTERS: Final = 15
"""Linux cuts a process's own name here (proc(5), comm)."""

_Facts = Iterator[tuple[str, FieldValue | None]]


def process_fields(pid: int) -> tuple[Field, ...]:
    """What can be learnt of a process and its parent; only ``process.pid`` when it is gone or has been replaced."""
    process = ask(lambda: psutil.Process(pid))
    facts: list[tuple[str, FieldValue | None]] = []
    if process is not None:
        parent = ask(process.parent)
        facts = [*_facts(process, "process"), *_account(process)]
        facts += _facts(parent, "process.parent") if parent is not None and is_same(parent) else ()
        if not is_same(process):
            facts = []
    return _fields((("process.pid", pid), *facts))


def facts_of(process: psutil.Process, prefix: str) -> tuple[Field, ...]:
    """What one process is, its names beginning with ``prefix``; what cannot be read is left out."""
    return _fields(_facts(process, prefix))


def _fields(pairs: Iterable[tuple[str, FieldValue | None]]) -> tuple[Field, ...]:
    return tuple(Field(name, value) for name, value in pairs if value not in (None, "", ()))


def _facts(process: psutil.Process, prefix: str) -> _Facts:
    arguments = _arguments(process)
    if prefix != "process":
        yield f"{prefix}.pid", process.pid
    yield f"{prefix}.name", _name(process, arguments)
    yield f"{prefix}.executable", _text(ask(process.exe))
    yield f"{prefix}.args", tuple(hostile_text(argument) for argument in arguments)
    yield f"{prefix}.command_line", _text(shlex.join(arguments))
    started = ask(process.create_time)
    yield f"{prefix}.start", None if started is None else rfc3339(started)


def _account(process: psutil.Process) -> _Facts:
    yield "process.working_directory", _text(ask(process.cwd))
    yield "process.user.name", _text(ask(process.username))


def is_same(process: psutil.Process) -> bool:
    """Whether the identifier still means this process, or means none: then everything was read before it ended."""
    now = ask(lambda: psutil.Process(process.pid))
    return now is None or now == process


def _arguments(process: psutil.Process) -> list[str]:
    raw = _read(process.pid, "cmdline", COMMAND_LINE_MAX_BYTES)
    if raw is None:
        return (ask(process.cmdline) or [])[:ARGUMENTS_MAX_COUNT]
    if not raw:
        return []
    parts = raw.removesuffix(b"\0").split(b"\0")[:ARGUMENTS_MAX_COUNT]
    return [part.decode("utf-8", "backslashreplace") for part in parts]


def _name(process: psutil.Process, arguments: list[str]) -> str:
    """The name that the kernel has; where it was cut, the program's own name completes it."""
    raw = _read(process.pid, "comm", 4 * _KERNEL_NAME_CHARACTERS)
    if raw is None:
        return _text(ask(process.name))
    name = raw.rstrip(b"\n").decode("utf-8", "backslashreplace")
    full = arguments[0].rpartition("/")[2] if arguments else ""
    return hostile_text(full if len(name) >= _KERNEL_NAME_CHARACTERS and full.startswith(name) else name)


def _read(pid: int, name: str, ceiling: int) -> bytes | None:
    """The beginning of a file of proc(5); ``None`` where there is none. psutil would read all of it."""
    try:
        with Path(f"/proc/{pid}/{name}").open("rb", buffering=0) as file:
            return file.read(ceiling)
    except OSError:
        return None


def _text(value: str | None) -> str:
    return hostile_text(value or "", FIELD_VALUE_MAX_CHARACTERS)


def ask(question: Callable[[], T]) -> T | None:
    """The answer, or ``None`` when the process has ended or does not let us look."""
    try:
        return question()
    except (psutil.Error, OSError, ValueError):
        return None
