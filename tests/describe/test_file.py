from __future__ import annotations

import os
import pwd
from collections.abc import Callable

import pytest

from sampler.describe import file_fields, owner_class
from sampler.limits import FIELD_VALUE_MAX_CHARACTERS
from sampler.model import Snapshot

Build = Callable[..., Snapshot]


def facts(snapshot: Snapshot) -> dict[str, object]:
    return {field.name: field.value for field in file_fields(snapshot)}


def test_facts_of_a_file(snapshot: Build) -> None:
    """Names, size, mode, times and owner stand under their ECS names, and nothing else does."""
    found = facts(snapshot(mtime_ns=1_600_000_000_999_999_999, uid=0, gid=0, mode=0o104755))
    assert found == {
        "file.name": "report.tar.gz",
        "file.path": "/srv/data/report.tar.gz",
        "file.directory": "/srv/data",
        "file.extension": "gz",
        "file.size": 12,
        "file.mode": "4755",
        "file.mtime": "2020-09-13T12:26:40Z",
        "file.ctime": "1970-01-01T00:00:00Z",
        "file.accessed": "1970-01-01T00:00:00Z",
        "file.uid": "0",
        "file.gid": "0",
        "file.owner": pwd.getpwuid(0).pw_name,
        "file.group": found["file.group"],
    }


def test_without_a_path_there_are_no_names(snapshot: Build) -> None:
    """Bytes that came without a path have size and times and no name."""
    assert not {"file.name", "file.path", "file.directory", "file.extension"} & set(facts(snapshot(path=None)))


@pytest.mark.parametrize(
    ("path", "name", "extension"),
    [
        (b"/a/.bashrc", ".bashrc", None),
        (b"/a/README", "README", None),
        (b"/a/x.", "x.", None),
        (b"/a/new\nline.t\xfft", r"new\nline.t\xfft", r"t\xfft"),
        (b"/" + b"x" * 255, "x" * 255, None),
    ],
)
def test_hostile_and_odd_names(snapshot: Build, path: bytes, name: str, extension: str | None) -> None:
    """Dot files have no extension; line ends and bytes that are not UTF-8 are escaped."""
    found = facts(snapshot(path=path))
    assert found["file.name"] == name
    assert found.get("file.extension") == extension


def test_names_are_bounded(snapshot: Build) -> None:
    """A path of bytes that all have to be escaped is shortened to what a field holds."""
    found = facts(snapshot(path=b"/" + b"\xff" * 4000))
    assert len(str(found["file.path"])) == FIELD_VALUE_MAX_CHARACTERS
    assert len(str(found["file.name"])) == 1024


def test_what_cannot_be_told_is_left_out(snapshot: Build) -> None:
    """An owner without an account and a time that no calendar has are absent, not invented."""
    found = facts(snapshot(uid=4_000_000_000, gid=4_000_000_000, mtime_ns=(1 << 62) * 1_000_000_000))
    assert found["file.uid"] == found["file.gid"] == "4000000000"
    assert not {"file.owner", "file.group", "file.mtime"} & set(found)


@pytest.mark.parametrize(
    ("uid", "expected"),
    [(0, "root"), (1, "system"), (999, "system"), (1000, "person"), (60000, "person"), (61184, "system"),
     (65534, "system"), (65535, "system"), (65536, "person"), (4_000_000_000, "person")],
)  # fmt: skip
def test_owner_classes(uid: int, expected: str) -> None:
    """Root, accounts of the system, nobody among them, and people are the three classes."""
    assert owner_class(uid) == expected


def test_the_owner_of_this_process_has_a_class() -> None:
    """The class of a real account is one of the three."""
    assert owner_class(os.getuid()) in ("root", "system", "person")
