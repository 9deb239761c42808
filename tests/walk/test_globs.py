"""Glob patterns, as git and rsync read them."""

from __future__ import annotations

import pytest

from sampler.walk.globs import Globs


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("*.pyc", "/a/b/c.pyc"),
        ("*.pyc", "/c.pyc"),
        ("[ab]?.txt", "/x/a1.txt"),
        ("/usr/share/doc/**", "/usr/share/doc/a/b"),
        ("/usr/**/x", "/usr/x"),
        ("/usr/**/x", "/usr/a/b/x"),
        ("/usr/**/a/**/x", "/usr/b/a/c/a/d/x"),
        ("/usr/*/x", "/usr/a/x"),
        ("doc/*.txt", "/usr/share/doc/a.txt"),
        ("**/doc/a", "/doc/a"),
        ("new\nline", "/new\nline"),
        ("/**", "/a"),
    ],
)
def test_a_pattern_names_a_file(pattern: str, path: str) -> None:
    """A base name at any depth, a whole path, the end of one."""
    assert Globs.of([pattern]).hold_for_file(path.encode())


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("*.pyc", "/a.pyc/b"),
        ("doc", "/doc/a"),
        ("/usr/*", "/usr/a/b"),
        ("/usr/*/x", "/usr/x"),
        ("/usr/share/doc/**", "/usr/share/docs/a"),
        ("/share/doc/**", "/usr/share/doc/a"),
        ("doc/*.txt", "/usr/mydoc/a.txt"),
        ("a/", "/a"),
        ("/usr/**/x", "/usr/a/xy"),
        ("*.PY", "/a.py"),
    ],
)
def test_a_pattern_does_not_name_a_file(pattern: str, path: str) -> None:
    """One star stays within its component, and case counts."""
    assert not Globs.of([pattern]).hold_for_file(path.encode())


@pytest.mark.parametrize("pattern", ["build", "build/", "/a/build/", "/a/build/**", "/a/**", "a/*"])
def test_a_pattern_names_a_folder(pattern: str) -> None:
    """By its name, with a slash at its end, and by everything that is in it."""
    assert Globs.of([pattern]).hold_for_folder(b"/a/build")


def test_one_of_several_is_enough() -> None:
    """Patterns are alternatives."""
    globs = Globs.of(["*.a", "*.b", "/x/*"])
    assert [globs.hold_for_file(path) for path in (b"/1.a", b"/1.b", b"/x/1", b"/1.c")] == [True, True, True, False]


def test_names_that_are_not_utf_8_can_be_named() -> None:
    """Patterns come from a command line, in which such bytes are surrogates."""
    assert Globs.of(["\udcff*"]).hold_for_file(b"/a/\xff1")


@pytest.mark.usefixtures("ends_in_moments")
def test_a_name_made_to_be_slow_is_not() -> None:
    """Many stars against a name that almost fits cost no more than a moment."""
    globs = Globs.of(["*a*a*a*a*a*a*a*a*b", "/**/a/**/a/**/a/**/a/**/b"])
    assert not globs.hold_for_file(b"/a" * 1900 + b"/" + b"a" * 255)


@pytest.mark.parametrize("pattern", ["", "/", "a" * 5000])
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    """An empty pattern names nothing and is a mistake."""
    with pytest.raises(ValueError):
        Globs.of([pattern])
