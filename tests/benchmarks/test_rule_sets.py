from __future__ import annotations

from pathlib import Path

import pytest
import yara

from benchmarks.scan.rule_sets import FIFTY, RuleSetError, fifty_rules, large_set, plain_rule
from sampler.runtime.places import shipped


def test_the_shipped_rules_are_made_up_to_fifty(tmp_path: Path) -> None:
    """Both sides run the same fifty: the folder's files and the compiled form."""
    made = fifty_rules(shipped("rules"), tmp_path)
    assert made.rule_count == FIFTY
    assert sum(1 for _ in yara.load(str(made.compiled))) == FIFTY
    assert made.left_out == ()


def test_a_plain_rule_is_always_the_same_and_compiles() -> None:
    """No two of them are alike."""
    rules = [plain_rule(number) for number in range(FIFTY)]
    assert rules == [plain_rule(number) for number in range(FIFTY)]
    assert len(set(rules)) == FIFTY
    assert sum(1 for _ in yara.compile(source="\n".join(rules))) == FIFTY


def test_what_does_not_compile_is_left_out_on_both_sides_and_named(tmp_path: Path) -> None:
    """The folder that is scanned with has only what compiles."""
    rules = tmp_path / "rules"
    (rules / "deep").mkdir(parents=True)
    (rules / "deep" / "good.yar").write_text("rule good { condition: true }", "utf-8")
    (rules / "bad.yar").write_text("rule bad { condition: nothing }", "utf-8")
    made = large_set(rules, tmp_path)
    assert made.left_out == ("bad.yar",)
    assert sorted(path.name for path in made.folder.rglob("*.yar")) == ["generated.yar", "good.yar"]


def test_files_that_use_externals_are_told_apart(tmp_path: Path) -> None:
    """Naming one in a text or a comment is no use of it."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "sees.yar").write_text('rule a { condition: filename == "x" }', "utf-8")
    (tmp_path / "rules" / "not.yar").write_text('rule b { strings: $a = "filename" condition: $a } // owner', "utf-8")
    assert large_set(tmp_path / "rules", tmp_path).see_externals == {"sees.yar"}


def test_a_folder_without_rules_is_an_error(tmp_path: Path) -> None:
    """It says which."""
    with pytest.raises(RuleSetError, match="no rule file"):
        large_set(tmp_path, tmp_path)


def test_an_unchanged_folder_is_not_written_again(tmp_path: Path) -> None:
    """Caches of its rules stay valid."""
    first = fifty_rules(shipped("rules"), tmp_path).folder / "bench" / "generated.yar"
    before = first.stat().st_mtime_ns
    fifty_rules(shipped("rules"), tmp_path)
    assert first.stat().st_mtime_ns == before


def test_half_of_the_plain_rules_find_something() -> None:
    """Some of it only in files of one type, so that rules which are run on the wrong files are noticed."""
    rules = yara.compile(source="\n".join(plain_rule(number) for number in range(14)))
    text = b"CreateProcess ShellExecute execve LD_PRELOAD /etc/shadow private key cmd.exe"
    found = {kind: {match.rule for match in rules.match(data=kind + text)} for kind in (b"MZ", b"\x7fELF", b"#!")}
    assert {kind: len(names) for kind, names in found.items()} == {b"MZ": 5, b"\x7fELF": 5, b"#!": 3}
