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
        "pe/tls-callbacks/tls-callbacks.exe": _tls_callbacks(),
        "pe/directory-over-overlay/directory-over-overlay.exe": _directory_over_overlay(),
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


def _tls_callbacks() -> bytes:
    """Two callbacks in the code, which only return, and the path of a PDB file."""
    text = pe.Section(b".text", (pe.RETURN_ZERO.ljust(16, b"\xcc")) * 3, pe.CODE)
    places = pe.lay_out([text, pe.Section(b".rdata", bytes(1), pe.DATA)])
    code, data = places
    tls = pe.tls_directory(data.address, [code.address + 16, code.address + 32])
    debug = pe.debug_directory(data.address + len(tls), data.offset + len(tls), b"C:\\example\\sample.pdb")
    directories = {9: (data.address, 40), 6: (data.address + len(tls), 28)}
    return pe.build([text, pe.Section(b".rdata", tls + debug, pe.DATA)], directories=directories)


def _directory_over_overlay() -> bytes:
    """The relocations, of ``.reloc``, claim what is appended behind their section as well."""
    appended = b"appended behind the image\n" * 20
    reloc = pe.Section(b".reloc", bytes(12), pe.DATA)
    place = pe.lay_out([_TEXT, reloc])[1]
    return pe.build([_TEXT, reloc], directories={5: (place.address, place.size + len(appended))}) + appended
