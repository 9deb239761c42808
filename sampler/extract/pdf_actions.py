"""What the objects of a PDF file do: scripts, actions, embedded files (ISO 32000-1, 7.11, 12.6). Pure, over values.

Walks values that were read with ceilings on depth and count, with a stack of its own.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import Final

from sampler.extract.pdf_syntax import Ref, Value

FEATURES: Final = {
    "JS": "javascript", "JavaScript": "javascript", "OpenAction": "open-action", "AA": "additional-actions",
    "Launch": "launch", "SubmitForm": "submit-form", "ImportData": "import-data", "GoToR": "remote-go-to",
    "GoToE": "remote-go-to", "RichMedia": "rich-media", "XFA": "xfa", "EmbeddedFile": "embedded-file",
    "EF": "embedded-file", "JBIG2Decode": "jbig2",
}  # fmt: skip
"""Names that tell what a file can do, and the words of docs/formats.md for it."""
COUNTED: Final = frozenset({*FEATURES, "URI", "ObjStm", "Encrypt", "AcroForm", "Page"})
"""Names whose number is a fact of the file."""
_REMOTE_ACTIONS: Final = frozenset({"Launch", "SubmitForm", "ImportData", "GoToR", "GoToE"})
_UTF_16: Final = codecs.lookup("utf-16-be")
"""Python loads a codec on first use, and a sandboxed child can load nothing any more."""


def dictionaries_in(value: Value) -> Iterator[dict[str, Value]]:
    """Every dictionary in a value, itself among them, outer ones first."""
    waiting: list[Value] = [value]
    while waiting:
        here = waiting.pop()
        if isinstance(here, dict):
            yield here
            waiting += reversed(here.values())
        elif isinstance(here, list):
            waiting += reversed(here)


def scripts_in(value: Value) -> list[bytes]:
    """The scripts that are written as strings in a value (12.6.4.16); the value itself, if it is a string."""
    if isinstance(value, bytes):
        return [text_of(value)]
    return [text_of(script) for each in dictionaries_in(value) if isinstance(script := each.get("JS"), bytes)]


def referred(value: Value, key: str) -> Iterator[int]:
    """Numbers of the objects that a key, or an array or dictionary under it, refers to."""
    for each in dictionaries_in(value):
        under = each.get(key)
        inside = under if isinstance(under, list) else list(under.values()) if isinstance(under, dict) else [under]
        yield from (ref.number for ref in inside if isinstance(ref, Ref))


def named_files(value: Value) -> Iterator[tuple[int, str]]:
    """Numbers of embedded files, and their names, where they have some (7.11.3)."""
    for each in dictionaries_in(value):
        names = [name for key in ("UF", "F") if isinstance(name := each.get(key), bytes)]
        for number in referred({"EF": each.get("EF")}, "EF"):
            yield number, _name(names[0]) if names else ""


def links_in(value: Value) -> Iterator[bytes]:
    """Where actions lead (12.6.4): URIs, and files that are opened or sent."""
    for each in dictionaries_in(value):
        if isinstance(uri := each.get("URI"), bytes):
            yield text_of(uri)
        kind = each.get("S")
        if isinstance(kind, str) and kind in _REMOTE_ACTIONS:
            file = each.get("F")
            places = [file, *(file.get(key) for key in ("F", "UF"))] if isinstance(file, dict) else [file]
            yield from (text_of(place) for place in places if isinstance(place, bytes))


def _name(raw: bytes) -> str:
    """Names are UTF-16, or in PDF's own encoding (Annex D.3), whose letters are Latin-1's; writers also use UTF-8."""
    text = text_of(raw)
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError:
        return text.decode("latin-1")


def text_of(raw: bytes) -> bytes:
    """A text string in UTF-8 where it says that it is UTF-16 (7.9.2.2), else as it stands."""
    if raw.startswith(b"\xfe\xff"):
        return _UTF_16.decode(raw[2:], "replace")[0].encode("utf-8", "replace")
    return raw.removeprefix(b"\xef\xbb\xbf")
