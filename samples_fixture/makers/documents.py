"""Documents: PDF (ISO 32000-1), Office Open XML (ECMA-376), Compound File Binary ([MS-CFB]) and RTF."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from makers.archives import stored_zip
from makers.ole import Storage, Stream, compound_file
from makers.vba import project

_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006"
_WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_WORD_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml"
_MACRO_TYPE = "application/vnd.ms-word.document.macroEnabled.main+xml"
_MODULE = "HarmlessNote"
"""Its length puts ``AutoOpen`` into one run of eight literals, so that the compressed text still has the word."""
_MACRO_SOURCE = f'Attribute VB_Name = "{_MODULE}"\r\nSub AutoOpen()\r\n    MsgBox "{{}}"\r\nEnd Sub\r\n'
_SCRIPT = b'WScript.Echo "hello"\r\n'
_PAGE_TEXT = b"BT /F1 18 Tf 20 100 Td (A harmless page) Tj ET"


def samples() -> dict[str, bytes]:
    """All documents that are made here."""
    action = b"<< /S /JavaScript /JS (app.alert\\('hello'\\)) >>"
    launch = b"<< /S /Launch /Win << /F (cmd.exe) /P (/c echo hello) >> >>"
    return {
        "pdf/plain/plain.pdf": _pdf(None),
        "pdf/javascript-open-action/javascript-open-action.pdf": _pdf(action),
        "pdf/launch-action/launch-action.pdf": _pdf(launch),
        "pdf/embedded-file/embedded-file.pdf": _pdf_with_file(),
        "ooxml/plain/plain.docx": _docx(),
        "ooxml/macro/macro.docm": _docx(macro=True),
        "ooxml/external-template/external-template.docx": _docx(external_template=True),
        "ooxml/dde/dde.docx": _docx(field="DDEAUTO c:\\\\windows\\\\system32\\\\cmd.exe"),
        "ole/macro/macro.doc": _macro_doc(),
        "ole/macro-sheet/macro-sheet.xls": _macro_sheet(),
        "ole/packaged-file/packaged-file.doc": _packaged_file(),
        "mail/outlook/outlook.msg": _message(),
        "rtf/plain/plain.rtf": rb"{\rtf1\ansi\deff0 {\fonttbl {\f0 Arial;}}\f0\fs24 A harmless note.\par}" + b"\n",
        "rtf/embedded-object/embedded-object.rtf": _rtf_object(),
        "rtf/hidden-object/hidden-object.rtf": _rtf_hidden_object(),
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


def _pdf_with_file() -> bytes:
    """A file that was added to: an embedded script (7.11.4), a script in an object stream (7.5.7), and text behind."""
    file = b"#!/bin/sh\n# Fixture: prints a word.\necho hello\n"
    inner = b"7 0 8 39 << /S /JavaScript /JS (var hidden = 1;) >> << /#4a#53 (var second = 2;) /S /J#61vaScript >>"
    first = inner.index(b"<<")
    inner = b"7 0 8 %d " % (inner.index(b"<< /#") - first) + inner[first:]
    packed, hexed = inner.hex().encode() + b">", file.hex().encode() + b">"
    added = (
        b"9 0 obj\n<< /Type /EmbeddedFile /Filter /ASCIIHexDecode /Length %d >>\nstream\n%s\nendstream\nendobj\n"
        b"10 0 obj\n<< /Type /Filespec /F (hello.sh) /EF << /F 9 0 R >> >>\nendobj\n"
        b"11 0 obj\n<< /Type /ObjStm /N 2 /First %d /Filter [/ASCIIHexDecode] /Length %d >>\nstream\n%s\nendstream\nendobj\n"
    ) % (len(hexed), hexed, inner.index(b"<<"), len(packed), packed)
    before = _pdf(None)
    place = len(before) + len(added)
    return (
        before
        + added
        + b"xref\n0 0\ntrailer\n<< /Size 12 /Root 1 0 R /Prev %d >>\nstartxref\n%d\n%%%%EOF\n"
        % (
            before.rindex(b"xref\n0 6"),
            place,
        )
        + b"Text behind the end.\n"
    )


def _pdf_file(objects: Sequence[bytes]) -> bytes:
    file = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"
    table = b"0000000000 65535 f \n"
    for number, body in enumerate(objects, 1):
        table += b"%010d 00000 n \n" % len(file)
        file += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    count = len(objects) + 1
    trailer = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (count, len(file))
    return file + b"xref\n0 %d\n" % count + table + trailer


def _docx(*, macro: bool = False, external_template: bool = False, field: str = "") -> bytes:
    members = {
        "[Content_Types].xml": _content_types(macro=macro),
        "_rels/.rels": _relations(("officeDocument", "word/document.xml", "")),
        "word/document.xml": f'{_XML}<w:document xmlns:w="{_WORD}"><w:body><w:p><w:r><w:t>A harmless note.'
        f"</w:t></w:r></w:p>{_field(field)}</w:body></w:document>",
    }
    files = {name: text.encode() for name, text in members.items()}
    if macro:
        files["word/vbaProject.bin"] = compound_file(_macro_project("hello, package"))
    if external_template:
        target = ("attachedTemplate", "http://example.invalid/template.dotm", ' TargetMode="External"')
        files["word/_rels/settings.xml.rels"] = _relations(target).encode()
    return stored_zip(files)


def _field(instruction: str) -> str:
    """A paragraph with a field (ECMA-376, Part 1, 17.16), its instruction spread over two runs."""
    if not instruction:
        return ""
    texts = "".join(f"<w:r><w:instrText>{part}</w:instrText></w:r>" for part in (instruction[:3], instruction[3:]))
    return f'<w:p><w:r><w:fldChar w:fldCharType="begin"/></w:r>{texts}<w:r><w:fldChar w:fldCharType="end"/></w:r></w:p>'


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


def _macro_project(message: str) -> tuple[Storage, ...]:
    return (project({_MODULE: _MACRO_SOURCE.format(message).encode()}),)


def _macro_doc() -> bytes:
    macros = Storage("Macros", storages=_macro_project("hello"))
    return compound_file((macros,), (_word_document(),))


def _word_document() -> Stream:
    """The first bytes of a FIB ([MS-DOC] 2.5.2), as long as a text of one section is."""
    return Stream("WordDocument", b"\xec\xa5\xc1\0".ljust(4096, b"\0"))


def _macro_sheet() -> bytes:
    """A workbook ([MS-XLS] 2.1.7.20.3) of one very hidden macro sheet without a formula."""
    name = b"Macro1"
    sheet = bytes(4) + b"\x02\x01" + bytes([len(name), 0]) + name
    records = (_record(0x809, struct.pack("<HHHHII", 0x600, 5, 0, 0, 0, 6)), _record(0x85, sheet), _record(0x0A, b""))
    return compound_file((), (Stream("Workbook", b"".join(records)),))


def _record(number: int, value: bytes) -> bytes:
    return struct.pack("<HH", number, len(value)) + value


def _packaged_file() -> bytes:
    """A document with a script in the Packager's native data ([MS-OLEDS] 2.3.6)."""
    package = _packaged("hello.vbs", _SCRIPT)
    native = Stream("\x01Ole10Native", struct.pack("<I", len(package)) + package)
    pool = Storage("ObjectPool", storages=(Storage("_1234567890", streams=(native,)),))
    return compound_file((pool,), (_word_document(),))


