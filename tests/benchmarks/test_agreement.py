from __future__ import annotations

from collections.abc import Mapping

import pytest

from benchmarks.scan.agreement import (
    Disagreement,
    Find,
    Line,
    check_finds,
    check_whole,
    expected,
    our_finds,
    program_finds,
    reference_finds,
)

A = Find("own/a.yar", "a", "/corpus/file one")
B = Find("b.yar", "b", "/corpus/two")


def line(path: str = "/one", sha256: str = "00", mime_type: str = "text/plain", error: str = "") -> Line:
    return Line(path, sha256, mime_type, (("a.yar", "a"),), error)


def test_the_programs_output_names_rule_file_rule_and_path() -> None:
    """A path may hold spaces."""
    assert program_finds("own/a.yar:a /corpus/file one\nb.yar:b /corpus/two\n") == {A, B}


def test_finds_of_both_sides_are_compared_by_rule_file_rule_and_path() -> None:
    """What Sampler says of a file becomes the same finds."""
    assert our_finds([line("/one"), line("/two")]) == {Find("a.yar", "a", "/one"), Find("a.yar", "a", "/two")}


def test_equal_finds_pass() -> None:
    """Nothing is raised where nothing differs."""
    check_finds(frozenset({A, B}), frozenset({B, A}))


@pytest.mark.parametrize(
    ("ours", "wanted", "said"),
    [({A}, {A, B}, r"only yara has 1 finds:\n +b.yar:b /corpus/two"), ({A, B}, {B}, r"only Sampler .*\n +own/a.yar:a")],
)
def test_a_find_of_one_side_alone_is_named(ours: set[Find], wanted: set[Find], said: str) -> None:
    """The figures mean nothing then, so it is an error."""
    with pytest.raises(Disagreement, match=said):
        check_finds(frozenset(ours), frozenset(wanted))


def test_rules_that_see_externals_are_taken_from_the_reference() -> None:
    """The program gives them one value for all files, so its finds of them do not count."""
    real = Find("b.yar", "b", "/corpus/three")
    assert expected(frozenset({A, B}), frozenset({"b.yar"}), frozenset({real})) == {A, real}


def test_the_reference_gets_each_files_own_externals() -> None:
    """A rule that asks for a name finds the file of that name and no other."""

    def match(path: str, externals: Mapping[str, str]) -> list[tuple[str, str]]:
        return [("b.yar", "b")] if externals["filename"] == "two" else []

    found = reference_finds([line("/one"), line("/two")], lambda one: {"filename": one.path[1:]}, match)
    assert found == {Find("b.yar", "b", "/two")}


def test_a_whole_scan_passes() -> None:
    """Every file once, with its hash and a type."""
    check_whole([line("/one"), line("/two", sha256="11")], {"/one": "00", "/two": "11"})


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([], "/one: nothing was said of it"),
        ([line(), line()], "1 files were reported more than once"),
        ([line(), line("/else")], "/else: it is not in the corpus"),
        ([line(sha256="ff")], "/one: its SHA-256 is said to be ff and is 00"),
        ([line(sha256="")], "/one: its SHA-256 is said to be unknown"),
        ([line(mime_type="")], "/one: its type is not told"),
        ([line(error="timeout: 30 s")], "/one: timeout: 30 s"),
    ],
)
def test_a_scan_that_is_not_whole_is_no_figure(lines: list[Line], said: str) -> None:
    """A side that does less work must not be timed as if it did all."""
    with pytest.raises(Disagreement, match=said):
        check_whole(lines, {"/one": "00"})
