"""Facts of a Mach-O image under their ECS names (``file.macho.*``), and ``sampler.file.macho.*`` where ECS has none."""

from __future__ import annotations

import uuid
from typing import Final

from sampler.extract.extraction import Survey
from sampler.extract.listing import listed
from sampler.extract.macho_signature import CodeSignature, find_signature, read_signature
from sampler.extract.macho_symbols import SYMBOLS_MAX_COUNT, read_symbols
from sampler.extract.macho_tables import Command, MachImage
from sampler.extract.macho_words import KINDS, PLATFORMS, header_flags, version
from sampler.extract.naming import printable
from sampler.extract.section_entropy import section_entropies

_LIBRARIES: Final = (0x0C, 0x80000018, 0x8000001F, 0x20, 0x80000023)
"""LC_LOAD_DYLIB, LC_LOAD_WEAK_DYLIB, LC_REEXPORT_DYLIB, LC_LAZY_LOAD_DYLIB, LC_LOAD_UPWARD_DYLIB."""
_OWN_NAME: Final = 0x0D
_INTERPRETER: Final = 0x0E
_UUID: Final = 0x1B
_SEARCH_PATH: Final = 0x8000001C
_SOURCE_VERSION: Final = 0x2A
_BUILD: Final = 0x32
_MINIMUM: Final = {0x24: "macos", 0x25: "ios", 0x2F: "tvos", 0x30: "watchos"}
"""LC_VERSION_MIN_*: what tools wrote before LC_BUILD_VERSION."""
_ENCRYPTION: Final = (0x21, 0x2C)


def add_macho_fields(image: MachImage, survey: Survey) -> None:
    """Everything that header, commands, symbols and signature tell of one image."""
    survey.add_field("sampler.file.macho.type", KINDS.get(image.header.kind, str(image.header.kind)))
    survey.add_field("sampler.file.macho.flags", header_flags(image.header.flags))
    survey.add_field("file.macho.sections", listed(section.name for section in image.sections))
    survey.add_field("sampler.file.macho.section_entropy", section_entropies(image.view, image.sections))
    _add_names(image, survey)
    _add_versions(image, survey)
    _add_symbols(image, survey)
    place = find_signature(image)
    if place is not None:
        _add_signature(read_signature(image, *place), survey)


def _add_names(image: MachImage, survey: Survey) -> None:
    """What its commands call the image and what it loads."""
    libraries = (_text(image, command) for command in image.commands if command.kind in _LIBRARIES)
    survey.add_field("sampler.file.macho.shared_libraries", listed(libraries))
    paths = (_text(image, command) for command in image.commands if command.kind == _SEARCH_PATH)
    survey.add_field("sampler.file.macho.rpaths", listed(paths))
    for name, kind in (("install_name", _OWN_NAME), ("interpreter", _INTERPRETER)):
        command = image.first(kind)
        survey.add_field(f"sampler.file.macho.{name}", printable(_text(image, command)) if command else "")


def _add_versions(image: MachImage, survey: Survey) -> None:
    command = image.first(_UUID)
    if command is not None and len(command.data) >= 24:
        survey.add_field("sampler.file.macho.uuid", str(uuid.UUID(bytes=command.data[8:24])))
    platform, minimum, sdk = _build_of(image)
    survey.add_field("sampler.file.macho.platform", platform)
    survey.add_field("sampler.file.macho.minimum_os", minimum)
    survey.add_field("sampler.file.macho.sdk", sdk)
    source = image.first(_SOURCE_VERSION)
    packed = image.fields(source, "Q") if source else ()
    survey.add_field("sampler.file.macho.source_version", _source_version(packed[0]) if packed else "")
    encryption = image.first(*_ENCRYPTION)
    fields = image.fields(encryption, "III") if encryption else ()
    survey.add_field("sampler.file.macho.encrypted", bool(fields and fields[2]))


def _build_of(image: MachImage) -> tuple[str, str, str]:
    """Platform, the oldest system that it runs on, and the SDK it was built with; empty where it does not say."""
    build = image.first(_BUILD)
    fields = image.fields(build, "III") if build else ()
    if fields:
        return PLATFORMS.get(fields[0], str(fields[0])), version(fields[1]), version(fields[2])
    older = image.first(*_MINIMUM)
    fields = image.fields(older, "II") if older else ()
    return (_MINIMUM[older.kind], version(fields[0]), version(fields[1])) if older and fields else ("", "", "")


def _source_version(packed: int) -> str:
    """``A.B.C.D.E`` without zeros at the end: 24 bits and four times ten."""
    parts = [packed >> 40, *(packed >> shift & 0x3FF for shift in (30, 20, 10, 0))]
    while len(parts) > 1 and parts[-1] == 0:
        parts.pop()
    return ".".join(map(str, parts)) if parts != [0] else ""


def _add_symbols(image: MachImage, survey: Survey) -> None:
    symbols = read_symbols(image)
    if not symbols.whole:
        survey.add_problem("macho-symbols", f"only the first {SYMBOLS_MAX_COUNT} of {symbols.total} are read")
    imports, exports = sorted(set(symbols.imports)), sorted(set(symbols.exports))
    survey.add_field("file.macho.imports", listed(imports))
    survey.add_field("sampler.file.macho.imports_count", len(imports))
    survey.add_field("sampler.file.macho.exports", listed(exports))
    survey.add_field("sampler.file.macho.exports_count", len(exports))
    survey.add_field("file.macho.symhash", symbols.symhash)
    survey.add_field("file.macho.import_hash", symbols.symhash)


def _add_signature(signature: CodeSignature, survey: Survey) -> None:
    survey.add_field("file.code_signature.exists", True)
    survey.add_field("file.code_signature.signing_id", signature.identifier)
    survey.add_field("file.code_signature.team_id", signature.team)
    survey.add_field("sampler.file.macho.signature.type", "cms" if signature.certified else "ad-hoc")
    survey.add_field("sampler.file.macho.signature.flags", signature.flags)
    survey.add_field("sampler.file.macho.signature.code_hashes", signature.code_hashes)
    survey.add_field("sampler.file.macho.entitlements", signature.entitlements)


def _text(image: MachImage, command: Command) -> bytes:
    """The text of a command that begins with its offset (``lc_str``)."""
    offset = image.fields(command, "I")
    return command.data[offset[0] :].partition(b"\0")[0] if offset and offset[0] >= 12 else b""
