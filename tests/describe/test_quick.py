from __future__ import annotations

import bz2
import gzip
import importlib.util
import io
import lzma
import statistics
import struct
import tarfile
import time
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.describe import FILE_WORDS, QUICK_TYPE_BYTES, file_type_word, quick_type
from sampler.describe.binary_looks import BINARY_LOOKS
from sampler.describe.libmagic import mime_type_of
from sampler.describe.signatures import BINARY, CLOSER, INSIDE, INTERPRETERS, TEXT
from sampler.describe.text_looks import TEXT_LOOKS

OOXML: Final = "application/vnd.openxmlformats-officedocument."
UNTOLD: Final = ("application/octet-stream", "text/plain")
MEDIAN_MAX_SECONDS: Final = 50e-6
"""Five times the promise: a machine under test has other work."""


def quick(content: bytes) -> str:
    return quick_type(content[:QUICK_TYPE_BYTES], len(content))


def zipped(*names: str, first: bytes = b"x", mark: bytes = b"") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for index, name in enumerate(names):
            member = zipfile.ZipInfo(name)
            member.extra = b"" if index else mark
            archive.writestr(member, b"content" if index else first)
    return file.getvalue()


def tarred() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("member"))
    return file.getvalue()


def mach(magic: int, order: str) -> bytes:
    return struct.pack(order + "8I", magic, 7, 3, 2, 1, 100, 0, 0) + bytes(100)


def media(brand: bytes) -> bytes:
    return b"\0\0\0\x18ftyp" + brand + bytes(4) + brand + b"isom" + bytes(50)


def bytecode(number: int, header_bytes: int) -> bytes:
    return (struct.pack("<H", number) + b"\r\n").ljust(header_bytes, b"\0") + b"\xe3" + bytes(30)


