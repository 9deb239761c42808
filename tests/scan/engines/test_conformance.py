"""What every engine does alike: one suite over all of them; where they differ is in ``test_differences``."""

from __future__ import annotations

import mmap
import os
import threading
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from sampler.errors import RulesError, ScanError, ScanTimeout
from sampler.limits import FIELDS_MAX_COUNT, HITS_PER_RULE_MAX_COUNT, HITS_PER_STRING_MAX_COUNT, MATCHES_MAX_COUNT
from sampler.model import RuleMatch, StringHit
from sampler.scan.engine import CompiledRules, Engine, ExternalValue, ScanLimits, ScanResult
from sampler.scan.rule_files import RuleFileError

Compiled = Callable[..., CompiledRules]
Scan = Callable[..., ScanResult]

LIMITS = ScanLimits()
ENDLESS = """
rule endless {
  condition:
    for all i in (0..filesize - 1) : (for all j in (0..filesize - 1) : (uint8(i) != 256 and uint8(j) != 256))
}
"""
MANY = """
global rule small { condition: filesize < 1000 }
private rule hidden { condition: true }
rule texts : one two { meta: author = "us" strings: $a = "needle" $b = "hay" nocase condition: any of them and hidden }
rule bytes { strings: $a = { 6E ?? ?? 64 } condition: $a }
rule pattern { strings: $a = /n[e]+dle/ condition: #a == 1 and level > 3 }
"""


def only(result: ScanResult) -> RuleMatch:
    (match,) = result.matches
    return match


def names(result: ScanResult) -> list[str]:
    return [match.rule for match in result.matches]


def test_a_match_with_everything(scan: Scan) -> None:
    """A match has its rule, namespace, tags, metadata, and hits with identifier, offset and length."""
    source = """
        rule named : first second {
          meta: active = true author = "us" score = -7
          strings: $text = "needle" $hex = { 6E ?? ?? 64 } $ = "dle" $absent = "straw"
          condition: any of them
        }"""
    assert scan(source, b"..needle") == ScanResult(
        matches=(
            RuleMatch(
                rule="named",
                namespace="n",
                tags=("first", "second"),
                meta=(("active", True), ("author", "us"), ("score", -7)),
                hits=(StringHit("$hex", 2, 4), StringHit("$text", 2, 6), StringHit("$", 5, 3)),
                hits_total=3,
            ),
        ),
        matches_total=1,
    )


def test_a_comment_at_the_end(compiled: Compiled) -> None:
    """A text may end with a comment whose line does not end."""
    assert names(compiled("rule a { condition: true } // no more").scan(b"", {}, LIMITS)) == ["a"]


def test_metadata_that_is_odd(compiled: Compiled) -> None:
    """Of two values of one name the last counts; texts lose what is not UTF-8 and end at a NUL."""
    rules = compiled(r'rule a { meta: a = 1 a = 2 b = "\xe9x\xff" c = "x\x00y" d = "ü" condition: true }')
    expected = {"a": 2, "b": "x", "c": "x", "d": "ü"}
    (header,) = rules.headers()
    assert header.meta == expected
    assert dict(only(rules.scan(b"", {}, LIMITS)).meta) == expected


def test_metadata_without_end(scan: Scan) -> None:
    """Of more metadata than a match may have, the first are kept."""
    meta = " ".join(f"m{number:05} = {number}" for number in range(FIELDS_MAX_COUNT + 5))
    kept = only(scan(f"rule a {{ meta: {meta} condition: true }}", b"")).meta
    assert len(kept) == FIELDS_MAX_COUNT
    assert kept[-1] == (f"m{FIELDS_MAX_COUNT - 1:05}", FIELDS_MAX_COUNT - 1)


