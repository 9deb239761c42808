"""PDF: scripts, embedded files and objects that act; revisions, what stands before and behind (ISO 32000-1).

``pdf:OFFSET`` makes the stream of the object whose number stands there, ``pdf:OFFSET/INDEX`` an object of the object
stream there, as it is written; ``#COUNT`` behind either makes a script that is a string in that object. Encrypted
streams and strings are not decrypted. Pages and their text are never read.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import islice
from typing import Final

from sampler.errors import NotDerivable
from sampler.extract.affording import kept_within, unpacked_within
from sampler.extract.document_facts import DocumentFacts
from sampler.extract.extraction import Data, Survey
from sampler.extract.naming import printable
from sampler.extract.pdf_actions import COUNTED, FEATURES, links_in, named_files, referred, scripts_in
from sampler.extract.pdf_objects import (
    OBJECTS_MAX_COUNT,
    PdfObject,
    newest,
    object_at,
    objects_inside,
    packed_bytes,
    scan_objects,
    stream_of,
)
from sampler.extract.pdf_xref import Tables, read_tables
from sampler.extract.stretches import open_stretch
from sampler.limits import KIB
from sampler.model import ContentKind, PartKind

HEADER_WITHIN_BYTES: Final = 1 * KIB
"""Readers take a header that begins in here (Annex H, implementation note 13)."""
HEADER_BYTES: Final = 4 * KIB
ACTING_MAX_COUNT: Final = 512
"""Regions of objects that act."""
LINKING_MAX_COUNT: Final = 64
"""Those among them that do no more than lead to a URI."""
SCRIPTS_MAX_COUNT: Final = 512
_MARK: Final = b"%PDF-"
_VERSION: Final = re.compile(rb"%PDF-([0-9]\.[0-9])")
_END: Final = re.compile(rb"%%EOF[\0\t\n\f\r ]{0,16}")
_STEP: Final = re.compile(r"([0-9]{1,15})(?:/([0-9]{1,6}))?(?:#([0-9]{1,4}))?", re.ASCII)
_ACTING: Final = frozenset({*FEATURES, "URI"})


def looks_like_pdf(head: bytes) -> bool:
    """A header near the start."""
    return _MARK in head[:HEADER_WITHIN_BYTES]


def survey_pdf(data: Data, survey: Survey) -> bool:
    """Add what a file holds; ``False`` where it has a header and not one object."""
    base = max(0, bytes(data[:HEADER_WITHIN_BYTES]).find(_MARK))
    objects = _limited(scan_objects(data), survey)
    if not objects:
        return False
    tables = read_tables(data, base)
    objects += _only_by_table(data, base, tables, objects)
    is_encrypted = _is_encrypted(objects, tables)
    if is_encrypted:
        survey.add_problem("encrypted", "its streams and strings are not decrypted")
    else:
        objects += _from_object_streams(data, survey, objects)
    survey.add_region(PartKind.HEADER, "", base, min(HEADER_BYTES, survey.size - base))
    _add_edges(data, survey, base, objects)
    _add_acting(survey, objects)
    if not is_encrypted:
        _add_scripts(data, survey, objects)
        _add_files(data, survey, objects)
    _add_fields(data, survey, base, objects, tables, is_encrypted=is_encrypted)
    return True


def read_pdf(data: Data, argument: str, ceiling: int) -> bytes:
    """The recipe step ``pdf:OFFSET``, ``pdf:OFFSET/INDEX``, each with ``#COUNT``.

    Raises:
        NotDerivable: there is no such object, stream or script, or it is larger than ``ceiling``.
    """
    parts = _STEP.fullmatch(argument)
    found = object_at(data, int(parts[1])) if parts else None
    if parts is None or found is None:
        raise NotDerivable(f"no object at {argument!r}")
    content = b""
    if parts[2] is not None or parts[3] is None:
        content = stream_of(data, found, ceiling).content
    if parts[2] is not None:
        found = next(islice(objects_inside(found, content), int(parts[2]), None), None)
        if found is None:
            raise NotDerivable(f"no object at {argument!r}")
        content = content[found.start : found.end]
    return _script(found, int(parts[3])) if parts[3] is not None else content


def _script(found: PdfObject, count: int) -> bytes:
    scripts = scripts_in(found.value)
    if count >= len(scripts):
        raise NotDerivable(f"object {found.number} has {len(scripts)} scripts")
    return scripts[count]


def _limited(objects: Iterable[PdfObject], survey: Survey) -> list[PdfObject]:
    """As many objects as are read, while there is time."""
    kept: list[PdfObject] = []
    for found in objects:
        if len(kept) >= OBJECTS_MAX_COUNT or (len(kept) % 16 == 15 and survey.budget.spent):
            survey.add_problem("too-many-objects", f"only the first {len(kept)} are read")
            break
        kept.append(found)
    return kept


def _only_by_table(data: Data, base: int, tables: Tables, objects: list[PdfObject]) -> list[PdfObject]:
    """Objects that a table leads to and that stand where a stream's bytes do."""
    known = {found.offset for found in objects}
    hidden = [base + place for place in sorted(tables.offsets) if base + place not in known]
    found = (object_at(data, place) for place in hidden[: OBJECTS_MAX_COUNT - len(objects)])
    return [each for each in found if each is not None]


def _is_encrypted(objects: Iterable[PdfObject], tables: Tables) -> bool:
    from_streams = (found.dictionary for found in objects if found.dictionary.get("Type") == "XRef")
    return any("Encrypt" in trailer for trailer in (*tables.trailers, *from_streams))


