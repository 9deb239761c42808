"""What the agent answers to ``POST /v1/scan`` on its socket: a scan, of which nothing is kept and nothing sent."""

from __future__ import annotations

from sampler.wire.messages import Message


class ScanHit(Message, frozen=True, kw_only=True):
    """One place where a rule's string matched; offset and length in bytes."""

    identifier: str
    offset: int
    length: int
    xor_key: int = 0


class ScanMatch(Message, frozen=True, kw_only=True):
    """One rule that matched."""

    rule: str
    namespace: str
    """The rule file, relative to its rule folder."""
    tags: tuple[str, ...] = ()
    meta: dict[str, str | int | bool]
    """Of a key that a rule has twice, the first."""
    hits: tuple[ScanHit, ...] = ()
    """In the order of their offsets, at most ``SCAN_HITS_PER_RULE_MAX_COUNT``."""
    hits_total: int = 0
    """How many there were."""


class ScanProblem(Message, frozen=True, kw_only=True):
    """Something that could not be done; with one, an answer without matches does not mean that there are none."""

    stage: str
    code: str
    detail: str = ""


class ScanView(Message, frozen=True, kw_only=True):
    """The bytes that were scanned, and what the rules said of them."""

    sha256: str
    size: int
    mime_type: str
    ruleset_version: str
    matches: tuple[ScanMatch, ...] = ()
    problems: tuple[ScanProblem, ...] = ()
