r"""Embedded objects of an RTF text, and the files inside them (Rich Text Format Specification 1.9.1; [MS-OLEDS] 2.2).

``rtf:INDEX`` makes an object as it is written, ``rtf:INDEX:data`` what lies inside of it: a compound file, a packaged
file. The text itself is never taken.
"""

from __future__ import annotations

import re
from functools import partial
from typing import Final

from sampler.errors import NotDerivable
from sampler.extract.affording import kept_within, unpacked_within
from sampler.extract.document_facts import DocumentFacts
from sampler.extract.extraction import Data, Survey
from sampler.extract.ole_native import read_ole1, read_packaged
from sampler.extract.rtf_objects import OBJECT, RtfReader, Stop, Switch, Text
from sampler.limits import KIB
from sampler.model import PartKind

HEADER_BYTES: Final = 4 * KIB
MAGIC: Final = rb"{\rt"
"""All that Word looks for."""

_STEP: Final = re.compile(r"(\d{1,4})(:data)?", re.ASCII)
_FEATURES: Final = {
    b"objupdate": "object-updates",
    b"objautlink": "linked-object",
    b"objlink": "linked-object",
    b"objocx": "activex",
    b"objhtml": "embedded-object",
    b"objemb": "embedded-object",
}
_DDE: Final = re.compile(rb"\s*dde", re.IGNORECASE)


def survey_rtf(data: Data, survey: Survey) -> bool:
    """Add the objects of a text and what it loads."""
    survey.add_region(PartKind.HEADER, "", 0, min(HEADER_BYTES, survey.size))
    facts = DocumentFacts()
    for found in RtfReader(data):
        if isinstance(found, Stop):
            survey.add_problem(found.code, found.detail)
        elif isinstance(found, Switch):
            facts.features.add(_FEATURES[found.word])
        elif found.word == OBJECT:
            _add_object(survey, found, facts)
        else:
            _add_text(found, facts)
    facts.tell(survey)
    return True


def read_object(data: Data, argument: str, ceiling: int) -> bytes:
    """The recipe step ``rtf:INDEX`` or ``rtf:INDEX:data``.

    Raises:
        NotDerivable: there is no such object, or it is larger than ``ceiling``.
    """
    parts = _STEP.fullmatch(argument)
    if parts is None:
        raise NotDerivable(f"no object {argument!r}")
    for found in RtfReader(data):
        if isinstance(found, Text) and found.word == OBJECT and found.index == int(parts[1]):
            content = _inside(found.content)[1] if parts[2] else found.content
            return kept_within(content, ceiling).content
    raise NotDerivable(f"no object {argument!r}")


def _add_object(survey: Survey, found: Text, facts: DocumentFacts) -> None:
    name, content = _inside(found.content)
    facts.features.add("embedded-object")
    _add_class(found.content, facts)
    facts.add_monikers(found.content)
    title = f"{found.index}/{name}" if name else str(found.index)
    raw = unpacked_within(survey, title, len(found.content), partial(kept_within, found.content))
    if raw is None:
        return
    survey.add_derived(PartKind.OBJECT, title, f"rtf:{found.index}", len(raw))
    if not content:
        survey.open_inside(title, f"rtf:{found.index}", raw)
        return
    made = unpacked_within(survey, title, len(content), partial(kept_within, content))
    if made is not None:
        survey.add_content(PartKind.OBJECT, title, f"rtf:{found.index}:data", made)


def _inside(content: bytes) -> tuple[str, bytes]:
    """The name of what lies inside an object, and its bytes; none where it has no header that holds together."""
    inner = read_ole1(content)
    if inner is None:
        return "", b""
    packaged = read_packaged(inner.content) if inner.class_name.lower() == "package" else None
    return (packaged.label, packaged.content) if packaged else (inner.class_name, inner.content)


def _add_class(content: bytes, facts: DocumentFacts) -> None:
    inner = read_ole1(content)
    if inner is None:
        return
    facts.add_class(inner.class_name)
    if inner.is_linked:
        facts.features.add("linked-object")
        facts.add_url(inner.topic.decode("utf-8", "replace"), "external-object")


def _add_text(found: Text, facts: DocumentFacts) -> None:
    if found.word == b"objclass":
        facts.add_class(found.content)
    elif found.word == b"template":
        facts.add_url(found.content.decode("utf-8", "replace"), "external-template")
    elif _DDE.match(found.content):
        facts.features.add("dde")
