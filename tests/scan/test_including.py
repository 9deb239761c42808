"""Includes put in place: whose line a fault is on, and what bounds them."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from sampler.scan import including
from sampler.scan.including import expand
from sampler.scan.rule_files import RuleFileError, find_rule_files

Write = Callable[..., Path]


def expanded(folder: Path) -> including.Expanded:
    return expand(next(file for file in find_rule_files([folder]) if file.name == "a.yar"))


def test_every_line_is_told_where_it_was_written(rule_folder: Write) -> None:
    """A fault on any line of the result is laid to the file and the line that it was written in."""
    sources = {
        "a.yar": '// a1\n// a2 */ include "none"\nimport "pe" include "b.inc" // a3\n// a4\ninclude\n"b.inc"\n// a7',
        "b.inc": '// b1\ninclude "sub/c.inc" // b2\n\n// b4',
        "sub/c.inc": "// c1\n// c2",
    }
    whole = expanded(rule_folder(sources))
    seen = []
    for number, line in enumerate(whole.text.split("\n"), 1):
        if mark := line.partition("// ")[2].split(" ")[0]:
            error = whole.located(RuleFileError("x", number))
            seen.append((mark, str(error), error.line))
    nested = ["b1", "c1", "c2", "b2", "b4"]
    files = {"b": "b.inc", "c": "sub/c.inc"}
    told = {mark: f"in the included {files[mark[0]]}, line {mark[1]}: x" for mark in nested}
    assert seen == [
        *[("a1", "x", 1), ("a2", "x", 2), *((mark, told[mark], 3) for mark in nested), ("a3", "x", 3), ("a4", "x", 4)],
        *[*((mark, told[mark], 5) for mark in nested), ("a7", "x", 7)],
    ]


@pytest.mark.parametrize("source", ['include "empty.inc"', 'include "empty.inc" include "empty.inc"\n'])
def test_an_empty_include(rule_folder: Write, source: str) -> None:
    """An empty file adds nothing."""
    assert expanded(rule_folder({"a.yar": source, "empty.inc": ""})).text.strip() == ""


@pytest.mark.parametrize(
    "source",
    [
        'include"b.inc"',
        'include/**/"b.inc"',
        'include // c\n"b.inc"',
        'import "pe"include "b.inc"',
        '/**/include"b.inc"',
    ],
)
def test_ways_to_write_it(rule_folder: Write, source: str) -> None:
    """An include is seen however it is written."""
    assert "rule b" in expanded(rule_folder({"a.yar": source, "b.inc": "rule b { condition: true }"})).text


@pytest.mark.parametrize(
    "source", ['rule a { strings: $a = "#include \\"b.inc\\"" condition: $a }', '// include "b.inc"']
)
def test_what_is_no_include(rule_folder: Write, source: str) -> None:
    """What only reads like an include stays as it is."""
    assert expanded(rule_folder({"a.yar": source})).text == source


def test_includes_in_a_pack(tmp_path: Path) -> None:
    """Files of a pack include one another, and nothing that lies beside the pack."""
    (tmp_path / "outside.inc").write_text("rule outside { condition: true }")
    with zipfile.ZipFile(tmp_path / "pack.zip", "w") as pack:
        pack.writestr("sub/a.yar", 'include "b.inc" include "../top.inc"')
        pack.writestr("sub/b.inc", "// b")
        pack.writestr("top.inc", "// top")
        pack.writestr("sub/z.yar", 'include "../../outside.inc"')
    good, bad = find_rule_files([tmp_path / "pack.zip"])
    assert [word in expand(good).text for word in ("// b", "// top")] == [True, True]
    with pytest.raises(RuleFileError, match="is refused: it is not in the pack"):
        expand(bad)


def test_how_deep(rule_folder: Write) -> None:
    """Sixteen files may include one another in a row, and no more."""
    files = {f"{number}.inc": f'include "{number + 1}.inc"' for number in range(1, 17)}
    folder = rule_folder({"a.yar": 'include "1.inc"', **files, "16.inc": "// end"})
    assert "// end" in expanded(folder).text
    with pytest.raises(RuleFileError, match="in a circle, or too many"):
        expanded(rule_folder({"16.inc": 'include "17.inc"', "17.inc": ""}))


def test_how_many(rule_folder: Write) -> None:
    """A thousand includes are taken, and no more; a file that doubles itself at each step ends early."""
    folder = rule_folder({"a.yar": 'include "b.inc"\n' * 1000, "b.inc": "//"})
    assert expanded(folder).text.count("//") == 1000
    with pytest.raises(RuleFileError, match="in a circle, or too many"):
        expanded(rule_folder({"a.yar": 'include "b.inc"\n' * 1001}))


def test_how_much(rule_folder: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """All texts together have the ceiling of one file."""
    monkeypatch.setattr(including, "RULE_FILE_MAX_BYTES", 100)
    folder = rule_folder({"a.yar": 'include "b.inc"\n' * 3, "b.inc": "/" * 30})
    assert expanded(folder).text.count("/") == 90
    with pytest.raises(RuleFileError, match="with what it includes it has more than 100 characters"):
        expanded(rule_folder({"a.yar": 'include "b.inc"\n' * 4}))