def test_hits_are_where_the_bytes_are(scan: Scan) -> None:
    """Wide, encoded and xored strings are reported where their bytes lie, with length and xor key."""
    source = """
        rule a {
          strings:
            $xor = "secret word" xor(1-255)
            $plain = "in the clear" xor
            $wide = "wide" wide
            $base64 = "This program cannot" base64
            $regex = /ab+c/
            $nibble = { 7? ( 51 | 52 52 ) [1-3] 5A }
          condition: all of them
        }"""
    pieces = {
        "$xor": bytes(byte ^ 0x5A for byte in b"secret word"),
        "$plain": b"in the clear",
        "$wide": b"w\0i\0d\0e\0",
        "$base64": b64encode(b"This program cannot be run"),
        "$regex": b"abbbbc",
        "$nibble": b"\x7f\x52\x52..\x5a",
    }
    data = b"--".join(pieces.values())
    expected = tuple(
        StringHit(
            identifier=name,
            offset=data.index(piece),
            length=25 if name == "$base64" else len(piece),  # the 26th character also depends on what follows
            xor_key=0x5A if name == "$xor" else 0,
        )
        for name, piece in pieces.items()
    )
    assert only(scan(source, data)).hits == expected


def test_order(scan: Scan) -> None:
    """Matches are sorted by namespace and rule, hits by offset and identifier, whatever order the rules have."""
    source = {
        "b": "rule z { condition: true } rule y { condition: true }",
        "a": 'rule x { condition: true } rule w { strings: $b = "1" $a = "1" condition: all of them }',
    }
    result = scan(source, b"1-1")
    assert [(match.namespace, match.rule) for match in result.matches] == [
        ("a", "w"),
        ("a", "x"),
        ("b", "y"),
        ("b", "z"),
    ]
    assert [(hit.offset, hit.identifier) for hit in result.matches[0].hits] == [
        (0, "$a"),
        (0, "$b"),
        (2, "$a"),
        (2, "$b"),
    ]


def test_the_same_rule_in_two_namespaces(scan: Scan) -> None:
    """Rules of one name in two namespaces are two rules."""
    source = {"a": "rule r { condition: true }", "b": "rule r { condition: true }"}
    assert [(match.namespace, match.rule) for match in scan(source, b"").matches] == [("a", "r"), ("b", "r")]


def test_private_and_global_rules(compiled: Compiled) -> None:
    """A private rule serves others without being reported; a global one that fails silences its namespace alone."""
    rules = compiled(
        {
            "a": "private rule hidden { condition: true } rule shown { condition: hidden }",
            "b": "global rule large { condition: filesize > 3 } rule other { condition: true }",
            "c": "global private rule larger { condition: filesize > 4 } rule another { condition: true }",
        }
    )
    assert names(rules.scan(b"", {}, LIMITS)) == ["shown"]
    assert names(rules.scan(b"four", {}, LIMITS)) == ["shown", "large", "other"]
    assert names(rules.scan(b"fives", {}, LIMITS)) == ["shown", "large", "other", "another"]


def test_private_strings(scan: Scan) -> None:
    """A private string is not among the hits."""
    match = only(scan('rule a { strings: $seen = "a" $hidden = "b" private condition: all of them }', b"ab"))
    assert match.hits == (StringHit("$seen", 0, 1),)
    assert match.hits_total == 1


def test_headers(engine: Engine, compiled: Compiled) -> None:
    """Every rule is told with tags and metadata, private ones as well; yara-x alone does not tell which are private."""
    rules = compiled(
        """
        rule plain : tag { meta: a = 1 condition: true }
        private rule hidden { condition: true }
        global rule everywhere { condition: true }"""
    )
    told = {header.name: header for header in rules.headers()}
    assert told.keys() == {"plain", "hidden", "everywhere"}
    assert (told["plain"].namespace, told["plain"].tags, dict(told["plain"].meta)) == ("n", ("tag",), {"a": 1})
    tells = engine.name != "yara-x"
    assert (told["hidden"].is_private, told["everywhere"].is_global) == (tells, tells)
    assert not told["plain"].is_private
    assert not told["plain"].is_global


def test_headers_of_namespaces(engine: Engine, compiled: Compiled) -> None:
    """Of several namespaces each rule has its own, or none where the engine does not tell."""
    rules = compiled({"a": "rule r { condition: true }", "b": "rule r { condition: true }"})
    expected = ["", ""] if engine.name == "yara" else ["a", "b"]
    assert sorted(header.namespace for header in rules.headers()) == expected


