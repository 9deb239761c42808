from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.scan.agreement import Disagreement, Line
from benchmarks.scan.bench import Bench, RowLeftOut
from benchmarks.scan.figures import Spread
from benchmarks.scan.manifest import Manifest
from benchmarks.scan.peers import PeerMissing
from benchmarks.scan.rows_sweep import check
from benchmarks.scan.rule_sets import RuleSet, large_set
from benchmarks.scan.run import ROWS, main, run_rows
from benchmarks.scan.sides import our_lines
from benchmarks.scan.table import Figure

FOUND = (
    '{{"file":{{"path":"{path}","size":3,"mime_type":"text/plain","hash":{{"sha256":"{sha256}"}}}},"rule":[{rules}]}}\n'
)
RULE = '{"name":"a","ruleset":"a.yar","tags":[],"meta":[],"hits":[],"hits_total":0}'
OTHER = '{"name":"b","ruleset":"b.yar","tags":[],"meta":[],"hits":[],"hits_total":0}'


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (corpus / "abc").write_bytes(b"abc")
    return Bench(tmp_path, Manifest.of(corpus), 1, tmp_path, None, 1, 1.0)


@pytest.fixture
def rules(tmp_path: Path) -> RuleSet:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "a.yar").write_text('rule a { strings: $a = "abc" condition: $a }', "utf-8")
    (tmp_path / "rules" / "b.yar").write_text('rule b { condition: filename == "abc" }', "utf-8")
    return large_set(tmp_path / "rules", tmp_path)


def outputs(bench: Bench, rules: str, program: str, complaint: str = "") -> tuple[Path, Path]:
    ours, theirs = bench.folder / "ours.out", bench.folder / "theirs.out"
    (entry,) = bench.corpus.entries
    ours.write_text(FOUND.format(path=bench.corpus.paths[0], sha256=entry.sha256, rules=rules), "utf-8")
    theirs.write_text(program.format(path=bench.corpus.paths[0]), "utf-8")
    theirs.with_suffix(".stderr").write_text(complaint, "utf-8")
    return ours, theirs


def test_a_row_that_fails_does_not_take_down_the_others(bench: Bench) -> None:
    """It is named with its reason; one that cannot be run here is a note."""
    made = Figure(row="good", what="it", unit="s", ours=Spread(1.0, 1.0, 1.0))

    def fails(_: Bench) -> list[Figure]:
        raise Disagreement("they differ")

    def lacks(_: Bench) -> list[Figure]:
        raise PeerMissing("apt-get install it")

    def left_out(_: Bench) -> list[Figure]:
        raise RowLeftOut("no rules")

    rows = {"fails": fails, "lacks": lacks, "left-out": left_out, "good": lambda _: [made]}
    assert run_rows(bench, rows) == ([made], {"fails": "they differ"})
    assert bench.notes == ["lacks is left out: apt-get install it", "left-out is left out: no rules"]


@pytest.mark.parametrize("row", ["large", "boreal-large", "memory"])
def test_rows_of_a_large_rule_set_are_left_out_without_one(bench: Bench, row: str) -> None:
    """And say what to name."""
    assert run_rows(bench, {row: ROWS[row]}) == ([], {})
    assert bench.notes == [f"{row} is left out: it needs a large rule set: name its folder with --rules"]


def test_what_sampler_prints_is_read(bench: Bench, rules: RuleSet) -> None:
    """Path, hash, type and rules of each file."""
    ours, _ = outputs(bench, RULE, "")
    (entry,) = bench.corpus.entries
    assert list(our_lines(ours)) == [Line(bench.corpus.paths[0], entry.sha256, "text/plain", (("a.yar", "a"),), "")]


def test_the_same_finds_pass(bench: Bench, rules: RuleSet) -> None:
    """A rule that sees a file's name is compared with what yara-python says when it is told the name."""
    check(bench, rules, *outputs(bench, f"{RULE},{OTHER}", "a.yar:a {path}\n"))


@pytest.mark.parametrize(
    ("found", "program", "complaint", "said"),
    [
        (RULE, "", "", "only Sampler has 1 finds"),
        ("", "a.yar:a {path}\n", "", "only yara has"),
        (RULE, "a.yar:a {path}\n", "", "only yara has 1 finds:\n +b.yar:b"),
        (RULE, "a.yar:a {path}\n", "error scanning x: could not open file\n", "yara could not scan 1 files"),
    ],
)
def test_different_finds_stop_a_row(
    bench: Bench, rules: RuleSet, found: str, program: str, complaint: str, said: str
) -> None:
    """Whichever side has one more, and when the peer did less."""
    with pytest.raises(Disagreement, match=said):
        check(bench, rules, *outputs(bench, found, program, complaint))


def test_without_a_corpus_it_says_how_to_fetch_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2, as everything that could not be run."""
    assert main(["--folder", str(tmp_path)]) == 2
    assert "python -m benchmarks.scan.corpus" in capsys.readouterr().err
