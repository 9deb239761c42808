"""Finding and reading rule files."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from sampler.errors import RulesError
from sampler.limits import RULE_FILE_MAX_BYTES
from sampler.scan import rule_files
from sampler.scan.rule_files import FolderRoot, RuleFileError, RuleProblem, find_rule_files

Write = Callable[..., Path]


def names(*folders: Path) -> list[str]:
    return [file.namespace for file in find_rule_files(folders)]


def test_order_and_endings(rule_folder: Write) -> None:
    """Files that end in .yar or .yara are found in every depth, in the order of their names; others are not."""
    folder = rule_folder({"b.yara": "", "a/c.yar": "", "a.yar": "", "readme.md": "", "a/d.txt": "", "yar": ""})
    assert names(folder) == ["a.yar", "a/c.yar", "b.yara"]


def test_several_folders(rule_folder: Write, tmp_path: Path) -> None:
    """With several folders the names of the folders keep files apart, also where the folders have the same name."""
    own, packs, other = (rule_folder({"a.yar": ""}, place) for place in ("own", "packs", "elsewhere/own"))
    assert names(own, packs, other) == ["own/a.yar", "own~2/a.yar", "packs/a.yar"]


def test_a_missing_folder(tmp_path: Path) -> None:
    """A folder that is missing is an error that names it."""
    with pytest.raises(RulesError, match="absent: there is no such rule folder"):
        find_rule_files([tmp_path / "absent"])


def test_a_file_by_itself(rule_folder: Write) -> None:
    """A rule file that is named itself is the only one; its folder's others are not taken."""
    folder = rule_folder({"a.yar": "rule a { condition: true }", "b.yar": ""})
    assert names(folder / "a.yar") == ["a.yar"]


def test_a_pack(tmp_path: Path) -> None:
    """A zip file is read as a folder of rules; what it holds beside rules is not looked at."""
    pack = tmp_path / "pack.zip"
    with zipfile.ZipFile(pack, "w") as file:
        file.writestr("b/a.yar", "rule a { condition: true }")
        file.writestr("readme.md", "")
    (found,) = find_rule_files([pack])
    assert found.namespace == "b/a.yar"
    assert found.read().startswith("rule a")


def test_a_pack_that_is_none(rule_folder: Write) -> None:
    """A file that only ends like a pack is an error that names it."""
    with pytest.raises(RulesError, match=r"junk\.zip: it cannot be read as a pack of rules"):
        find_rule_files([rule_folder({"junk.zip": "no zip"}) / "junk.zip"])


