"""What rules see of an object's name and type."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.examine.externals import externals_of
from sampler.scan import EXTERNALS


@given(path=st.none() | st.binary(max_size=50), mime_type=st.text(max_size=20))
def test_every_variable_for_every_name(path: bytes | None, mime_type: str) -> None:
    """Whatever a file is called, each variable has a text that YARA can take."""
    externals = externals_of(path, mime_type, "person")
    assert set(externals) == set(EXTERNALS)
    for value in externals.values():
        value.encode()


def test_names() -> None:
    """The name is the last part of the path, the extension has its dot and is in lower case."""
    externals = externals_of(b"/home/a/Invoice.PDF.EXE", "text/plain", "root")
    assert externals["filename"] == "Invoice.PDF.EXE"
    assert externals["filepath"] == "/home/a/Invoice.PDF.EXE"
    assert externals["extension"] == ".exe"
    assert externals["owner"] == "root"


def test_an_object_without_a_name() -> None:
    """An object that nobody named has empty texts."""
    externals = externals_of(None, "application/octet-stream", "")
    assert externals == dict.fromkeys(EXTERNALS, "")


def test_a_name_that_is_not_utf8() -> None:
    """Bytes that are not UTF-8 become escapes."""
    assert externals_of(b"/tmp/a\xff\n.b", "x/y", "")["filename"] == "a\\xff\n.b"


@pytest.mark.parametrize(
    ("mime_type", "word"),
    [
        ("application/x-dosexec", "EXE"),
        ("application/vnd.microsoft.portable-executable", "EXE"),
        ("application/x-sharedlib", "ELF"),
        ("image/gif", "GIF"),
        ("application/pdf", "PDF"),
        ("text/x-shellscript", "SHELLSCRIPT"),
        ("application/octet-stream", ""),
        ("", ""),
    ],
)
def test_file_types(mime_type: str, word: str) -> None:
    """The type is a short word in capitals, as public rule sets compare it."""
    assert externals_of(None, mime_type, "")["filetype"] == word
