"""Whether it pays to compress."""

from __future__ import annotations

import os

import pytest
import zstandard

from sampler.limits import KIB, MIB
from sampler.upload.answers import Answer
from sampler.upload.packing import Packing, packed

TEXT = b"what a program says, and says again; " * 4000
TAKES = Answer(201, {"accept-encoding": "gzip, zstd;q=0.5"})


def _slow(**options: bool) -> Packing:
    packing = Packing(**options)
    packing.learn(TAKES)
    packing.measured(1 * MIB, 1.0)
    return packing


def test_what_becomes_smaller_on_a_slow_line() -> None:
    """Text is compressed; what is random, or begins as packed formats do, is not."""
    packing = _slow()
    assert packing.pays(TEXT)
    assert not packing.pays(os.urandom(64 * KIB))
    assert not packing.pays(b"PK\x03\x04" + TEXT)
    assert not packing.pays(b"")


def test_only_where_the_queue_takes_it() -> None:
    """A queue that never said so, or took it back, gets the bytes as they are; without a word nothing changes."""
    packing = Packing(line_bytes_per_second=1000)
    assert not packing.pays(TEXT)
    packing.learn(TAKES)
    packing.learn(Answer(204))
    assert packing.pays(TEXT)
    packing.learn(Answer(415, {"accept-encoding": "identity"}))
    assert not packing.pays(TEXT)


def test_only_on_a_line_that_is_slower_than_compressing() -> None:
    """What is not known, and what was found to be fast, is left alone; what travels in a moment says nothing."""
    packing = Packing()
    packing.learn(TAKES)
    packing.measured(1000, 1.0)
    assert not packing.pays(TEXT)
    packing.measured(300 * MIB, 1.0)
    assert not packing.pays(TEXT)
    packing.measured(1 * MIB, 1.0)
    assert packing.pays(TEXT)


def test_a_line_whose_speed_is_given_is_not_measured() -> None:
    """The operator's limit is what there is."""
    packing = Packing(line_bytes_per_second=1000)
    packing.learn(TAKES)
    packing.measured(300 * MIB, 1.0)
    assert packing.pays(TEXT)


def test_not_where_the_operator_says_no() -> None:
    """Whatever the line is."""
    assert not _slow(wanted=False).pays(TEXT)


def test_what_is_packed_can_be_had_again() -> None:
    """A frame says how many bytes it has; what would not become smaller is no frame at all."""
    frame = packed(TEXT)
    assert frame is not None
    assert zstandard.frame_content_size(frame) == len(TEXT)
    assert zstandard.decompress(frame) == TEXT
    assert packed(os.urandom(1000)) is None


@pytest.mark.parametrize("header", ["", "identity", "zstandard", "x-zstd"])
def test_codings_that_are_not_ours(header: str) -> None:
    """Only the word itself counts."""
    packing = Packing(line_bytes_per_second=1000)
    packing.learn(Answer(201, {"accept-encoding": header}))
    assert not packing.pays(TEXT)
