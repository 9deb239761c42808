"""What modules say of an object that is not of their format: nothing, in every engine, without looking at it. Pure.

Each fact here is tried on all engines (``tests/scan/test_applying.py``); what they differ in is not among them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sampler.scan.conditions import Words, is_enclosed
from sampler.scan.starts import Start

MODULE_FACTS: Final[Mapping[str, tuple[Start, frozenset[str]]]] = {
    "pe": (
        Start.MZ,
        frozenset(
            {
                "characteristics", "checksum", "entry_point", "image_base", "imphash", "is_32bit", "is_64bit", "is_dll",
                "machine", "number_of_exports", "number_of_imports", "number_of_resources", "number_of_sections",
                "number_of_signatures", "pdb_path", "resources", "sections", "signatures", "size_of_image", "subsystem",
                "timestamp", "version_info",
            }
        ),
    ),
    "elf": (
        Start.ELF,
        frozenset(
            {
                "dynamic", "dynsym", "dynsym_entries", "entry_point", "machine", "number_of_sections",
                "number_of_segments", "sections", "segments", "symtab", "symtab_entries", "type",
            }
        ),
    ),
}  # fmt: skip
"""Values of modules that are undefined in every engine unless the object begins as the module's format does.

``imports``, ``exports`` and ``rich_signature`` of ``pe`` are not among them: yara-x has 0 for them, which equals 0.
"""
INTEGER_FACTS: Final[Mapping[str, frozenset[str]]] = {
    "pe": frozenset(
        {
            "characteristics", "checksum", "entry_point", "image_base", "machine", "number_of_exports",
            "number_of_imports", "number_of_resources", "number_of_sections", "number_of_signatures", "size_of_image",
            "subsystem", "timestamp",
        }
    ),
    "elf": frozenset(
        {
            "dynsym_entries", "entry_point", "machine", "number_of_sections", "number_of_segments", "symtab_entries",
            "type",
        }
    ),
}  # fmt: skip
"""Those of ``MODULE_FACTS`` that are single integers in every engine."""
MODULE_STARTS: Final[Mapping[str, Start]] = {"pe": Start.MZ, "dotnet": Start.MZ, "elf": Start.ELF}

_FLAGS: Final = frozenset({("pe", ".", "is_pe"), ("dotnet", ".", "is_dotnet")})
_CALLS: Final = frozenset({("pe", ".", "imports"), ("pe", ".", "exports")})
_BINDING: Final = frozenset({"of", ":"})
"""Words of terms that can be true though a value in them is undefined: undefined ``of`` strings are all of them, and
before a ``:`` a value only gets a name (``with``, in yara-x).
"""


def undefined_without(term: Words) -> Start | None:
    """The start without which a term is undefined, and ``not`` the term as well; ``None`` if there is no such start.

    A term stands between ``and``, ``or`` and ``not``.
    """
    if len(term) < 3 or term[1] != "." or term[0] not in MODULE_FACTS or not _BINDING.isdisjoint(term):
        return None
    start, facts = MODULE_FACTS[term[0]]
    return start if term[2] in facts else None


def untrue_without(term: Words) -> Start | None:
    """The start without which a term is undefined or false, whichever the engine takes it for."""
    flagged = tuple(term) in _FLAGS or (tuple(term[:3]) in _CALLS and is_enclosed(term[3:]))
    return MODULE_STARTS[term[0]] if flagged else undefined_without(term)
