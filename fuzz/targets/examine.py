"""Everything that a child does with one object, from its request to the frame that it answers with."""

from __future__ import annotations

import functools
import hashlib
import os
from typing import Final

from fuzz.judging import SHA256, judge, judge_swept
from fuzz.seeds import SAMPLE_MAX_BYTES, samples
from fuzz.target import Target
from sampler.examine.child import prepare
from sampler.examine.messages import (
    Answer,
    Examined,
    ExamineRequest,
    Request,
    SweepRequest,
    Swept,
    decode_answer,
    encode,
    encode_order,
)
from sampler.model import Problem
from sampler.runtime.places import shipped
from sampler.sandbox import Prepared
from sampler.scan import RuleSettings, ScanLimits

PATH: Final = b"/folder/name.exe"


def one_input(data: bytes) -> None:
    """Answers that fit a frame and that the parent believes, on a snapshot and on a live file, and no failed stage."""
    descriptor = os.memfd_create("object", os.MFD_CLOEXEC)
    try:
        os.write(descriptor, data)
        examined = _answer(ExamineRequest(SHA256, len(data), PATH, "root"), descriptor)
        os.lseek(descriptor, 0, os.SEEK_SET)
        swept = _answer(SweepRequest(len(data), PATH, "root"), descriptor)
    finally:
        os.close(descriptor)
    assert isinstance(examined, Examined)
    judge(examined.examination, len(data))
    assert isinstance(swept, Swept)
    judge_swept(swept, len(data))
    assert (swept.sha256, swept.size) == (hashlib.sha256(data).hexdigest(), len(data))
    assert swept.matches == examined.examination.matches
    _no_failed_stage(examined.examination.problems)
    _no_failed_stage(swept.problems)


def _answer(request: Request, descriptor: int) -> Answer:
    return decode_answer(_prepared().handle(encode(request), descriptor))


def _no_failed_stage(problems: tuple[Problem, ...]) -> None:
    failed = [problem for problem in problems if problem.code.endswith("-failed")]
    assert not failed, failed


@functools.cache
def _prepared() -> Prepared:
    return prepare(encode_order(RuleSettings((shipped("rules"),)), ScanLimits()))


TARGET: Final = Target(
    one_input,
    samples,
    tokens=(
        b"MZ", b"PE\0\0", b"\x7fELF", b"PK\x03\x04", b"PK\x05\x06", b"%PDF-1.7", b"\x55\xaa", b"#!/bin/sh\n",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"\xcf\xfa\xed\xfe", b"Rich", b".rsrc\0\0\0", b"\xff\xff\xff\xff",
    ),
    prepare=_prepared,
    max_bytes=SAMPLE_MAX_BYTES,
)  # fmt: skip
