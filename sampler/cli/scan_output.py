"""How ``sampler scan`` prints: lines for people, NDJSON with ECS names, or the lines of the ``yara`` program."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

import click
import msgspec

from sampler.cli.output import size_text, warn
from sampler.model import RuleMatch
from sampler.scan import RuleWriting
from sampler.sweep import FileFailure, Outcome

if TYPE_CHECKING:  # it takes longer to import than a scan of unchanged files takes
    from sampler.examine.process_memory import ProcessScan

_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_HEX_SHOWN_BYTES: Final = 64
_C_ESCAPES: Final = {7: "a", 8: "b", 9: "t", 10: "n", 11: "v", 12: "f", 13: "r"}


Named: TypeAlias = Callable[[bytes], bytes]
"""What a file is called by whoever named it or a folder above it, by its absolute path."""


@dataclass(frozen=True, slots=True)
class ProcessFailure:
    """A process whose memory was not scanned, and why."""

    pid: int
    code: str
    detail: str


ProcessOutcome: TypeAlias = "ProcessScan | ProcessFailure"


class Output:
    """Standard output, in whole lines. What is worth acting on is written at once, the rest when a buffer is full."""

    def __init__(self) -> None:
        self._stream = sys.stdout.buffer
        self._is_terminal = self._stream.isatty()

    def line(self, line: bytes, *, at_once: bool) -> None:
        """One line, without its end."""
        if self._is_terminal:
            click.echo(line)
            return
        self._stream.write(line + b"\n")
        if at_once:
            self._stream.flush()

    def flush(self) -> None:
        """Write what is still kept."""
        self._stream.flush()


class Printer(Protocol):
    """Prints what becomes of each file."""

    def show(self, outcome: Outcome) -> None:
        """One file."""
        ...

    def show_process(self, outcome: ProcessOutcome) -> None:
        """One process."""
        ...


@dataclass(slots=True)
class Tally:
    """What a scan came to."""

    files: int = 0
    processes: int = 0
    size: int = 0
    found: int = 0
    errors: int = 0
    recalled: int = 0

    def add(self, outcome: Outcome) -> None:
        """Count one file."""
        self.files += 1
        if isinstance(outcome, FileFailure):
            self.errors += 1
            return
        self.size += outcome.scanned.size
        self.found += bool(outcome.scanned.matches)
        self.errors += bool(outcome.problems)
        self.recalled += outcome.recalled

    def add_process(self, outcome: ProcessOutcome) -> None:
        """Count one process."""
        self.processes += 1
        if isinstance(outcome, ProcessFailure):
            self.errors += 1
            return
        self.found += bool(outcome.matches)
        self.errors += bool(outcome.problems)

    def __str__(self) -> str:
        """One line for people."""
        if self.processes:
            return f"{self.processes} processes: {self.found} found, {self.errors} errors"
        recalled = f", {self.recalled} unchanged since they were scanned" if self.recalled else ""
        counted = f"{self.files} files ({size_text(self.size)}){recalled}"
        return f"{counted}: {self.found} found, {self.errors} errors"


@dataclass(slots=True)
class LinePrinter:
    """A line a file, as clamscan's; errors go to standard error."""

    output: Output
    named: Named
    found_only: bool

    def show(self, outcome: Outcome) -> None:
        """One file."""
        name = printable(self.named(outcome.path))
        _warn_of(outcome, name)
        if isinstance(outcome, FileFailure):
            return
        rules = " ".join(match.rule for match in outcome.scanned.matches)
        if rules:
            self.output.line(f"{name}: {_plain(rules)} FOUND".encode(), at_once=True)
        elif not self.found_only and not outcome.problems:
            self.output.line(f"{name}: OK".encode(), at_once=False)

    def show_process(self, outcome: ProcessOutcome) -> None:
        """One process."""
        name = f"process {outcome.pid}"
        _warn_of(outcome, name)
        if isinstance(outcome, ProcessFailure):
            return
        name += f" ({printable(outcome.path)})" if outcome.path else ""
        rules = " ".join(match.rule for match in outcome.matches)
        if rules or not (self.found_only or outcome.problems):
            self.output.line(f"{name}: {f'{_plain(rules)} FOUND' if rules else 'OK'}".encode(), at_once=True)


