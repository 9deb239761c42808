"""Our reading of ELF files against pyelftools, on the programs and libraries of this machine and on the samples."""

from __future__ import annotations

import hashlib
import io
import os
import re
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from elftools.elf.dynamic import DynamicSection, DynamicSegment
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import NoteSection, SymbolTableSection
from elftools.elf.segments import InterpSegment, NoteSegment

from sampler.extract import Extraction, find_regions
from sampler.extract.elf_symbols import SYMBOLS_MAX_COUNT
from sampler.extract.naming import printable
from sampler.limits import MIB
from sampler.model import ContentKind, PartKind, value_of
from sampler.runtime.places import shipped

FILES_COUNT: Final = 180
FILE_MAX_BYTES: Final = 1 * MIB
_LEFT_OUT: Final = re.compile(
    r"[_.].*|.*64|str.*|mem.*|main|abort|cachectl|cacheflush|puts|atol|malloc_trim", re.DOTALL
)


def programs() -> Iterator[Path]:
    """Every file that begins like an ELF file and is not large, where programs and libraries lie."""
    folders = ["/usr/bin", "/usr/sbin", "/usr/lib", "/usr/lib64", *map(str, Path("/usr/lib").glob("*-linux-*"))]
    folders.append(f"{sysconfig.get_path('platstdlib')}/lib-dynload")
    for folder in dict.fromkeys(map(os.path.realpath, filter(os.path.isdir, folders))):
        for path in Path(folder).iterdir():
            if not path.is_symlink() and path.is_file() and path.stat().st_size <= FILE_MAX_BYTES:
                with path.open("rb") as file:
                    if file.read(4) == b"\x7fELF":
                        yield path


