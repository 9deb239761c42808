"""The first bytes of what was sent, where they are still on this machine and whoever asks may read them.

While an object waits for delivery its contents lie in the spool; in case the queue asks for more of it, a sealed copy
is kept for some days. Both are the agent's alone, so only root and its user see bytes; the journal has their hashes.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from sampler.agent.places import AgentPlaces
from sampler.agent.previewing import PREVIEW_HEAD_BYTES
from sampler.agent.spool_opening import content_folder, key_ring
from sampler.cli.explain_messages import Explained, ExplainedContent
from sampler.errors import SealError, SpoolError
from sampler.retain.sealed_folder import SealedFolder


@dataclass(frozen=True, slots=True)
class KeptBytes:
    """What one agent still has."""

    places: AgentPlaces

    def shown_in(self, explained: Explained) -> Explained:
        """The same with the first bytes of each content that is still here."""
        retained = self._retained(explained)

        def shown(content: ExplainedContent) -> ExplainedContent:
            head = self._spooled(content)
            if not head and not content.derived:
                head = retained.get(content.offset, b"")[: content.size]
            return msgspec.structs.replace(content, head=head.hex() or None)

        return msgspec.structs.replace(explained, contents=tuple(map(shown, explained.contents)))

    def _spooled(self, content: ExplainedContent) -> bytes:
        try:
            with content_folder(self.places).open(content.sha256) as file:
                return file.read(PREVIEW_HEAD_BYTES)
        except (SpoolError, OSError):
            return b""  # it was delivered, or is not for this user

    def _retained(self, explained: Explained) -> Mapping[int, bytes]:
        """By offset; what was derived from the object lies nowhere in it."""
        wanted = sorted((each.offset, each.size) for each in explained.contents if not each.derived)
        with contextlib.suppress(OSError, SealError, ValueError):  # none is kept, it was damaged, or is for others
            if wanted and self.places.retained.exists():
                with SealedFolder(self.places.retained, key_ring(self.places)).opened(explained.id) as kept:
                    return first_bytes(kept.read(), wanted) if kept else {}
        return {}


def first_bytes(chunks: Iterable[bytes], wanted: Sequence[tuple[int, int]]) -> dict[int, bytes]:
    """The first bytes of stretches, each an offset and a length, in one reading; what lies behind the last is not read.

    Args:
        chunks: the bytes from the start on.
        wanted: in the order of their offsets.
    """
    heads: dict[int, bytes] = {}
    last = max((offset + min(length, PREVIEW_HEAD_BYTES) for offset, length in wanted), default=0)
    position = 0
    for chunk in chunks:
        for offset, length in wanted:
            head = heads.get(offset, b"")
            start = offset + len(head) - position
            if 0 <= start < len(chunk):
                heads[offset] = head + chunk[start : offset + min(length, PREVIEW_HEAD_BYTES) - position]
        position += len(chunk)
        if position >= last:
            break
    return heads
