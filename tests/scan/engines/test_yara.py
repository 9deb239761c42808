"""Scanning: matches and hits as YARA found them, within our ceilings, and an engine that fails or does not end."""

from __future__ import annotations

import mmap
from collections.abc import Callable

import pytest
import yara

from sampler.errors import RulesError, ScanError, ScanTimeout
from sampler.limits import HITS_PER_RULE_MAX_COUNT, MATCHES_MAX_COUNT
from sampler.model import RuleMatch, StringHit
from sampler.scan import EXTERNALS, RuleSet
from sampler.scan.engine import ScanLimits
from sampler.scan.engines.externals import Externals
from sampler.scan.engines.yara import ENGINE, YaraRules

Load = Callable[..., RuleSet]
ENDLESS = """
rule endless {
  condition:
    for all i in (0..filesize - 1) : (for all j in (0..filesize - 1) : (uint8(i) != 256 and uint8(j) != 256))
}
"""


def only(matches: tuple[RuleMatch, ...]) -> RuleMatch:
    (match,) = matches
    return match


def test_a_match_with_everything(load: Load) -> None:
    """A match has its rule, namespace, tags, metadata, and hits with identifier, offset and length."""
    rules = load(
        a="""
        rule named : first second {
          meta: author = "us" score = 7 active = true
          strings: $text = "needle" $hex = { 6E ?? ?? 64 }
          condition: all of them
        }"""
    )
    assert only(rules.scan(b"..needle", {})) == RuleMatch(
        rule="named",
        namespace="a.yar",
        tags=("first", "second"),
        meta=(("author", "us"), ("score", 7), ("active", True)),
        hits=(StringHit("$hex", 2, 4), StringHit("$text", 2, 6)),
        hits_total=2,
    )


def test_hits_are_where_the_bytes_are(load: Load) -> None:
    """Wide, encoded and xored strings are reported where their bytes lie, with the length that matched."""
    rules = load(
        a="""
        rule a {
          strings:
            $xor = "secret word" xor(1-255)
            $wide = "wide" wide
            $base64 = "This program cannot" base64
            $regex = /ab+c/
          condition: all of them
        }"""
    )
    pieces = {
        "$xor": bytes(byte ^ 0x5A for byte in b"secret word"),
        "$wide": b"w\0i\0d\0e\0",
        "$base64": b"VGhpcyBwcm9ncmFtIGNhbm5vd",
        "$regex": b"abbbbc",
    }
    data = b"--".join(pieces.values())
    hits = {hit.identifier: data[hit.offset : hit.offset + hit.length] for hit in only(rules.scan(data, {})).hits}
    assert {**hits, "$base64": pieces["$base64"]} == pieces
    assert pieces["$base64"].startswith(hits["$base64"])


def test_order(load: Load) -> None:
    """Matches are sorted by namespace and rule, whatever order the files have them in."""
    rules = load(
        b="rule z { condition: true } rule y { condition: true }",
        a="rule x { condition: true } rule w { condition: true }",
    )
    assert [match.rule for match in rules.scan(b"", {})] == ["w", "x", "y", "z"]


def test_private_and_global_rules(load: Load) -> None:
    """A private rule serves others without being reported; a global one that fails silences its whole file."""
    rules = load(
        a="private rule hidden { condition: true } rule shown { condition: hidden }",
        b="global rule large { condition: filesize > 3 } rule other { condition: true }",
    )
    assert [match.rule for match in rules.scan(b"", {})] == ["shown"]
    assert [match.rule for match in rules.scan(b"four", {})] == ["shown", "large", "other"]


def test_private_strings(load: Load) -> None:
    """A private string is not among the hits."""
    rules = load(a='rule a { strings: $seen = "a" $hidden = "b" private condition: all of them }')
    assert only(rules.scan(b"ab", {})).hits == (StringHit("$seen", 0, 1),)


@pytest.mark.parametrize("name", EXTERNALS)
def test_externals(load: Load, name: str) -> None:
    """Rules see each external variable, and an empty text where none is given."""
    rules = load(a=f'rule is {{ condition: {name} == "value" }} rule empty {{ condition: {name} == "" }}')
    assert only(rules.scan(b"", {name: "value"})).rule == "is"
    assert only(rules.scan(b"", {})).rule == "empty"


