"""``sampler scan`` as it is typed: what it prints, ends with and leaves alone."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from sampler.scan.engines import ENGINE_NAMES
from sampler.storage.scan_memory import ScanMemory

Scan = Callable[..., Result]


def documents(said: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in said.stdout_bytes.splitlines()]


def test_lines(tree: Path, scan: Scan) -> None:
    """One line a file, named as it was given; the sum is not among them; 1: found."""
    said = scan("tree")
    assert said.stdout == "tree/clean: plain FOUND\ntree/found: needle FOUND\ntree/sub/special: named FOUND\n"
    assert said.stderr == "3 files (114 B): 3 found, 0 errors\n"
    assert said.exit_code == 1


@pytest.mark.parametrize("given", ["tree/sub/special", "./tree/sub/special", "{}/sub/special", "tree/sub", "tree/sub/"])
def test_names_are_as_given(tree: Path, scan: Scan, given: str) -> None:
    """What is asked for by a relative name is told by it."""
    asked = given.format(tree)
    (line,) = scan(asked).stdout.splitlines()
    expected = asked if asked.endswith("special") else os.path.join(asked, "special")
    assert line == f"{expected}: named FOUND"


def test_nothing_found(tree: Path, scan: Scan) -> None:
    """0, and --infected prints nothing."""
    (tree / "sub" / "special").rename(tree / "sub" / "other")
    said = scan("tree/sub")
    assert (said.exit_code, said.stdout) == (0, "tree/sub/other: OK\n")
    said = scan("-i", "tree/sub")
    assert (said.exit_code, said.stdout) == (0, "")


def test_errors_and_finds(tree: Path, scan: Scan) -> None:
    """What cannot be scanned is named on standard error and makes 2, unless something was found, as with clamscan."""
    said = scan("tree/absent", "tree/sub/../clean", "--exclude", "clean")
    assert said.exit_code == 2
    assert "sampler: tree/absent: not-walked: No such file or directory\n" in said.stderr
    said = scan("tree/absent", "tree")
    assert said.exit_code == 1
    assert "tree/absent" in said.stderr


def test_ndjson(tree: Path, scan: Scan) -> None:
    """ECS names, one document a line, and nothing else on standard output."""
    said = scan("--json", "tree", "tree/absent")
    clean, found, special, absent = documents(said)
    assert list(found) == ["file", "rule", "ruleset_version"]
    content = (tree / "found").read_bytes()
    assert found["file"] == {
        "path": "tree/found",
        "size": len(content),
        "mime_type": "application/octet-stream",
        "hash": {"sha256": hashlib.sha256(content).hexdigest()},
    }
    (match,) = found["rule"]
    assert list(match) == ["name", "ruleset", "tags", "meta", "hits", "hits_total"]
    assert (match["name"], match["tags"]) == ("needle", ["first", "second"])
    assert match["ruleset"].endswith("a.yar")
    assert dict(match["meta"])["below"] == -2
    assert {"identifier": "$text", "offset": 2, "length": 6} in match["hits"]
    assert match["hits_total"] == len(match["hits"]) == 5
    assert special["rule"][0]["name"] == "named"
    assert [rule["name"] for rule in clean["rule"]] == ["plain"]
    assert absent == {
        "file": {"path": "tree/absent"},
        "error": [{"code": "not-walked", "message": "No such file or directory"}],
    }
    assert said.exit_code == 1


HOSTILE = [b"new\nline", b"\xff\xfe", b"\x1b]0;owned\x07", b"\xc2\x9b2J", b"\xe2\x80\xa8sep", b'"quote\\', b"n" * 255]


@pytest.mark.parametrize("form", ["lines", "ndjson"])
def test_hostile_names(tree: Path, scan: Scan, form: str) -> None:
    """Whatever files are called, each has one line, and no byte of a name steers a terminal."""
    for name in HOSTILE:
        Path(os.fsdecode(os.path.join(os.fsencode(tree), name))).write_bytes(b"hay!")
    said = scan("--format", form, "--exclude", "found", "--exclude", "sub", "--exclude", "clean", "tree")
    lines = said.stdout_bytes.splitlines()
    assert len(lines) == len(HOSTILE)
    text = said.stdout_bytes.decode()
    assert all(character == "\n" or character.isprintable() for character in text)
    if form == "ndjson":
        paths = {document["file"]["path"] for document in documents(said)}
        assert {"tree/new\\nline", "tree/\\xff\\xfe", 'tree/"quote\\', "tree/" + "n" * 255} <= paths


YARA_META = r'text="a \"quoted\" \\ word\t\001",number =7,below =-2,yes=true,no=false'
YARA_HITS = (
    "0x9:$hex: 4D 5A 90 41\n"
    "0x2:$text: needle\n"
    "0x13:$text: needle\n"
    r"0xe:$wide: w\x00i\x00"
    "\n"
    f"0x1b:$long: 30 {'78 ' * 63}...\n"
)


def test_lines_as_yara_prints_them(tree: Path, scan: Scan) -> None:
    """Byte for byte what ``yara -g -m -s`` 4.5 prints: tags, metadata with C escapes, hex, text, 64 bytes at most."""
    said = scan("--format", "yara", "-g", "-m", "-s", "tree/found")
    assert said.stdout == f"needle [first,second] [{YARA_META}] tree/found\n{YARA_HITS}"
    assert scan("--format", "yara", "tree").stdout == "plain tree/clean\nneedle tree/found\nnamed tree/sub/special\n"
    assert scan("--format", "yara", "-g", "tree/clean").stdout == "plain [] tree/clean\n"
    assert scan("--format", "yara", "-m", "tree/clean").stdout == "plain [] tree/clean\n"


def test_yara_names_with_line_ends(tree: Path, scan: Scan) -> None:
    """As there, a line end in a name does not end the line; other bytes stay as they are."""
    (tree / "found").rename(os.fsdecode(os.fsencode(tree) + b"/a\n\xff"))
    assert scan("--format", "yara", "--include", "a*", "tree").stdout_bytes == b"needle tree/a\\n\xff\n"


def test_hits_that_are_not_shown_are_counted(tree: Path, scan: Scan) -> None:
    """yara prints all; where we keep fewer, that is said."""
    (tree / "found").write_bytes(b"needle" * 300)
    said = scan("--format", "yara", "-s", "tree/found")
    assert len(said.stdout.splitlines()) == 257
    assert "needle: 256 of 300 hits are shown" in said.stderr


@pytest.mark.parametrize("engine", ENGINE_NAMES)
def test_engines_print_the_same(tree: Path, scan: Scan, engine: str) -> None:
    """Whatever runs the rules."""
    said = scan("--engine", engine, "--format", "yara", "-g", "-s", "tree/found")
    assert said.stdout == f"needle [first,second] tree/found\n{YARA_HITS}", said.stderr
    (document,) = documents(scan("--engine", engine, "--json", "tree/found"))
    assert dict(document["rule"][0]["meta"])["below"] == -2


def test_a_second_scan_recalls(tree: Path, scan: Scan, home: Path) -> None:
    """The lines are the same, and the sum says what was spared."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sampler.sweep.sweeping._SETTLED_NS", -(10**12))
        first, second = scan("tree"), scan("tree")
    assert second.stdout == first.stdout
    assert second.stderr == "3 files (114 B), 3 unchanged since they were scanned: 3 found, 0 errors\n"
    assert list((home / "cache").glob("*.sqlite"))