@pytest.mark.parametrize(
    ("unset", "value", "condition"),
    [
        ("", "value", '{} == "value"'),
        (0, 2**40, "{} == 1099511627776"),
        (0, -5, "{} == -5"),
        (0.0, 2.5, "{} > 2.4 and {} < 2.6"),
        (0.0, 3, "{} > 2.9 and {} < 3.1"),
        (False, True, "{}"),
    ],
)
def test_externals(compiled: Compiled, unset: ExternalValue, value: ExternalValue, condition: str) -> None:
    """A variable of each type has the value of the scan, and what it was compiled with in a scan that gives none."""
    rules = compiled(f"rule a {{ condition: {condition.replace('{}', 'it')} }}", {"it": unset})
    assert not rules.scan(b"", {}, LIMITS).matches
    assert rules.scan(b"", {"it": value}, LIMITS).matches
    assert not rules.scan(b"", {}, LIMITS).matches


def test_externals_that_were_compiled_in(compiled: Compiled) -> None:
    """The value given when compiling holds until a scan gives another."""
    rules = compiled('rule a { condition: it == "x" }', {"it": "x"})
    assert rules.scan(b"", {}, LIMITS).matches
    assert not rules.scan(b"", {"it": "y"}, LIMITS).matches


def test_externals_beyond_those(compiled: Compiled) -> None:
    """A variable that no rule can use is not passed on."""
    assert compiled("rule a { condition: true }", {"it": ""}).scan(b"", {"password": "x"}, LIMITS).matches


@pytest.mark.parametrize("value", [1, True, 1.5])
def test_externals_of_another_type(compiled: Compiled, value: ExternalValue) -> None:
    """A value that is not of its variable's type is an error that names the variable."""
    rules = compiled("rule a { condition: true }", {"it": ""})
    with pytest.raises(ScanError, match="the external variable it is of type str"):
        rules.scan(b"", {"it": value}, LIMITS)


def test_externals_that_no_engine_could_take(compiled: Compiled) -> None:
    """A text ends at a NUL, and what cannot be encoded becomes an escape."""
    rules = compiled('rule a { condition: it == "before" } rule b { condition: it == "\\\\udcff" }', {"it": ""})
    assert names(rules.scan(b"", {"it": "before\0after"}, LIMITS)) == ["a"]
    assert names(rules.scan(b"", {"it": "\udcff"}, LIMITS)) == ["b"]


@pytest.mark.parametrize("externals", [{"1x": ""}, {"a b": ""}, {"it": 2**63}])
def test_externals_that_are_none(compiled: Compiled, externals: Mapping[str, ExternalValue]) -> None:
    """A name that is no identifier and a number beyond 64 bits are errors of the rules."""
    with pytest.raises(RulesError):
        compiled("rule a { condition: true }", externals)


@pytest.mark.parametrize(
    ("source", "line", "what"),
    [
        ('rule a {\n  condition:\n    filename == "x"\n}', 3, "filename"),
        ("rule a { condition: true }\nrule a { condition: true }", 2, "a"),
        ('\n\nimport "nothing"\nrule a { condition: true }', 3, "nothing"),
        ('\ninclude "other.yar"\nrule a { condition: true }', 2, "include"),
        ('rule a {\n strings:\n $a = "unused" condition: true }', 3, "$a"),
        ("rule a {\n condition:\n true true }", 3, "syntax"),
    ],
)
def test_what_does_not_compile(compiled: Compiled, source: str, line: int, what: str) -> None:
    """A fault, an unknown variable among them, and an include are errors that name their line."""
    with pytest.raises(RuleFileError) as caught:
        compiled({"good": "rule g { condition: true }", "bad": source})
    assert caught.value.line == line
    assert what in str(caught.value)
    assert "\n" not in str(caught.value)


