"""The outline of source texts, against plyara as an oracle, and what hostile texts cost."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sampler.runtime.places import shipped
from sampler.scan.source import OutlineError, RuleWriting, outline

PLYARA: Any = import_module("plyara").Plyara()  # has no types, and takes long to make
MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Made:
    """One rule of a made-up text."""

    name: str
    text: str


GAPS = st.sampled_from(
    [
        " ",
        "\n",
        "\t\r\n",
        ' // } " { rule x\n',
        "/* } \" ' { / rule y */",
        "/**/",
        "/***/",
        ' /* // " */ ',
        "//\n",
        "\n//*\n",
    ]
)
BLANKS = st.sampled_from([" ", "\n\t"])
"""Where YARA takes comments, too, and plyara does not."""
NAMES = st.sampled_from(["a", "_", "rule_1", "importer", "Condition", "x" * 40])
TEXT_VALUES = st.sampled_from(
    [r'"plain"', r'""', r'"\""', r'"\\"', r'"// no comment"', r'"/* none"', r'"}"', r'"condition: {"', r'"\x7d\n\t"']
)
HEX_VALUES = st.sampled_from(
    [
        "{ 01 02 }",
        "{01[2-4]?F(AA|BB)~00}",
        "{ 01 // } 02\n 03 }",
        "{ 01 /* } // */ 02 }",
        "{ 01 [4] /**/ 02 }",
        "{\n01\n}",
    ]
)
REGEX_VALUES = st.sampled_from(
    [
        r"/a/",
        r"/a\/b/i",
        r"/\\/s",
        r"/[{}\"]+/is",
        r"/a{2,3}/",
        r"/\/\/ no/",
        r"/\/\*/",
        r'/"/',
        r"/[^\/]*;/ wide ascii",
    ]
)
CONDITIONS = st.sampled_from(
    [
        "true",
        "any of them",
        "uint16(0)==0x5A4D and filesize<10KB",
        "for all i in (1..3):(i>0)",
        "1 of ($*) or $s0 at 0",
        "#s0*2>1 and @s0[1]!=3",
        'pe.sections[0].name=="}" and not pe.is_dll()',
        "math.entropy(0,filesize)>=7.2",
        'filename matches /a\\/{2}"/i',
        "any of (a*) or 0x10 & 0xF == 1 << 2",
        'filename contains "//" and 3 \\ 2 == 1',
    ]
)


@st.composite
def rules(draw: st.DrawFn, number: int) -> Made:
    """One rule, its parts set apart by gaps with comments in them."""

    def gap() -> str:
        return draw(GAPS)

    name = f"{draw(NAMES)}{number}"
    parts = [
        draw(st.sampled_from(["", "private ", "global ", "private global ", "global\nprivate\n"])),
        "rule",
        gap(),
        name,
    ]
    if tags := draw(st.lists(st.sampled_from(["t1", "meta_", "rules"]), max_size=2, unique=True)):
        parts += [" : ", " ".join(tags)]
    parts += [draw(BLANKS), "{", draw(BLANKS)]
    if values := draw(st.lists(TEXT_VALUES | st.sampled_from(["-1", "7", "true", "false"]), max_size=2)):
        parts += ["meta:", draw(BLANKS), *(f"m{place} = {value}{draw(BLANKS)}" for place, value in enumerate(values))]
    strings = draw(st.lists(TEXT_VALUES.filter(lambda value: len(value) > 2) | HEX_VALUES | REGEX_VALUES, max_size=3))
    if strings:
        parts += ["strings:", gap(), *(f"$s{place} ={gap()}{value} {gap()}" for place, value in enumerate(strings))]
    parts += ["condition", draw(BLANKS), ":", gap(), draw(CONDITIONS), gap(), "}"]
    return Made(name, "".join(parts))


@st.composite
def texts(draw: st.DrawFn) -> tuple[str, list[Made]]:
    """A source text and the rules in it."""
    made = [draw(rules(number)) for number in range(draw(st.integers(1, 4)))]
    heads = draw(
        st.lists(st.sampled_from(['import "pe"', 'import "math"', 'include "a.yar"', 'include "b/c.yar"']), max_size=3)
    )
    parts = [*heads, *(rule.text for rule in made)]
    return "".join(part + draw(GAPS) for part in parts), made


def parsed_by_plyara(text: str) -> list[dict[str, Any]]:
    PLYARA.clear()
    return list(PLYARA.parse_string(text))


def agree(text: str) -> None:
    """The outline says what plyara says, and each rule can be cut out by its place."""
    layout = outline(text)
    others = parsed_by_plyara(text)
    assert [rule.name for rule in layout.rules] == [rule["rule_name"] for rule in others]
    for rule, other in zip(layout.rules, others, strict=True):
        assert "".join(rule.condition) == "".join(other["condition_terms"])
        assert list(rule.writing.strings) == [string["name"] for string in other.get("strings", [])]
        kinds = {string["name"] for string in other.get("strings", []) if string["type"] == "byte"}
        assert rule.writing.hex_strings == kinds
        assert rule.is_global == ("global" in other.get("scopes", []))
        (alone,) = parsed_by_plyara(text[rule.start : rule.end])
        assert alone["rule_name"] == rule.name


@settings(max_examples=100, deadline=None)
@given(texts())
def test_made_up_texts(made: tuple[str, list[Made]]) -> None:
    """Comments, strings and expressions full of braces and quotes do not mislead it; each rule is cut out exactly."""
    text, rules_made = made
    layout = outline(text)
    assert [text[rule.start : rule.end] for rule in layout.rules] == [rule.text for rule in rules_made]
    agree(text)


@pytest.mark.parametrize("file", sorted(shipped("rules").rglob("*.yar*")), ids=lambda file: file.name)
def test_shipped_rules(file: Path) -> None:
    """Every rule file that ships is understood as plyara understands it."""
    agree(file.read_text())


def test_statements() -> None:
    """Imports and includes are told with their places, however they are written."""
    text = 'import"pe" // import "no"\ninclude/* include "no" */"a\\"b.yar"include\n"c.yar" rule a { condition: true }'
    layout = outline(text)
    assert [statement.what for statement in layout.imports] == ["pe"]
    assert [statement.what for statement in layout.includes] == ['a\\"b.yar', "c.yar"]
    assert [text[place.start : place.end] for place in layout.includes] == [
        'include/* include "no" */"a\\"b.yar"',
        'include\n"c.yar"',
    ]


def test_how_strings_are_written() -> None:
    """The order of strings and which of them are hex strings are told, nameless and numbered ones included."""
    text = 'rule a { strings: $ = "x" $1 = { 01 } $b = /y/ $ = { 02 } condition: any of them }'
    writing = outline(text).rules[0].writing
    assert writing == RuleWriting(("$", "$1", "$b", "$"), frozenset({"$1", "$"}))
    assert [writing.place(name) for name in ("$", "$1", "$b", "$c")] == [0, 1, 2, 4]


def test_words() -> None:
    """A name does not run into the operator behind it."""
    text = "rule a { condition: filesize*2!=a.b and $a* and !a[1]!=@b and 1..2 and (b *) }"
    assert outline(text).rules[0].condition == (
        *("filesize", "*", "2", "!=", "a", ".", "b", "and", "$a*", "and", "!a", "[", "1", "]", "!=", "@b", "and"),
        *("1", "..", "2", "and", "(", "b", "*", ")"),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nonsense", "line 1: 'nonsense' begins neither a rule nor an import"),
        ("\nimport pe", "line 2: import needs a text"),
        ("private x rule a { condition: true }", "line 1: 'x' is no modifier of a rule"),
        ("rule a {\n}", "line 2: the rule ends without a condition"),
        ("rule a { condition: true", "line 1: the text ends inside a statement"),
        ("rule a {\n condition: /* true }", "line 2: a comment or a regular expression does not end"),
        ("rule a {\n condition: /* a/b }", "line 2: a comment or a regular expression does not end"),
        ("rule a {\n condition: a matches /x }\n", "line 2: a comment or a regular expression does not end"),
        ('rule a {\n\n condition: "x\n" }', "line 3: a text does not end"),
        ("rule a { strings:\n $a = { 01 condition: $a }", "line 2: a hex string does not end"),
        ("rule a { strings:\n $a = { 01 // }\n condition: $a }", "line 2: a hex string does not end"),
    ],
)
def test_what_is_no_rule(text: str, message: str) -> None:
    """A text that is not laid out like rules is refused, with the line."""
    with pytest.raises(OutlineError) as caught:
        outline(text)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("head", "unit"),
    [
        ("", "{"),
        ("rule a {", "{"),
        ("rule a { condition: ", "("),
        ("rule a { condition: ", "/*\n"),
        ("rule a { condition: ", "/* "),
        ("rule a { condition: ", "/\\\n"),
        ("rule a { condition: ", '"\\'),
        ('rule a { condition: "', '\\"'),
        ("rule a { condition: /", "\\/"),
        ("rule a { condition: ", "1."),
        ("rule a : ", "x "),
        ("rule a { strings: $a = {", "/"),
        ("rule a { strings: $a = {", "//\n"),
        ("rule a { strings: $a = {", "/* */ "),
        ("rule a { strings: $a = {", "/**/*/"),
        ("rule a { strings: ", "$a = { 00\n"),
        ("rule a { strings: ", "$a = { /*\n"),
    ],
)
@pytest.mark.usefixtures("ends_in_moments")
def test_hostile_texts(head: str, unit: str) -> None:
    """A mebibyte of what never ends is refused in a time that grows with its length only."""
    text = head + unit * (MIB // len(unit))
    with pytest.raises(OutlineError):
        outline(text)
