"""Small ELF (System V ABI) and Mach-O files with one trait each; their code only ends the process."""

from __future__ import annotations

import struct

_EXIT_ZERO = bytes.fromhex("31ff b83c000000 0f05")
"""xor edi, edi; mov eax, 60; syscall: exit(0) on Linux, x86-64."""
_ELF_BASE = 0x400000
_MACHO_BASE = 0x100000000
_X86_64 = (0x01000007, 3)
_ARM64 = (0x0100000C, 0)
"""cputype and cpusubtype (mach/machine.h)."""


def samples() -> dict[str, bytes]:
    """All of them."""
    return {
        "elf/write-execute-segment/write-execute-segment.elf": _elf_write_execute(),
        "elf/signed-module/signed-module.ko": _elf_signed_module(),
        "macho/fat/fat": _macho_fat(),
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
    return _macho(_X86_64, b"\x31\xc0\xc3", protection=7)


def _macho(processor: tuple[int, int], code: bytes, *, protection: int) -> bytes:
    """A program of one segment that begins with its code, a page into the file."""
    code_at = 0x1000
    text = struct.pack(
        "<II16sQQQQiiII", 0x19, 72, b"__TEXT", _MACHO_BASE, 0x2000, 0, 0x2000, protection, protection, 0, 0
    )
    main = struct.pack("<IIQQ", 0x80000028, 24, code_at, 0)
    header = struct.pack("<IiiIIIII", 0xFEEDFACF, *processor, 2, 2, len(text) + len(main), 0x85, 0)
    return (header + text + main).ljust(code_at, b"\0") + code.ljust(0x1000, b"\0")


def _macho_fat() -> bytes:
    """A fat binary (mach-o/fat.h) of two programs that return zero, for x86-64 and for arm64, with a note behind."""
    programs = (_X86_64, b"\x31\xc0\xc3"), (_ARM64, bytes.fromhex("00008052 c0035fd6"))
    header, body = struct.pack(">II", 0xCAFEBABE, len(programs)), b""
    for processor, code in programs:
        image = _macho(processor, code, protection=5)
        header += struct.pack(">iiIII", *processor, 0x1000 + len(body), len(image), 12)
        body += image
    return header.ljust(0x1000, b"\0") + body + b"A note behind both programs.\n"


def _elf_signed_module() -> bytes:
    """A Linux module for x86-64 that does nothing, with a signature of the right form that no key has made."""
    sections = (
        (b".text", 1, b"\x31\xc0\xc3"),
        (b".modinfo", 1, b"license=GPL\0description=does nothing\0name=nothing\0"),
        (b".note.gnu.build-id", 7, struct.pack("<III4s20s", 4, 20, 3, b"GNU", bytes(range(20)))),
        (b".comment", 1, b"\0GCC: (Sampler) 12.2.0\0"),
    )
    names = b"\0" + b"".join(name + b"\0" for name, _, _ in sections) + b".shstrtab\0"
    rows, body = bytes(64), b""
    for name, kind, content in (*sections, (b".shstrtab", 3, names)):
        place = (names.index(b"\0" + name + b"\0") + 1, kind, 0, 0, 64 + len(body), len(content), 0, 0, 4, 0)
        rows += struct.pack("<IIQQQQIIQQ", *place)
        body += content + bytes(-len(content) % 8)
    identity = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    count = len(sections) + 2
    header = struct.pack("<HHIQQQIHHHHHH", 1, 62, 1, 0, 0, 64 + len(body), 0, 64, 0, 0, 64, count, count - 1)
    signature = _pkcs7()
    trailer = struct.pack(">5B3xI", 0, 0, 2, 0, 0, len(signature)) + b"~Module signature appended~\n"
    return identity + header + body + rows + signature + trailer


def _pkcs7() -> bytes:
    """A CMS ``SignedData`` (RFC 5652) as the kernel's sign-file writes it: detached, one signer, no certificates."""
    sha512 = _der(0x30, _der(0x06, bytes.fromhex("608648016503040203")))
    rsa = _der(0x30, _der(0x06, bytes.fromhex("2a864886f70d010101")))
    name = _der(0x30, _der(0x31, _der(0x30, _der(0x06, bytes.fromhex("550403")), _der(0x0C, b"Sampler sample key"))))
    signer_id = _der(0x30, name, _der(0x02, b"\x01"))
    signer = _der(0x30, _der(0x02, b"\x01"), signer_id, sha512, rsa, _der(0x04, bytes(range(256))))
    content = _der(0x30, _der(0x06, bytes.fromhex("2a864886f70d010701")))
    signed = _der(0x30, _der(0x02, b"\x01"), _der(0x31, sha512), content, _der(0x31, signer))
    return _der(0x30, _der(0x06, bytes.fromhex("2a864886f70d010702")), _der(0xA0, signed))


def _der(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    size = len(content)
    return bytes([tag]) + (bytes([size]) if size < 128 else b"\x82" + size.to_bytes(2, "big")) + content
