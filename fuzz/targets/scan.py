"""The rules that ship, over hostile bytes: the engine with its modules for PE, ELF, Mach-O, hashes and mathematics.

They run twice, cut down to those that can match and all of them: no object may be made up that tells the two apart.
"""

from __future__ import annotations

import functools
from typing import Final

from fuzz.judging import examination_of, judge
from fuzz.seeds import SAMPLE_MAX_BYTES, samples
from fuzz.target import Target
from sampler.errors import ScanError
from sampler.runtime.places import shipped
from sampler.scan import RuleSet, RuleSettings

_EXTERNALS: Final = {"filename": "a.exe", "filepath": "/tmp/a.exe", "extension": ".exe", "filetype": "EXE", "owner": ""}


def one_input(data: bytes) -> None:
    """The same matches from both, with hits inside the object, or the engine's one documented error."""
    try:
        found = _rules(split=True).run(data, _EXTERNALS)
        assert found == _rules(split=False).run(data, _EXTERNALS)
    except ScanError:
        return
    assert found.matches_total >= len(found.matches)
    judge(examination_of(matches=found.matches), len(data))


def _prepare() -> None:
    _rules(split=True)
    _rules(split=False)


@functools.cache
def _rules(*, split: bool) -> RuleSet:
    return RuleSet.load(RuleSettings((shipped("rules"),), split=split))


TARGET: Final = Target(
    one_input,
    samples,
    tokens=(
        b"MZ", b"PE\0\0", b"\x7fELF", b"\xca\xfe\xba\xbe", b"\xcf\xfa\xed\xfe", b"Rich", b".rsrc\0\0\0", b"BSJB",
        b"\x0b\x01", b"\x0b\x02", b"\xff\xff\xff\xff", b"\0\0\0\x80", b"\xff\xff\xff\x7f", b"KERNEL32.dll\0",
    ),
    prepare=_prepare,
    max_bytes=SAMPLE_MAX_BYTES,
)  # fmt: skip
