"""What rules see of an object's name and type."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.describe import quick_type
from sampler.examine.externals import externals_of
from sampler.scan import EXTERNALS


@given(path=st.none() | st.binary(max_size=50), mime_type=st.text(max_size=20))
def test_every_variable_for_every_name(path: bytes | None, mime_type: str) -> None:
    """Whatever a file is called, each variable has a text that YARA can take."""
    externals = externals_of(path, mime_type, "person")
    assert set(externals) == set(EXTERNALS)
    for value in externals.values():
        value.encode()


def test_names() -> None:
    """The name is the last part of the path, the extension has its dot and is in lower case."""
    externals = externals_of(b"/home/a/Invoice.PDF.EXE", "text/plain", "root")
    assert externals["filename"] == "Invoice.PDF.EXE"
    assert externals["filepath"] == "/home/a/Invoice.PDF.EXE"
    assert externals["extension"] == ".exe"
    assert externals["owner"] == "root"


def test_an_object_without_a_name() -> None:
    """An object that nobody named has empty texts."""
    externals = externals_of(None, "application/octet-stream", "")
    assert externals == dict.fromkeys(EXTERNALS, "")


def test_a_name_that_is_not_utf8() -> None:
    """Bytes that are not UTF-8 become escapes."""
    assert externals_of(b"/tmp/a\xff\n.b", "x/y", "")["filename"] == "a\\xff\n.b"


@pytest.mark.parametrize(
    ("head", "word"),
    [
        (b"MZ\x90" + bytes(61), "EXE"),
        (b"\x7fELF\x02\x01\x01".ljust(16, b"\0") + b"\x03" + bytes(64), "ELF"),
        (b"\xcf\xfa\xed\xfe" + bytes(64), "MACH-O"),
        (b"GIF89a", "GIF"),
        (b"%PDF-1.4", "PDF"),
        (b"{\\rtf1", "RTF"),
        (b"MDMP\x93\xa7", "MDMP"),
        (b"<?php\n", "PHP"),
        (b"<%@ page import='java.util.*' %>", "JSP"),
        (b"<%@ Language=VBScript %>", "ASP"),
        (b"On Error Resume Next\r\n", "VBS"),
        (b"@echo off\r\n", "BATCH"),
        (b"#!/usr/bin/env python3\n", "Python"),
        (b"#Requires -Version 5\n", "PowerShell"),
        (b"#!/bin/sh\n", "UNIX SCRIPT"),
        (b"It rained.\n", ""),
        (b"\0\1\2", ""),
        (b"", ""),
    ],
)
def test_file_types(head: bytes, word: str) -> None:
    """The type is the word that public rule sets compare with, wherever first bytes can tell it."""
    assert externals_of(None, quick_type(head, len(head)), "")["filetype"] == word
