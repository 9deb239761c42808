"""What a scanning engine is: the interface that all engines have, and the values that go in and come out.

Invariants of every engine: its errors become ours, what it yields is bounded in number, a scan has a deadline, and the
same rules over the same bytes give the same answer. No engine reads a rule file, follows an ``include`` or opens an
object; nothing here imports one.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

from sampler.limits import HITS_PER_RULE_MAX_COUNT, MATCHES_MAX_COUNT, SCAN_TIMEOUT_SECONDS
from sampler.model import RuleMatch
from sampler.scan.asking import MetaValue

Buffer: TypeAlias = bytes | bytearray | memoryview | mmap.mmap
ExternalValue: TypeAlias = str | int | float | bool

EXTERNALS: Final = ("filename", "filepath", "extension", "filetype", "owner")
"""External variables that every rule may use; all are texts."""


@dataclass(frozen=True, slots=True)
class RuleHeader:
    """What is known of one compiled rule without scanning."""

    name: str
    namespace: str
    """Empty where the engine does not tell: yara-python's does so only for rules of one namespace."""
    meta: Mapping[str, MetaValue]
    tags: tuple[str, ...]
    is_private: bool
    """False also where the engine does not tell."""
    is_global: bool
    """False also where the engine does not tell."""


@dataclass(frozen=True, slots=True)
class ScanLimits:
    """How long one scan may take and how much of its result is kept."""

    timeout_seconds: int = SCAN_TIMEOUT_SECONDS
    """For all rules together; at least 1."""
    matches_max_count: int = MATCHES_MAX_COUNT
    hits_per_rule_max_count: int = HITS_PER_RULE_MAX_COUNT
    fast: bool = False
    """Hits that no condition asks for may be missing; the rules that match are the same."""

    def __post_init__(self) -> None:
        if self.timeout_seconds < 1:
            raise ValueError(f"a scan has a deadline of at least 1 s, not {self.timeout_seconds}")
        if not 0 <= self.matches_max_count <= MATCHES_MAX_COUNT:
            raise ValueError(f"at most {MATCHES_MAX_COUNT} matches are kept, not {self.matches_max_count}")
        if not 0 <= self.hits_per_rule_max_count <= HITS_PER_RULE_MAX_COUNT:
            raise ValueError(f"at most {HITS_PER_RULE_MAX_COUNT} hits are kept, not {self.hits_per_rule_max_count}")


@dataclass(frozen=True, slots=True)
class ScanResult:
    """What one scan found, and what of it was left out."""

    matches: tuple[RuleMatch, ...]
    """Sorted by namespace and rule."""
    matches_total: int
    """How many there were, kept or not."""
    overflows: tuple[str, ...] = ()
    """``rule $string`` where the engine stopped counting hits; the match itself stands."""


class CompiledRules(Protocol):
    """Rules that are ready to scan; safe to share by forking."""

    def headers(self) -> Iterator[RuleHeader]:
        """Every rule, private ones included."""
        ...

    def scan(self, data: Buffer, externals: Mapping[str, ExternalValue], limits: ScanLimits) -> ScanResult:
        """Run all rules over ``data``.

        Args:
            data: the object's bytes, scanned where they lie if the engine can.
            externals: values for this scan; a variable without one has the value it was compiled with, and a value for
                a variable that was not compiled in is passed over.
            limits: of time and of what is kept.

        Raises:
            ScanTimeout: they did not end within ``limits.timeout_seconds``.
            ScanError: the engine failed on this object, or a value is not of its variable's type.
        """
        ...

    def scan_process(self, pid: int, externals: Mapping[str, ExternalValue], limits: ScanLimits) -> ScanResult:
        """Run all rules over the memory of a process; offsets are addresses.

        A process that ends during the scan can look like one without matches: whoever asks holds a pidfd and looks at
        it afterwards.

        Raises:
            ScanTimeout: they did not end within ``limits.timeout_seconds``.
            ScanError: the memory cannot be read, or this engine cannot scan processes.
        """
        ...

    def save(self) -> bytes | None:
        """The compiled form, for ``Engine.load``; ``None`` where this engine's cannot be kept."""
        ...


class Engine(Protocol):
    """One library that runs YARA rules."""

    @property
    def name(self) -> str:
        """``yara``, ``yara-x`` or ``boreal``."""
        ...

    @property
    def version(self) -> str:
        """``yara 4.5.4``: part of a rule set's version, and of the keys of what is cached."""
        ...

    def compile(self, sources: Mapping[str, str], externals: Mapping[str, ExternalValue]) -> CompiledRules:
        """Compile sources, each in the namespace that is its key. An ``include`` in them is an error.

        Args:
            sources: rule texts by namespace.
            externals: the variables that rules may use; a value gives its variable's type, and what it is in a scan
                that gives none.

        Raises:
            RuleFileError: one of them does not compile; it has the line.
            RulesError: together they are more than the engine takes.
        """
        ...

    def load(self, data: bytes) -> CompiledRules:
        """Compiled rules again, from what ``save`` gave; never from anybody else, for engines run them as code.

        Raises:
            RulesError: this engine refuses them.
        """
        ...
