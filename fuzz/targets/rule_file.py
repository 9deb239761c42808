"""A hostile rule file beside a sound one: it is left out and named, or its rules are there; the other's always are."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from fuzz.target import Target
from sampler.limits import KIB
from sampler.runtime.places import shipped
from sampler.scan import RuleSet, RuleSettings

_SOUND: Final = 'rule sound { strings: $a = "sound" condition: $a }'
_SEED_MAX_BYTES: Final = 4 * KIB


def one_input(data: bytes) -> None:
    """The set always loads, the sound rule matches, and a file that gave no rule is named."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as name:
        folder = Path(name)
        (folder / "sound.yar").write_text(_SOUND)
        (folder / "hostile.yar").write_bytes(data)
        rules = RuleSet.load(RuleSettings((folder,)))
    assert rules.rule_count >= 1
    assert all(problem.file == "hostile.yar" and str(problem) for problem in rules.problems)


def _seeds() -> Iterator[bytes]:
    for path in sorted(shipped("rules").rglob("*.yar")):
        yield path.read_bytes()[:_SEED_MAX_BYTES]
    yield b'include "sound.yar"\nrule a { condition: sound }'
    yield b'import "pe"\nrule a { condition: for any s in pe.sections : (s.name matches /^[a-z]{1,4}(x|y)*$/) }'


TARGET: Final = Target(
    one_input,
    _seeds,
    tokens=(
        b"rule ", b"private ", b"global ", b"meta:", b"strings:", b"condition:", b'include "', b'import "pe"', b"$a = ",
        b" xor(0-255)", b" base64", b" wide", b" fullword", b"for all of them", b"{ 4D 5A [2-4] ?? }", b"/(a|b)*?/is",
        b"uint16(0)", b"filesize", b"entrypoint", b" matches ", b" at ", b" in (0..10)", b"parts = ", b"sampling = ",
        b"\\x00", b"{1,1000}", b"((", b"))",
    ),
)  # fmt: skip