def test_without_a_cache(tree: Path, scan: Scan, monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """--no-cache opens no memory at all."""

    def refuse(self: ScanMemory, folder: Path) -> None:
        raise AssertionError("it was opened")

    monkeypatch.setattr(ScanMemory, "__init__", refuse)
    assert scan("--no-cache", "tree").exit_code == 1
    assert list((home / "cache").glob("*.sqlite")) == []


def test_selecting(tree: Path, scan: Scan) -> None:
    """By name, size and time, in any combination."""
    os.utime(tree / "clean", (0, 0))

    def names(*options: object) -> list[str]:
        return [line.partition(":")[0] for line in scan(*options, "tree").stdout.splitlines()]

    assert names("--include", "cl*", "--include", "spec*") == ["tree/clean", "tree/sub/special"]
    assert names("--exclude", "sub") == ["tree/clean", "tree/found"]
    assert names("--min-size", "7") == ["tree/found", "tree/sub/special"]
    assert names("--max-size", "7") == ["tree/clean", "tree/sub/special"]
    assert names("--newer", "2999-01-01") == []
    assert len(names("--newer", "2020-01-01T00:00:00Z")) == 3


@pytest.mark.parametrize("end", [b"\n", b"\0"])
def test_lists_of_files(tree: Path, scan: Scan, end: bytes) -> None:
    """One a line or ended by NUL, from a file or from standard input; an empty list is no mistake."""
    names = [b"tree/clean", b"tree/sub"]
    (tree.parent / "list").write_bytes(end.join([*names, b""]))
    for said in (scan("--files-from", "list"), scan("--files-from", "-", given=end.join(names))):
        assert said.stdout == "tree/clean: plain FOUND\ntree/sub/special: named FOUND\n"
    said = scan("--files-from", "-", given=b"")
    assert (said.exit_code, said.stdout) == (0, "")


def test_more_options(tree: Path, scan: Scan) -> None:
    """Variables of one's own, workers, a time limit and fewer hits."""
    said = scan("-d", "setting=5", "--workers", "1", "--timeout", "20", "--fast", "tree/sub")
    assert said.stdout == "tree/sub/special: named own FOUND\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "nothing to scan"),
        (("--min-size", "5X", "tree"), "'5X' is no size"),
        (("--min-size", "9", "--max-size", "8", "tree"), "no file has from 9 to 8 bytes"),
        (("--newer", "yesterday", "tree"), "neither a time"),
        (("--include", "", "tree"), "not a pattern"),
        (("-d", "x", "tree"), "write NAME=VALUE"),
        (("-d", "filename=x", "tree"), "filename is what each file says it is"),
        (("--files-from", "absent"), "does not exist"),
        (("--workers", "0", "tree"), "not in the range"),
        (("--timeout", "99999999999", "tree"), "not in the range"),
        (("--engine", "clam", "tree"), "is not one of"),
        (("--rules", "absent", "tree"), "there is no such rule folder"),
        (("--config", "absent", "tree"), "there is no such file"),
    ],
)
def test_bad_values(tree: Path, scan: Scan, words: tuple[str, ...], said: str) -> None:
    """What is wrong is said in one line that names it, with exit code 2 and nothing on standard output."""
    told = scan(*words)
    assert (told.exit_code, told.stdout) == (2, "")
    assert said in told.stderr.splitlines()[-1]


