"""Files inside embedded objects: the native data of OLE 1.0 ([MS-OLEDS] 2.2.4, 2.2.5, 2.3.6) and of the Packager. Pure.

Paths that lie beside a packaged file name a person's folders: they are passed over, only the label is shown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from sampler.extract.extraction import Data
from sampler.extract.naming import printable
from sampler.extract.ole_file import stream_named

TEXT_MAX_BYTES: Final = 4096
_CLASS_MAX_BYTES: Final = 256
_LINKED, _EMBEDDED = 1, 2
_FOLDERS: Final = re.compile(r".*[/\\]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Packaged:
    """A file that the Packager put into an object."""

    label: str
    """A file name, fit to be shown; never to be opened."""
    content: bytes
    is_whole: bool
    """Whether all bytes that it announces are there."""


@dataclass(frozen=True, slots=True)
class Ole1Object:
    """An OLE 1.0 object: what RTF carries."""

    class_name: str
    is_linked: bool
    topic: bytes
    """Of a link: what it leads to."""
    content: bytes
    """Its native data, as much of it as is there."""


def read_packaged(native: bytes) -> Packaged | None:
    """The file in the Packager's native data, from the word before its label on; ``None`` where it is none."""
    label, position = _text(native, 2)
    source, position = _text(native, position)
    path, position = _text(native, position + 8)
    size = int.from_bytes(native[position : position + 4], "little")
    content = native[position + 4 : position + 4 + size]
    if label is None or source is None or path is None or not content:
        return None
    return Packaged(_FOLDERS.sub("", printable(label)), content, len(content) == size)


def read_native(stream: bytes) -> Packaged:
    """The file in a stream ``\\1Ole10Native``; where it is no package, its native data as it is (2.3.6)."""
    packaged = read_packaged(stream[4:])
    if packaged is not None:
        return packaged
    size = int.from_bytes(stream[:4], "little")
    content = stream[4 : 4 + size]
    return Packaged("", content, len(content) == size)


def read_ole1(content: bytes) -> Ole1Object | None:
    """The object whose header begins the bytes; ``None`` where none does."""
    kind = int.from_bytes(content[4:8], "little")
    if kind not in (_LINKED, _EMBEDDED):
        return None
    position = 8
    texts = []
    for _ in range(3):
        length = int.from_bytes(content[position : position + 4], "little")
        if len(content) < position + 4 + length:
            return None
        texts.append(content[position + 4 : position + 4 + min(length, TEXT_MAX_BYTES)])
        position += 4 + length
    size = int.from_bytes(content[position : position + 4], "little")
    name = printable(texts[0][:_CLASS_MAX_BYTES])
    native = content[position + 4 : position + 4 + size] if kind == _EMBEDDED else b""
    return Ole1Object(name, kind == _LINKED, texts[1].rstrip(b"\0"), native)


def read_native_stream(data: Data, argument: str, ceiling: int) -> bytes:
    """The recipe step ``native:SID``: the file in the stream ``\\1Ole10Native`` with this number.

    Raises:
        NotDerivable: there is no such stream, or it is too large.
    """
    file, entry = stream_named(data, argument)
    return read_native(file.read(entry, ceiling).content).content


def _text(native: bytes, position: int) -> tuple[bytes | None, int]:
    """A text that ends with a NUL, and where it ends; ``None`` where it does not end in time."""
    end = native.find(b"\0", position, position + TEXT_MAX_BYTES)
    return (native[position:end], end + 1) if end >= 0 else (None, position)
