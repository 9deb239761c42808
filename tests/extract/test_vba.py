from __future__ import annotations

import struct
import warnings
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sampler.errors import NotDerivable
from sampler.extract.compressed_streams import NotUnpacked
from sampler.extract.vba import MODULE_MAX_BYTES, containers_in, decompress, read_module
from sampler.limits import MIB

Import = Callable[[str], Any]

NO_COMPRESSION = "01 19 B0 00 61 62 63 64 65 66 67 68 00 69 6A 6B 6C 6D 6E 6F 70 00 71 72 73 74 75 76 2E"
NORMAL = (
    "01 2F B0 00 23 61 61 61 62 63 64 65 82 66 00 70 61 67 68 69 6A 01 38 08 61 6B 6C 00 30 6D 6E 6F 70 06 71 02 70"
    " 04 10 72 73 74 75 76 10 77 78 79 7A 00 3C"
)
MAXIMUM = "01 03 B0 02 61 45 00"


@pytest.fixture(scope="session")
def compressed(maker: Import) -> Callable[[bytes], bytes]:
    """Compresses as the makers of samples do."""
    made: Callable[[bytes], bytes] = maker("vba").compressed
    return made


def by_olevba(olevba: Any, container: bytes) -> bytes:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return bytes(olevba.decompress_stream(bytearray(container)))


@pytest.mark.parametrize(
    ("container", "source"),
    [
        (NO_COMPRESSION, b"abcdefghijklmnopqrstuv."),
        (NORMAL, b"#aaabcdefaaaaghijaaaaaklaaamnopqaaaaaaaaaaaarstuvwxyzaaa"),
        (MAXIMUM, b"a" * 73),
    ],
)
def test_the_examples_of_the_specification_come_out(container: str, source: bytes) -> None:
    """[MS-OVBA] 3.2 has three containers and what they hold."""
    made = decompress(bytes.fromhex(container), MIB)
    assert made.content == source
    assert made.fault is None


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.binary(max_size=300), st.text("ab \r\n", max_size=9000).map(str.encode)))
def test_what_is_compressed_comes_out_as_it_was(
    compressed: Callable[[bytes], bytes], oracle: Import, source: bytes
) -> None:
    """Any text is the same after compressing and decompressing, by us and by olevba."""
    container = compressed(source)
    assert decompress(container, MIB).content == source
    if source:
        assert by_olevba(oracle("oletools.olevba"), container) == source


def test_a_raw_chunk_comes_out_as_it_is() -> None:
    """A chunk that did not become smaller is stored."""
    body = bytes(range(256)) * 16
    assert decompress(b"\x01" + struct.pack("<H", 0x3FFF) + body, MIB).content == body


@pytest.mark.parametrize(
    ("container", "content", "code"),
    [
        (b"\x01\x19", b"", "truncated"),
        (b"\x01\x19\xb0\x00ab", b"ab", "truncated"),
        (b"\x01\x19\x00\x00ab", b"", "damaged"),
        (b"\x01\x02\xb0\x01\x00\x00", b"", "damaged"),
        (b"\x01\x04\xb0\x02a\xff\xff", b"a", "damaged"),
        (b"\x01\xff\x3fab", b"ab", "truncated"),
    ],
    ids=["half-header", "cut", "signature", "copy-of-nothing", "copy-from-before", "raw-cut"],
)
def test_what_comes_before_a_break_is_kept(container: bytes, content: bytes, code: str) -> None:
    """A broken chunk ends the source and is named."""
    made = decompress(container, MIB)
    assert made.content == content
    assert made.fault is not None
    assert made.fault.code == code


@pytest.mark.parametrize("container", [b"", b"\x02\x00\xb0", b"Attribute VB_Name"])
def test_what_has_no_signature_is_refused(container: bytes) -> None:
    """Bytes that are no container are one error."""
    with pytest.raises(NotUnpacked) as caught:
        decompress(container, MIB)
    assert caught.value.code == "damaged"


@pytest.mark.usefixtures("ends_in_moments")
def test_a_bomb_makes_no_more_than_its_ceiling() -> None:
    """Chunks of six bytes that each make 4,096 stop at the ceiling; one chunk never makes more."""
    chunk = struct.pack("<H", 0xB003) + b"\x02a" + struct.pack("<H", 0x0FFC)
    assert decompress(b"\x01" + chunk, MIB).content == b"a" * 4096
    with pytest.raises(NotUnpacked) as caught:
        decompress(b"\x01" + chunk * 20_000, MIB)
    assert caught.value.code == "too-large"
    broken = b"\x02a" + struct.pack("<H", 0x0FFC) + b"\x03" + struct.pack("<HH", 0x000F, 0xFFFF)
    assert len(decompress(b"\x01" + struct.pack("<H", 0xB000 | len(broken) - 1) + broken, MIB).content) == 4096
    greedy = struct.pack("<H", 0xBFFF) + b"\x00aaaaaaaa" + (b"\xff" + struct.pack("<H", 0x0FFF) * 8) * 240
    assert len(decompress(b"\x01" + greedy.ljust(4098, b"\0"), MIB).content) == 4096


def test_containers_are_found_without_a_project(compressed: Callable[[bytes], bytes]) -> None:
    """Each compressed module in a stream is found by how it begins, and nothing that only has the word."""
    module = compressed(b'Attribute VB_Name = "A"\r\n')
    content = b"\0Attribut" + b"p-code" * 10 + module + b"\0\0\0" + module + b"\0Attribut"
    assert list(containers_in(content)) == [69, 69 + len(module) + 3]


def test_the_step_names_one_module(maker: Import) -> None:
    """``vba:SID+OFFSET`` makes the source at an offset of a stream, and everything else is refused."""
    ole, vba = maker("ole"), maker("vba")
    source = b'Attribute VB_Name = "A"\r\n' * 3
    data = ole.compound_file((), (ole.Stream("A", b"compiled" + vba.compressed(source)),))
    assert read_module(data, "1+8", MIB) == source
    for argument in ("1+7", "1+8000", "0+8", "1", "1+", "+8", "1+-8", "1+8+8"):
        with pytest.raises(NotDerivable):
            read_module(data, argument, MIB)
    with pytest.raises(NotDerivable):
        read_module(data, "1+8", 20)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_make_bounded_bytes(body: bytes) -> None:
    """Nothing but the documented error comes of any container."""
    try:
        made = decompress(b"\x01" + body, MODULE_MAX_BYTES)
    except NotUnpacked:
        return
    assert len(made.content) <= 4096 * (len(body) // 2 + 1)