COMMON: Final = {
    "program for DOS": (b"MZ\x90" + bytes(61), "application/x-dosexec"),
    "Mach-O, 64": (mach(0xFEEDFACF, "<"), "application/x-mach-binary"),
    "Mach-O, 32": (mach(0xFEEDFACE, "<"), "application/x-mach-binary"),
    "Mach-O, big": (mach(0xFEEDFACF, ">"), "application/x-mach-binary"),
    "universal": (struct.pack(">7I", 0xCAFEBABE, 1, 7, 3, 4096, 100, 12) + bytes(99), "application/x-mach-binary"),
    "Java class": (struct.pack(">IHH", 0xCAFEBABE, 0, 52) + bytes(100), "application/x-java-applet"),
    "Java class, minor": (struct.pack(">IHH", 0xCAFEBABE, 3, 45) + bytes(100), "application/x-java-applet"),
    "OLE": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "application/CDFV2"),
    "zip": (zipped("a.txt", "b.txt"), "application/zip"),
    "zip, empty": (b"PK\x05\x06" + bytes(18), "application/zip"),
    "jar, marked": (zipped("META-INF/", "A.class", mark=b"\xfe\xca\0\0"), "application/java-archive"),
    "docx": (zipped("[Content_Types].xml", "_rels/.rels", "word/d.xml", "e"), OOXML + "wordprocessingml.document"),
    "docx, other order": (zipped("word/d.xml", "[Content_Types].xml", "e"), OOXML + "wordprocessingml.document"),
    "xlsx": (zipped("[Content_Types].xml", "_rels/.rels", "xl/w.xml", "e"), OOXML + "spreadsheetml.sheet"),
    "pptx": (zipped("[Content_Types].xml", "_rels/.rels", "ppt/p.xml", "e"), OOXML + "presentationml.presentation"),
    "zip with such names": (zipped("[Content_Types].xml", "a", "b"), "application/zip"),
    "odt": (
        zipped("mimetype", "c", first=b"application/vnd.oasis.opendocument.text"),
        "application/vnd.oasis.opendocument.text",
    ),
    "sxw": (zipped("mimetype", "c", first=b"application/vnd.sun.xml.writer"), "application/vnd.sun.xml.writer"),
    "epub": (zipped("mimetype", "c", first=b"application/epub+zip"), "application/epub+zip"),
    "zip with a type": (zipped("mimetype", "c", first=b"application/pdf"), "application/zip"),
    "gzip": (gzip.compress(b"a"), "application/gzip"),
    "bzip2": (bz2.compress(b"a"), "application/x-bzip2"),
    "xz": (lzma.compress(b"a"), "application/x-xz"),
    "zstd": (b"\x28\xb5\x2f\xfd" + bytes(30), "application/zstd"),
    "lz4": (b"\x04\x22\x4d\x18" + bytes(30), "application/x-lz4"),
    "7z": (b"7z\xbc\xaf\x27\x1c\0\4" + bytes(30), "application/x-7z-compressed"),
    "rar": (b"Rar!\x1a\x07\x01\0" + bytes(30), "application/x-rar"),
    "rar 4": (b"Rar!\x1a\x07\0" + bytes(30), "application/x-rar"),
    "tar": (tarred(), "application/x-tar"),
    "ar": (b"!<arch>\na.o/            0           0     0     100644  1         `\nh", "application/x-archive"),
    "deb": (
        b"!<arch>\ndebian-binary   0           0     0     100644  4         `\n2.0\n",
        "application/vnd.debian.binary-package",
    ),
    "rpm": (b"\xed\xab\xee\xdb\3\0\0\0\0\1" + bytes(90), "application/x-rpm"),
    "cpio": (b"070701" + b"0" * 104, "application/x-cpio"),
    "compress": (b"\x1f\x9d\x90" + bytes(30), "application/x-compress"),
    "lzip": (b"LZIP\1\x0c" + bytes(30), "application/x-lzip"),
    "arj": (b"\x60\xea\x20\0\x1e\6\1\0\0\0\2" + bytes(60), "application/x-arj"),
    "lha": (b"\x20\x20-lh5-" + bytes(40), "application/x-lzh-compressed"),
    "xar": (b"xar!\0\x1c\0\1" + bytes(40), "application/x-xar"),
    "wim": (b"MSWIM\0\0\0\xd0\0\0\0" + bytes(200), "application/x-ms-wim"),
    "crx": (b"Cr24\2\0\0\0" + bytes(30), "application/x-chrome-extension"),
    "pdf": (b"%PDF-1.4\n%\xe2\xe3", "application/pdf"),
    "pdf behind lines": (b"a\n" * 100 + b"%PDF-1.4", "application/pdf"),
    "rtf": (rb"{\rtf1\ansi hello}", "text/rtf"),
    "postscript": (b"%!PS-Adobe-3.0\n", "application/postscript"),
    "png": (b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\1\0\0\0\1\x08\2\0\0\0", "image/png"),
    "jpeg": (b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1" + bytes(50), "image/jpeg"),
    "gif": (b"GIF89a\1\0\1\0" + bytes(30), "image/gif"),
    "webp": (b"RIFF\x24\0\0\0WEBPVP8 " + bytes(50), "image/webp"),
    "wav": (b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\1\0" + bytes(50), "audio/x-wav"),
    "avi": (b"RIFF\x24\0\0\0AVI LIST" + bytes(50), "video/x-msvideo"),
    "tiff": (b"II*\0\x08\0\0\0" + bytes(50), "image/tiff"),
    "tiff, big": (b"MM\0*\0\0\0\x08" + bytes(50), "image/tiff"),
    "bmp": (
        b"BM" + struct.pack("<IHHIIiiHHIIiiII", 1000, 0, 0, 54, 40, 10, 10, 1, 24, 0, 900, 2835, 2835, 0, 0),
        "image/bmp",
    ),
    "ico": (
        struct.pack("<HHHBBBBHHIIIii", 0, 1, 1, 16, 16, 0, 0, 1, 32, 1128, 22, 40, 16, 32) + bytes(50),
        "image/vnd.microsoft.icon",
    ),
    "djvu": (b"AT&TFORM\0\0\0\0DJVU" + bytes(30), "image/vnd.djvu"),
    "ogg": (b"OggS\0\2" + bytes(22) + b"\1vorbis" + bytes(30), "audio/ogg"),
    "ogg film": (b"OggS\0\2" + bytes(22) + b"\x80theora" + bytes(30), "video/ogg"),
    "flac": (b"fLaC\0\0\0\x22" + bytes(50), "audio/flac"),
    "mp3": (b"ID3\3\0\0\0\0\0\n" + bytes(10) + b"\xff\xfb\x90\x64" + bytes(500), "audio/mpeg"),
    "mp3, bare": (b"\xff\xfb\x90\x64" + bytes(500), "audio/mpeg"),
    "midi": (b"MThd\0\0\0\6\0\1\0\2" + bytes(30), "audio/midi"),
    "flv": (b"FLV\1\5" + bytes(30), "video/x-flv"),
    "asf": (bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c") + bytes(60), "video/x-ms-asf"),
    "mp4": (media(b"isom"), "video/mp4"),
    "m4a": (media(b"M4A "), "audio/x-m4a"),
    "quicktime": (media(b"qt  "), "video/quicktime"),
    "heic": (media(b"heic"), "image/heic"),
    "3gp": (media(b"3gp5"), "video/3gpp"),
    "matroska": (b"\x1a\x45\xdf\xa3\x93\x42\x82\x88matroska" + bytes(50), "video/x-matroska"),
    "webm": (b"\x1a\x45\xdf\xa3\x93\x42\x82\x84webm" + bytes(50), "video/webm"),
    "ttf": (b"\0\1\0\0\0\x0c\0\x80\0\3\0\x40GDEF" + bytes(50), "font/sfnt"),
    "otf": (b"OTTO\0\x0c\0\x80\0\3\0\x40" + bytes(50), "application/vnd.ms-opentype"),
    "Python 3.8": (bytecode(3413, 16), "application/x-bytecode.python"),
    "gettext": (struct.pack("<7I", 0x950412DE, 0, 3, 28, 52, 5, 76) + bytes(50), "application/x-gettext-translation"),
    "sqlite": (b"SQLite format 3\0\x10\0\1\1\0\x40\x20\x20" + bytes(80), "application/vnd.sqlite3"),
    "pcap": (struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1), "application/vnd.tcpdump.pcap"),
    "minidump": (b"MDMP\x93\xa7" + bytes(60), "application/x-dmp"),
    "tnef": (b"\x78\x9f\x3e\x22" + bytes(60), "application/vnd.ms-tnef"),
    "sh": (b"#! /bin/sh -e\necho\n", "text/x-shellscript"),
    "sh with a payload": (b"#!/bin/sh\nexit\n" + bytes(range(256)), "text/x-shellscript"),
    "bash by env": (b"#!/usr/bin/env bash\n", "text/x-shellscript"),
    "python": (b"#!/usr/bin/python3.11\n", "text/x-script.python"),
    "perl": (b"#!/usr/bin/perl -w\n", "text/x-perl"),
    "ruby": (b"#!/usr/bin/env ruby\n", "text/x-ruby"),
    "gawk": (b"#!/usr/bin/gawk -f\n", "text/x-gawk"),
    "php": (b"<?php\necho 1;\n", "text/x-php"),
    "xml": (b'\xef\xbb\xbf<?xml version="1.0"?>\n<a/>', "text/xml"),
    "svg": (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg">', "image/svg+xml"),
    "html": (b"\n  <!DOCTYPE html>\n<html>", "text/html"),
    "html, saved": (b"<!-- saved from url=(0014)about:internet -->\n<HTML>", "text/html"),
    "batch": (b"@ECHO OFF\r\ndel x\r\n", "text/x-msdos-batch"),
    "mail": (b"Received: from a by b;\n Sat\nFrom: a\nTo: b\nSubject: c\n\nhi\n", "message/rfc822"),
}  # fmt: skip
"""Heads, and the type that both quick_type and libmagic give."""

OURS: Final = {
    "universal, 64": (struct.pack(">7I", 0xCAFEBABF, 1, 7, 3, 0, 4096, 100) + bytes(99), "application/x-mach-binary"),
    "jar": (zipped("META-INF/MANIFEST.MF", "A.class"), "application/java-archive"),
    "apk": (zipped("AndroidManifest.xml", "classes.dex"), "application/vnd.android.package-archive"),
    "cab": (b"MSCF\0\0\0\0\x50\1" + bytes(60), "application/vnd.ms-cab-compressed"),
    "InstallShield": (b"ISc(" + bytes(60), "application/x-installshield"),
    "thin ar": (b"!<thin>\n" + bytes(60), "application/x-archive"),
    "lzop": (b"\x89LZO\0\r\n\x1a\n" + bytes(30), "application/x-lzop"),
    "ace": (bytes(7) + b"**ACE**" + bytes(40), "application/x-ace-compressed"),
    "wasm": (b"\0asm\1\0\0\0", "application/wasm"),
    "dex": (b"dex\n035\0" + bytes(100), "application/x-dex"),
    "Lua": (b"\x1bLua\x53\0\x19\x93\r\n\x1a\n" + bytes(30), "application/x-luac"),
    "Flash": (b"CWS\6" + bytes(30), "application/vnd.adobe.flash.movie"),
    "Python now": (importlib.util.MAGIC_NUMBER.ljust(16, b"\0") + b"\xe3" + bytes(30), "application/x-bytecode.python"),
    "woff": (b"wOFF\0\1\0\0" + bytes(50), "font/woff"),
    "woff2": (b"wOF2\0\1\0\0" + bytes(50), "font/woff2"),
    "pcapng": (b"\n\r\r\n\x1c\0\0\0\x4d\x3c\x2b\x1a\1\0\0\0" + bytes(20), "application/x-pcapng"),
    "shortcut": (b"L\0\0\0\1\x14\2\0\0\0\0\0\xc0\0\0\0\0\0\0\x46" + bytes(60), "application/x-ms-shortcut"),
    "help": (b"ITSF\3\0\0\0\x60\0\0\0" + bytes(60), "application/vnd.ms-htmlhelp"),
    "OneNote": (bytes.fromhex("e4525c7b8cd8a74daeb15378d02996d3") + bytes(60), "application/onenote"),
    "Outlook store": (b"!BDN" + bytes(60), "application/vnd.ms-outlook-pst"),
    "kernel dump": (b"PAGEDU64" + bytes(100), "application/x-dmp"),
    "event log": (b"ElfFile\0" + bytes(100), "application/x-ms-evtx"),
    "registry": (b"regf" + bytes(100), "application/x-ms-registry-hive"),
    "Photoshop": (b"8BPS\0\1" + bytes(50), "image/vnd.adobe.photoshop"),
    "qcow": (b"QFI\xfb\0\0\0\2" + bytes(100), "application/x-qemu-disk"),
    "vmdk": (b"KDMV\1\0\0\0" + bytes(500), "application/x-vmdk"),
    "vhd": (b"conectix\0\0\0\2" + bytes(500), "application/x-vhd"),
    "vhdx": (b"vhdxfile" + bytes(100), "application/x-vhdx"),
    "dash": (b"#!/bin/dash\n", "text/x-shellscript"),
    "env -S": (b"#!/usr/bin/env -S A=b python3 -u\n", "text/x-script.python"),
    "node": (b"#!/usr/bin/env node\n", "application/javascript"),
    "php by name": (b"#!/usr/bin/php8.2\n<?php\n", "text/x-php"),
    "lua": (b"#!/usr/bin/lua5.3\n", "text/x-lua"),
    "tcl": (b"#!/usr/bin/tclsh\n", "text/x-tcl"),
    "pwsh": (b"#!/usr/bin/env pwsh\n", "text/x-powershell"),
    "PowerShell": (b"param (\n  [string]$a\n)\n", "text/x-powershell"),
    "PowerShell function": (b"function Get-Thing {\n}\n", "text/x-powershell"),
    "VBScript": (b"Dim a\r\nSet a = CreateObject(\"x\")\r\n", "text/x-vbscript"),
    "VBScript errors": (b"On Error Resume Next\r\n", "text/x-vbscript"),
    "JSP": (b"<%@ page import=\"java.io.*\" %>\n", "text/x-jsp"),
    "ASP": (b"<%@ Language=VBScript %>\n", "text/x-asp"),
    "ASPX": (b"<%@ Page Language=\"C#\" %>\n", "text/x-asp"),
    "body": (b"<body>a", "text/html"),
    "mail, other order": (b"X-Mailer: a\nFrom: a\nTo: b\nSubject: c\n\nhi", "message/rfc822"),
}  # fmt: skip
"""Heads whose type libmagic does not know, and what quick_type says."""

LIBMAGIC_SAYS_MORE_OR_OTHER: Final = {
    ("application/x-pie-executable", "application/x-sharedlib"): "what it looks for is beyond the head",
    ("application/java-archive", "application/zip"): "it knows only jar(1)'s mark, which other makers leave out",
    ("application/vnd.android.package-archive", "application/zip"): "5.41 has no name for these packages",
    ("application/CDFV2", "application/msword"): "the streams that tell the program lie beyond the head",
    ("application/CDFV2", "application/vnd.ms-excel"): "as with other documents",
    ("application/CDFV2", "application/vnd.ms-outlook"): "its properties lie beyond the head",
}  # fmt: skip
"""(quick_type, libmagic): why they differ although both have an answer."""


def agreed(found: str, known: str) -> bool:
    """Whether a type that quick_type tells is libmagic's, or differs for a reason that is written down."""
    return found == known or known in UNTOLD or (found, known) in LIBMAGIC_SAYS_MORE_OR_OTHER


@pytest.mark.parametrize("name", [*COMMON, *OURS])
def test_types(name: str) -> None:
    """Every format that is known by its beginning has its name."""
    content, mime_type = {**COMMON, **OURS}[name]
    assert quick(content) == mime_type


@pytest.mark.parametrize("name", COMMON)
def test_both_give_the_same_name(name: str) -> None:
    """Where libmagic knows a format too, its name is the one that is used."""
    content, mime_type = COMMON[name]
    assert mime_type_of(content) == mime_type


@pytest.mark.parametrize("name", OURS)
def test_what_libmagic_does_not_know(name: str) -> None:
    """A name of our own is used only where libmagic has none, or for a reason that is written down."""
    content, mime_type = OURS[name]
    assert agreed(mime_type, mime_type_of(content))


def test_samples_have_libmagics_types(samples: Path) -> None:
    """Over all samples, a type that is told is libmagic's, or differs for a reason that is written down."""
    told = 0
    for file in samples.glob("*/*/*"):
        content = file.read_bytes()
        found = quick(content)
        if file.name == "expected.json" or found in (*UNTOLD, "application/x-empty"):
            continue
        told += 1
        assert agreed(found, mime_type_of(content)), file
    assert told > 40


@pytest.mark.parametrize(
    ("kind", "mime_type"),
    [
        (0, "application/octet-stream"),
        (1, "application/x-object"),
        (2, "application/x-executable"),
        (3, "application/x-sharedlib"),
        (4, "application/x-coredump"),
        (9, "application/octet-stream"),
    ],
)
@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("order", ["<", ">"])
def test_elf(elf: Callable[..., bytes], kind: int, mime_type: str, bits: int, order: str) -> None:
    """ELF files are told by their type, in all four layouts."""
    assert quick(elf(kind=kind, bits=bits, order=order)) == mime_type


@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("order", ["<", ">"])
def test_position_independent_programs(elf: Callable[..., bytes], bits: int, order: str) -> None:
    """A shared object that names an interpreter is a program."""
    content = elf(kind=3, segments=(6, 3, 1), bits=bits, order=order)
    assert quick(content) == "application/x-pie-executable"
    assert agreed("application/x-pie-executable", mime_type_of(content))


@pytest.mark.parametrize(
    ("content", "mime_type"),
    [
        (b"", "application/x-empty"),
        (b"Dear all,\nit rained.\n", "text/plain"),
        (b"gr\xfc\xdfe\n", "text/plain"),
        ("grüße\n".encode(), "text/plain"),
        (b"\xef\xbb\xbfhi\n", "text/plain"),
        (b"\xff\xfeh\0i\0", "text/plain"),
        (b"\xfe\xff\0h\0i", "text/plain"),
        (b"\x1b[31mred\x1b[0m\n", "text/plain"),
        (b"hi\0there", "application/octet-stream"),
        (b"hi\x01there", "application/octet-stream"),
        (bytes(16), "application/octet-stream"),
        (b"MZ is a brand of things\n" * 20, "text/plain"),
        (b"BMW is a brand of cars\n" * 20, "text/plain"),
        (b"RIFF is a brand of films\n" * 20, "text/plain"),
        (b"Dim light fell on the floor.\n", "text/plain"),
        (b"Set the table, please.\n", "text/plain"),
        (b"From here on it gets steep.\n", "text/plain"),
        (b"function of the heart\n", "text/plain"),
        (b"<!-- a comment -->\n", "text/plain"),
        (b"ab\r\nc\r\n" + b"c" * 20, "text/plain"),
        (b"#!/opt/unheard/of\n", "text/plain"),
        (b"#!\n", "text/plain"),
        (b"\xca\xfe\xba\xbe\0\0\0\x1e" + bytes(50), "application/octet-stream"),
    ],
)
def test_text_and_what_is_unknown(content: bytes, mime_type: str) -> None:
    """Text in any usual encoding is plain text, however it begins, and the rest is unknown."""
    assert quick(content) == mime_type


@given(st.sampled_from([magic for magic, _ in (*BINARY, *TEXT)]) | st.just(b""), st.binary(max_size=80))
def test_any_head_has_a_type(magic: bytes, rest: bytes) -> None:
    """No head, cut or mangled, raises."""
    assert "/" in quick(magic + rest)


@given(st.sampled_from(INSIDE), st.binary(max_size=40), st.binary(max_size=60))
def test_any_inside_has_a_type(row: tuple[int, bytes, str], before: bytes, behind: bytes) -> None:
    """No mark inside a head makes it raise."""
    offset, mark, _ = row
    assert "/" in quick(before[:offset].ljust(offset, b"\0") + mark + behind)


def test_every_closer_look_is_used() -> None:
    """No look stands in the tables of looks that no beginning leads to, and no binary beginning lacks its look."""
    starts = {magic for magic, name in BINARY if name == CLOSER} | {mark for _, mark, name in INSIDE if name == CLOSER}
    texts = {magic for magic, name in TEXT if name == CLOSER}
    assert set(BINARY_LOOKS) == starts - set(TEXT_LOOKS)
    assert set(TEXT_LOOKS) <= texts | starts


def types_of(rows: Iterable[tuple[bytes, str]]) -> set[str]:
    return {name for _, name in rows if name != CLOSER}


def test_words_are_for_types_that_exist() -> None:
    """Every word belongs to a type that quick_type can give, and programs, scripts and documents all have one."""
    given_types = (
        types_of(BINARY) | types_of(TEXT) | set(INTERPRETERS.values()) | {name for *_, name in INSIDE if name != CLOSER}
    )
    given_types |= {mime_type for _, mime_type in (*COMMON.values(), *OURS.values())}
    given_types |= {
        f"application/x-{kind}" for kind in ("object", "executable", "pie-executable", "sharedlib", "coredump")
    }
    given_types.add("application/vnd.ms-visio.drawing.main+xml")
    assert set(FILE_WORDS) <= given_types
    assert set(INTERPRETERS.values()) <= set(FILE_WORDS)
    assert file_type_word("text/plain") == file_type_word("application/octet-stream") == ""


def test_takes_microseconds() -> None:
    """The median head is told in some microseconds: a sweep asks for every file it meets."""
    heads = [(content[:QUICK_TYPE_BYTES], len(content)) for content, _ in (*COMMON.values(), *OURS.values())]
    heads += [(b"It rained all day, and then some more.\n" * 120, 5000)] * 5
    times = []
    for head, size in heads:
        start = time.perf_counter()
        quick_type(head, size)
        times.append(time.perf_counter() - start)
    assert statistics.median(times) < MEDIAN_MAX_SECONDS
