"""Small ELF (System V ABI) and Mach-O files with one trait each; their code only ends the process."""

from __future__ import annotations

import struct

_EXIT_ZERO = bytes.fromhex("31ff b83c000000 0f05")
"""xor edi, edi; mov eax, 60; syscall: exit(0) on Linux, x86-64."""
_ELF_BASE = 0x400000
_MACHO_BASE = 0x100000000


def samples() -> dict[str, bytes]:
    """All of them."""
    return {
        "elf/write-execute-segment/write-execute-segment.elf": _elf_write_execute(),
        "macho/writable-text/writable-text": _macho_writable_text(),
    }


def _elf_write_execute() -> bytes:
    """An x86-64 program of one segment that may be read, written and executed, with no section headers."""
    code_at = 64 + 56
    size = code_at + len(_EXIT_ZERO)
    identity = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    header = struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, _ELF_BASE + code_at, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    segment = struct.pack("<IIQQQQQQ", 1, 7, 0, _ELF_BASE, _ELF_BASE, size, size, 0x1000)
    return identity + header + segment + _EXIT_ZERO


def _macho_writable_text() -> bytes:
    """An x86-64 program (mach-o/loader.h) whose __TEXT segment may be read, written and executed."""
    code_at = 0x1000
    text = struct.pack("<II16sQQQQiiII", 0x19, 72, b"__TEXT", _MACHO_BASE, 0x2000, 0, 0x2000, 7, 7, 0, 0)
    main = struct.pack("<IIQQ", 0x80000028, 24, code_at, 0)
    header = struct.pack("<IiiIIIII", 0xFEEDFACF, 0x01000007, 3, 2, 2, len(text) + len(main), 0x85, 0)
    return (header + text + main).ljust(code_at, b"\0") + b"\x31\xc0\xc3".ljust(0x1000, b"\0")
