"""What a child does with one process: run the rules over its memory.

It sees nothing of the process but what the sandbox shows it, reads and never writes, and does not stop it.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

from sampler.errors import RulesError, ScanError, ScanTimeout
from sampler.examine.externals import externals_of
from sampler.examine.messages import decode_order, sendable
from sampler.examine.process_messages import (
    MemoryRead,
    NotRead,
    NotReadBecause,
    ReadRequest,
    decode_request,
    encode_answer,
)
from sampler.examine.reports import left_out, report_on, without_rules
from sampler.sandbox import Prepared
from sampler.scan import RuleSet, ScanLimits, ScanResult

_NO_TYPE: Final = "application/octet-stream"
"""Memory has none."""


def prepare(settings: bytes) -> Prepared:
    """Load the rules, all of them together: memory has no beginning by which to leave some out.

    Without a usable rule it reports so, and so does every child.
    """
    order, limits = decode_order(settings)
    try:
        rules = RuleSet.load(replace(order, split=False))
    except RulesError as error:
        return without_rules(error)
    reader = MemoryReader(rules, limits)
    with suppress(ScanError):  # rules that do not end on nothing do not end on anything; each scan says so
        rules.run(b"", externals_of(b"/warm/up", _NO_TYPE, ""), replace(limits, timeout_seconds=1))
    encode_answer(reader.read(ScanResult((), 0)))
    return Prepared(reader.handle, report_on(rules))


@dataclass(frozen=True, slots=True)
class MemoryReader:
    """One rule set, run over the memory of one process."""

    rules: RuleSet
    limits: ScanLimits

    def handle(self, request: bytes, descriptor: int) -> bytes:
        """Scan the process that the request names; the sandbox has seen to it that it is the one of the descriptor.

        Raises:
            ValueError: the request is none.
        """
        return encode_answer(self._scan(decode_request(request)))

    def read(self, found: ScanResult) -> MemoryRead:
        """The answer to what was found."""
        return MemoryRead(self.rules.version, found.matches, found.matches_total, tuple(left_out(found)))

    def _scan(self, order: ReadRequest) -> MemoryRead | NotRead:
        refusal = _refusal(order.pid)
        if refusal is not None:
            return refusal
        compiled = next(iter(self.rules.compiled.values()))
        externals = externals_of(order.path, _NO_TYPE, order.owner)
        try:
            return self.read(compiled.scan_process(order.pid, externals, self.limits))
        except ScanTimeout as error:
            return NotRead(NotReadBecause.TIMEOUT, sendable(str(error)))
        except ScanError as error:
            return NotRead(NotReadBecause.ENGINE, sendable(str(error)))


def _refusal(pid: int) -> NotRead | None:
    """What the kernel says to reading the memory; engines do not tell."""
    try:
        os.close(os.open(f"/proc/{pid}/mem", os.O_RDONLY | os.O_CLOEXEC))
    except PermissionError as error:
        return NotRead(NotReadBecause.PERMISSION, str(error.strerror))
    except OSError as error:
        return NotRead(NotReadBecause.GONE, str(error.strerror))
    return None
