"""Portable Executables that show one trait each, and malformed ones."""

from __future__ import annotations

import struct

from makers import pe
from makers.archives import stored_zip

_INJECTION = (b"OpenProcess", b"VirtualAllocEx", b"WriteProcessMemory", b"CreateRemoteThread", b"ExitProcess")
_TEXT = pe.Section(b".text", pe.RETURN_ZERO, pe.CODE)


def samples(launcher: bytes) -> dict[str, bytes]:
    """All of them; ``launcher`` is the x86-64 console launcher that the one with an overlay is made from."""
    return {
        "pe/overlay-zip/overlay-zip.exe": launcher + stored_zip({"__main__.py": b"print('hello')\n"}),
        "pe/data-behind-certificate/data-behind-certificate.exe": _data_behind_certificate(),
        "pe/upx-names/upx-names.exe": _upx_names(),
        "pe/entry-in-last-section/entry-in-last-section.exe": _entry_in_last_section(),
        "pe/injection-imports/injection-imports.exe": _injection_imports(),
        "pe/plain/plain.exe": pe.build([_TEXT]),
        "pe/truncated-header/truncated-header.exe": pe.build([_TEXT])[:0x90],
        "pe/new-header-beyond-end/new-header-beyond-end.exe": pe.dos_header(0x7FFFFFF0).ljust(0x200, b"\0"),
        "pe/65535-sections/65535-sections.exe": _sections_65535(),
        "pe/section-beyond-end/section-beyond-end.exe": _section_beyond_end(),
    }


def _data_behind_certificate() -> bytes:
    """The certificate is a DER sequence of one text (ITU-T X.690), which no verifier takes for a signature."""
    text = b"not a signature; a stand-in for one"
    certificate = bytes([0x30, len(text) + 2, 0x0C, len(text)]) + text
    signed = pe.with_certificate(pe.build([_TEXT]), certificate)
    return signed + b"configuration=none\n" * 40


def _upx_names() -> bytes:
    return pe.build(
        [
            pe.Section(b"UPX0", b"", pe.WRITE_EXECUTE),
            pe.Section(b"UPX1", pe.RETURN_ZERO + bytes(range(256)) * 4, pe.WRITE_EXECUTE),
            pe.Section(b".rsrc", bytes(64), pe.DATA),
        ],
        entry_section=1,
    )


def _entry_in_last_section() -> bytes:
    return pe.build(
        [_TEXT, pe.Section(b".data", b"data", pe.DATA), pe.Section(b".added", pe.RETURN_ZERO, pe.WRITE_EXECUTE)],
        entry_section=2,
    )


def _injection_imports() -> bytes:
    address = pe.lay_out([_TEXT, pe.Section(b".idata", b"", pe.DATA)])[1].address
    table = pe.imports(address, b"KERNEL32.dll", _INJECTION)
    return pe.build([_TEXT, pe.Section(b".idata", table, pe.DATA)], directories=pe.import_directory(address, 40))


def _sections_65535() -> bytes:
    image = bytearray(pe.build([_TEXT]))
    struct.pack_into("<H", image, 0x80 + 4 + 2, 0xFFFF)
    return bytes(image)


def _section_beyond_end() -> bytes:
    """The second row of the section table says that its section has 2 GiB in the file."""
    image = bytearray(pe.build([_TEXT, pe.Section(b".data", b"data", pe.DATA)]))
    table_at = 0x80 + 4 + 20 + 0xF0
    struct.pack_into("<I", image, table_at + 40 + 16, 0x7FFFFE00)
    return bytes(image)