def test_two_scans_do_not_meet(compiled: Compiled) -> None:
    """Nothing of one scan is left in the next."""
    rules = compiled('rule a { strings: $a = "a" condition: $a }')
    assert names(rules.scan(b"a", {}, LIMITS)) == ["a"]
    assert names(rules.scan(b"b", {}, LIMITS)) == []
    assert only(rules.scan(b"-a", {}, LIMITS)).hits == (StringHit("$a", 1, 1),)


def test_no_bytes_at_all(scan: Scan) -> None:
    """Empty data is scanned like any other."""
    source = 'rule empty { condition: filesize == 0 } rule a { strings: $a = "a" condition: $a }'
    assert names(scan(source, b"")) == ["empty"]


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_kinds_of_data(scan: Scan, kind: Callable[[bytes], bytes]) -> None:
    """Bytes are scanned whatever holds them."""
    assert only(scan('rule a { strings: $a = "a" condition: $a }', kind(b"-a"))).hits == (StringHit("$a", 1, 1),)


def test_mapped_data(scan: Scan) -> None:
    """A mapped object is scanned."""
    with mmap.mmap(-1, mmap.PAGESIZE) as data:
        data[100:101] = b"a"
        assert only(scan('rule a { strings: $a = "a" condition: $a }', data)).hits == (StringHit("$a", 100, 1),)


def test_another_thread(compiled: Compiled) -> None:
    """Rules can scan on another thread than the one that compiled them."""
    rules = compiled("rule a { condition: true }")
    rules.scan(b"", {}, LIMITS)
    found: list[ScanResult] = []
    thread = threading.Thread(target=lambda: found.append(rules.scan(b"", {}, LIMITS)))
    thread.start()
    thread.join()
    assert names(found[0]) == ["a"]


def test_more_hits_than_are_kept(scan: Scan) -> None:
    """Of very many hits some are kept, the rare string's among them, and how many there were is known."""
    match = only(scan('rule a { strings: $often = "a" $rare = "b" condition: all of them }', b"a" * 5000 + b"b"))
    assert len(match.hits) == HITS_PER_RULE_MAX_COUNT
    assert match.hits_total == 5001
    assert match.hits[-1] == StringHit("$rare", 5000, 1)
    assert list(match.hits) == sorted(match.hits, key=lambda hit: hit.offset)


def test_fewer_are_kept_on_request(compiled: Compiled) -> None:
    """Matches and hits are kept up to what the limits say; all are counted."""
    rules = compiled("".join(f'rule r{number} {{ strings: $a = "a" condition: $a }}' for number in range(3)))
    result = rules.scan(b"aaaa", {}, ScanLimits(matches_max_count=2, hits_per_rule_max_count=1))
    assert result.matches_total == 3
    assert [(match.rule, match.hits, match.hits_total) for match in result.matches] == [
        (rule, (StringHit("$a", 0, 1),), 4) for rule in ("r0", "r1")
    ]


def test_more_hits_than_are_counted(scan: Scan) -> None:
    """Where the engine stops counting, the match stands and the string is named."""
    result = scan(
        'rule a { strings: $often = "a" $few = "b" condition: #often > 10 and $few }', b"b" + b"a" * 1_000_100
    )
    assert only(result).hits_total == HITS_PER_STRING_MAX_COUNT + 1
    assert result.overflows == ("a $often",)


def test_more_matches_than_are_kept(scan: Scan) -> None:
    """Of very many matching rules the first are kept, and how many there were is known."""
    count = MATCHES_MAX_COUNT + 3
    result = scan("".join(f"rule r{number:05} {{ condition: true }}\n" for number in range(count)), b"")
    assert names(result) == [f"r{number:05}" for number in range(MATCHES_MAX_COUNT)]
    assert result.matches_total == count


def test_a_rule_that_never_ends(compiled: Compiled) -> None:
    """A rule that would run for days is stopped at the timeout, and the rules can scan again."""
    rules = compiled(ENDLESS)
    with pytest.raises(ScanTimeout, match="within 1 s"):
        rules.scan(bytes(4 << 20), {}, ScanLimits(timeout_seconds=1))
    assert names(rules.scan(b"ab", {}, LIMITS)) == ["endless"]