class Hashes(msgspec.Struct, frozen=True):
    """``file.hash``."""

    sha256: str


class File(msgspec.Struct, frozen=True, omit_defaults=True):
    """``file`` (ECS)."""

    path: str
    size: int | None = None
    mime_type: str = ""
    hash: Hashes | None = None


class Hit(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a string matched."""

    identifier: str
    offset: int
    length: int
    xor_key: int = 0


class Match(msgspec.Struct, frozen=True, omit_defaults=True):
    """One rule; ``name`` and ``ruleset`` as in ECS ``rule``."""

    name: str
    ruleset: str
    tags: list[str]
    meta: list[tuple[str, str | int | bool]]
    hits: list[Hit]
    hits_total: int


class Error(msgspec.Struct, frozen=True):
    """``error`` (ECS)."""

    code: str
    message: str


class Process(msgspec.Struct, frozen=True, omit_defaults=True):
    """``process`` (ECS)."""

    pid: int
    executable: str = ""


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """One file or process on NDJSON."""

    file: File | None = None
    process: Process | None = None
    rule: list[Match] = []
    ruleset_version: str = ""
    recalled: bool = False
    error: list[Error] = []


@dataclass(slots=True)
class NdjsonPrinter:
    """A JSON document a line."""

    output: Output
    named: Named
    found_only: bool
    _encode: Callable[[object], bytes] = field(default_factory=lambda: msgspec.json.Encoder().encode)

    def show(self, outcome: Outcome) -> None:
        """One file."""
        line = self._line(outcome)
        if not self.found_only or line.rule or line.error:
            self.output.line(self._encode(line), at_once=bool(line.rule or line.error))

    def show_process(self, outcome: ProcessOutcome) -> None:
        """One process; the offsets of hits are addresses."""
        if isinstance(outcome, ProcessFailure):
            line = Line(process=Process(outcome.pid), error=[Error(outcome.code, outcome.detail)])
        else:
            line = Line(
                process=Process(outcome.pid, printable(outcome.path or b"")),
                rule=[_match(match) for match in outcome.matches],
                ruleset_version=outcome.ruleset_version,
                error=[Error(problem.code, problem.detail) for problem in outcome.problems],
            )
        if not self.found_only or line.rule or line.error:
            self.output.line(self._encode(line), at_once=True)

    def _line(self, outcome: Outcome) -> Line:
        path = printable(self.named(outcome.path))
        if isinstance(outcome, FileFailure):
            return Line(File(path), error=[Error(outcome.code, outcome.detail)])
        scanned = outcome.scanned
        file = File(path, scanned.size, scanned.mime_type, Hashes(scanned.sha256))
        line = Line(file, ruleset_version=outcome.ruleset_version, recalled=outcome.recalled)
        if not scanned.matches and not outcome.problems:  # as nearly always
            return line
        return msgspec.structs.replace(
            line,
            rule=[_match(match) for match in scanned.matches],
            error=[Error(problem.code, problem.detail) for problem in outcome.problems],
        )


def _match(match: RuleMatch) -> Match:
    hits = [Hit(hit.identifier, hit.offset, hit.length, hit.xor_key) for hit in match.hits]
    return Match(match.rule, match.namespace, list(match.tags), list(match.meta), hits, match.hits_total)


@dataclass(slots=True)
class YaraPrinter:
    """The lines of ``yara`` (4.5), byte for byte: ``rule file``, and what ``-g``, ``-m`` and ``-s`` add."""

    output: Output
    named: Named
    tags: bool
    meta: bool
    strings: bool
    written: Callable[[RuleMatch], RuleWriting]
    """How a rule was written: which of its strings are hex, and their order."""

    def show(self, outcome: Outcome) -> None:
        """One file; as there, files in which nothing was found are not named."""
        path = self.named(outcome.path)
        _warn_of(outcome, printable(path))
        if isinstance(outcome, FileFailure):
            return
        for place, match in enumerate(outcome.scanned.matches):
            self.output.line(self._rule_line(match, path), at_once=not self.strings)
            if self.strings:
                for line in self._string_lines(match, outcome.hit_bytes[place]):
                    self.output.line(line.encode(), at_once=False)
                self.output.flush()
                if match.hits_total > len(match.hits):
                    warn(f"{printable(path)}: {match.rule}: {len(match.hits)} of {match.hits_total} hits are shown")

    def show_process(self, outcome: ProcessOutcome) -> None:
        """One process, by its number; as there, one in which nothing was found is not named."""
        _warn_of(outcome, f"process {outcome.pid}")
        for match in () if isinstance(outcome, ProcessFailure) else outcome.matches:
            self.output.line(self._rule_line(match, b"%d" % outcome.pid), at_once=True)

    def _rule_line(self, match: RuleMatch, path: bytes) -> bytes:
        tags = f"[{','.join(match.tags)}] " if self.tags else ""
        meta = f"[{','.join(_meta_text(name, value) for name, value in match.meta)}] " if self.meta else ""
        return f"{match.rule} {tags}{meta}".encode() + path.replace(b"\n", b"\\n").replace(b"\r", b"\\r")

    def _string_lines(self, match: RuleMatch, contents: tuple[bytes, ...]) -> Iterator[str]:
        writing = self.written(match)
        hits = sorted(zip(match.hits, contents, strict=True), key=lambda pair: writing.place(pair[0].identifier))
        for hit, content in hits:
            shown = _hex_text(content) if hit.identifier in writing.hex_strings else _plain_text(content)
            yield f"0x{hit.offset:x}:{hit.identifier}: {shown}"


def _meta_text(name: str, value: str | int | bool) -> str:
    if isinstance(value, bool):
        return f"{name}={'true' if value else 'false'}"
    if isinstance(value, int):
        return f"{name} ={value}"  # the space is there as well
    return f'{name}="{"".join(map(_escaped, value.encode()))}"'


def _escaped(byte: int) -> str:
    """One byte as in C."""
    if byte in b"\"'\\":
        return "\\" + chr(byte)
    if byte in _C_ESCAPES:
        return "\\" + _C_ESCAPES[byte]
    return chr(byte) if 32 <= byte < 127 else f"\\{byte:03o}"


def _hex_text(content: bytes) -> str:
    return content[:_HEX_SHOWN_BYTES].hex(" ").upper() + (" ..." if len(content) > _HEX_SHOWN_BYTES else "")


def _plain_text(content: bytes) -> str:
    return "".join(chr(byte) if 32 <= byte <= 126 else f"\\x{byte:02X}" for byte in content)


def _warn_of(outcome: Outcome | ProcessOutcome, name: str) -> None:
    """What went wrong with a file or a process, on standard error."""
    troubles = [outcome] if isinstance(outcome, FileFailure | ProcessFailure) else outcome.problems
    for trouble in troubles:
        warn(f"{name}: {_plain(trouble.code)}: {_plain(trouble.detail)}")


def printable(path: bytes) -> str:
    """A path for terminals and JSON: what is not UTF-8 or would steer a terminal is escaped."""
    return _plain(path.decode("utf-8", "backslashreplace"))


def _plain(text: str) -> str:
    """Text that cannot steer a terminal: a child that was taken over may have written it."""
    if text.isprintable():  # said of no control, and found out in less time
        return text
    return _CONTROLS.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def names_as_given(arguments: Mapping[bytes, bytes]) -> Named:
    """How a file below an argument is called by whoever gave it; by absolute argument: as it was given."""

    @lru_cache(maxsize=64)  # files come folder by folder
    def start_of_names(start: bytes) -> bytes:
        top = folder = start.rstrip(b"/") or b"/"
        while top not in arguments:
            above = os.path.dirname(top)
            if above == top:
                return start
            top = above
        return os.path.join(arguments[top], folder[len(top) :].lstrip(b"/"), b"")

    def named(path: bytes) -> bytes:
        if path in arguments:
            return arguments[path]
        name_at = path.rfind(b"/") + 1
        return start_of_names(path[:name_at]) + path[name_at:]

    return named
