"""Reads the files of a list with one library, one after the other, and says how long that took.

``python -m benchmarks.extract.loop NAME LIST`` prints a JSON object: ``files``, ``failed``, ``seconds``. Reading the
files from disk and the start of Python are not in it.
"""

from __future__ import annotations

import io
import json
import logging
import os
import sys
import time
import warnings
import zipfile
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Final, TypeAlias

Read: TypeAlias = Callable[[bytes], object]


def sampler() -> Read:
    """Our readers alone, without the child, the rules and the other facts."""
    extract, model = import_module("sampler.extract"), import_module("sampler.model")
    return lambda data: extract.find_regions(data, model.ContentKind.OTHER, "application/octet-stream")


def lief(form: str) -> Callable[[], Read]:
    """Everything that it parses of a format unless told otherwise."""

    def load() -> Read:
        module = import_module("lief")
        module.logging.disable()
        read: Read = getattr(module, form).parse
        return read

    return load


def pefile() -> Read:
    """All directories, as ``pefile.PE(path)`` reads them, and the imphash."""
    module = import_module("pefile")
    return lambda data: module.PE(data=data).get_imphash()


def pyelftools() -> Read:
    """Sections, segments, and their names."""
    module = import_module("elftools.elf.elffile")

    def read(data: bytes) -> object:
        file = module.ELFFile(io.BytesIO(data))
        return [section.name for section in file.iter_sections()], list(file.iter_segments())

    return read


def zip_names() -> Read:
    """The central directory."""
    return lambda data: zipfile.ZipFile(io.BytesIO(data)).namelist()


def oletools() -> Read:
    """The macros."""
    module = import_module("oletools.olevba")

    def read(data: bytes) -> object:
        parser = module.VBA_Parser("sample", data=data)
        return parser.detect_vba_macros() and list(parser.extract_macros())

    return read


def pypdf() -> Read:
    """All objects of the newest cross-reference table."""
    module = import_module("pypdf")

    def read(data: bytes) -> object:
        reader = module.PdfReader(io.BytesIO(data))
        return [reader.get_object(number) for number in reader.xref.get(0, {})]

    return read


READERS: Final[Mapping[str, Callable[[], Read]]] = {
    "sampler": sampler,
    "lief-pe": lief("PE"),
    "lief-elf": lief("ELF"),
    "lief-macho": lief("MachO"),
    "pefile": pefile,
    "pyelftools": pyelftools,
    "zipfile": zip_names,
    "oletools": oletools,
    "pypdf": pypdf,
}


def main() -> None:
    """Read and say."""
    name, listed = sys.argv[1:]
    logging.disable()
    warnings.simplefilter("ignore")
    read = READERS[name]()
    seconds, failed = 0.0, 0
    paths = Path(listed).read_text("utf-8").splitlines()
    for path in paths:
        data = Path(os.fsdecode(path)).read_bytes()
        start = time.perf_counter()
        try:
            read(data)
        except Exception:  # noqa: BLE001  # libraries raise anything; that they did is counted
            failed += 1
        seconds += time.perf_counter() - start
    print(json.dumps({"files": len(paths), "failed": failed, "seconds": seconds}))


if __name__ == "__main__":
    main()
