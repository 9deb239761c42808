from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.describe import agreement_fields
from sampler.model import ContentKind, value_of


def agrees(name: str, kind: ContentKind, mime_type: str = "application/octet-stream") -> object:
    return value_of(agreement_fields(f"/srv/{name}".encode(), kind, mime_type), "sampler.file.name.extension_agrees")


def tricks(name: str) -> object:
    return value_of(agreement_fields(f"/srv/{name}".encode(), ContentKind.OTHER, ""), "sampler.file.name.tricks")


@pytest.mark.parametrize(
    ("name", "kind", "mime_type", "expected"),
    [
        ("setup.exe", ContentKind.EXECUTABLE, "application/x-dosexec", True),
        ("library.DLL", ContentKind.DRIVER, "application/x-dosexec", True),
        ("invoice.pdf", ContentKind.EXECUTABLE, "application/x-dosexec", False),
        ("invoice.pdf", ContentKind.DOCUMENT, "application/pdf", True),
        ("photo.jpg", ContentKind.SCRIPT, "text/x-php", False),
        ("a.zip. ", ContentKind.ARCHIVE, "application/zip", True),
        ("run.ps1", ContentKind.OTHER, "text/plain", True),
        ("run.ps1", ContentKind.ARCHIVE, "application/zip", False),
        ("notes.txt", ContentKind.OTHER, "text/plain", True),
        ("notes.txt", ContentKind.EXECUTABLE, "application/x-executable", False),
        ("page.html", ContentKind.DOCUMENT, "text/html", True),
        ("data.bin", ContentKind.EXECUTABLE, "application/x-executable", None),
        ("x.pdf", ContentKind.EMPTY, "application/x-empty", None),
        ("README", ContentKind.EXECUTABLE, "application/x-executable", None),
        (".exe", ContentKind.OTHER, "text/plain", None),
    ],
)
def test_extension_against_content(name: str, kind: ContentKind, mime_type: str, *, expected: bool | None) -> None:
    """An extension that promises something is held to it; one that does not, and a file without content, are not."""
    assert agrees(name, kind, mime_type) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("invoice.pdf.exe", ("double-extension",)),
        ("invoice.pdf .EXE", ("double-extension",)),
        ("archive.tar.gz", None),
        ("setup.1.2.exe", None),
        ("exe\u202efdp.scr", ("text-direction",)),
        ("in\u200bvoice.pdf", ("invisible-character",)),
        ("a.exe. ", ("trailing-space-or-dot",)),
        ("two\nlines.txt", ("control-character",)),
        ("photo.jpg" + " " * 40 + ".exe", ("double-extension", "gap-before-extension")),
        ("a quiet name.txt", None),
        ("R\u00e9sum\u00e9 \u0444.docx", None),
    ],
)
def test_tricks(name: str, expected: object) -> None:
    """Each trick that a name can play has its word; ordinary names have none."""
    assert tricks(name) == expected


def test_without_a_name() -> None:
    """An object that is not called anything promises nothing."""
    assert agreement_fields(None, ContentKind.OTHER, "text/plain") == ()
    assert agreement_fields(b"/srv/", ContentKind.OTHER, "text/plain") == ()


@given(st.binary(max_size=255), st.sampled_from(ContentKind))
def test_any_name(name: bytes, kind: ContentKind) -> None:
    """No name raises, and only the two facts come of it."""
    found = agreement_fields(b"/" + name, kind, "text/plain")
    assert {field.name for field in found} <= {"sampler.file.name.extension_agrees", "sampler.file.name.tricks"}
