"""Where the source of each module lies in a compound file: what its VBA projects say ([MS-OVBA] 2.2.1)."""

from __future__ import annotations

from typing import Final

from sampler.extract.compressed_streams import NotUnpacked
from sampler.extract.document_facts import DocumentFacts
from sampler.extract.ole_directory import OleEntry
from sampler.extract.ole_file import CompoundFile
from sampler.extract.vba import decompress
from sampler.extract.vba_project import DIR_MAX_BYTES, Project, read_project

PROJECTS_MAX_COUNT: Final = 16
"""Of one compound file; most have one."""


def modules_of(file: CompoundFile, facts: DocumentFacts) -> dict[int, int]:
    """Offset of the source in each stream that a project knows as a module's, by the stream's number."""
    offsets: dict[int, int] = {}
    folders = [entry for entry in file.entries if entry.is_stream and entry.is_linked and entry.name.lower() == "dir"]
    for entry in folders[:PROJECTS_MAX_COUNT]:
        project = _read(file, entry)
        if project is None:
            continue
        facts.code_page = facts.code_page or project.code_page
        named = {beside.name.lower(): beside.sid for beside in file.children_of(entry.parent) if beside.is_stream}
        for module in project.modules:
            if module.stream.lower() in named:
                offsets[named[module.stream.lower()]] = module.offset
    return offsets


def _read(file: CompoundFile, entry: OleEntry) -> Project | None:
    """The project that a dir stream describes; ``None`` where it is no such stream, whatever its name."""
    try:
        return read_project(decompress(file.read(entry, DIR_MAX_BYTES).content, DIR_MAX_BYTES).content)
    except NotUnpacked:
        return None
