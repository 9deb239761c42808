"""The data behind ``quick_type``: what formats begin with, as rows of (first bytes, MIME type).

Longer beginnings win over shorter ones. ``CLOSER`` marks a format whose first bytes are shared or say too little:
``binary_looks`` or ``text_looks`` then look at the rest of the head. Names are libmagic's where it knows the format.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

Look: TypeAlias = Callable[[bytes], str | None]
"""A closer look at a head."""

EMPTY: Final = "application/x-empty"
PLAIN: Final = "text/plain"
UNKNOWN: Final = "application/octet-stream"
CLOSER: Final = ""
"""In place of a type: the first bytes alone do not tell."""

TEXT_BYTES: Final = bytes((*range(7, 14), 0x1A, 0x1B, *range(0x20, 0x7F), *range(0x80, 0x100)))
"""Every byte that text has in ASCII, UTF-8, ISO 8859 or a Windows code page."""

BINARY: Final[tuple[tuple[bytes, str], ...]] = (
    # programs
    (b"#!", CLOSER), (b"\x7fELF", CLOSER), (b"MZ", CLOSER), (b"\xca\xfe\xba\xbe", CLOSER),
    (b"\xca\xfe\xba\xbf", CLOSER), (b"\xfe\xed\xfa\xce", "application/x-mach-binary"),
    (b"\xfe\xed\xfa\xcf", "application/x-mach-binary"), (b"\xce\xfa\xed\xfe", "application/x-mach-binary"),
    (b"\xcf\xfa\xed\xfe", "application/x-mach-binary"), (b"\0asm", "application/wasm"),
    (b"dex\n0", "application/x-dex"), (b"\x1bLua", "application/x-luac"), (b"FWS", CLOSER), (b"CWS", CLOSER),
    (b"ZWS", CLOSER), (b"L\0\0\0\x01\x14\x02\0\0\0\0\0\xc0\0\0\0\0\0\0\x46", "application/x-ms-shortcut"),
    # documents
    (b"%PDF-", "application/pdf"), (b"\n%PDF-", "application/pdf"), (b"\xef\xbb\xbf%PDF-", "application/pdf"),
    (rb"{\rtf", "text/rtf"), (b"%!PS-", "application/postscript"), (b"\x04%!", "application/postscript"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/CDFV2"), (b"ITSF\x03\0\0\0", "application/vnd.ms-htmlhelp"),
    (bytes.fromhex("e4525c7b8cd8a74daeb15378d02996d3"), "application/onenote"),
    (b"\x78\x9f\x3e\x22", "application/vnd.ms-tnef"), (b"!BDN", "application/vnd.ms-outlook-pst"),
    # archives and packed data
    (b"PK\x03\x04", CLOSER), (b"PK\x05\x06", "application/zip"), (b"PK\x07\x08PK\x03\x04", "application/zip"),
    (b"PK00PK\x03\x04", "application/zip"), (b"\x1f\x8b", "application/gzip"), (b"BZh", "application/x-bzip2"),
    (b"\xfd7zXZ\0", "application/x-xz"), (b"\x28\xb5\x2f\xfd", "application/zstd"),
    (b"\x04\x22\x4d\x18", "application/x-lz4"), (b"LZIP", "application/x-lzip"),
    (b"\x89LZO\0\r\n\x1a\n", "application/x-lzop"), (b"\x1f\x9d", "application/x-compress"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"), (b"Rar!\x1a\x07", "application/x-rar"),
    (b"MSCF\0\0\0\0", "application/vnd.ms-cab-compressed"), (b"ISc(", "application/x-installshield"),
    (b"!<arch>\n", "application/x-archive"), (b"!<arch>\ndebian-binary", "application/vnd.debian.binary-package"),
    (b"!<thin>\n", "application/x-archive"), (b"\xed\xab\xee\xdb", "application/x-rpm"),
    (b"070701", "application/x-cpio"), (b"070702", "application/x-cpio"), (b"070707", "application/x-cpio"),
    (b"\xc7\x71", "application/x-cpio"), (b"\x60\xea", CLOSER), (b"xar!\0\x1c", "application/x-xar"),
    (b"Cr24\x02\0\0\0", "application/x-chrome-extension"), (b"Cr24\x03\0\0\0", "application/x-chrome-extension"),
    (b"MSWIM\0\0\0", "application/x-ms-wim"),
    # pictures, sound, film, fonts
    (b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"), (b"RIFF", CLOSER), (b"II*\0", "image/tiff"), (b"MM\0*", "image/tiff"),
    (b"II+\0", "image/tiff"), (b"MM\0+", "image/tiff"), (b"BM", CLOSER), (b"\0\0\x01\0", CLOSER),
    (b"\0\0\x02\0", CLOSER), (b"AT&TFORM", "image/vnd.djvu"), (b"8BPS\0\x01", "image/vnd.adobe.photoshop"),
    (b"OggS", CLOSER), (b"fLaC", "audio/flac"),
    (b"ID3", "audio/mpeg"), (b"MThd", "audio/midi"), (b"FLV\x01", "video/x-flv"), (b"\xff\xfb", CLOSER),
    (b"\xff\xfa", CLOSER), (b"\xff\xf3", CLOSER), (b"\xff\xf2", CLOSER),
    (bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c"), "video/x-ms-asf"), (b"\x1a\x45\xdf\xa3", CLOSER),
    (b"\0\x01\0\0\0", "font/sfnt"), (b"OTTO", "application/vnd.ms-opentype"), (b"ttcf", "font/ttf"),
    (b"wOFF", "font/woff"), (b"wOF2", "font/woff2"),
    # data
    (b"\xde\x12\x04\x95", "application/x-gettext-translation"),
    (b"\x95\x04\x12\xde", "application/x-gettext-translation"), (b"SQLite format 3\0", "application/vnd.sqlite3"),
    (b"\xa1\xb2\xc3\xd4\0", "application/vnd.tcpdump.pcap"), (b"\xd4\xc3\xb2\xa1", "application/vnd.tcpdump.pcap"),
    (b"\xa1\xb2\x3c\x4d\0", "application/vnd.tcpdump.pcap"), (b"\x4d\x3c\xb2\xa1", "application/vnd.tcpdump.pcap"),
    (b"\n\r\r\n", CLOSER), (b"MDMP", "application/x-dmp"), (b"PAGEDU", "application/x-dmp"),
    (b"regf", "application/x-ms-registry-hive"), (b"ElfFile\0", "application/x-ms-evtx"),
    (b"QFI\xfb", "application/x-qemu-disk"), (b"KDMV", "application/x-vmdk"), (b"vhdxfile", "application/x-vhdx"),
    (b"conectix", "application/x-vhd"),
)  # fmt: skip
"""What binary formats begin with."""

INSIDE: Final[tuple[tuple[int, bytes, str], ...]] = (
    (257, b"ustar", "application/x-tar"),
    (7, b"**ACE**", "application/x-ace-compressed"),
    (2, b"-lh", CLOSER),
    (4, b"ftyp", CLOSER),
    (4, b"moov", "video/quicktime"),
    (4, b"mdat", "video/quicktime"),
    (2, b"\r\n", CLOSER),
)
"""Offset, bytes there, type: formats that are not told by their first bytes."""

TEXT: Final[tuple[tuple[bytes, str], ...]] = (
    (b"<?php", "text/x-php"), (b"<?=", "text/x-php"), (b"<?xml", CLOSER), (b"<svg", "image/svg+xml"),
    (b"<!doctype html", "text/html"), (b"<!doctype svg", "image/svg+xml"), (b"<html", "text/html"),
    (b"<head>", "text/html"), (b"<title>", "text/html"), (b"<body", "text/html"), (b"<script", "text/html"),
    (b"<table", "text/html"), (b"<style", "text/html"), (b"<a href=", "text/html"), (b"<iframe", "text/html"),
    (b"<hta:application", "text/html"), (b"<!--", CLOSER), (b"<%", CLOSER), (b"<jsp:", "text/x-jsp"),
    (b"@echo off", "text/x-msdos-batch"), (b"@echo on", "text/x-msdos-batch"),
    (b"@rem ", "text/x-msdos-batch"), (b"@setlocal", "text/x-msdos-batch"),
    (b"on error resume next", "text/x-vbscript"), (b"option explicit", "text/x-vbscript"), (b"dim ", CLOSER),
    (b"function ", CLOSER), (b"sub ", CLOSER), (b"set ", CLOSER), (b"#requires -", "text/x-powershell"),
    (b"[cmdletbinding(", "text/x-powershell"), (b"$erroractionpreference", "text/x-powershell"), (b"param", CLOSER),
    (b"<#", "text/x-powershell"), (b"from ", CLOSER), (b"from:", CLOSER), (b"received:", CLOSER),
    (b"return-path:", CLOSER), (b"delivered-to:", CLOSER), (b"message-id:", CLOSER), (b"mime-version:", CLOSER),
    (b"subject:", CLOSER), (b"date:", CLOSER), (b"to:", CLOSER), (b"x-", CLOSER), (b"reply-to:", CLOSER),
)  # fmt: skip
"""What kinds of text begin with, in lower case; the case of the text and white space before it do not matter."""

INTERPRETERS: Final = {
    **dict.fromkeys(
        (b"sh", b"bash", b"dash", b"ash", b"ksh", b"mksh", b"zsh", b"csh", b"tcsh", b"fish", b"busybox"),
        "text/x-shellscript",
    ),
    **dict.fromkeys((b"python", b"pypy"), "text/x-script.python"),
    **dict.fromkeys((b"node", b"nodejs", b"deno", b"bun"), "application/javascript"),
    **dict.fromkeys((b"tclsh", b"wish", b"expect"), "text/x-tcl"),
    **dict.fromkeys((b"awk", b"mawk"), "text/x-awk"),
    b"gawk": "text/x-gawk",
    b"nawk": "text/x-nawk",
    b"perl": "text/x-perl",
    b"ruby": "text/x-ruby",
    b"php": "text/x-php",
    b"lua": "text/x-lua",
    b"luajit": "text/x-lua",
    b"pwsh": "text/x-powershell",
}
"""The program that a ``#!`` line names, without its version."""
