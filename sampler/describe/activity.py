"""What a process has open, loaded and called, and what it runs in. Its environment is never read.

Whoever calls this has the rights of the one who asks; what these do not reach is left out.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from sampler.describe.autostart import autostarts
from sampler.describe.process_sockets import remote_addresses
from sampler.describe.process_tree import children
from sampler.describe.text import hostile_text
from sampler.limits import COPY_CHUNK_BYTES, FIELDS_MAX_COUNT, KIB, MIB
from sampler.model import Field, FieldValue

_DESCRIPTORS_MAX_COUNT: Final = 16 * KIB
_PROGRAM_MAX_BYTES: Final = 256 * MIB
_NAMESPACES: Final = ("cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts")
_CGROUP_MAX_BYTES: Final = 4 * KIB


def activity_fields(pid: int, program: bytes | None, uid: int, modules: Iterable[bytes]) -> tuple[Field, ...]:
    """Files, addresses, processes below, modules, hash of the program, what starts it, control group, namespaces.

    Args:
        pid: the process.
        program: the path of what it runs.
        uid: whose process it is.
        modules: paths of what it has mapped to be executed.
    """
    pairs = _pairs(pid, program, uid, modules)
    return tuple(Field(name, value) for name, value in pairs if value not in ("", ()))


def _pairs(pid: int, program: bytes | None, uid: int, modules: Iterable[bytes]) -> Iterator[tuple[str, FieldValue]]:
    targets = tuple(_targets(pid))
    yield "process.hash.sha256", _hash_of_program(pid)
    yield "sampler.process.modules", _texts(modules)
    yield "sampler.process.autostart", autostarts(pid, program, uid)
    yield "sampler.process.cgroup", hostile_text(_cgroup(pid))
    yield "sampler.process.namespaces", tuple(_namespaces(pid))
    yield "sampler.activity.files", _texts(target.encode(errors="surrogateescape") for target in _paths(targets))
    yield "sampler.activity.addresses", remote_addresses(pid, targets)[:FIELDS_MAX_COUNT]
    yield "sampler.activity.processes", children(pid)


def _targets(pid: int) -> Iterator[str]:
    """What each descriptor leads to."""
    folder = f"/proc/{pid}/fd"
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for _, entry in zip(range(_DESCRIPTORS_MAX_COUNT), entries, strict=False)]
    except OSError:
        return
    for name in names:
        try:
            yield str(Path(folder, name).readlink())
        except OSError:  # closed meanwhile
            continue


def _paths(targets: Iterable[str]) -> Iterator[str]:
    return (target for target in targets if target.startswith("/") and not target.startswith(("/dev/", "/memfd:")))


def _texts(paths: Iterable[bytes]) -> tuple[str, ...]:
    return tuple(hostile_text(path) for path in sorted(set(paths))[:FIELDS_MAX_COUNT])


def _hash_of_program(pid: int) -> str:
    """Of what it runs, whether that still has a name or not; empty where it cannot be read or is too large."""
    digest = hashlib.sha256()
    try:
        descriptor = os.open(f"/proc/{pid}/exe", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        size = 0
        while chunk := os.read(descriptor, COPY_CHUNK_BYTES):
            size += len(chunk)
            if size > _PROGRAM_MAX_BYTES:
                return ""
            digest.update(chunk)
    except OSError:
        return ""
    finally:
        os.close(descriptor)
    return digest.hexdigest()


def _cgroup(pid: int) -> bytes:
    """Its place among the control groups, which names container and unit (cgroups(7))."""
    try:
        descriptor = os.open(f"/proc/{pid}/cgroup", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return os.read(descriptor, _CGROUP_MAX_BYTES).strip()
    except OSError:
        return b""
    finally:
        os.close(descriptor)


def _namespaces(pid: int) -> Iterator[str]:
    """Those that are not ours: what it is kept apart from (namespaces(7))."""
    for name in _NAMESPACES:
        try:
            if Path(f"/proc/{pid}/ns/{name}").readlink() != Path(f"/proc/self/ns/{name}").readlink():
                yield name
        except OSError:
            continue
