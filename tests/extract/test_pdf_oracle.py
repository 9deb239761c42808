"""PDF files as pypdf reads and writes them: objects, streams, embedded files, scripts."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest

from sampler.extract import derive, find_regions
from sampler.extract.pdf_objects import objects_inside, scan_objects, stream_of
from sampler.limits import MIB
from sampler.model import ContentKind, PartKind
from sampler.runtime.places import shipped

Import = Callable[[str], Any]
SAMPLES = sorted((shipped("samples_fixture") / "pdf").glob("*/*.pdf"))
FILES = {"a.txt": b"one", "b c.bin": bytes(range(256)) * 9, "é.js": b"var x = 1;"}
SCRIPTS = ("app.alert('a');", 'var text = "(\\\\)";', "// ünï — ✓")


def add_script(oracle: Import, writer: Any, script: str) -> None:
    generic = oracle("pypdf.generic")
    name, text = generic.NameObject, generic.create_string_object(script)
    writer._add_object(generic.DictionaryObject({name("/S"): name("/JavaScript"), name("/JS"): text}))


def written(oracle: Import, pages: int = 3) -> bytes:
    writer = oracle("pypdf").PdfWriter()
    for _ in range(pages):
        writer.add_blank_page(100, 100)
    for name, content in FILES.items():
        writer.add_attachment(name, content)
    for script in SCRIPTS:
        add_script(oracle, writer, script)
    file = io.BytesIO()
    writer.write(file)
    return file.getvalue()


def updated(oracle: Import, data: bytes) -> bytes:
    writer = oracle("pypdf").PdfWriter(io.BytesIO(data), incremental=True)
    add_script(oracle, writer, "later();")
    writer.add_blank_page(50, 50)
    file = io.BytesIO()
    writer.write(file)
    return file.getvalue()


def made(data: bytes, kind: PartKind) -> list[bytes]:
    regions = find_regions(data, ContentKind.DOCUMENT, "application/pdf").regions
    return [derive(data, region.recipe) for region in regions if region.kind is kind]


@pytest.fixture(params=[path.name for path in SAMPLES] + ["written", "updated"])
def file(request: pytest.FixtureRequest, oracle: Import) -> bytes:
    """Samples, and what pypdf writes."""
    if request.param == "written":
        return written(oracle)
    if request.param == "updated":
        return updated(oracle, written(oracle))
    return next(path for path in SAMPLES if path.name == request.param).read_bytes()


def test_every_object_of_the_tables_is_found(file: bytes, oracle: Import) -> None:
    """Scanning finds the numbers that pypdf reads from tables and object streams, and perhaps others."""
    reader = oracle("pypdf").PdfReader(io.BytesIO(file))
    by_table = {number for table in reader.xref.values() for number, place in table.items() if place}
    found = list(scan_objects(file))
    assert by_table <= {each.number for each in found}
    streams = [each for each in found if each.dictionary.get("Type") == "ObjStm"]
    inside = {each.number for box in streams for each in objects_inside(box, stream_of(file, box, MIB).content)}
    assert set(reader.xref_objStm) <= inside


def test_streams_hold_the_same_bytes(file: bytes, oracle: Import) -> None:
    """Every stream is the bytes that pypdf makes of it."""
    reader = oracle("pypdf").PdfReader(io.BytesIO(file))
    seen = 0
    for found in scan_objects(file):
        theirs = reader.get_object(found.number)
        if found.stream and theirs is not None and hasattr(theirs, "get_data") and theirs.get("/Type") != "/XRef":
            assert stream_of(file, found, MIB).content == theirs.get_data()
            seen += 1
    assert seen >= 1 or b"stream" not in file


def test_embedded_files_and_scripts_are_those_that_were_written(oracle: Import) -> None:
    """What pypdf was given is what is taken, names and bytes, before and after an update."""
    data = updated(oracle, written(oracle))
    regions = find_regions(data, ContentKind.DOCUMENT, "application/pdf").regions
    files = {region.name: derive(data, region.recipe) for region in regions if region.kind is PartKind.ATTACHMENT}
    assert files == FILES
    reader = oracle("pypdf").PdfReader(io.BytesIO(data))
    assert {name: contents[0] for name, contents in reader.attachments.items()} == FILES
    scripts = {script.decode() for script in made(data, PartKind.SCRIPT)}
    assert scripts == {*SCRIPTS, "later();"}


def test_encrypted_files_are_known(oracle: Import) -> None:
    """A file that pypdf encrypted is said to be, and nothing is derived from it."""
    writer = oracle("pypdf").PdfWriter(io.BytesIO(written(oracle)))
    writer.encrypt("", "owner", algorithm="RC4-128")
    file = io.BytesIO()
    writer.write(file)
    found = find_regions(file.getvalue(), ContentKind.DOCUMENT, "application/pdf")
    assert "encrypted" in {problem.code for problem in found.problems}
    assert not [region for region in found.regions if region.recipe]