@pytest.mark.parametrize("data", [b"", b"needle", b"needle needle hAy", b"nobody", b"needle" * 100, b"n" * 2000])
def test_fast_mode(compiled: Compiled, data: bytes) -> None:
    """The fast mode finds the same rules, each with the metadata that it has otherwise; hits may be fewer."""
    rules = compiled(MANY, {"level": 5})
    full, fast = (rules.scan(data, {}, ScanLimits(fast=fast)) for fast in (False, True))
    assert [replace(match, hits=(), hits_total=0) for match in fast.matches] == [
        replace(match, hits=(), hits_total=0) for match in full.matches
    ]
    assert all(set(some.hits) <= set(all_.hits) for some, all_ in zip(fast.matches, full.matches, strict=True))


def test_what_rules_say(scan: Scan, capfd: pytest.CaptureFixture[str]) -> None:
    """What rules print for their authors does not reach the log of a service."""
    assert scan('import "console"\nrule a { condition: console.log("hello") }', b"").matches
    assert capfd.readouterr() == ("", "")


def test_modules(scan: Scan) -> None:
    """Rules may use the modules that all engines have."""
    source = """
        import "pe" import "elf" import "hash" import "math" import "dotnet" import "time" import "string"
        rule a {
          condition:
            not pe.is_pe and math.entropy(0, filesize) < 1 and
            hash.sha256(0, filesize) == "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
        }"""
    assert names(scan(source, b"a")) == ["a"]


def test_loose_regular_expressions(scan: Scan) -> None:
    """Regular expressions may be as loose as YARA takes them."""
    assert names(scan(r"rule a { strings: $a = /a{x}\R/ condition: $a }", b"a{x}R")) == ["a"]


def test_saved_rules(engine: Engine, compiled: Compiled) -> None:
    """Rules that were saved and loaded give equal results, externals included; boreal's are not saved."""
    rules = compiled({"a": MANY, "b": MANY}, {"level": 5})
    saved = rules.save()
    assert (saved is None) == (engine.name == "boreal")
    for data in (b"", b"needle needle hAy") if saved else ():
        loaded = engine.load(saved or b"")
        for externals in ({}, {"level": 1}):
            assert loaded.scan(data, externals, LIMITS) == rules.scan(data, externals, LIMITS)
        assert [header.name for header in loaded.headers()] == [header.name for header in rules.headers()]


@pytest.mark.parametrize("data", [b"", b"x", bytes(100), b"\xff" * 100, b"\0\0\0\x02{}rest", b"\0\0\0\x05[1,2]rest"])
def test_damaged_rules(engine: Engine, data: bytes) -> None:
    """What is no saved form at all is refused."""
    with pytest.raises(RulesError, match="compile them again"):
        engine.load(data)


def test_rules_of_another_engine(engine: Engine, compiled: Compiled) -> None:
    """What another engine or version saved is refused, and so is what ends early."""
    saved = compiled("rule a { condition: true }").save() or b""
    for damaged in (saved.replace(engine.version.encode(), b"x" * len(engine.version)), saved[: len(saved) // 2]):
        with pytest.raises(RulesError):
            engine.load(damaged)


def test_a_process(engine: Engine, compiled: Compiled) -> None:
    """A process's memory is scanned at its addresses; yara-x says that it cannot."""
    needle = os.urandom(8).hex()
    rules = compiled(f'rule a {{ strings: $a = "{needle}" condition: $a }}')
    if engine.name == "yara-x":
        with pytest.raises(ScanError, match=r"yara-x cannot scan process memory .*; use --engine yara"):
            rules.scan_process(os.getpid(), {}, LIMITS)
    else:
        assert only(rules.scan_process(os.getpid(), {}, LIMITS)).hits_total >= 1


def test_a_process_that_is_not_there(compiled: Compiled) -> None:
    """A process that cannot be read is an error of the scan."""
    with pytest.raises(ScanError):
        compiled("rule a { condition: true }").scan_process(2**22, {}, LIMITS)