def test_a_broken_rule_file(tree: Path, scan: Scan, rules: Path) -> None:
    """It is named with its line, and the other rules run; the second time as well, when nothing is compiled."""
    (rules / "b.yar").write_text("rule broken {\n condition: nothing_such }")
    for _ in range(2):
        said = scan("tree/clean")
        assert said.stdout == "tree/clean: plain FOUND\n"
        assert 'rule left out: b.yar:2: rule broken is left out: undefined identifier "nothing_such"' in said.stderr


def test_rules_that_change_meanwhile(tree: Path, scan: Scan, rules: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What other rules found is not told under the name of these."""
    from sampler.examine import Examiner

    started = Examiner.start

    async def late(self: Examiner) -> Any:
        (rules / "late.yar").write_text("rule late { condition: true }")
        return await started(self)

    monkeypatch.setattr(Examiner, "start", late)
    said = scan("tree/clean")
    assert (said.exit_code, said.stdout) == (2, "")
    assert "the rules changed while they were being loaded" in said.stderr


def test_nothing_is_written_below_what_is_scanned(tree: Path, scan: Scan) -> None:
    """Neither files nor times of any kind, matches and all."""
    before = {path: path.stat() for path in (tree, *tree.rglob("*"))}
    scan("--format", "yara", "-s", "tree")
    after = {path: path.stat() for path in (tree, *tree.rglob("*"))}
    assert set(after) == set(before)
    for path, status in before.items():
        assert (after[path].st_mtime_ns, after[path].st_ctime_ns) == (status.st_mtime_ns, status.st_ctime_ns)
        if path.is_file():
            assert after[path].st_atime_ns == status.st_atime_ns
