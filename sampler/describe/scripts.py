"""Whether text is a script: by its interpreter line, or by statements that prose does not have.

Conservative: a script that is not recognised is asked about, a letter that passes for one would be sent.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import Final

from sampler.describe.content_data import Data, read
from sampler.limits import KIB

_HEAD_BYTES: Final = 64 * KIB
_MARKS: Final = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_INTERPRETER: Final = re.compile(rb"(?:\xef\xbb\xbf)?#![ \t]*/[\x21-\x7e]")


@dataclass(frozen=True, slots=True)
class _Statement:
    """One statement of a language."""

    pattern: re.Pattern[str]
    words: tuple[str, ...]
    """One of these, in lower case, stands in every text that the pattern matches; looking for them is far cheaper."""

    def is_in(self, text: str, lowered: str) -> bool:
        return any(word in lowered for word in self.words) and self.pattern.search(text) is not None


def _compiled(*rows: tuple[str, tuple[str, ...]]) -> tuple[_Statement, ...]:
    return tuple(_Statement(re.compile(pattern, re.IGNORECASE | re.MULTILINE), words) for pattern, words in rows)


_BATCH: Final = _compiled((r"\A\s*@echo[ \t]+(?:off|on)\b", ("@echo",)))
_HTML_APPLICATION: Final = _compiled(
    (r"<hta:application\b", ("<hta:application",)), (r"\A\s*<\?xml[^>]{0,200}\?>\s*<(?:package|job)\b", ("<?xml",))
)
_VERBS: Final = (
    "Get", "Set", "New", "Invoke", "Add", "Remove", "Start", "Stop", "Write", "Import", "Out", "Test", "Select",
    "ForEach",
)  # fmt: skip
_POWERSHELL: Final = _compiled(
    (r"^[ \t]*\$(?:\w+:)?\w+[ \t]*\+?=", ("$",)),
    (r"^[ \t]*(?:param[ \t]*\(|function[ \t]+[\w:-]+[ \t]*(?:\{|\())", ("param", "function")),
    (rf"(?:^|[=|;({{])[ \t]*(?:{'|'.join(_VERBS)})-[A-Z]\w+", tuple(f"{verb.lower()}-" for verb in _VERBS)),
    (r"\[(?:System\.|Net\.|IO\.|Convert|Text\.|Reflection\.)[\w.]*\]::\w+", ("::",)),
    (
        r"(?:^|[ \t])-(?:EncodedCommand|ExecutionPolicy|WindowStyle[ \t]+Hidden|NoProfile|ErrorAction)\b",
        ("-encodedcommand", "-executionpolicy", "-windowstyle", "-noprofile", "-erroraction"),
    ),
)
_VISUAL_BASIC: Final = _compiled(
    (
        r"^[ \t]*(?:Option[ \t]+Explicit|On[ \t]+Error[ \t]+(?:Resume[ \t]+Next|GoTo[ \t]+\w+))[ \t]*\r?$",
        ("option", "error"),
    ),
    (r"^[ \t]*Dim[ \t]+\w+(?:[ \t]*(?:,|\(|:|As\b)|[ \t]*\r?$)", ("dim",)),
    (r"^[ \t]*Set[ \t]+\w+[ \t]*=[ \t]*\w+", ("set",)),
    (r"\b(?:CreateObject|GetObject)[ \t]*\([ \t]*\"", ("createobject", "getobject")),
    (r"^[ \t]*(?:Private[ \t]+|Public[ \t]+)?(?:Sub|Function)[ \t]+\w+[ \t]*\(", ("sub", "function")),
    (r"\bWScript\.\w+", ("wscript.",)),
)
_JAVASCRIPT: Final = _compiled(
    (r"^[ \t]*(?:var|let|const)[ \t]+[\w$]+[ \t]*(?:=|;)", ("var", "let", "const")),
    (
        r"(?:^|[=(,;:]|\breturn\b)[ \t]*(?:async[ \t]+)?function(?:[ \t]+[\w$]+)?[ \t]*\([^)\n]{0,200}\)[ \t]*\{",
        ("function",),
    ),
    (r"\bnew[ \t]+ActiveXObject[ \t]*\(", ("activexobject",)),
    (
        r"\b(?:eval|unescape|require|String\.fromCharCode|document\.write)[ \t]*\([^)\n]{0,500}\)",
        ("eval", "unescape", "require", "fromcharcode", "document.write"),
    ),
    (r"\)[ \t]*;[ \t]*\r?$", (")",)),
    (r"\bWScript\.\w+[ \t]*\(", ("wscript.",)),
)
_LANGUAGES: Final = ((_BATCH, 1), (_HTML_APPLICATION, 1), (_POWERSHELL, 2), (_VISUAL_BASIC, 2), (_JAVASCRIPT, 3))
"""Statements of a language, and how many different ones make a script of it."""

SCRIPT_TYPES: Final = frozenset(
    {
        "text/x-shellscript", "text/x-python", "text/x-script.python", "text/x-perl", "text/x-ruby", "text/x-php",
        "text/x-lua", "text/x-tcl", "text/x-awk", "text/x-gawk", "text/x-nawk", "text/x-msdos-batch",
        "text/x-powershell", "text/x-vbscript", "text/javascript", "application/javascript", "application/x-javascript",
    }
)  # fmt: skip
"""What libmagic calls scripts. Its ``text/x-c`` and the like are left out: it gives them to much plain text."""


def is_script(data: Data, mime_type: str) -> bool:
    """Whether an interpreter would run it."""
    head = read(data, 0, _HEAD_BYTES)
    if _INTERPRETER.match(head):
        return True
    text = _text_of(head)
    if text is None:
        return False
    lowered = text.lower()
    return mime_type in SCRIPT_TYPES or any(
        sum(statement.is_in(text, lowered) for statement in statements) >= least for statements, least in _LANGUAGES
    )


def _text_of(head: bytes) -> str | None:
    """The head as text, or ``None`` when it holds what no text holds."""
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return head[len(mark) :].decode(encoding, "replace")
    return None if b"\0" in head else head.decode("utf-8", "replace")
