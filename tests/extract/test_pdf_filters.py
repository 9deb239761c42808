from __future__ import annotations

import base64
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.extract.compressed_streams import NotUnpacked
from sampler.extract.pdf_filters import SLOW_MAX_BYTES, undo_filters
from sampler.extract.pdf_syntax import Value
from sampler.limits import MIB

Import = Callable[[str], Any]
TEXT = b"some text, some more text, and some text again\n" * 40


def pack_bits(codes: list[tuple[int, int]]) -> bytes:
    bits = "".join(f"{code:0{width}b}" for code, width in codes)
    return int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8), "big")


def lzw(data: bytes, *, early: bool = True) -> bytes:
    """An encoder as 7.4.4.2 describes it."""
    table = {bytes([value]): value for value in range(256)}
    codes, width, current = [(256, 9)], 9, b""
    for value in data:
        longer = current + bytes([value])
        if longer in table:
            current = longer
            continue
        codes.append((table[current], width))
        table[longer] = len(table) + 2
        if len(table) + 2 >= 4094:
            codes.append((256, width))
            table, width = {bytes([each]): each for each in range(256)}, 9
        elif len(table) + 2 + early > 1 << width:
            width += 1
        current = bytes([value])
    codes += [(table[current], width)] if current else []
    return pack_bits([*codes, (257, width)])


def png_up(data: bytes, row: int) -> bytes:
    rows = [data[start : start + row] for start in range(0, len(data), row)]
    above = [bytes(row), *rows]
    return b"".join(
        b"\2" + bytes((here - up) & 0xFF for here, up in zip(line, before, strict=False))
        for line, before in zip(rows, above, strict=False)
    )


def run_literals(data: bytes) -> bytes:
    return b"".join(bytes([len(data[at : at + 100]) - 1]) + data[at : at + 100] for at in range(0, len(data), 100))


@pytest.mark.parametrize(
    ("dictionary", "packed"),
    [
        ({}, TEXT),
        ({"Filter": "FlateDecode"}, zlib.compress(TEXT)),
        ({"Filter": ["Fl"]}, zlib.compress(TEXT)),
        ({"Filter": "ASCIIHexDecode"}, TEXT.hex(" ").encode() + b">"),
        ({"Filter": "ASCII85Decode"}, base64.a85encode(TEXT) + b"~>"),
        ({"Filter": "A85"}, base64.a85encode(TEXT, wrapcol=60, adobe=True)),
        ({"Filter": ["AHx", "Fl"]}, zlib.compress(TEXT).hex().encode()),
        ({"Filter": ["A85", "AHx", "Fl"]}, base64.a85encode(zlib.compress(TEXT).hex().encode())),
        ({"Filter": "RunLengthDecode"}, b"\x2e" + TEXT[:47] + run_literals(TEXT[47:]) + b"\x80"),
        ({"Filter": "LZWDecode"}, lzw(TEXT)),
        ({"Filter": "LZW", "DecodeParms": {"EarlyChange": 0}}, lzw(TEXT, early=False)),
        ({"Filter": "FlateDecode", "DecodeParms": {"Predictor": 12, "Columns": 20}}, zlib.compress(png_up(TEXT, 20))),
        ({"Filter": "FlateDecode", "DecodeParms": [{"Predictor": 1}]}, zlib.compress(TEXT)),
    ],
)  # fmt: skip
def test_filters_are_undone(dictionary: dict[str, Value], packed: bytes) -> None:
    """Each filter, a chain of them, and a predictor give the bytes back."""
    made = undo_filters(packed, dictionary, MIB)
    assert made.content == TEXT
    assert made.fault is None


@given(data=st.binary(max_size=3000), repeat=st.integers(1, 40))
def test_lzw_gives_back_what_went_in(data: bytes, repeat: int) -> None:
    """Codes of all widths, and tables that are full and cleared."""
    assert undo_filters(lzw(data * repeat), {"Filter": "LZWDecode"}, 8 * MIB).content == data * repeat


