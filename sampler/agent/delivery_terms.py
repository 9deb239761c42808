"""What the settings let deliveries take, as the value that these are given."""

from __future__ import annotations

from typing import Final

from sampler.agent.settings import QueueSection
from sampler.runtime.hours import Hours
from sampler.upload import Terms

OBJECTS_PER_CONTENT: Final = 8
"""Objects that are under way for each content that may travel: most wait for their turn, and are offered together."""


def terms_of(queue: QueueSection) -> Terms:
    """``[queue]`` as it concerns deliveries."""
    return Terms(
        bytes_per_second=queue.bytes_per_second,
        hours=Hours(queue.hours),
        hours_above_bytes=queue.hours_above_bytes,
        contents_at_once=queue.parallel,
        compress=queue.compress,
        proxy=queue.proxy,
    )
