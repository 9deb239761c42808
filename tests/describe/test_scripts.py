from __future__ import annotations

from collections.abc import Callable

import pytest

from sampler.describe import scripts
from sampler.describe.scripts import is_script

SCRIPTS = {
    "shell": b"#!/bin/sh\necho hello\n",
    "env": b"#! /usr/bin/env python3\nprint(1)\n",
    "mark before the interpreter": b"\xef\xbb\xbf#!/bin/sh\n",
    "batch": b"@echo off\r\nset X=1\r\ndel %TEMP%\\x\r\n",
    "powershell": b"$client = New-Object System.Net.WebClient\n$client.DownloadString($url) | Invoke-Expression\n",
    "powershell, utf-16": b"\xff\xfe"
    + "param($a)\r\n$b = [System.Convert]::FromBase64String($a)\r\n".encode("utf-16-le"),
    "visual basic": b'Option Explicit\r\nDim shell\r\nSet shell = CreateObject("WScript.Shell")\r\n',
    "javascript": b"var a = 1;\nfunction f(x) {\n  return eval(x);\n}\nf('1');\n",
    "windows script": b'var s = new ActiveXObject("WScript.Shell");\ns.Run("calc");\nWScript.Sleep(10);\n',
    "html application": b'<html><hta:application id="x"></html>',
}
PROSE = {
    "letter": b"Dear Ms. Example,\n\nfind the invoice attached. Set the date = today, and let me know.\n\nYours\n",
    "list": b"# shopping\n- milk\n- eggs (12)\n- var. spices\n",
    "about programs": b"To list files use Get-ChildItem; functions such as foo() are called often.\n"
    b"I dim the lights. Let x be a number. Use New-Object to create things.\n",
    "minutes": b"On error we resume next week. Sub (Anna) and function (Bert) report.\nOption explicit: none.\n",
    "table": b"name;value\nvar;1\nlet;2\nconst;3\n",
    "hash alone": b"#! not a path\n",
    "source code without a line": b"int main(void) { return 0; }\n",
    "python without a line": b"import os\n\n\ndef main():\n    return os.getcwd()\n",
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_are_recognised(name: str) -> None:
    """An interpreter line, or several statements of one language, make a script."""
    assert is_script(SCRIPTS[name], "text/plain")


@pytest.mark.parametrize("name", PROSE)
def test_prose_is_no_script(name: str) -> None:
    """Letters, lists and texts about programs are none, though they hold words of a language."""
    assert not is_script(PROSE[name], "text/plain")


def test_libmagic_s_word_counts_for_text_only() -> None:
    """What libmagic calls a script is one, unless it holds what no text holds."""
    assert is_script(b"import os\n", "text/x-python")
    assert not is_script(b"import os\n\0", "text/x-python")
    assert not is_script(b"int a;\n", "text/x-c")


@pytest.mark.parametrize(
    ("start", "filling"),
    [("=function", " "), ("=function ", "a"), ("$", "a"), ("$a", " "), ("Set a", " "), ("Dim a", " "), ("var a", " "),
     ("", " "), ("", "("), ("", "=;"), ("", ")"), ("", ") "), ("", "eval("), ("", "[System."), ("", "WScript."),
     ("<?xml ?>", "\n"), ("", "return "), ("", "\n \t"), ("Sub ", "a"), ("", "-")],
)  # fmt: skip
@pytest.mark.usefixtures("ends_in_moments")
def test_no_text_makes_the_patterns_run_long(start: str, filling: str) -> None:
    """Text made to send a pattern back and forth costs no more than other text of its length."""
    text = (start + filling * 65536)[:65536].encode()
    is_script(text, "text/plain")


@pytest.mark.parametrize("name", [*SCRIPTS, *PROSE])
@pytest.mark.parametrize("change", [str, str.upper, str.lower])
def test_the_cheap_look_hides_no_statement(name: str, change: Callable[[str], str]) -> None:
    """Every statement that a pattern finds is found with the words that are looked for first."""
    text = change({**SCRIPTS, **PROSE}[name].decode("utf-8", "replace").replace("\0", ""))
    for statements, _ in scripts._LANGUAGES:
        for statement in statements:
            assert statement.is_in(text, text.lower()) is bool(statement.pattern.search(text)), statement
