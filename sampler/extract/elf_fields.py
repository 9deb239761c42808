"""Facts of an ELF file under their ECS names (``file.elf.*``), and ``sampler.file.elf.*`` where ECS has none."""

from __future__ import annotations

from typing import Final

from sampler.extract.elf_build import compilers_of, go_version_of, languages_of, packer_of
from sampler.extract.elf_dynamic import DynamicTable, read_dynamic, read_interpreter
from sampler.extract.elf_image import ElfImage
from sampler.extract.elf_notes import BUILD_ID, GO_BUILD_ID, PACKAGE, ElfNote
from sampler.extract.elf_signature import ModuleSignature
from sampler.extract.elf_symbols import (
    SHT_DYNSYM,
    SHT_SYMTAB,
    SYMBOLS_MAX_COUNT,
    SymbolTable,
    linked_symbols,
    symbols_in,
)
from sampler.extract.extraction import Survey
from sampler.extract.listing import listed
from sampler.extract.naming import printable
from sampler.extract.section_entropy import section_entropies
from sampler.extract.telfhash import telfhash

_SIGNED_64_MAX: Final = 2**63 - 1
"""The largest ``long`` of ECS."""
_SECTION_NAMES_MAX_COUNT: Final = 256

_TYPES: Final = {0: "NONE", 1: "REL", 2: "EXEC", 3: "DYN", 4: "CORE"}
_MACHINES: Final = {
    2: "sparc", 3: "x86", 8: "mips", 20: "powerpc", 21: "powerpc64", 22: "s390", 40: "arm", 42: "superh", 43: "sparcv9",
    50: "ia64", 62: "x86-64", 183: "aarch64", 243: "riscv", 247: "bpf", 258: "loongarch",
}  # fmt: skip
_ABIS: Final = {
    0: "System V", 1: "HP-UX", 2: "NetBSD", 3: "Linux", 6: "Solaris", 7: "AIX", 8: "IRIX", 9: "FreeBSD", 12: "OpenBSD",
    64: "ARM EABI", 97: "ARM", 255: "Standalone",
}  # fmt: skip


def add_elf_fields(
    image: ElfImage, notes: tuple[ElfNote, ...], signature: ModuleSignature | None, survey: Survey
) -> None:
    """Everything that header, tables, notes and symbols tell."""
    _add_header_fields(image, survey)
    _add_section_fields(image, survey)
    dynamic = read_dynamic(image)
    _add_dynamic_fields(image, dynamic, survey)
    _add_symbol_fields(image, dynamic, survey)
    _add_note_fields(notes, survey)
    _add_build_fields(image, survey)
    if signature is not None:
        _add_signature_fields(signature, survey)


def _add_header_fields(image: ElfImage, survey: Survey) -> None:
    header = image.header
    survey.add_field("file.elf.architecture", _MACHINES.get(header.machine, str(header.machine)))
    survey.add_field("file.elf.byte_order", "Little Endian" if header.byte_order == "<" else "Big Endian")
    survey.add_field("file.elf.header.class", f"ELF{header.bits}")
    survey.add_field("file.elf.header.type", _TYPES.get(header.type, str(header.type)))
    survey.add_field("file.elf.header.os_abi", _ABIS.get(header.os_abi, str(header.os_abi)))
    survey.add_field("file.elf.header.abi_version", str(header.abi_version))
    if header.entry <= _SIGNED_64_MAX:
        survey.add_field("file.elf.header.entrypoint", header.entry)


def _add_section_fields(image: ElfImage, survey: Survey) -> None:
    survey.add_field("file.elf.sections", listed(row.name for row in image.sections[:_SECTION_NAMES_MAX_COUNT]))
    survey.add_field("sampler.file.elf.section_entropy", section_entropies(image.view, image.sections))
    survey.add_field("sampler.file.elf.stripped", image.section_of_kind(SHT_SYMTAB) is None)


def _add_dynamic_fields(image: ElfImage, dynamic: DynamicTable, survey: Survey) -> None:
    survey.add_field("file.elf.shared_libraries", listed(dynamic.needed))
    survey.add_field("sampler.file.elf.soname", printable(dynamic.soname))
    survey.add_field("sampler.file.elf.rpath", printable(dynamic.rpath))
    survey.add_field("sampler.file.elf.runpath", printable(dynamic.runpath))
    survey.add_field("sampler.file.elf.interpreter", printable(read_interpreter(image)))


def _add_symbol_fields(image: ElfImage, dynamic: DynamicTable, survey: Survey) -> None:
    linked = linked_symbols(image, dynamic)
    if not linked.whole:
        survey.add_problem("elf-symbols", f"only the first {SYMBOLS_MAX_COUNT} of {linked.total} are read")
    imports = sorted({symbol.name for symbol in linked.symbols if symbol.imported})
    exports = sorted({symbol.name for symbol in linked.symbols if symbol.exported})
    for name, names in (("imports", imports), ("exports", exports)):
        survey.add_field(f"file.elf.{name}", listed(names))
        survey.add_field(f"sampler.file.elf.{name}_count", len(names))
    survey.add_field("file.elf.telfhash", _telfhash_of(image, linked))


def _telfhash_of(image: ElfImage, linked: SymbolTable) -> str:
    """Of the first symbol table, whichever it is; none when not all of its symbols are known."""
    section = image.section_of_kind(SHT_DYNSYM, SHT_SYMTAB)
    if section is None:
        return ""
    table = linked if section.kind == SHT_DYNSYM else symbols_in(image, section)
    return telfhash(table.symbols) if table.whole else ""


def _add_note_fields(notes: tuple[ElfNote, ...], survey: Survey) -> None:
    by_identity = {note.identity: note.description for note in reversed(notes)}
    survey.add_field("sampler.file.elf.build_id", by_identity.get(BUILD_ID, b"")[:64].hex())
    survey.add_field("sampler.file.elf.go_build_id", printable(by_identity.get(GO_BUILD_ID, b"")))
    survey.add_field("sampler.file.elf.package_note", printable(by_identity.get(PACKAGE, b"")))


def _add_build_fields(image: ElfImage, survey: Survey) -> None:
    compilers = compilers_of(image)
    survey.add_field("sampler.file.elf.compilers", compilers)
    survey.add_field("sampler.file.elf.languages", languages_of(image, compilers))
    survey.add_field("sampler.file.elf.go_version", go_version_of(image))
    survey.add_field("sampler.file.packer", packer_of(image))


def _add_signature_fields(signature: ModuleSignature, survey: Survey) -> None:
    survey.add_field("file.code_signature.exists", True)
    survey.add_field("sampler.file.elf.signature.type", signature.kind)
    survey.add_field("sampler.file.elf.signature.digest", signature.digest)
    survey.add_field("sampler.file.elf.signature.signer_sha256", signature.signer_sha256)
