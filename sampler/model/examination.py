"""What a sandboxed child says of one object. It parsed hostile bytes, so each value is checked on construction."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sampler.limits import (
    FIELDS_MAX_COUNT,
    HITS_PER_RULE_MAX_COUNT,
    MATCHES_MAX_COUNT,
    PART_NAME_MAX_CHARACTERS,
    PROBLEMS_MAX_COUNT,
    RECIPE_STEPS_MAX_COUNT,
    REGIONS_MAX_COUNT,
    RULE_META_MAX_CHARACTERS,
    RULE_TAGS_MAX_COUNT,
    TEXT_MAX_CHARACTERS,
)
from sampler.model.fields import Field


class ContentKind(StrEnum):
    """What an object is, decided by its content and never by its name."""

    EXECUTABLE = "executable"
    LIBRARY = "library"
    DRIVER = "driver"
    SCRIPT = "script"
    DOCUMENT = "document"
    MAIL = "mail"
    IMAGE = "image"
    ARCHIVE = "archive"
    DISK = "disk"
    """A disk or file-system image."""
    EMPTY = "empty"
    OTHER = "other"


class PartKind(StrEnum):
    """What a part of an object is."""

    HEADER = "header"
    SECTION = "section"
    SEGMENT = "segment"
    ENTRY_POINT = "entry_point"
    RESOURCE = "resource"
    CERTIFICATE = "certificate"
    DIRECTORY = "directory"
    """A table of a program: imports, exports, debug, TLS."""
    NOTE = "note"
    SLICE = "slice"
    """One program of a fat binary."""
    OVERLAY = "overlay"
    MEMBER = "member"
    """A file in an archive, an installer, a disk image."""
    ATTACHMENT = "attachment"
    STREAM = "stream"
    OBJECT = "object"
    """An object of a document: embedded in it, or one of those that it consists of."""
    MACRO = "macro"
    """A document's program text, decoded."""
    SCRIPT = "script"
    """A script inside something else."""
    BLOB = "blob"
    """Encoded bytes inside a text, decoded."""
    WINDOW = "window"
    """A stretch picked for its entropy."""
    BOOT = "boot"
    """A boot record or a partition table, with what lies behind it."""
    MEMORY = "memory"
    """A stretch of a process's memory."""
    MATCH = "match"
    TAIL = "tail"


def _check_range(offset: int, length: int) -> None:
    if offset < 0 or length < 0:
        raise ValueError(f"not a range: offset {offset}, length {length}")


def _check_count(what: str, count: int, ceiling: int) -> None:
    if count > ceiling:
        raise ValueError(f"{count} {what}, at most {ceiling} are taken")


def _check_text(what: str, text: str, ceiling: int = TEXT_MAX_CHARACTERS) -> None:
    if len(text) > ceiling:
        raise ValueError(f"{what} of {len(text)} characters, at most {ceiling} are taken")


@dataclass(frozen=True, slots=True)
class StringHit:
    """One place where a rule's string matched. Its bytes are cut from the snapshot, never taken from the child."""

    identifier: str
    offset: int
    length: int
    xor_key: int = 0
    """What the string's bytes were xored with, 0 to 255; 0 where they were not."""

    def __post_init__(self) -> None:
        _check_text("string identifier", self.identifier)
        _check_range(self.offset, self.length)
        if not 0 <= self.xor_key <= 255:
            raise ValueError(f"an xor key is a byte, not {self.xor_key}")


@dataclass(frozen=True, slots=True)
class RuleMatch:
    """One YARA rule that matched."""

    rule: str
    namespace: str
    """The rule file, relative to its rule folder."""
    tags: tuple[str, ...] = ()
    meta: tuple[tuple[str, str | int | bool], ...] = ()
    hits: tuple[StringHit, ...] = ()
    """In the order of their offsets; at most ``HITS_PER_RULE_MAX_COUNT``."""
    hits_total: int = 0
    """How many there were, kept or not."""

    def __post_init__(self) -> None:
        _check_text("rule name", self.rule)
        _check_text("namespace", self.namespace)
        _check_count(f"string hits of {self.rule}", len(self.hits), HITS_PER_RULE_MAX_COUNT)
        _check_count(f"metadata of {self.rule}", len(self.meta), FIELDS_MAX_COUNT)
        _check_count(f"tags of {self.rule}", len(self.tags), RULE_TAGS_MAX_COUNT)
        for tag in self.tags:
            _check_text("tag", tag)
        for key, value in self.meta:
            _check_text("metadata", key)
            if isinstance(value, str):
                _check_text("metadata", value, RULE_META_MAX_CHARACTERS)

    def meta_value(self, key: str) -> str | int | bool | None:
        """The first metadata value with this key, or ``None``."""
        return next((value for name, value in self.meta if name == key), None)


@dataclass(frozen=True, slots=True)
class Region:
    """A stretch of the object that has a meaning in its format, or bytes that can be derived from the object."""

    kind: PartKind
    name: str
    """``.text``, ``RT_MANIFEST/1/1033``, a rule's string; empty where the kind says it all."""
    offset: int
    """0 for derived bytes."""
    length: int
    recipe: tuple[str, ...] = ()
    """How derived bytes are made from the whole, step by step (``zip:3``, ``vba:Module1``); empty for a stretch."""
    content: ContentKind | None = None
    """What a file inside is by itself, or what other derived bytes come from; ``None``: as the whole is."""

    def __post_init__(self) -> None:
        _check_text("region name", self.name, PART_NAME_MAX_CHARACTERS)
        _check_range(self.offset, self.length)
        _check_count("steps of a recipe", len(self.recipe), RECIPE_STEPS_MAX_COUNT)
        for step in self.recipe:
            _check_text("step of a recipe", step, PART_NAME_MAX_CHARACTERS)
        if self.recipe and self.offset:
            raise ValueError(f"derived bytes begin at 0, not at {self.offset}")


@dataclass(frozen=True, slots=True)
class Problem:
    """Something about the object that a stage could not do; the other stages' results stand."""

    stage: str
    """``scan``, ``extract`` or ``describe``."""
    code: str
    detail: str

    def __post_init__(self) -> None:
        for text in (self.stage, self.code, self.detail):
            _check_text("problem", text)


@dataclass(frozen=True, slots=True)
class Examination:
    """Everything that a child found in one object."""

    sha256: str
    """The object that the child was given; an answer for another one is refused."""
    kind: ContentKind
    mime_type: str
    ruleset_version: str
    matches: tuple[RuleMatch, ...] = ()
    regions: tuple[Region, ...] = ()
    fields: tuple[Field, ...] = ()
    problems: tuple[Problem, ...] = ()

    def __post_init__(self) -> None:
        _check_text("MIME type", self.mime_type)
        _check_text("version of a rule set", self.ruleset_version)
        _check_count("matches", len(self.matches), MATCHES_MAX_COUNT)
        _check_count("regions", len(self.regions), REGIONS_MAX_COUNT)
        _check_count("fields", len(self.fields), FIELDS_MAX_COUNT)
        _check_count("problems", len(self.problems), PROBLEMS_MAX_COUNT)