def test_a_pack_that_swells(tmp_path: Path) -> None:
    """A member that unpacks to more than the ceiling is refused, however small it is in the pack."""
    pack = tmp_path / "pack.zip"
    with zipfile.ZipFile(pack, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a.yar", b" " * (RULE_FILE_MAX_BYTES + 1))
    (found,) = find_rule_files([pack])
    with pytest.raises(RuleFileError, match="has more than"):
        found.read()


def test_too_many_files(rule_folder: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """More files than the ceiling are refused instead of being cut off silently."""
    monkeypatch.setattr(rule_files, "RULE_FILES_MAX_COUNT", 2)
    with pytest.raises(RulesError, match="more than 2 rule files"):
        find_rule_files([rule_folder({"a.yar": "", "b.yar": "", "c.yar": ""})])


def test_linked_folders_are_not_entered(rule_folder: Write, tmp_path: Path) -> None:
    """A link to another folder adds none of its files."""
    elsewhere = rule_folder({"secret.yar": ""}, "elsewhere")
    folder = rule_folder({"a.yar": ""})
    (folder / "linked").symlink_to(elsewhere)
    assert names(folder) == ["a.yar"]


def test_a_linked_rule_folder(rule_folder: Write, tmp_path: Path) -> None:
    """The rule folder itself may be a link: whoever configured it chose it."""
    (tmp_path / "current").symlink_to(rule_folder({"a.yar": "rule a { condition: true }"}))
    (file,) = find_rule_files([tmp_path / "current"])
    assert file.read().startswith("rule a")


def test_a_link_out_of_the_folder(rule_folder: Write, tmp_path: Path) -> None:
    """A file that is a link out of its folder is not read; one that stays inside is."""
    (tmp_path / "outside.yar").write_text("rule outside { condition: true }")
    folder = rule_folder({"a.yar": "rule a { condition: true }"})
    (folder / "out.yar").symlink_to(tmp_path / "outside.yar")
    (folder / "in.yar").symlink_to("a.yar")
    with pytest.raises(RuleFileError, match="leads out of its rule folder"):
        FolderRoot(folder).read("out.yar")
    assert FolderRoot(folder).read("in.yar").startswith("rule a")


def test_a_link_in_a_circle(rule_folder: Write) -> None:
    """A link that leads to itself is an unreadable file and nothing worse."""
    folder = rule_folder({})
    (folder / "circle.yar").symlink_to("circle.yar")
    with pytest.raises(RuleFileError, match="cannot be read"):
        FolderRoot(folder).read("circle.yar")


def test_a_fifo(rule_folder: Write) -> None:
    """A FIFO with a rule file's name is refused and not waited for."""
    folder = rule_folder({})
    os.mkfifo(folder / "pipe.yar")
    with pytest.raises(RuleFileError, match="not a regular file"):
        FolderRoot(folder).read("pipe.yar")


def test_a_large_file(rule_folder: Write) -> None:
    """A file above the ceiling is refused."""
    folder = rule_folder({"large.yar": ""})
    os.truncate(folder / "large.yar", RULE_FILE_MAX_BYTES + 1)
    with pytest.raises(RuleFileError, match=f"more than {RULE_FILE_MAX_BYTES} bytes"):
        FolderRoot(folder).read("large.yar")


@pytest.mark.parametrize(
    ("content", "line", "why"),
    [
        (b"rule a {\n\0", 2, "NUL byte"),
        (b"\xff\xfer\0u\0l\0e\0", 1, "NUL byte"),
        ("// caf\u00e9\n\nrule \u00fc".encode("latin-1"), 1, "0xe9 is not UTF-8"),
        (b"//\n//\n\x80", 3, "0x80 is not UTF-8"),
    ],
)
def test_what_is_no_text(rule_folder: Write, content: bytes, line: int, why: str) -> None:
    """Bytes that are no UTF-8 text are refused with the line of the first of them."""
    folder = rule_folder({"junk.yar": content})
    with pytest.raises(RuleFileError, match=why) as caught:
        FolderRoot(folder).read("junk.yar")
    assert caught.value.line == line


def test_a_byte_order_mark(rule_folder: Write) -> None:
    """A byte-order mark, as some editors write it, is not part of the rules."""
    folder = rule_folder({"a.yar": b"\xef\xbb\xbfrule a { condition: true }"})
    assert FolderRoot(folder).read("a.yar").startswith("rule")


def test_a_file_of_which_no_size_is_told() -> None:
    """It is read to its end, as is one that grows after it was looked at."""
    text = FolderRoot(Path("/proc/self").resolve()).read("status")
    assert text.startswith("Name:")
    assert "\nnonvoluntary_ctxt_switches:" in text


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 65_537, 300_000])
def test_files_are_read_whole(rule_folder: Write, size: int) -> None:
    """Of any size."""
    folder = rule_folder({"a.yar": "x" * size})
    assert FolderRoot(folder).read("a.yar") == "x" * size


def test_names_that_are_not_utf8(rule_folder: Write) -> None:
    """A file name that is not UTF-8 gets a printable namespace."""
    folder = rule_folder({})
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff.yar")).write_text("")
    assert names(folder) == ["\\xff.yar"]


def test_how_a_problem_reads() -> None:
    """A problem reads as compilers write theirs."""
    assert str(RuleProblem("a/b.yar", 3, "syntax error")) == "a/b.yar:3: syntax error"
