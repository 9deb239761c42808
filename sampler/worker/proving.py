"""Whether a downloaded part belongs to the object that it is said to be of; the object itself is not needed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path

from sampler.limits import COPY_CHUNK_BYTES
from sampler.model import Proof
from sampler.wire.messages import ObjectMessage, StoredContent
from sampler.wire.proofs import belongs


class Standing(StrEnum):
    """What is known of a content's belonging."""

    WHOLE = "whole"
    """It is the object itself: its SHA-256 says so."""
    PROVEN = "proven"
    """It lies where it is said to, in the object whose tree has the manifest's root."""
    DERIVED = "derived"
    """It was made from the object by its recipe; only who has the object can repeat that."""
    UNPROVEN = "unproven"
    """Its host sent no proof."""
    FALSE = "false"
    """Its proof does not hold: these bytes are not where they are said to be."""


def standing_of(whole: ObjectMessage, content: StoredContent, file: Path) -> Standing:
    """How a content stands to its object. Blocking; reads the whole file.

    Args:
        whole: the object, as the manifest names it.
        content: one of the manifest's contents.
        file: its bytes, checked against its SHA-256 before.
    """
    return standing_of_bytes(whole, content, _chunks(file))


def standing_of_bytes(whole: ObjectMessage, content: StoredContent, pieces: Iterable[bytes]) -> Standing:
    """The same of bytes that lie nowhere by themselves; they are only read where there is something to prove."""
    part = content.part
    if part is None:
        return Standing.WHOLE
    if part.recipe:
        return Standing.DERIVED
    if part.proof is None or whole.tree_root is None:
        return Standing.UNPROVEN
    proof = Proof(part.proof.before, part.proof.after, tuple(part.proof.nodes))
    holds = belongs(whole.tree_root, whole.size, part.offset, pieces, proof)
    return Standing.PROVEN if holds else Standing.FALSE


def _chunks(file: Path) -> Iterator[bytes]:
    with file.open("rb") as opened:
        while chunk := opened.read(COPY_CHUNK_BYTES):
            yield chunk