@pytest.mark.parametrize("colors", [1, 3])
@pytest.mark.parametrize("predictor", [2, 10, 11, 12, 13, 14, 15])
def test_predictors_agree_with_pypdf(oracle: Import, predictor: int, colors: int) -> None:
    """Differences of rows and pixels are added up as pypdf does it, whatever each row says."""
    rows = b"".join(
        bytes([index % 5]) + bytes((index * 7 + at * 11) & 0xFF for at in range(6 * colors)) for index in range(9)
    )
    parameters: dict[str, Value] = {"Predictor": predictor, "Columns": 6, "Colors": colors, "BitsPerComponent": 8}
    generic = oracle("pypdf.generic")
    theirs = generic.DictionaryObject(
        {generic.NameObject(f"/{key}"): generic.NumberObject(value) for key, value in parameters.items()}
    )
    data = rows if predictor > 2 else rows[: 6 * colors * 9]
    expected = oracle("pypdf.filters").FlateDecode.decode(zlib.compress(data), theirs)
    made = undo_filters(zlib.compress(data), {"Filter": "FlateDecode", "DecodeParms": parameters}, MIB)
    assert made.content == bytes(expected)


@pytest.mark.parametrize(
    ("dictionary", "packed", "code"),
    [
        ({"Filter": "FlateDecode"}, zlib.compress(bytes(8 * MIB)), "too-large"),
        ({"Filter": ["FlateDecode", "FlateDecode"]}, zlib.compress(zlib.compress(bytes(64 * MIB))), "too-large"),
        ({"Filter": "RunLengthDecode"}, b"\x81\0" * MIB, "too-large"),
        ({"Filter": "ASCII85Decode"}, b"z" * MIB, "too-large"),
        ({"Filter": "LZWDecode"}, lzw(bytes(2 * MIB)), "too-large"),
        ({"Filter": "DCTDecode"}, b"", "unsupported"),
        ({"Filter": ["Fl"] * 9}, b"", "unsupported"),
        ({"Filter": [{}]}, b"", "unsupported"),
        ({"Filter": "Fl", "DecodeParms": {"Predictor": 12, "Columns": 1 << 40}}, zlib.compress(TEXT), "unsupported"),
        ({"Filter": "Fl", "DecodeParms": {"Predictor": 2, "BitsPerComponent": 4}}, zlib.compress(TEXT), "unsupported"),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("ends_in_moments")
def test_what_is_not_undone_is_said(dictionary: dict[str, Value], packed: bytes, code: str) -> None:
    """Bombs make nothing, and neither do filters of images or parameters that cannot be."""
    with pytest.raises(NotUnpacked) as raised:
        undo_filters(packed, dictionary, MIB)
    assert raised.value.code == code


@pytest.mark.parametrize(
    ("name", "packed", "begin"),
    [
        ("FlateDecode", zlib.compress(TEXT)[:-20], TEXT[:20]),
        ("FlateDecode", zlib.compress(TEXT)[:30] + b"\xff" * 30, b""),
        ("LZWDecode", lzw(TEXT)[:60] + b"\xff" * 8, TEXT[:40]),
        ("FlateDecode", b"\x00\x00" + zlib.compress(TEXT)[2:], TEXT),
    ],
)
def test_what_came_out_before_the_damage_is_kept(name: str, packed: bytes, begin: bytes) -> None:
    """A broken stream gives what it had, and says so; a broken header alone is passed over."""
    made = undo_filters(packed, {"Filter": name}, MIB)
    assert made.content.startswith(begin)
    assert made.fault is not None


@given(
    data=st.binary(max_size=400),
    names=st.lists(st.sampled_from(["Fl", "AHx", "A85", "LZW", "RL", "Crypt"]), max_size=3),
    predictor=st.sampled_from([1, 2, 10, 15, -1]),
)
def test_any_bytes_through_any_filters(data: bytes, names: list[str], predictor: int) -> None:
    """Whatever stands there, no more comes out than may, or nothing does."""
    parameters: Value = [{"Predictor": predictor, "Columns": 3}] * len(names)
    assert len(made_of(data, {"Filter": list(names), "DecodeParms": parameters})) <= 1000


def made_of(data: bytes, dictionary: dict[str, Value]) -> bytes:
    try:
        return undo_filters(data, dictionary, 1000).content
    except NotUnpacked:
        return b""


@pytest.mark.usefixtures("ends_in_moments")
def test_slow_filters_stop_early() -> None:
    """Of LZW no more is read than can be undone in a moment."""
    packed = pack_bits([(256, 9)] * 8) * (SLOW_MAX_BYTES // 9)
    made = undo_filters(packed, {"Filter": "LZWDecode"}, MIB)
    assert made.fault is not None
