from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.errors import NotDerivable
from sampler.extract.ole_native import Packaged, read_native, read_native_stream, read_ole1, read_packaged
from sampler.limits import MIB

Import = Callable[[str], Any]


def packaged(label: bytes, path: bytes, content: bytes, size: int | None = None) -> bytes:
    head = b"\x02\0" + label + b"\0" + path + b"\0" + b"\0\0\x03\0" + struct.pack("<I", len(path) + 1) + path + b"\0"
    return head + struct.pack("<I", len(content) if size is None else size) + content


def ole1(name: bytes, content: bytes, *, kind: int = 2, topic: bytes = b"") -> bytes:
    texts = b"".join(struct.pack("<I", len(text)) + text for text in (name, topic, b""))
    return struct.pack("<II", 0x501, kind) + texts + struct.pack("<I", len(content)) + content


def test_a_packaged_file_is_what_oletools_finds(oracle: Import) -> None:
    """Label and bytes agree with an independent reader of the same structure."""
    native = packaged(b"note.txt", b"C:\\folder\\note.txt", b"harmless" * 10)
    theirs = oracle("oletools.oleobj").OleNativeStream(bindata=native, package=True)
    ours = read_packaged(native)
    assert ours == Packaged("note.txt", b"harmless" * 10, True)
    assert (theirs.filename, theirs.data) == ("note.txt", b"harmless" * 10)
    stream = struct.pack("<I", len(native)) + native
    assert read_native(stream) == ours
    assert oracle("oletools.oleobj").OleNativeStream(bindata=stream).data == b"harmless" * 10


def test_native_data_that_is_no_package_is_taken_as_it_is() -> None:
    """An equation, or any other native data, has no label."""
    assert read_native(struct.pack("<I", 4) + b"\x1c\xff\xff\xffmore") == Packaged("", b"\x1c\xff\xff\xff", True)


def test_a_label_with_folders_shows_its_last_part() -> None:
    """Folders name people, and a name is never opened."""
    found = read_packaged(packaged(b"C:\\Users\\someone\\../x.exe", b"p", b"1"))
    assert found is not None
    assert found.label == "x.exe"


def test_less_than_announced_is_said() -> None:
    """What is there is taken, and it is known that something is missing."""
    assert read_packaged(packaged(b"a", b"p", b"1234", size=4_000_000_000)) == Packaged("a", b"1234", False)


def test_ole_1_objects_are_what_oletools_finds(oracle: Import) -> None:
    """Class and native data agree with an independent reader."""
    content = ole1(b"Equation.3\0", b"native data")
    theirs = oracle("oletools.oleobj").OleObject(bindata=content)
    ours = read_ole1(content)
    assert ours is not None
    assert (ours.class_name, ours.content) == ("Equation.3", b"native data")
    assert (theirs.class_name.rstrip(b"\0"), theirs.data) == (b"Equation.3", b"native data")


def test_links_have_a_topic_and_no_bytes() -> None:
    """What a linked object leads to is its topic."""
    found = read_ole1(ole1(b"Package\0", b"", kind=1, topic=b"\\\\example.invalid\\a\0"))
    assert found is not None
    assert (found.is_linked, found.topic, found.content) == (True, b"\\\\example.invalid\\a", b"")


@pytest.mark.parametrize("content", [b"", b"\x01\x05\0\0\x07\0\0\0", struct.pack("<IIII", 0x501, 2, 0xFFFFFFFF, 0)])
def test_what_is_no_object_is_none(content: bytes) -> None:
    """A format that is not known and a length that cannot be are no object."""
    assert read_ole1(content) is None


def test_the_step_names_one_stream(maker: Import) -> None:
    """``native:SID`` makes the packaged file."""
    ole = maker("ole")
    native = packaged(b"a", b"p", b"content")
    data = ole.compound_file((), (ole.Stream("\x01Ole10Native", struct.pack("<I", len(native)) + native),))
    assert read_native_stream(data, "1", MIB) == b"content"
    with pytest.raises(NotDerivable):
        read_native_stream(data, "0", MIB)


@given(st.binary(max_size=300))
def test_any_bytes_are_read(content: bytes) -> None:
    """Nothing raises, and nothing grows."""
    found = read_packaged(content)
    assert found is None or len(found.content) <= len(content)
    assert len(read_native(content).content) <= len(content)
    inner = read_ole1(content)
    assert inner is None or len(inner.content) <= len(content)
