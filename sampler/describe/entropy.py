"""Shannon entropy of an object's bytes: 0 where all are alike, 8 where all values are equally frequent."""

from __future__ import annotations

import math
from collections import Counter
from typing import Final

from sampler.describe.content_data import Data, read
from sampler.limits import MIB

ENTROPY_MAX_BYTES: Final = 16 * MIB
"""How much of an object is measured, from its start."""
_CHUNK_BYTES: Final = 1 * MIB


def entropy_of(data: Data) -> float:
    """Bits a byte, rounded to three digits, of the first ``ENTROPY_MAX_BYTES``; 0.0 for no bytes."""
    counts: Counter[int] = Counter()
    end = min(len(data), ENTROPY_MAX_BYTES)
    for offset in range(0, end, _CHUNK_BYTES):
        counts.update(read(data, offset, min(_CHUNK_BYTES, end - offset)))
    total = counts.total()
    return round(sum(-count / total * math.log2(count / total) for count in counts.values()), 3) + 0.0
