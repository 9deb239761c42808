"""telfhash (Trend Micro, 2020): a TLSH over the names of an ELF file's functions. Never raises.

As published: of the first table that has symbols, the global functions with default visibility, without those that
compilers and architectures bring along; lower case, sorted, joined by commas. What its authors do for files without
any symbols, a disassembly, is not done here: such a file has no telfhash. It needs the extra ``tlsh``.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Iterable
from types import ModuleType
from typing import Final

from sampler.extract.elf_symbols import FUNCTION, GLOBAL, ElfSymbol

_LEFT_OUT: Final = frozenset({
    b"__libc_start_main", b"main", b"abort", b"cachectl", b"cacheflush", b"puts", b"atol", b"malloc_trim",
})  # fmt: skip
_LEFT_OUT_STARTS: Final = (b"_", b".", b"str", b"mem")
_LEFT_OUT_END: Final = b"64"
_DEFAULT: Final = 0


@functools.cache
def load_tlsh() -> ModuleType | None:
    """The library, or ``None`` where the extra is not installed. A child in its sandbox can load nothing any more."""
    try:
        return importlib.import_module("tlsh")
    except ImportError:
        return None


def telfhash(symbols: Iterable[ElfSymbol]) -> str:
    """The digest, lower case as its authors write it; empty where there is no library or too little to tell apart."""
    library = load_tlsh()
    names = sorted(symbol.name.lower() for symbol in symbols if _counts(symbol))
    text = b",".join(names)
    if library is None or not text.isascii():
        return ""
    digest = str(library.forcehash(text)).lower()
    return digest if digest.startswith("t1") else ""


def _counts(symbol: ElfSymbol) -> bool:
    name = symbol.name
    return (
        (symbol.kind, symbol.binding, symbol.visibility) == (FUNCTION, GLOBAL, _DEFAULT)
        and name not in _LEFT_OUT
        and not name.startswith(_LEFT_OUT_STARTS)
        and not name.endswith(_LEFT_OUT_END)
    )
