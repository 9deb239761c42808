"""Scripts: the encoded bytes inside them, decoded and opened, and what their lines look like.

``base64:OFFSET+LENGTH``, ``hex:``, ``escapes:`` and ``codes:`` make the bytes that a stretch of text stands for,
``inflated:`` what lies deflated behind Base64. What a script's names and comments say is never taken.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from functools import partial
from itertools import islice
from typing import Final

from sampler.extract.affording import kept_within, unpacked_within
from sampler.extract.compressed_streams import NotUnpacked
from sampler.extract.derivation import Step
from sampler.extract.extraction import Data, Survey
from sampler.extract.listing import listed
from sampler.extract.script_blobs import Blob, blob_step, decode_blob, find_blobs, inflate, inflated_step
from sampler.extract.script_text import HEAD_BYTES, TEXT_MAX_BYTES, Letters, language_of, letters_of
from sampler.limits import KIB
from sampler.model import PartKind

BLOBS_MAX_COUNT: Final = 256
URLS_MAX_COUNT: Final = 64
HEADER_BYTES: Final = 4 * KIB
_URL: Final = re.compile(rb"\b(?:https?|ftp)://[^\s\"'<>()\[\]{}\\^`|\0]{4,2048}", re.IGNORECASE)
STEPS: Final[Mapping[str, Step]] = {
    **{encoding: blob_step(encoding) for encoding in ("base64", "hex", "escapes", "codes")},
    "inflated": inflated_step,
}


def looks_like_script(head: bytes) -> bool:
    """Text with statements of a language that is known here."""
    return language_of(head) != ""


def survey_script(data: Data, survey: Survey) -> bool:
    """Add a script's encoded bytes and what is to be said of its lines; always ``True``."""
    letters = letters_of(data)
    if len(data) > TEXT_MAX_BYTES:
        survey.add_problem("too-large", f"of {len(data)} bytes of script the first {TEXT_MAX_BYTES} are read")
    survey.add_region(PartKind.HEADER, "", 0, min(HEADER_BYTES, survey.size))
    blobs = list(islice(find_blobs(letters.text), BLOBS_MAX_COUNT))
    for blob in blobs:
        _add_blob(data, survey, letters, blob)
    _add_fields(survey, letters.text, language_of(bytes(data[:HEAD_BYTES])), blobs)
    return True


def _add_blob(data: Data, survey: Survey, letters: Letters, blob: Blob) -> None:
    offset, length = letters.place(blob.start, blob.end)
    content = decode_blob(blob.encoding, bytes(data[offset : offset + length]))
    title = f"{blob.encoding}@{offset}"
    made = unpacked_within(survey, title, length, partial(kept_within, content))
    if not made:
        return
    survey.add_content(PartKind.BLOB, title, f"{blob.encoding}:{offset}+{length}", made)
    if blob.encoding == "base64":
        _add_inflated(survey, f"inflated@{offset}", f"inflated:{offset}+{length}", made)


def _add_inflated(survey: Survey, title: str, step: str, packed: bytes) -> None:
    """What lies deflated in decoded bytes, where no header says so and only trying tells."""
    room = survey.budget.room(len(packed))
    try:
        content = inflate(packed, room) if room else None
    except NotUnpacked as error:
        survey.budget.pay(0)
        survey.add_problem(error.code, f"{title!r}: {error}")
        return
    if content:
        survey.budget.pay(len(content))
        survey.add_content(PartKind.BLOB, title, step, content)


def _add_fields(survey: Survey, text: bytes, language: str, blobs: list[Blob]) -> None:
    lines = text.splitlines()
    encodings = Counter(blob.encoding for blob in blobs)
    urls = dict.fromkeys(found[0] for found in islice(_URL.finditer(text), URLS_MAX_COUNT))
    survey.add_field("sampler.file.script.language", language)
    survey.add_field("sampler.file.script.lines_count", len(lines))
    survey.add_field("sampler.file.script.longest_line", max(map(len, lines), default=0))
    survey.add_field("sampler.file.script.blobs", tuple(f"{name} {count}" for name, count in sorted(encodings.items())))
    survey.add_field("sampler.file.external_urls", listed(urls))
