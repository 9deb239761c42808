"""The targets, by name. A module is imported when its target runs, so that the driver can instrument its imports."""

from __future__ import annotations

import importlib
from typing import Final

from fuzz.target import Target

NAMES: Final = (
    "answer", "child_answer", "frames", "orders",
    "pe", "elf", "macho", "ole", "vba", "ooxml", "rtf", "lnk", "pdf", "script", "mail",
    "zip", "tar", "compressed", "seven", "rar", "iso", "disk", "boot", "installers",
    "formats", "content", "signature", "scan", "split", "examine", "rule_file",
    "flag", "first_bytes", "descriptor_call",
    "wire", "statistics", "statement", "consent", "journal",
)  # fmt: skip
"""In the order in which they run; each is a module of this package with a ``TARGET``."""


def load(name: str) -> Target:
    """The target of this name.

    Raises:
        KeyError: there is none.
    """
    if name not in NAMES:
        raise KeyError(name)
    target = importlib.import_module(f"fuzz.targets.{name}").TARGET
    assert isinstance(target, Target)  # every module here defines one
    return target
