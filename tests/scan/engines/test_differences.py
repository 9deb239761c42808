"""Where the engines are known to differ: one case each, so that a new version which no longer does is noticed.

None of these is repaired by the adapters: they lie in how the libraries search and tell.
"""

from __future__ import annotations

from collections.abc import Callable
from subprocess import CompletedProcess
from typing import TypeAlias

import pytest

from sampler.limits import MIB
from sampler.scan.engine import ScanLimits
from sampler.scan.engines import ENGINE_NAMES, engine_of

Hits: TypeAlias = list[tuple[str, int, int, int]]


def hits(string: str, data: bytes, condition: str = "any of them") -> dict[str, Hits | None]:
    """By engine: identifier, offset, length and xor key of each hit, ``None`` where the rule does not match."""
    found: dict[str, Hits | None] = {}
    for name in ENGINE_NAMES:
        rules = engine_of(name).compile({"n": f"rule r {{ strings: $a = {string} condition: {condition} }}"}, {})
        matches = rules.scan(data, {}, ScanLimits()).matches
        told = [(hit.identifier, hit.offset, hit.length, hit.xor_key) for match in matches for hit in match.hits]
        found[name] = told if matches else None
    return found


def test_a_search_that_no_condition_asks_for() -> None:
    """yara-x searches when a condition first asks for a string; a rule that matches before has no hits."""
    told: Hits = [("$a", 0, 2, 0)]
    found = hits('"ab"', b"ab", "filesize < 10 or $a")
    assert found == {"yara": told, "yara-x": [], "boreal": told}


def test_a_string_that_is_asked_for_in_one_place() -> None:
    """boreal tells a string that is only asked for at one offset everywhere, the others at that offset alone."""
    told: Hits = [("$a", 0, 2, 0), ("$a", 2, 2, 0)]
    assert hits('"ab"', b"abab", "$a at 2") == {"yara": told[1:], "yara-x": told[1:], "boreal": told}


def test_a_regular_expression_that_ends_in_any_number_of_anything() -> None:
    """yara-x leaves out the last byte of the object where ``.*`` ends an expression, and misses what ends with it."""
    assert hits("/ab.*/", b"ab12") == {
        "yara": [("$a", 0, 4, 0)],
        "yara-x": [("$a", 0, 3, 0)],
        "boreal": [("$a", 0, 4, 0)],
    }
    assert hits("/ab.?/", b"1ab") == {"yara": [("$a", 1, 2, 0)], "yara-x": None, "boreal": [("$a", 1, 2, 0)]}


def test_a_greedy_part_before_a_class() -> None:
    """Where an expression can match in several lengths, yara-x may tell a shorter one."""
    told: Hits = [("$a", 0, 5, 0)]
    assert hits(r"/bb[1b]*\wA/ nocase", b"BB1aa1_1") == {"yara": told, "yara-x": [("$a", 0, 4, 0)], "boreal": told}


def test_whole_words_that_are_xored() -> None:
    """For ``xor fullword`` yara-x looks at the neighbours once they are xored as well, the others as they lie there."""
    data = b"B" + bytes(byte ^ 0x5F for byte in b"secret") + b"B"
    assert hits('"secret" xor(95) fullword', data) == {"yara": None, "yara-x": [("$a", 1, 6, 0x5F)], "boreal": None}


def test_one_character_narrow_and_wide() -> None:
    """A single character that is ``wide ascii`` is one byte long for the others and two for boreal."""
    narrow, wide = [("$a", 0, 1, 0)], [("$a", 0, 2, 0)]
    assert hits('"b" wide ascii', b"b\0") == {"yara": narrow, "yara-x": narrow, "boreal": wide}


def test_keys_of_wide_strings() -> None:
    """For ``xor wide`` boreal tells a wrong key from the middle of the range on."""
    data = bytes(byte ^ 200 for byte in b"a\0b\0c\0")
    assert hits('"abc" xor wide', data) == {
        "yara": [("$a", 0, 6, 200)],
        "yara-x": [("$a", 0, 6, 200)],
        "boreal": [("$a", 0, 6, 72)],
    }


