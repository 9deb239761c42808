"""How files are called and texts are shown, without a scan."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.cli.scan_output import Tally, names_as_given, printable
from sampler.model import Problem, RuleMatch, Scanned
from sampler.sweep import FileFailure, FileReport

CLEAN = Scanned("ab" * 32, 10, "x/y")


@pytest.mark.parametrize(
    ("given_as", "path", "name"),
    [
        (b"tree", b"/here/tree/a/b", b"tree/a/b"),
        (b"./tree/", b"/here/tree/a", b"./tree/a"),
        (b".", b"/here/tree/a", b"./tree/a"),
        (b"..", b"/other", b"../other"),
        (b"/", b"/etc/passwd", b"/etc/passwd"),
        (b"/here/tree", b"/here/tree", b"/here/tree"),
        (b"tree", b"/here/treetop/a", b"/here/treetop/a"),
        (b"tree", b"/here/tree" + b"/d" * 2000, b"tree" + b"/d" * 2000),
    ],
)
def test_names_as_given(given_as: bytes, path: bytes, name: bytes) -> None:
    """A file is called by the way that it was asked for; what is below nothing that was asked for, by its path."""
    assert names_as_given({os.path.normpath(os.path.join(b"/here", given_as)): given_as})(path) == name


def test_the_nearest_argument_names_a_file() -> None:
    """Where one argument lies below another."""
    named = names_as_given({b"/a": b"a", b"/a/b": b"link-to-b", b"/a/b/c": b"c"})
    assert [named(path) for path in (b"/a/x", b"/a/b/x", b"/a/b/c")] == [b"a/x", b"link-to-b/x", b"c"]


@given(path=st.binary(max_size=60))
def test_what_is_shown_is_one_line(path: bytes) -> None:
    """No byte of a name can end a line or steer a terminal, and UTF-8 can carry what is shown."""
    shown = printable(path)
    assert shown.encode().decode() == shown
    assert len(shown.splitlines()) <= 1
    assert not any(ord(character) < 32 or 127 <= ord(character) < 160 for character in shown)


def test_the_tally() -> None:
    """Files, bytes, finds, errors and what was recalled are counted; a file with problems is an error."""
    tally = Tally()
    match = RuleMatch("r", "n")
    tally.add(FileReport(b"/a", CLEAN, "v"))
    tally.add(FileReport(b"/b", Scanned("cd" * 32, 5, "x/y", (match,)), "v", recalled=True))
    tally.add(FileReport(b"/c", CLEAN, "v", (Problem("scan", "x", "y"),)))
    tally.add(FileFailure(b"/d", "changed", "x"))
    assert str(tally) == "4 files (25 B), 1 unchanged since they were scanned: 1 found, 2 errors"