@pytest.fixture(scope="module")
def files() -> list[Path]:
    """So many of them, spread evenly, and all samples."""
    found = sorted(set(programs()))
    chosen = found[:: max(1, len(found) // FILES_COUNT)][:FILES_COUNT]
    assert len(chosen) >= 150, "this machine has too few programs to compare with"
    return [*chosen, *sorted(path for path in shipped("samples_fixture").glob("elf/*/*") if path.suffix != ".json")]


class Theirs:
    """One file as pyelftools reads it, in our words."""

    def __init__(self, data: bytes) -> None:
        self.file = ELFFile(io.BytesIO(data))
        self.size = len(data)

    def sections(self) -> list[tuple[str, int, int]]:
        rows = (
            (section.name, section["sh_offset"], section["sh_size"])
            for section in self.file.iter_sections()
            if section["sh_type"] not in ("SHT_NULL", "SHT_NOBITS")
        )
        return [row for row in rows if row[2]]

    def segments(self) -> list[tuple[int, int]]:
        rows = ((segment["p_offset"], segment["p_filesz"]) for segment in self.file.iter_segments())
        return [row for row in rows if row[1]]

    def dynamic(self) -> dict[str, list[str]]:
        parts: list[Any] = [part for part in self.file.iter_segments() if isinstance(part, DynamicSegment)]
        parts += [part for part in self.file.iter_sections() if isinstance(part, DynamicSection)]
        tags: dict[str, list[str]] = {}
        for tag in parts[0].iter_tags() if parts else ():
            for word in ("needed", "soname", "rpath", "runpath"):
                if tag.entry.d_tag == f"DT_{word.upper()}":
                    tags.setdefault(word, []).append(getattr(tag, word))
        return tags

    def interpreter(self) -> str | None:
        return next(
            (row.get_interp_name() for row in self.file.iter_segments() if isinstance(row, InterpSegment)), None
        )

    def notes(self) -> set[tuple[int, int, str]]:
        """Offset, length of the description, and owner."""
        parts: list[Any] = [part for part in self.file.iter_segments() if isinstance(part, NoteSegment)]
        for part in self.file.iter_sections():
            if isinstance(part, NoteSection) and not part.name.startswith(".gnu.build.attributes"):
                parts.append(part)
        return {
            (note["n_offset"], note["n_descsz"], note["n_name"])
            for part in parts
            for note in part.iter_notes()
        }  # fmt: skip

    def symbols(self, *kinds: str) -> list[Any]:
        table = next((row for row in self.file.iter_sections() if row["sh_type"] in kinds and row["sh_size"]), None)
        return list(table.iter_symbols()) if isinstance(table, SymbolTableSection) else []

    def telfhash(self) -> str | None:
        """As its authors compute it, for files with symbols."""
        names = [
            symbol.name.lower()
            for symbol in self.symbols("SHT_DYNSYM", "SHT_SYMTAB")
            if (symbol["st_info"]["type"], symbol["st_info"]["bind"]) == ("STT_FUNC", "STB_GLOBAL")
            and symbol["st_other"]["visibility"] == "STV_DEFAULT"
            and symbol.name
            and not _LEFT_OUT.fullmatch(symbol.name)
        ]
        return StandIn.forcehash(",".join(sorted(names)).encode()).lower() if names else None


class StandIn:
    """In place of the optional library, so that what is hashed is compared wherever the tests run."""

    @staticmethod
    def forcehash(text: bytes) -> str:
        return f"T1{hashlib.sha256(text).hexdigest()}" if text else "TNULL"


def regions(found: Extraction, kind: PartKind) -> list[tuple[str, int, int]]:
    return [(region.name, region.offset, region.length) for region in found.regions if region.kind is kind]


def test_sections_segments_and_notes_are_those_of_pyelftools(files: list[Path]) -> None:
    """Names, offsets and lengths agree on every file, and no file has a problem."""
    notes = 0
    for path in files:
        data = path.read_bytes()
        found, theirs = find_regions(data, ContentKind.OTHER, ""), Theirs(data)
        assert found.problems == (), path
        assert regions(found, PartKind.SECTION) == theirs.sections(), path
        assert [row[1:] for row in regions(found, PartKind.SEGMENT)] == theirs.segments(), path
        ours = {(offset, name.partition("/")[0]) for name, offset, _ in regions(found, PartKind.NOTE)}
        assert ours == {(offset, printable(owner)) for offset, _, owner in theirs.notes()}, path
        notes += len(ours)
    assert notes > len(files)


def test_dynamic_facts_are_those_of_pyelftools(files: list[Path]) -> None:
    """Needed libraries, the file's own name and search paths, the interpreter, and the header's words."""
    with_libraries = 0
    for path in files:
        data = path.read_bytes()
        fields = find_regions(data, ContentKind.OTHER, "").fields
        theirs = Theirs(data)
        tags = theirs.dynamic()
        assert value_of(fields, "file.elf.shared_libraries") == (tuple(tags.get("needed", ())) or None), path
        for word in ("soname", "rpath", "runpath"):
            assert value_of(fields, f"sampler.file.elf.{word}") == (tags.get(word, [None])[0] or None), path
        assert value_of(fields, "sampler.file.elf.interpreter") == theirs.interpreter(), path
        assert value_of(fields, "file.elf.header.type") == theirs.file["e_type"].removeprefix("ET_"), path
        assert value_of(fields, "file.elf.header.entrypoint") == theirs.file["e_entry"], path
        assert value_of(fields, "file.elf.header.class") == f"ELF{theirs.file.elfclass}", path
        stripped = not any(section["sh_type"] == "SHT_SYMTAB" for section in theirs.file.iter_sections())
        assert value_of(fields, "sampler.file.elf.stripped") == stripped, path
        with_libraries += bool(tags.get("needed"))
    assert with_libraries > len(files) // 2


def test_symbols_are_those_of_pyelftools(files: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """How many names are imported and exported, and the names that the telfhash is made of."""
    monkeypatch.setattr("sampler.extract.telfhash.load_tlsh", lambda: StandIn)
    hashed = 0
    for path in files:
        data = path.read_bytes()
        fields = find_regions(data, ContentKind.OTHER, "").fields
        theirs = Theirs(data)
        kind = "SHT_SYMTAB" if theirs.file["e_type"] == "ET_REL" else "SHT_DYNSYM"
        symbols = theirs.symbols("SHT_DYNSYM") or theirs.symbols(kind)
        if not symbols:
            continue  # found by address, which pyelftools does in its own way
        assert len(symbols) <= SYMBOLS_MAX_COUNT
        seen = [row for row in symbols if row.name and row["st_info"]["bind"] in ("STB_GLOBAL", "STB_WEAK", "STB_LOOS")]
        imports = {row.name for row in seen if row["st_shndx"] == "SHN_UNDEF"}
        exports = {
            row.name
            for row in seen
            if row["st_shndx"] != "SHN_UNDEF" and row["st_other"]["visibility"] in ("STV_DEFAULT", "STV_PROTECTED")
        }
        assert value_of(fields, "sampler.file.elf.imports_count") == len(imports), path
        assert value_of(fields, "sampler.file.elf.exports_count") == len(exports), path
        assert value_of(fields, "file.elf.telfhash") == theirs.telfhash(), path
        hashed += theirs.telfhash() is not None
    assert hashed > len(files) // 2


def test_symbols_found_by_address_are_those_of_the_section_table(files: list[Path]) -> None:
    """Without its section table a program imports and exports the same names: the loader's way leads to them."""
    compared = 0
    for path in files:
        data = bytearray(path.read_bytes())
        theirs = Theirs(bytes(data))
        if not theirs.symbols("SHT_DYNSYM") or not theirs.dynamic():
            continue
        whole = find_regions(bytes(data), ContentKind.OTHER, "").fields
        wide = theirs.file.elfclass == 64
        data[40 if wide else 32 : 48 if wide else 36] = bytes(8 if wide else 4)
        bare = find_regions(bytes(data), ContentKind.OTHER, "").fields
        for name in ("imports", "exports"):
            assert value_of(bare, f"file.elf.{name}") == value_of(whole, f"file.elf.{name}"), path
        compared += 1
    assert compared > len(files) // 2