def _from_object_streams(data: Data, survey: Survey, objects: list[PdfObject]) -> list[PdfObject]:
    def unpacked() -> Iterator[PdfObject]:
        for found in objects:
            if found.dictionary.get("Type") == "ObjStm" and found.stream:
                content = _stream(data, survey, found, f"object stream {found.number}")
                yield from objects_inside(found, content or b"")

    return _limited(islice(unpacked(), OBJECTS_MAX_COUNT - len(objects)), survey)


def _stream(data: Data, survey: Survey, found: PdfObject, title: str) -> bytes | None:
    return unpacked_within(survey, title, packed_bytes(found), partial(stream_of, data, found))


def _add_edges(data: Data, survey: Survey, base: int, objects: list[PdfObject]) -> None:
    """What stands before the header, and behind the last end."""
    if base > 0:
        survey.add_region(PartKind.OVERLAY, "before", 0, base)
    end = max((found.end() for found in _END.finditer(data)), default=survey.size)
    last = max(found.end for found in objects if found.index is None)
    if last <= end < survey.size:
        survey.add_region(PartKind.OVERLAY, "", end, survey.size - end)
        open_stretch(data, survey, "", end, survey.size - end)


def _add_acting(survey: Survey, objects: Iterable[PdfObject]) -> None:
    added = linking = 0
    for found in objects:
        telling = _ACTING.intersection(found.names)
        linking += telling == {"URI"}
        if not telling or added >= ACTING_MAX_COUNT or (telling == {"URI"} and linking > LINKING_MAX_COUNT):
            continue
        added += 1
        name = f"{found.number}/{'+'.join(sorted(telling))}"
        if found.index is None:
            survey.add_region(PartKind.OBJECT, name, found.offset, found.end - found.offset)
        else:
            survey.add_derived(PartKind.OBJECT, name, f"pdf:{found.place}", found.end - found.start)


def _add_scripts(data: Data, survey: Survey, objects: list[PdfObject]) -> None:
    latest = newest(objects)
    wanted = {number for found in objects for number in referred(found.value, "JS")}
    by_reference = [found for number in sorted(wanted) if (found := latest.get(number)) and not found.stream]
    acting = [found for found in objects if "JS" in found.names]
    with_strings = {found.place: found for found in (*by_reference, *acting)}
    for found in list(with_strings.values())[:SCRIPTS_MAX_COUNT]:
        for count, script in enumerate(scripts_in(found.value)[:SCRIPTS_MAX_COUNT]):
            title = f"{found.number}/{count}"
            made = unpacked_within(survey, title, len(script), partial(kept_within, script))
            if made:
                survey.add_content(PartKind.SCRIPT, title, f"pdf:{found.place}#{count}", made)
    forms = {number for found in objects for number in referred(found.value, "XFA")}
    pages = {number for found in objects for number in referred(found.value, "Contents")}
    for number in sorted(wanted | forms):
        title = f"{number}" if number in wanted else f"{number}/XFA"
        own = ContentKind.DOCUMENT if number in forms | pages else None  # what people filled in, or the text of a page
        _add_stream(data, survey, latest.get(number), PartKind.SCRIPT, title, own)


def _add_files(data: Data, survey: Survey, objects: list[PdfObject]) -> None:
    """Embedded files of all revisions, called as their file specifications call them."""
    latest = newest(objects)
    names = {number: name for found in objects if "EF" in found.names for number, name in named_files(found.value)}
    typed = [found for found in objects if found.dictionary.get("Type") == "EmbeddedFile"]
    named = [found for number in sorted(names) if (found := latest.get(number)) and found not in typed]
    for found in (*typed, *named):
        title = printable(names.get(found.number, "")) or str(found.number)
        _add_stream(data, survey, found, PartKind.ATTACHMENT, title)


def _add_stream(  # noqa: PLR0917  # what a part is made of
    data: Data,
    survey: Survey,
    found: PdfObject | None,
    kind: PartKind,
    title: str,
    own: ContentKind | None = None,
) -> None:
    if found is None or not found.stream:
        return
    content = _stream(data, survey, found, title)
    if content:
        survey.add_content(kind, title, f"pdf:{found.place}", content, own=own)


def _add_fields(
    data: Data, survey: Survey, base: int, objects: list[PdfObject], tables: Tables, *, is_encrypted: bool
) -> None:
    facts = DocumentFacts()
    names = Counter(name for found in objects for name in found.names if name in COUNTED)
    facts.features.update(FEATURES[name] for name in names if name in FEATURES)
    if is_encrypted:
        facts.features.add("encrypted")
    else:
        for link in (link for found in objects if _ACTING.intersection(found.names) for link in links_in(found.value)):
            facts.add_url(link.decode("utf-8", "replace"), "link")
    facts.tell(survey)
    version = _VERSION.match(bytes(data[base : base + 8]))
    survey.add_field("sampler.file.pdf.version", version[1].decode("ascii") if version else "")
    survey.add_field("sampler.file.pdf.names", tuple(f"{name} {count}" for name, count in sorted(names.items())))
    numbers = {
        "header_offset": base,
        "objects_count": len(objects),
        "streams_count": sum(found.stream is not None for found in objects),
        "revisions_count": tables.updates,
        "escaped_names_count": sum(found.escaped_names for found in objects),
    }
    for name, number in numbers.items():
        if number:
            survey.add_field(f"sampler.file.pdf.{name}", number)