def test_externals_beyond_those(load: Load) -> None:
    """A variable that no rule can use is not passed on."""
    rules = load(a="rule a { condition: true }")
    assert rules.scan(b"", {"password": "x"})


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_kinds_of_data(load: Load, kind: Callable[[bytes], bytes]) -> None:
    """Bytes are scanned where they lie, whatever holds them."""
    assert load(a='rule a { strings: $a = "a" condition: $a }').scan(kind(b"a"), {})


def test_mapped_data(load: Load) -> None:
    """A mapped object is scanned without being copied."""
    with mmap.mmap(-1, mmap.PAGESIZE) as data:
        data[100:101] = b"a"
        rules = load(a='rule a { strings: $a = "a" condition: $a }')
        assert only(rules.scan(data, {})).hits == (StringHit("$a", 100, 1),)


def test_more_hits_than_are_kept(load: Load) -> None:
    """Of very many hits some are kept, the rare string's among them, and how many there were is known."""
    rules = load(a='rule a { strings: $often = "a" $rare = "b" condition: all of them }')
    match = only(rules.scan(b"a" * 5000 + b"b", {}))
    assert len(match.hits) == HITS_PER_RULE_MAX_COUNT
    assert match.hits_total == 5001
    assert match.hits[-1] == StringHit("$rare", 5000, 1)
    assert list(match.hits) == sorted(match.hits, key=lambda hit: hit.offset)


def test_more_hits_than_yara_counts(load: Load) -> None:
    """Where YARA itself stops counting, the match stands and the string is named."""
    result = load(a='rule a { strings: $often = "a" condition: #often > 10 }').run(b"a" * 1_000_100, {})
    assert only(result.matches).hits_total >= 1_000_000
    assert result.overflows == ("a $often",)


def test_more_matches_than_are_kept(load: Load) -> None:
    """Of very many matching rules the first are kept, and how many there were is known."""
    count = MATCHES_MAX_COUNT + 3
    result = load(a="".join(f"rule r{number} {{ condition: true }}\n" for number in range(count))).run(b"", {})
    assert len(result.matches) == MATCHES_MAX_COUNT
    assert result.matches_total == count


def test_a_rule_that_never_ends(load: Load) -> None:
    """A rule that would run for days is stopped at the timeout, and the rules can scan again."""
    rules = load(a=ENDLESS)
    with pytest.raises(ScanTimeout, match="within 1 s"):
        rules.scan(bytes(4 << 20), {}, ScanLimits(timeout_seconds=1))
    assert only(rules.scan(b"ab", {})).rule == "endless"


def test_an_engine_that_fails(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of the engine is an error of ours that names its cause."""

    class Broken:
        def match(self, **options: object) -> None:
            raise yara.Error("internal error: 30")

    rules = YaraRules(Broken(), Externals({}))
    with pytest.raises(ScanError, match="internal error: 30"):
        rules.scan(b"", {}, ScanLimits())


def test_rules_that_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """What YARA cannot take for another reason than a line is an error of the rules."""

    def refuse(**options: object) -> None:
        raise yara.Error("internal error: 46")

    monkeypatch.setattr(yara, "compile", refuse)
    with pytest.raises(RulesError, match="YARA cannot take these rules: internal error: 46"):
        ENGINE.compile({"a.yar": ""}, {})


def test_what_rules_say(load: Load, capfd: pytest.CaptureFixture[str]) -> None:
    """What rules print for their authors does not reach the log of a service."""
    rules = load(a='import "console"\nrule a { condition: console.log("hello") }')
    assert rules.scan(b"", {})
    assert capfd.readouterr() == ("", "")


def test_modules(load: Load) -> None:
    """Rules may use YARA's own modules."""
    rules = load(
        a="""
        import "pe"
        import "hash"
        import "math"
        rule a {
          condition:
            not pe.is_pe and math.entropy(0, filesize) < 1 and
            hash.sha256(0, filesize) == "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
        }"""
    )
    assert only(rules.scan(b"a", {})).rule == "a"
