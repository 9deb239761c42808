"""What the members of an Office package tell (ECMA-376), each from its name and its bytes. Never raises.

Relationships say what is loaded from elsewhere. Links that a reader of the document has to click on are its text, and
are not taken.
"""

from __future__ import annotations

import re
from typing import Final

from sampler.extract.document_facts import DocumentFacts
from sampler.extract.naming import printable
from sampler.extract.ooxml_xml import as_utf8, read_elements

INSTRUCTIONS_MAX_CHARACTERS: Final = 65_536

_EXTERNAL: Final = {
    "attachedtemplate": "external-template",
    "oleobject": "external-object",
    "package": "external-object",
    "frame": "external-frame",
    "image": "external-image",
    "externallinkpath": "external-link",
    "subdocument": "external-document",
}
"""Features by the last word of a relationship's type."""
_CLICKED: Final = "hyperlink"
_FEATURES: Final = (
    (re.compile(r"(?:^|/)vbaproject\.bin$"), "vba"),
    (re.compile(r"(?:^|/)macrosheets/"), "macro-sheet"),
    (re.compile(r"(?:^|/)activex/"), "activex"),
    (re.compile(r"(?:^|/)customui/"), "custom-ui"),
    (re.compile(r"(?:^|/)embeddings/"), "embedded-object"),
    (re.compile(r"(?:^|/)externallinks/externallink"), "external-link"),
    (re.compile(r"(?:^|/)dialogsheets/"), "dialog-sheet"),
)
"""Of members, by their lower-case names; more than one may fit."""
_OBJECTS: Final = re.compile(r"(?:^|/)(?:embeddings|activex)/[^/]+\.(?!rels$|xml$)[^/]+$")
_DDE: Final = re.compile(r"\bdde(?:auto)?\b", re.IGNORECASE)
_WITH_FIELDS: Final = re.compile(r"^word/[^/]+\.xml$")


def is_object(name: str) -> bool:
    """Whether a member is an embedded object, by its name."""
    return _OBJECTS.search(name.lower()) is not None


def add_member(name: str, content: bytes, facts: DocumentFacts) -> None:
    """What one member tells."""
    lower = name.lower().replace("\\", "/")
    facts.features.update(feature for pattern, feature in _FEATURES if pattern.search(lower))
    if lower.endswith(".rels"):
        _add_relationships(content, facts)
    elif lower == "docprops/app.xml":
        _add_application(content, facts)
    elif "/externallinks/" in lower and lower.endswith(".xml"):
        _add_links(content, facts)
    elif _WITH_FIELDS.match(lower):
        _add_fields(content, facts)
    elif lower.endswith("workbook.xml"):
        _add_sheets(content, facts)


def _add_relationships(content: bytes, facts: DocumentFacts) -> None:
    def element(name: str, attributes: dict[str, str]) -> None:
        if name != "Relationship" or attributes.get("TargetMode", "").lower() != "external":
            return
        kind = attributes.get("Type", "").rpartition("/")[2].lower()
        if kind != _CLICKED:
            facts.add_url(attributes.get("Target", ""), _EXTERNAL.get(kind, "external-other"))

    read_elements(content, element)


def _add_application(content: bytes, facts: DocumentFacts) -> None:
    inside = ""
    parts: list[str] = []

    def element(name: str, _attributes: dict[str, str]) -> None:
        nonlocal inside
        inside = name

    def text(characters: str) -> None:
        if inside == "Application" and len(parts) < 8:
            parts.append(characters[:128])

    read_elements(content, element, text)
    facts.application = printable("".join(parts).strip(), 128)


def _add_links(content: bytes, facts: DocumentFacts) -> None:
    def element(name: str, _attributes: dict[str, str]) -> None:
        if name == "ddeLink":
            facts.features.add("dde")

    read_elements(content, element)


def _add_fields(content: bytes, facts: DocumentFacts) -> None:
    """Fields of a text that start programs; their instructions may be spread over many runs."""
    text_bytes = as_utf8(content)
    if b"instrText" not in text_bytes and b"fldSimple" not in text_bytes:
        return
    inside = ""
    parts: list[str] = []
    left = INSTRUCTIONS_MAX_CHARACTERS

    def element(name: str, attributes: dict[str, str]) -> None:
        nonlocal inside
        inside = name
        if name == "fldSimple":
            parts.append(f" {attributes.get('instr', '')[:1024]} ")
        elif name == "fldChar":
            parts.append(" ")

    def text(characters: str) -> None:
        nonlocal left
        if inside == "instrText" and left > 0:
            parts.append(characters[:left])
            left -= len(characters)

    read_elements(content, element, text)
    if _DDE.search("".join(parts)):
        facts.features.add("dde")


def _add_sheets(content: bytes, facts: DocumentFacts) -> None:
    def element(name: str, attributes: dict[str, str]) -> None:
        if name == "sheet" and attributes.get("state", "").lower() == "veryhidden":
            facts.features.add("very-hidden-sheet")

    read_elements(content, element)
