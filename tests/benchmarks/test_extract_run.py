from __future__ import annotations

import sys
import zipfile
from pathlib import Path

import pytest

from benchmarks.extract import pe_corpus
from benchmarks.extract.loop import READERS
from benchmarks.extract.pe_corpus import PeCorpusError, fetch
from benchmarks.extract.rows import FILES_MIN_COUNT, ROWS, FormatRow, Peer, beginning_with, library, program
from benchmarks.extract.run import Bench, figures_of


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A small archive whose name has a space."""
    path = tmp_path / "one archive.zip"
    with zipfile.ZipFile(path, "w") as writer:
        writer.writestr("member", b"content")
    return path


def row(archive: Path, *peers: Peer) -> FormatRow:
    return FormatRow("zip", lambda _: [archive, archive], peers)


def test_every_library_has_a_loop() -> None:
    """A peer that is a library is a name of ``loop.py``, and no two formats have the same name."""
    named = [peer.command[3] for one in ROWS for peer in one.peers if peer.is_loop]
    assert set(named) <= set(READERS)
    assert len({one.name for one in ROWS}) == len(ROWS)


def test_a_format_is_measured_beside_a_library_a_program_and_through_a_child(archive: Path, tmp_path: Path) -> None:
    """Files a second and memory of each, and nothing has given up."""
    cat = program("cat", "-n", "1", "cat")
    bench = Bench(tmp_path / "bench", rounds=1)
    bench.folder.mkdir()
    figures = figures_of(bench, row(archive, library("zipfile", "zipfile"), cat))
    assert [figure.what for figure in figures] == [
        "files a second, zipfile",
        "peak memory, zipfile",
        "files a second, cat",
        "peak memory, cat",
        "files a second, child",
        "peak memory, child",
    ]
    assert all(figure.ours.median > 0 for figure in figures)
    assert bench.notes == []


def test_what_gave_up_is_counted(tmp_path: Path) -> None:
    """A reader that raises on a file is faster than one that reads it, so it is said."""
    broken = tmp_path / "broken.zip"
    broken.write_bytes(b"PK\x03\x04 and nothing")
    bench = Bench(tmp_path, rounds=1)
    figures_of(bench, row(broken, library("zipfile", "zipfile")))
    assert bench.notes == ["zip: zipfile gave up on 2 of 2 files"]


def test_a_peer_that_is_not_installed_is_left_out(archive: Path, tmp_path: Path) -> None:
    """The row stands without it, and a note says so."""
    absent = Peer("absent", (sys.executable, "-c", "1 / 0"), "no-such-program-anywhere")
    bench = Bench(tmp_path, rounds=1)
    assert len(figures_of(bench, row(archive, absent))) == 2
    assert bench.notes == ["zip: absent is not installed and left out"]


def test_a_format_without_files_is_left_out(tmp_path: Path) -> None:
    """Nothing is measured over nothing."""
    bench = Bench(tmp_path, rounds=1)
    assert figures_of(bench, FormatRow("none", lambda _: [], ())) == []
    assert bench.notes == ["none is left out: there are no files of it"]


def test_few_files_are_read_several_times(tmp_path: Path) -> None:
    """Samples are found by their first bytes, and repeated until there are enough to measure."""
    files = beginning_with(b"PK\x03\x04")(tmp_path)
    assert len(files) >= FILES_MIN_COUNT
    assert {path.read_bytes()[:4] for path in files} == {b"PK\x03\x04"}
    assert beginning_with(b"nothing begins like this")(tmp_path) == []


def test_a_download_that_fails_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wheels whose hash is another one are refused, and nothing is left that could be taken for the files."""
    monkeypatch.setattr(pe_corpus, "_list_of", lambda _: tmp_path / "list.txt")
    (tmp_path / "list.txt").write_text("not a requirement ==\n", "utf-8")
    with pytest.raises(PeCorpusError, match="pip failed"):
        fetch(tmp_path / "pes")
    assert [path.name for path in (tmp_path / "pes").iterdir()] == ["lock"]
