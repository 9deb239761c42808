"""Loading rule sets: what is left out and named, what runs, and what a set is called."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from sampler.errors import RulesError
from sampler.limits import TEXT_MAX_CHARACTERS
from sampler.scan import RuleSet, RuleSettings

Write = Callable[..., Path]
GOOD = "rule good { condition: true }"


def load(places: Sequence[Path]) -> RuleSet:
    return RuleSet.load(RuleSettings(tuple(places)))


def names(rules: RuleSet, data: bytes = b"") -> list[tuple[str, str]]:
    return [(match.namespace, match.rule) for match in rules.scan(data, {})]


def problems(rules: RuleSet) -> list[str]:
    return [str(problem) for problem in rules.problems]


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("rule bad {\n  condition:\n    foo\n}", 'bad.yar:3: rule bad is left out: undefined identifier "foo"'),
        ("rule bad {", "bad.yar:0: syntax error"),
        ('rule a {\n strings: $a = "unused"\n condition: true }', "bad.yar:3: rule a is left out: unreferenced string"),
        (b"\x7fELF\0\0\0", "bad.yar:1: it has a NUL byte"),
        (bytes(range(1, 256)) * 4, "bad.yar:2: byte 0x80 is not UTF-8"),
    ],
)
def test_one_bad_file(rule_folder: Write, source: str | bytes, problem: str) -> None:
    """A file of which nothing compiles is left out and named with its line; the others' rules run."""
    rules = load([rule_folder({"bad.yar": source, "good.yar": GOOD})])
    assert len(rules.problems) == 1
    assert problems(rules)[0].startswith(problem)
    assert rules.rule_count == 1
    assert names(rules) == [("good.yar", "good")]


@pytest.mark.parametrize(
    ("source", "left", "named"),
    [
        (
            "rule a { condition: true }\nrule b {\n condition: x }\nrule c { condition: true }",
            ["a", "c"],
            ['mixed.yar:3: rule b is left out: undefined identifier "x"'],
        ),
        (
            "rule a { condition: x }\nrule b { condition: a }\nrule c { condition: true }",
            ["c"],
            [
                'mixed.yar:1: rule a is left out: undefined identifier "x"',
                'mixed.yar:2: rule b is left out: undefined identifier "a"',
            ],
        ),
        (
            "rule a { condition: true }\nrule a { condition: false }",
            ["a"],
            ['mixed.yar:2: rule a is left out: duplicated identifier "a"'],
        ),
        (
            'import "nothing"\nrule a { condition: nothing.x }\nrule b { condition: true }',
            ["b"],
            [
                'mixed.yar:2: rule a is left out: invalid field name "x"',
                'mixed.yar:1: import "nothing" is left out: unknown module "nothing"',
            ],
        ),
    ],
)
def test_one_bad_rule(rule_folder: Write, source: str, left: list[str], named: list[str]) -> None:
    """A rule that does not compile is left out by itself, with what refers to it; the rest of its file runs."""
    rules = load([rule_folder({"mixed.yar": source})])
    assert problems(rules) == named
    assert [rule for _, rule in names(rules)] == left


def test_an_unreadable_file(rule_folder: Write) -> None:
    """A file that cannot be read is left out and named."""
    folder = rule_folder({"good.yar": GOOD})
    (folder / "gone.yar").symlink_to("absent.yar")
    rules = load([folder])
    assert problems(rules) == ["gone.yar:0: it cannot be read: No such file or directory"]
    assert names(rules) == [("good.yar", "good")]


def test_the_same_name_in_two_files(rule_folder: Write) -> None:
    """Two files may have a rule of the same name: each file is a namespace."""
    rules = load([rule_folder({"a.yar": GOOD, "sub/b.yar": GOOD})])
    assert names(rules) == [("a.yar", "good"), ("sub/b.yar", "good")]
    assert not rules.problems


def test_two_folders(rule_folder: Write) -> None:
    """Files of the same name in two folders keep apart."""
    rules = load([rule_folder({"a.yar": GOOD}, "own"), rule_folder({"a.yar": GOOD}, "pack")])
    assert names(rules) == [("own/a.yar", "good"), ("pack/a.yar", "good")]


