from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.describe.zone import Zone, read_zone


@pytest.mark.parametrize(
    "raw",
    [
        b"[ZoneTransfer]\r\nZoneId=3\r\nHostUrl=https://a.example/\r\n",
        b"[zonetransfer]\nzoneid = 3\nHOSTURL =https://a.example/",
        b"\xef\xbb\xbf[ZoneTransfer]\rZoneId=3\rHostUrl=https://a.example/\0",
        b"\xff\xfe" + "[ZoneTransfer]\r\nZoneId=3\r\nHostUrl=https://a.example/".encode("utf-16-le"),
        b"junk\n[Other]\nZoneId=1\n[ZoneTransfer]\nZoneId=3\nHostUrl=https://a.example/\nZoneId=2\n[End]\nHostUrl=x",
    ],
)
def test_reads_the_mark(raw: bytes) -> None:
    """Line ends, case, encodings and other sections do not matter; the first value of a key counts."""
    assert read_zone(raw) == Zone(3, "https://a.example/")


@pytest.mark.parametrize("zone", ["", "-1", "3.0", "99999", "9" * 5000, "\u0663", "three", "0x3", "1_0", " "])
def test_what_is_no_zone(zone: str) -> None:
    """Only a small decimal number is a zone."""
    assert read_zone(f"[ZoneTransfer]\nZoneId={zone}\n".encode()).identifier is None


def test_only_the_first_lines_are_read() -> None:
    """A mark of thousands of lines is cut, not searched."""
    assert read_zone(b"\n" * 5000 + b"[ZoneTransfer]\nZoneId=3\n") == Zone()
    assert read_zone(b"ZoneId=3\n") == Zone()


@given(st.binary(max_size=512))
def test_never_raises(raw: bytes) -> None:
    """Any bytes are a mark that says something or nothing."""
    zone = read_zone(b"[ZoneTransfer]\nZoneId=" + raw)
    assert zone.identifier is None or 0 <= zone.identifier <= 9999
