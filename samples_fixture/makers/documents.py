"""Documents: PDF (ISO 32000-1), Office Open XML (ECMA-376), Compound File Binary ([MS-CFB]) and RTF."""

from __future__ import annotations

from collections.abc import Sequence

from makers.archives import stored_zip
from makers.ole import Storage, Stream, compound_file

_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006"
_WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_WORD_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml"
_MACRO_TYPE = "application/vnd.ms-word.document.macroEnabled.main+xml"
_MACRO_SOURCE = b'Attribute VB_Name = "Fixture"\r\nSub AutoOpen()\r\n    MsgBox "hello"\r\nEnd Sub\r\n'
_PAGE_TEXT = b"BT /F1 18 Tf 20 100 Td (A harmless page) Tj ET"


def samples() -> dict[str, bytes]:
    """All documents that are made here."""
    action = b"<< /S /JavaScript /JS (app.alert\\('hello'\\)) >>"
    launch = b"<< /S /Launch /Win << /F (cmd.exe) /P (/c echo hello) >> >>"
    return {
        "pdf/plain/plain.pdf": _pdf(None),
        "pdf/javascript-open-action/javascript-open-action.pdf": _pdf(action),
        "pdf/launch-action/launch-action.pdf": _pdf(launch),
        "ooxml/plain/plain.docx": _docx(),
        "ooxml/macro/macro.docm": _docx(macro=True),
        "ooxml/external-template/external-template.docx": _docx(external_template=True),
        "ole/macro/macro.doc": _macro_doc(),
        "rtf/plain/plain.rtf": rb"{\rtf1\ansi\deff0 {\fonttbl {\f0 Arial;}}\f0\fs24 A harmless note.\par}" + b"\n",
        "rtf/embedded-object/embedded-object.rtf": _rtf_object(),
    }


def _pdf(open_action: bytes | None) -> bytes:
    """One page of text, its cross-reference table right (7.5.4), with an open action (12.6) if one is given."""
    catalog = b"<< /Type /Catalog /Pages 2 0 R" + (b" /OpenAction 6 0 R" if open_action else b"") + b" >>"
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 144] /Contents 4 0 R "
    objects = [
        catalog,
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        page + b"/Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(_PAGE_TEXT), _PAGE_TEXT),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    return _pdf_file([*objects, open_action] if open_action else objects)


def _pdf_file(objects: Sequence[bytes]) -> bytes:
    file = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"
    table = b"0000000000 65535 f \n"
    for number, body in enumerate(objects, 1):
        table += b"%010d 00000 n \n" % len(file)
        file += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    count = len(objects) + 1
    trailer = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (count, len(file))
    return file + b"xref\n0 %d\n" % count + table + trailer


def _docx(*, macro: bool = False, external_template: bool = False) -> bytes:
    members = {
        "[Content_Types].xml": _content_types(macro=macro),
        "_rels/.rels": _relations(("officeDocument", "word/document.xml", "")),
        "word/document.xml": f'{_XML}<w:document xmlns:w="{_WORD}"><w:body><w:p><w:r><w:t>A harmless note.'
        "</w:t></w:r></w:p></w:body></w:document>",
    }
    files = {name: text.encode() for name, text in members.items()}
    if macro:
        files["word/vbaProject.bin"] = compound_file(_macro_project())
    if external_template:
        target = ("attachedTemplate", "http://example.invalid/template.dotm", ' TargetMode="External"')
        files["word/_rels/settings.xml.rels"] = _relations(target).encode()
    return stored_zip(files)


def _content_types(*, macro: bool) -> str:
    main = _MACRO_TYPE if macro else f"{_WORD_TYPE}.document.main+xml"
    return (
        f'{_XML}<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        '<Default Extension="bin" ContentType="application/vnd.ms-office.vbaProject"/>'
        f'<Override PartName="/word/document.xml" ContentType="{main}"/></Types>'
    )


def _relations(relation: tuple[str, str, str]) -> str:
    kind, target, mode = relation
    return (
        f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{_OFFICE}/relationships/{kind}" Target="{target}"{mode}/></Relationships>'
    )


def _macro_project() -> tuple[Storage, ...]:
    """The storages of a VBA project ([MS-OVBA] 2.2.1), its module in plain text, which no Office would run."""
    streams = (Stream("Fixture", _MACRO_SOURCE), Stream("_VBA_PROJECT", b"\xcc\x61\xff\xff"), Stream("dir", b"\x01"))
    return (Storage("VBA", streams=streams),)


def _macro_doc() -> bytes:
    macros = Storage("Macros", storages=_macro_project())
    return compound_file((macros,), (Stream("WordDocument", b"\xec\xa5\xc1\x00"),))


def _rtf_object() -> bytes:
    """An OLE 1.0 package object ([MS-OLEDS] 2.2) whose data is a text."""
    native = b"hello"
    header = b"\x01\x05\x00\x00\x02\x00\x00\x00\x08\x00\x00\x00Package\x00" + bytes(8)
    data = (header + len(native).to_bytes(4, "little") + native).hex().encode()
    return rb"{\rtf1\ansi A note with an object. {\object\objemb{\*\objclass Package}{\*\objdata " + data + b"}}}\n"
