"""What of an object is program text, in which language, and its letters as bytes whatever their width. Never raises.

Looser than what decides an object's kind (``describe``): a text that passes for a script here has its encoded bytes cut
out, and nothing else comes of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from sampler.extract.extraction import Data
from sampler.limits import KIB, MIB

TEXT_MAX_BYTES: Final = 4 * MIB
"""What is read of one script."""
HEAD_BYTES: Final = 32 * KIB
"""What tells the language."""
_TEXT_BYTES: Final = bytes((*range(7, 14), 0x1A, 0x1B, *range(0x20, 0x7F), *range(0x80, 0x100)))
_UTF16_MIN_BYTES: Final = 16

_INTERPRETERS: Final = {
    **dict.fromkeys((b"sh", b"bash", b"dash", b"ash", b"ksh", b"zsh", b"csh", b"tcsh", b"fish", b"busybox"), "shell"),
    **dict.fromkeys((b"node", b"nodejs", b"deno", b"bun"), "javascript"),
    b"pwsh": "powershell", b"python": "python", b"pypy": "python", b"perl": "perl", b"php": "php", b"ruby": "ruby",
    b"lua": "lua", b"tclsh": "tcl", b"awk": "awk",
}  # fmt: skip
_SHEBANG: Final = re.compile(rb"#![ \t]*(?:\S{0,200}/)?(?:env[ \t]+(?:-\S+[ \t]+)*)?([A-Za-z]{2,16})")


def _language(name: str, *patterns: bytes) -> tuple[str, re.Pattern[bytes]]:
    return name, re.compile(rb"|".join(patterns), re.IGNORECASE | re.MULTILINE)


_LANGUAGES: Final = (
    _language("php", rb"<\?(?:php\b|=)"),
    _language("html", rb"<script\b", rb"<html\b", rb"<!doctype[ ]html", rb"<hta:application\b"),
    _language("batch", rb"^[ \t]*@echo[ \t]+o(?:ff|n)\b", rb"^@?setlocal\b"),
    _language(
        "powershell",
        rb"(?:^|[=|;({&])[ \t]*(?:Get|Set|New|Invoke|Add|Remove|Start|Stop|Write|Import|Out|Test|Select)-[A-Z]\w+",
        rb"\[(?:System\.|Net\.|IO\.|Convert|Text\.|Reflection\.)[\w.]{0,64}\]::", rb"\bpowershell(?:\.exe)?[ \t]+-",
        rb"\bNew-Object[ \t]", rb"^[ \t]*\$\w+[ \t]*\+?=[ \t]*[\[$\"'@(]",
    ),
    _language(
        "vbscript", rb"\bCreateObject[ \t]*\(", rb"^[ \t]*Dim[ \t]+\w", rb"^[ \t]*On[ ]Error[ ]R",
        rb"^[ \t]*(?:Private[ ]|Public[ ])?Sub[ ]\w+[ \t]*\(", rb"^[ \t]*Option[ ]Explicit",
    ),
    _language(
        "javascript", rb"\bfunction\b[^(){}\n]{0,64}\([^)\n]{0,200}\)[ \t]*\{",
        rb"^[ \t]*(?:var|let|const)[ ][\w$]+[ \t]*[=;]",
        rb"\bActiveXObject\b", rb"\bfromCharCode\b", rb"\b(?:eval|unescape)[ \t]*\(", rb"\bapp\.\w+[ \t]*\(",
    ),
    _language(
        "python", rb"^(?:import[ ][a-z]\w*|from[ ][a-z][\w.]*[ ]import[ ])",
        rb"^[ \t]*def[ ]\w+\([^\n]{0,200}\)[^\n]{0,64}:",
    ),
    _language("perl", rb"^[ \t]*use[ ](?:strict|warnings)\b", rb"^[ \t]*my[ ][$@%]\w"),
    _language(
        "shell", rb"^[ \t]*export[ ]\w+=", rb"^[ \t]*if[ ]\[", rb"^[ \t]*for[ ]\w+[ ]in[ ]", rb"\b(?:curl|wget)[ ]-"
    ),
)  # fmt: skip
"""In the order in which they are asked: the more telling before the less."""


@dataclass(frozen=True, slots=True)
class Letters:
    """The text of an object, one byte a letter; what is beyond Latin-1 comes out as something else."""

    text: bytes
    width: int = 1
    """Bytes of a letter in the object."""
    start: int = 0
    """Where the first letter's byte lies in the object."""

    def place(self, start: int, end: int) -> tuple[int, int]:
        """Offset and length in the object of the letters from ``start`` to ``end``."""
        return self.start - self.start % self.width + start * self.width, (end - start) * self.width


def letters_of(data: Data, ceiling: int = TEXT_MAX_BYTES) -> Letters:
    """The first ``ceiling`` bytes as letters: UTF-16 by its mark, or by its zeros."""
    raw = bytes(data[:ceiling])
    even = len(raw) - len(raw) % 2
    if raw.startswith(b"\xff\xfe"):
        return Letters(raw[2:even:2], 2, 2)
    if raw.startswith(b"\xfe\xff"):
        return Letters(raw[3:even:2], 2, 3)
    if len(raw) >= _UTF16_MIN_BYTES and _is_zeros(raw[1 : 4 * KIB : 2]) and not raw[: 4 * KIB : 2].count(0):
        return Letters(raw[:even:2], 2, 0)
    return Letters(raw)


def language_of(head: bytes) -> str:
    """The language that the first bytes of an object are written in; empty where they are no program text."""
    text = letters_of(head, HEAD_BYTES).text.removeprefix(b"\xef\xbb\xbf")
    if not text or len(text.translate(None, _TEXT_BYTES)) * 100 > len(text):
        return ""
    shebang = _SHEBANG.match(text)
    if shebang is not None:
        return _INTERPRETERS.get(shebang[1].lower(), "other")
    return next((name for name, pattern in _LANGUAGES if pattern.search(text)), "")


def _is_zeros(every_second: bytes) -> bool:
    return every_second.count(0) * 10 >= len(every_second) * 9