def test_a_path_that_is_too_long(rule_folder: Write) -> None:
    """A file whose namespace would be too long for an answer is left out and named."""
    long = "/".join(["d" * 200] * (TEXT_MAX_CHARACTERS // 200 + 1)) + "/a.yar"
    rules = load([rule_folder({long: GOOD, "good.yar": GOOD})])
    assert [problem.message for problem in rules.problems] == ["its path has more than 1024 characters"]
    assert rules.rule_count == 1


def test_two_names_that_print_alike(rule_folder: Write, tmp_path: Path) -> None:
    """Two files whose names differ only until they are made printable do not replace each other silently."""
    folder = rule_folder({"\udcff.yar": "rule byte { condition: true }", "\\xff.yar": "rule text { condition: true }"})
    rules = load([folder])
    assert len(names(rules)) == 1
    assert "same name" in problems(rules)[0]


def test_an_empty_folder(rule_folder: Write) -> None:
    """A folder without a rule file is an error that says so."""
    with pytest.raises(RulesError, match=r"no rule file \(\*\.yar, \*\.yara\) is there"):
        load([rule_folder({"readme.md": ""})])


def test_no_folder() -> None:
    """No folder at all is an error."""
    with pytest.raises(RulesError, match="no folder at all"):
        load([])


def test_nothing_compiles(rule_folder: Write) -> None:
    """When no file compiles, the error names what is wrong with them."""
    with pytest.raises(RulesError, match=r"none of 2 rule files can be used: a\.yar:1: .*b\.yar:1: "):
        load([rule_folder({"a.yar": "rule {}", "b.yar": "nonsense"})])


def test_an_include_inside(rule_folder: Write) -> None:
    """A file may include another one of its folder, from beside it or from the folder's top, in several steps."""
    rules = load(
        [
            rule_folder(
                {
                    "a.yar": 'include "sub/first.inc"\nrule a { condition: first }',
                    "sub/first.inc": 'include "second.inc" include "top.inc" rule first { condition: second and top }',
                    "sub/second.inc": "rule second { condition: true }",
                    "top.inc": "rule top { condition: true }",
                }
            )
        ]
    )
    assert not rules.problems
    assert names(rules) == [("a.yar", "a"), ("a.yar", "first"), ("a.yar", "second"), ("a.yar", "top")]


@pytest.mark.parametrize("wanted", ["../secret.yar", "/etc/passwd", "sub/../../secret.yar", "link.inc"])
def test_an_include_outside(rule_folder: Write, tmp_path: Path, wanted: str) -> None:
    """A file that includes something outside its folder is left out and named, however it goes about it."""
    (tmp_path / "secret.yar").write_text(GOOD)
    folder = rule_folder({"a.yar": f'include "{wanted}"\nrule a {{ condition: true }}', "good.yar": GOOD})
    (folder / "link.inc").symlink_to(tmp_path / "secret.yar")
    rules = load([folder])
    assert problems(rules) == [f'a.yar:1: include "{wanted}" is refused: it leads out of its rule folder']
    assert names(rules) == [("good.yar", "good")]


def test_an_include_of_the_other_folder(rule_folder: Write) -> None:
    """Two rule folders do not include from each other."""
    own = rule_folder({"a.yar": 'include "../pack/b.yar"\nrule a { condition: true }'}, "own")
    rules = load([own, rule_folder({"b.yar": GOOD}, "pack")])
    assert [problem.file for problem in rules.problems] == ["own/a.yar"]


def test_an_absent_include(rule_folder: Write) -> None:
    """An include that is not there is named."""
    rules = load([rule_folder({"a.yar": '\ninclude "absent.inc"\nrule a { condition: true }', "b.yar": GOOD})])
    assert problems(rules) == ['a.yar:2: include "absent.inc" is refused: it cannot be read: No such file or directory']


def test_a_fault_in_an_include(rule_folder: Write) -> None:
    """A fault in an included file is named with that file and its line there."""
    rules = load([rule_folder({"a.yar": 'include "b.inc"', "b.inc": "\nrule b { condition: x }", "c.yar": GOOD})])
    assert problems(rules) == ['a.yar:1: rule b is left out: in the included b.inc, line 2: undefined identifier "x"']


def test_includes_in_a_circle(rule_folder: Write) -> None:
    """Files that include each other are left out and named; loading ends."""
    rules = load([rule_folder({"a.yar": 'include "b.inc"', "b.inc": 'include "b.inc"', "c.yar": GOOD})])
    assert problems(rules) == ['a.yar:1: include "b.inc": files include one another in a circle, or too many']


@pytest.mark.parametrize(
    ("meta", "why"),
    [
        ('sampling = "everything"', "sampling = 'everything'"),
        ("sampling = 1", "sampling = 1"),
        ('parts = "header,soul"', "'soul' is no selector"),
        ("context = 65537", "context = 65537"),
        ("context = -1", "context = -1"),
        ("context = true", "context = True"),
    ],
)
def test_metadata_that_asks_for_what_there_is_not(rule_folder: Write, meta: str, why: str) -> None:
    """A rule that asks for what there is not is named with its line; it runs."""
    source = f"// rules\nrule fine {{ condition: true }}\n\nrule odd : tag {{ meta: {meta} condition: true }}"
    rules = load([rule_folder({"a.yar": source})])
    assert len(rules.problems) == 1
    assert problems(rules)[0].startswith("a.yar:4: rule odd asks for its metadata only: ")
    assert why in problems(rules)[0]
    assert names(rules) == [("a.yar", "fine"), ("a.yar", "odd")]


def test_version(rule_folder: Write) -> None:
    """The version stays with the same files, wherever they lie, and changes with a name, a content or an include."""
    files = {"a.yar": 'include "b.inc"\nrule a { condition: true }', "b.inc": "rule b { condition: true }"}
    version = load([rule_folder(files, "one")]).version
    assert version.startswith("sha256:")
    assert len(version) == len("sha256:") + 16
    assert load([rule_folder(files, "two")]).version == version
    renamed = {"c.yar": files["a.yar"], "b.inc": files["b.inc"]}
    assert load([rule_folder(renamed, "three")]).version != version
    changed = {**files, "b.inc": "rule b { condition: false }"}
    assert load([rule_folder(changed, "four")]).version != version
