from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from benchmarks.redact.corpus import Case, FieldKind, Label, Mark, load
from benchmarks.redact.run import PEERS, Side, as_text, main, table
from benchmarks.redact.scoring import Score, Value, is_untouched, missing, scored, survivors
from sampler.permit import HostNames

HOST = HostNames(pseudonym_key=b"k" * 32)


def _case(value: str, *marks: Mark, beside: str = "", kept: tuple[str, ...] = ()) -> Case:
    return Case("test", FieldKind.TEXT, value, marks, beside, kept, HOST, is_held_out=False)


@pytest.mark.parametrize(
    ("mark", "outcome", "is_left"),
    [
        (Mark(Label.USER, "ben"), "x ~user", False),
        (Mark(Label.USER, "ben"), "x BEN", True),
        (Mark(Label.CREDENTIAL, "hunter2pass"), "x hunter", True),
        (Mark(Label.CREDENTIAL, "hunter2pass"), "x 2pass", False),
        (Mark(Label.CREDENTIAL, "hunter2pass"), "x r2pass", True),
        (Mark(Label.CARD, "4111111111111111"), "x 41111111", True),
        (Mark(Label.CREDENTIAL, "my secret"), "x ~secret", False),
        (Mark(Label.MAIL, "a@example.org"), None, False),
    ],
)
def test_what_survives(mark: Mark, outcome: Value, *, is_left: bool) -> None:
    """A name survives whole, a secret or number by either half, whatever its case; a stand-in is no survivor."""
    assert bool(survivors(_case("x", mark), outcome)) is is_left


def test_what_stands_beside_a_mark_is_not_held_against_it() -> None:
    """A word that reads like a marked piece and is not marked may stay, as often as it was there."""
    case = _case("mark bookmark", Mark(Label.USER, "mark"), beside="\n bookmark", kept=("bookmark",))
    assert not survivors(case, "~user bookmark")
    assert survivors(case, "mark bookmark")
    assert missing(case, "~user") == ("bookmark",)


def test_scores_count_marks_harmless_cases_and_pieces() -> None:
    """Each marked piece counts for its class, each case without marks for what stays."""
    marked = _case("a bob", Mark(Label.USER, "bob"), beside="a ", kept=("a",))
    score = scored([(marked, "a ~user"), (marked, "bob"), (_case("v1"), "v1"), (_case("v1"), "~user")])
    assert (score.recall(Label.USER), score.untouched_rate, score.left_rate) == (0.5, 0.5, 0.5)
    assert Score().recall(Label.CARD) == Score().untouched_rate == Score().left_rate == 1.0


def test_quoting_alone_is_no_change() -> None:
    """A command line whose arguments are the same was left untouched."""
    line = Case("test", FieldKind.COMMAND_LINE, "a 'b'", (), "", (), HOST, is_held_out=False)
    assert is_untouched(line, "a b")
    assert not is_untouched(line, "a c")
    assert not is_untouched(line, "a 'b")


def test_a_corpus_is_read(tmp_path: Path) -> None:
    """Marks are taken out of a text, and bars that split a token; what is held out is known as such."""
    (tmp_path / "held_out").mkdir()
    (tmp_path / "machines.toml").write_text('[m]\nhomes = []\nusers = ["bob"]\nhosts = []\n')
    row = '[[group]]\nabout = "x"\nmachine = "m"\ncases = [["args", ["a", "b«credential c¦d»"], "a", ""]]\n'
    (tmp_path / "held_out" / "x.toml").write_text(row)
    (case,) = load(tmp_path)
    assert (case.value, case.marks, case.kept) == (("a", "bcd"), (Mark(Label.CREDENTIAL, "cd"),), ("a",))
    assert case.is_held_out
    assert case.host.users == {"bob"}
    assert as_text(case).value == "a bcd"


def test_the_table_has_a_row_a_class() -> None:
    """Every class, both rates and the time are shown for each side."""
    rows = table([Side("one", Score(), 1.0), Side("two", Score(), 2.0)]).splitlines()
    assert len(rows) == 2 + len(Label) + 3
    assert all(row.count("|") == 4 for row in rows)


def test_without_peers_it_says_how_to_get_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A bench that cannot run says so and is no success."""
    assert main(["--python", str(tmp_path / "python")]) == 2
    assert "make bench-redact" in capsys.readouterr().err


def test_a_run_prints_and_keeps_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is printed is kept as JSON, our side and every peer's; here a peer that changes nothing stands in."""
    answer = "import json,sys;print(json.dumps({'treated':json.load(sys.stdin),'microseconds':1}))"
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{answer}"\n')
    python.chmod(0o700)
    assert main(["--python", str(python), "--keep", str(tmp_path)]) == 0
    (kept,) = tmp_path.glob("redact-*.json")
    sides = json.loads(kept.read_text())["sides"]
    assert [side["name"] for side in sides] == ["sampler", *PEERS]
    assert (sides[1]["recall"]["user"], sides[1]["harmless_changed"]) == (0.0, 0.0)
    assert "| card" in capsys.readouterr().out


def test_a_peer_that_fails_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A peer that breaks fails the run."""
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\nexit 3\n")
    python.chmod(0o700)
    assert main(["--python", str(python), "--keep", str(tmp_path)]) == 2
    assert "a peer failed" in capsys.readouterr().err