def _packaged(label: str, content: bytes) -> bytes:
    name = label.encode() + b"\0"
    head = b"\x02\0" + name + name + b"\0\0\x03\0" + struct.pack("<I", len(name)) + name
    return head + struct.pack("<I", len(content)) + content


def _message() -> bytes:
    """A message ([MS-OXMSG]) of one attachment."""
    streams = (
        Stream("__properties_version1.0", bytes(8)),
        Stream("__substg1.0_3707001F", "hello.vbs".encode("utf-16-le")),
        Stream("__substg1.0_37010102", _SCRIPT),
    )
    subject = Stream("__substg1.0_0037001F", "A harmless note".encode("utf-16-le"))
    attachment = Storage("__attach_version1.0_#00000000", streams=streams)
    return compound_file((attachment,), (Stream("__properties_version1.0", bytes(32)), subject))


def _rtf_object() -> bytes:
    """An OLE 1.0 package object ([MS-OLEDS] 2.2) whose data is a text."""
    native = b"hello"
    header = b"\x01\x05\x00\x00\x02\x00\x00\x00\x08\x00\x00\x00Package\x00" + bytes(8)
    data = (header + len(native).to_bytes(4, "little") + native).hex().encode()
    return rb"{\rtf1\ansi A note with an object. {\object\objemb{\*\objclass Package}{\*\objdata " + data + b"}}}\n"


def _rtf_hidden_object() -> bytes:
    r"""A packaged script whose digits are broken up by a group, ``\bin``, an escaped character and white space."""
    package = _packaged("hello.vbs", _SCRIPT)
    data = b"\x01\x05\0\0\x02\0\0\0" + struct.pack("<I", 8) + b"Package\0" + bytes(8)
    data += struct.pack("<I", len(package)) + package
    digits = data[16:].hex()
    broken = data[:8].hex() + "{\\*\\objname 41}" + data[8:12].hex() + "\\bin4 "
    return (
        rb"{\rtf1\ansi{\object\objemb\objupdate{\*\objdata " + broken.encode() + data[12:16]
        + digits[:20].encode() + b"\n\t" + digits[20:41].encode() + rb"\'00" + digits[40:].encode() + b"}}}\n"
    )  # fmt: skip