def test_alternatives_that_overlap() -> None:
    """boreal misses a hit of alternatives that begins before another one and ends where it ends."""
    told: Hits = [("$a", 0, 5, 0), ("$a", 1, 4, 0)]
    assert hits("{ 61 ?? (42 | 20 42) 61 }", b"aa Ba") == {"yara": told, "yara-x": told, "boreal": told[1:]}


def test_base64_before_other_characters() -> None:
    """yara-x finds a base64 string only where what follows is base64 as well."""
    found = hits('"This program cannot" base64', b"VGhpcyBwcm9ncmFtIGNhbm5vd--")
    assert found["yara-x"] is None
    assert found["yara"] == found["boreal"] == [("$a", 0, 25, 0)]


REPEATED = """
import resource, sys
from sampler.errors import ScanError
from sampler.scan.engine import ScanLimits
from sampler.scan.engines import engine_of

name, strings, object_bytes, memory_bytes = sys.argv[1], *map(int, sys.argv[2:])
source = " ".join(f'$a{place} = "{"a" * (place + 1)}"' for place in range(strings))
rules = engine_of(name).compile({"n": f"rule r {{ strings: {source} condition: all of them }}"}, {})
data = b"a" * object_bytes
resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
try:
    print(rules.scan(data, {}, ScanLimits()).matches[0].hits_total)
except ScanError as error:
    print(error)
rules.scan(b"a", {}, ScanLimits())
"""


@pytest.mark.parametrize("name", ENGINE_NAMES)
def test_very_many_hits(name: str, elsewhere: Callable[..., CompletedProcess[str]]) -> None:
    """A string that is everywhere in a large object fits into the memory of a child, whichever the engine."""
    ended = elsewhere(REPEATED, name, "1", str(64 * MIB), str(2048 * MIB))
    assert (ended.returncode, ended.stdout) == (0, "1000000\n"), ended.stderr


def test_more_hits_than_memory(elsewhere: Callable[..., CompletedProcess[str]]) -> None:
    """Where memory does not suffice for all hits, yara says so and can go on; the others end their process."""
    few = ("24", str(2 * MIB), str(256 * MIB))
    ended = elsewhere(REPEATED, "yara", *few)
    assert (ended.returncode, ended.stdout) == (0, "YARA found more hits in it than there is memory for\n")
    for name in ("yara-x", "boreal"):
        assert elsewhere(REPEATED, name, *few).returncode < 0


FORKED = """
import os, sys, time
from sampler.errors import ScanTimeout
from sampler.scan.engine import ScanLimits
from sampler.scan.engines import engine_of

spin = "for all i in (0..99) : (for all j in (0..filesize - 1) : (uint8(i) != 256 and uint8(j) != 256))"
rules = engine_of(sys.argv[1]).compile({"n": f"rule r {{ condition: filesize == 0 or {spin} }}"}, {})
rules.scan(b"", {}, ScanLimits(timeout_seconds=1))
if os.fork():
    sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))
begun = time.monotonic()
try:
    rules.scan(bytes(1_000_000), {}, ScanLimits(timeout_seconds=1))
    print("too soon" if time.monotonic() - begun < 1.1 else "late", flush=True)
except ScanTimeout:
    print("stopped", flush=True)
os._exit(0)
"""


@pytest.mark.parametrize(("name", "said"), [("yara", "stopped"), ("yara-x", "late"), ("boreal", "stopped")])
def test_deadlines_after_a_fork(name: str, said: str, elsewhere: Callable[..., CompletedProcess[str]]) -> None:
    """A forked child can scan; yara-x has no deadline there, which is why the sandbox has its own."""
    ended = elsewhere(FORKED, name)
    assert (ended.returncode, ended.stdout) == (0, f"{said}\n"), ended.stderr
