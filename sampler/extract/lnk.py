"""Facts of a shortcut file ([MS-SHLLINK]): what it starts, with which arguments, and what is hidden behind it.

The machine that it was made on, its volumes and its network addresses (the tracker and volume blocks) are never taken.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sampler.extract.extraction import Data, Survey
from sampler.extract.lnk_target import TEXT_MAX_CHARACTERS, id_list_path, link_info_path
from sampler.extract.naming import printable
from sampler.extract.stretches import open_stretch
from sampler.limits import MIB
from sampler.model import PartKind

MAGIC: Final = bytes.fromhex("4c0000000114020000000000c000000000000046")
BLOCKS_MAX_COUNT: Final = 64
READ_MAX_BYTES: Final = 1 * MIB
"""A link ends before this; what lies behind is an overlay."""

_HEADER: Final = struct.Struct("<I16sIIQQQIiIHHII")
_HAS_ID_LIST, _HAS_INFO, _IS_UNICODE, _NO_INFO, _RUNS_AS_OTHER = 0x01, 0x02, 0x80, 0x100, 0x2000
_TEXTS: Final = (
    (0x04, "description"),
    (0x08, "relative_path"),
    (0x10, "working_directory"),
    (0x20, "arguments"),
    (0x40, "icon_location"),
)
_ENVIRONMENT, _DARWIN, _ICON_ENVIRONMENT, _SHIM = 0xA0000001, 0xA0000006, 0xA0000007, 0xA0000008
_WIDE_BLOCKS: Final = {
    _ENVIRONMENT: "environment_target",
    _DARWIN: "installer_target",
    _ICON_ENVIRONMENT: "icon_environment",
}
_ANSI_BYTES: Final = 260
_SHOWN: Final = {1: "normal", 3: "maximized", 7: "minimized"}
_KEYS: Final = {1: "SHIFT", 2: "CTRL", 4: "ALT"}


@dataclass(frozen=True, slots=True)
class Link:
    """What a link says, as text fit to be shown; offsets in bytes."""

    target: str
    texts: dict[str, str]
    flags: int
    icon_index: int
    show_command: int
    hot_key: int
    end: int
    """Behind its last block."""
    is_whole: bool
    """Whether all parts that its header announces are there."""


def survey_lnk(data: Data, survey: Survey) -> bool:
    """Add the facts of a link and what lies behind it."""
    link = read_link(bytes(data[:READ_MAX_BYTES]))
    survey.add_region(PartKind.HEADER, "", 0, min(_HEADER.size, survey.size))
    if not link.is_whole:
        survey.add_problem("truncated", f"the link ends after {survey.size} bytes, before it should")
    _add_fields(survey, link)
    length = survey.size - link.end
    if link.is_whole and length > 0:
        survey.add_region(PartKind.OVERLAY, "", link.end, length)
        open_stretch(data, survey, "", link.end, length)
    return True


def read_link(content: bytes) -> Link:
    """The link that begins the bytes; what a break leaves unread is empty. Never raises."""
    row = _HEADER.unpack(content[: _HEADER.size].ljust(_HEADER.size, b"\0"))
    flags = row[2]
    reader = _Reader(content, min(_HEADER.size, len(content)))
    path = id_list_path(reader.counted(2, inclusive=False)) if flags & _HAS_ID_LIST else ""
    info = reader.counted(4, inclusive=True) if flags & _HAS_INFO and not flags & _NO_INFO else b""
    texts = {name: reader.text(wide=bool(flags & _IS_UNICODE)) for flag, name in _TEXTS if flags & flag}
    for kind, body in reader.blocks():
        texts |= _block_text(kind, body)
    target = link_info_path(bytes(4) + info) or texts.get("environment_target", "") or path
    is_whole = reader.is_whole and len(content) >= _HEADER.size
    return Link(target, texts, flags, row[8], row[9], row[10], reader.position, is_whole)


class _Reader:
    """Goes along the parts of a link; behind a break it yields nothing."""

    def __init__(self, content: bytes, position: int) -> None:
        self._content = content
        self.position = position
        self.is_whole = True

    def counted(self, width: int, *, inclusive: bool) -> bytes:
        """Bytes behind their length of ``width`` bytes; whether that counts itself, ``inclusive`` says."""
        length = int.from_bytes(self._content[self.position : self.position + width], "little")
        body = length - width if inclusive else length
        start = self.position + width
        if body < 0 or len(self._content) < start + body:
            self.is_whole = False
            self.position = len(self._content)
            return b""
        self.position = start + body
        return self._content[start : start + body]

    def text(self, *, wide: bool) -> str:
        """One text of the string data (2.4): a count of characters, and the characters."""
        count = int.from_bytes(self._content[self.position : self.position + 2], "little")
        start, length = self.position + 2, count * (2 if wide else 1)
        if len(self._content) < start + length:
            self.is_whole = False
            self.position = len(self._content)
            return ""
        self.position = start + length
        raw = self._content[start : start + length]
        return _shown(raw.decode("utf-16-le" if wide else "latin-1", "replace"))

    def blocks(self) -> Iterator[tuple[int, bytes]]:
        """Signature and body of each extra data block, up to the terminal one (2.5)."""
        for _ in range(BLOCKS_MAX_COUNT):
            length = int.from_bytes(self._content[self.position : self.position + 4], "little")
            if length < 4:
                break
            body = self.counted(4, inclusive=True)
            if len(body) < 4:
                return
            yield int.from_bytes(body[:4], "little"), body[4:]
        self.position = min(self.position + 4, len(self._content))


def _block_text(kind: int, body: bytes) -> dict[str, str]:
    if kind == _SHIM:
        return {"shim": _shown(body[: 4 * TEXT_MAX_CHARACTERS].decode("utf-16-le", "replace"))}
    name = _WIDE_BLOCKS.get(kind)
    if name is None:
        return {}
    wide = _shown(body[_ANSI_BYTES : 3 * _ANSI_BYTES].decode("utf-16-le", "replace"))
    return {name: wide or _shown(body[:_ANSI_BYTES].decode("latin-1"))}


def _shown(text: str) -> str:
    """The text, or where it is too long its two ends: spaces are put before arguments that are not to be seen."""
    text = text.partition("\0")[0]
    if len(text) <= TEXT_MAX_CHARACTERS:
        return printable(text, TEXT_MAX_CHARACTERS)
    half = TEXT_MAX_CHARACTERS // 2
    return f"{printable(text[: half - 1], half - 1)}…{printable(text[-half:], half)}"


def _add_fields(survey: Survey, link: Link) -> None:
    survey.add_field("file.target_path", link.target)
    for name, text in link.texts.items():
        survey.add_field(f"sampler.file.lnk.{name}", text)
    survey.add_field("sampler.file.lnk.show_command", _SHOWN.get(link.show_command, str(link.show_command)))
    survey.add_field("sampler.file.lnk.icon_index", link.icon_index)
    survey.add_field("sampler.file.lnk.hot_key", _key_text(link.hot_key))
    if link.flags & _RUNS_AS_OTHER:
        survey.add_field("sampler.file.lnk.runs_as_other_user", True)


def _key_text(hot_key: int) -> str:
    """``CTRL+ALT+T``; empty where there is none (2.1.3)."""
    low, high = hot_key & 0xFF, hot_key >> 8
    if not low:
        return ""
    key = chr(low) if 0x30 <= low <= 0x5A else f"F{low - 0x6F}" if 0x70 <= low <= 0x87 else f"{low:#04x}"
    return "+".join([*(name for bit, name in _KEYS.items() if high & bit), key])
