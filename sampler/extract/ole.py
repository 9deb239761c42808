"""Parts and facts of a compound file ([MS-CFB]): Word, Excel and PowerPoint before 2007, VBA projects, MSI, objects.

Streams are scattered over the file, so each is derived bytes. What a stream means is told by its name alone.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Final

from sampler.extract.affording import kept_within, unpacked_within
from sampler.extract.compressed_streams import NotUnpacked, Unpacked
from sampler.extract.document_facts import DocumentFacts
from sampler.extract.extraction import Data, Survey
from sampler.extract.ole_directory import OleEntry, class_text, title_of_entry
from sampler.extract.ole_facts import add_stream_facts, add_word, add_word_template, word_table
from sampler.extract.ole_file import MAGIC, CompoundFile, NotCompound
from sampler.extract.ole_macros import modules_of
from sampler.extract.ole_native import read_native
from sampler.extract.ole_powerpoint import storages_in, unpack_storage
from sampler.extract.stretches import open_stretch
from sampler.extract.vba import containers_in, module_source
from sampler.limits import MIB
from sampler.model import PartKind

TABLE_MAX_BYTES: Final = 4 * MIB

_NATIVE: Final = "\x01ole10native"
_PRESENTATION: Final = "powerpoint document"
_TEXT: Final = "worddocument"
_OBJECTS: Final = frozenset({"package", "contents"})


def survey_ole(data: Data, survey: Survey) -> bool:
    """Add everything that a compound file has to the survey; ``False`` when it is none."""
    try:
        file = CompoundFile(data)
    except NotCompound as error:
        survey.add_problem("not-an-ole", str(error))
        return False
    survey.add_region(PartKind.HEADER, "", 0, min(file.sector_bytes, survey.size))
    facts = DocumentFacts()
    root_class = class_text(file.entries[0].class_id)
    if root_class:
        facts.add_class(root_class)
    _Reading(file, survey, facts).run()
    facts.tell(survey)
    _add_overlay(data, file, survey)
    return True


def _add_overlay(data: Data, file: CompoundFile, survey: Survey) -> None:
    """What lies behind the last sector in use: what was appended, or what was deleted."""
    length = survey.size - file.end
    if file.end and length > 0:
        survey.add_region(PartKind.OVERLAY, "", file.end, length)
        open_stretch(data, survey, "", file.end, length)


class _Reading:
    """One pass over the streams; each is held as long as it is looked at."""

    def __init__(self, file: CompoundFile, survey: Survey, facts: DocumentFacts) -> None:
        self._file = file
        self._survey = survey
        self._facts = facts
        self._modules = modules_of(file, facts)

    def run(self) -> None:
        """Keep and open each stream within the budget; those that cannot be read become problems."""
        streams = [entry for entry in self._file.entries if entry.is_stream and entry.size]
        self._note_unlinked([entry for entry in streams if not entry.is_linked])
        for position, entry in enumerate(streams):
            if self._survey.budget.spent is not None:
                left = len(streams) - position
                self._survey.add_problem("budget", f"{self._survey.budget.spent}; {left} streams are not opened")
                return
            content = self._made(title_of_entry(entry), self._file.size, partial(self._file.read, entry))
            if content is not None:
                self._keep(entry, content)

    def _note_unlinked(self, unlinked: list[OleEntry]) -> None:
        if unlinked:
            first = title_of_entry(unlinked[0])
            self._survey.add_problem("unlinked-streams", f"{len(unlinked)} that no storage has, such as {first!r}")

    def _keep(self, entry: OleEntry, content: bytes) -> None:
        name, title = entry.name.lower(), title_of_entry(entry)
        if name == _NATIVE:
            self._survey.add_derived(PartKind.STREAM, title, f"ole:{entry.sid}", len(content))
            self._open_native(entry, content)
            return
        kind = PartKind.OBJECT if name in _OBJECTS else PartKind.STREAM
        self._survey.add_content(kind, title, f"ole:{entry.sid}", content)
        add_stream_facts(name, content, self._facts)
        if name == _PRESENTATION:
            self._open_storages(entry, content)
            return
        if name == _TEXT:
            self._add_word(entry, content)
        self._open_macros(entry, content)

    def _open_native(self, entry: OleEntry, content: bytes) -> None:
        self._facts.features.add("embedded-object")
        packaged = read_native(content)
        title = title_of_entry(entry)
        made = self._made(title, len(content), lambda room: kept_within(packaged.content, room))
        if made:
            name = f"{title}/{packaged.label}" if packaged.label else title
            self._survey.add_content(PartKind.OBJECT, name, f"native:{entry.sid}", made)
        if not packaged.is_whole:
            self._survey.add_problem("truncated", f"{title!r}: it announces more bytes than it has")

    def _open_storages(self, entry: OleEntry, content: bytes) -> None:
        for storage in storages_in(content):
            title = f"{title_of_entry(entry)}/{storage.offset}"
            made = self._made(title, storage.length, partial(unpack_storage, content, storage))
            if made:
                self._survey.add_content(PartKind.OBJECT, title, f"ppt:{entry.sid}+{storage.offset}", made)

    def _open_macros(self, entry: OleEntry, content: bytes) -> None:
        """Source where the project says that it is; where it is not, wherever a container begins.

        A compound file in a stream has been opened, and its containers were found in it.
        """
        offset = self._modules.get(entry.sid)
        if offset is not None and content[offset : offset + 1] == b"\x01":
            self._open_macro(entry, content, offset)
            return
        offsets = [] if content.startswith(MAGIC) else list(containers_in(content))
        if offset is not None and not offsets:
            self._facts.features.add("vba-without-source")
        for found in offsets:
            self._open_macro(entry, content, found)

    def _open_macro(self, entry: OleEntry, content: bytes, offset: int) -> None:
        title = title_of_entry(entry)
        source = self._made(title, len(content) - offset, lambda room: module_source(content, offset, room))
        if source:
            self._facts.add_module(entry.name)
            self._survey.add_content(PartKind.MACRO, title, f"vba:{entry.sid}+{offset}", source)

    def _add_word(self, entry: OleEntry, content: bytes) -> None:
        add_word(content, self._facts)
        name, offset, length = word_table(content)
        for table in self._file.children_of(entry.parent):
            if table.is_stream and table.name == name and length:
                with suppress(NotUnpacked):
                    texts = self._file.read(table, TABLE_MAX_BYTES).content
                    add_word_template(texts[offset : offset + length], self._facts)

    def _made(self, title: str, packed_bytes: int, make: Callable[[int], Unpacked]) -> bytes | None:
        return unpacked_within(self._survey, title, packed_bytes, make)
