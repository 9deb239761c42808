from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest

from benchmarks.scan.corpus import CorpusError, manifest_of, run
from benchmarks.scan.manifest import Manifest
from benchmarks.scan.unpacking import UnpackError, is_inside, tidy, unpack_wheel


def wheel(folder: Path, *names: str) -> Path:
    path = folder / "one.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, f"content of {name}")
    return path


def test_a_wheel_is_unpacked_below_its_folder(tmp_path: Path) -> None:
    """Folders are made as they are needed."""
    unpack_wheel(wheel(tmp_path, "a.py", "b/c.py"), tmp_path / "to")
    assert (tmp_path / "to" / "b" / "c.py").read_text("utf-8") == "content of b/c.py"


@pytest.mark.parametrize("name", ["../out", "a/../../out", "/out", "a\\..\\out"])
def test_a_member_that_leads_out_refuses_the_whole_archive(tmp_path: Path, name: str) -> None:
    """Not even the good members before it are written."""
    with pytest.raises(UnpackError, match="leads out of its folder"):
        unpack_wheel(wheel(tmp_path, "good", name), tmp_path / "to")
    assert not (tmp_path / "to").exists()


@pytest.mark.parametrize(("name", "inside"), [("a/b", True), ("a..b", True), ("", False), ("a/..", False)])
def test_names_inside_and_outside(name: str, inside: bool) -> None:
    """Two dots are a part of a name unless they are all of it."""
    assert is_inside(name) is inside


def test_what_is_no_wheel_is_said_to_be_none(tmp_path: Path) -> None:
    """An index may answer with anything."""
    (tmp_path / "page.whl").write_text("<html>", "utf-8")
    with pytest.raises(UnpackError, match=r"page\.whl: not a wheel"):
        unpack_wheel(tmp_path / "page.whl", tmp_path / "to")


def test_only_plain_files_that_a_list_can_name_are_left(tmp_path: Path) -> None:
    """Links, pipes, second names and names with line ends go; what is left anybody can read."""
    kept = tmp_path / "folder" / "kept"
    kept.parent.mkdir()
    kept.write_text("", "utf-8")
    kept.chmod(0o4700)
    (tmp_path / "link").symlink_to("/etc")
    (tmp_path / "two\nlines").write_text("", "utf-8")
    os.mkfifo(tmp_path / "pipe")
    tidy(tmp_path)
    assert [path for path in tmp_path.rglob("*") if not path.is_dir()] == [kept]
    assert kept.stat().st_mode & 0o7777 == 0o644


def test_of_two_names_of_one_file_one_is_left(tmp_path: Path) -> None:
    """The same bytes are not scanned twice."""
    (tmp_path / "one").write_text("", "utf-8")
    os.link(tmp_path / "one", tmp_path / "two")
    tidy(tmp_path)
    assert len(list(tmp_path.iterdir())) == 1


def test_a_manifest_reads_as_it_was_written(tmp_path: Path) -> None:
    """Names with spaces as well."""
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "a file").write_bytes(b"abc")
    made = manifest_of(tmp_path / "corpus", tmp_path)
    assert made == Manifest.load(tmp_path / "corpus.manifest", tmp_path / "corpus")
    assert (made.byte_count, made.paths) == (3, [str(tmp_path / "corpus" / "a file")])


def test_the_digest_tells_corpora_apart(tmp_path: Path) -> None:
    """By names as well as by contents."""
    for folder, name, content in (("1", "a", b"x"), ("2", "a", b"x"), ("3", "b", b"x"), ("4", "a", b"y")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_bytes(content)
    same, again, *others = (Manifest.of(tmp_path / folder).digest for folder in "1234")
    assert same == again
    assert same not in others


def test_a_manifest_of_what_changed_is_made_anew(tmp_path: Path) -> None:
    """A file more, and the kept one is not believed."""
    (tmp_path / "corpus").mkdir()
    manifest_of(tmp_path / "corpus", tmp_path)
    (tmp_path / "corpus" / "new").write_bytes(b"abc")
    assert [entry.path for entry in manifest_of(tmp_path / "corpus", tmp_path).entries] == ["new"]


@pytest.mark.parametrize(
    ("command", "seconds", "said"),
    [
        (["no-such-client"], 10.0, "no-such-client is not installed"),
        (["sh", "-c", "echo away >&2; exit 3"], 10.0, "failed; look at the index: away"),
        (["sleep", "60"], 0.01, "did not end within 0.01 s"),
    ],
)
def test_a_client_that_fails_says_why(tmp_path: Path, command: list[str], seconds: float, said: str) -> None:
    """And what to look at."""
    with pytest.raises(CorpusError, match=said):
        run(command, tmp_path, seconds, "the index")
