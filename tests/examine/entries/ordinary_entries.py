"""The entry for processes, in a nursery that is no longer root's."""

from __future__ import annotations

import os

from sampler.examine import process_child
from sampler.sandbox import Prepared

NOBODY = 65534


def prepare(settings: bytes) -> Prepared:
    """Load the rules, then give up being root."""
    prepared = process_child.prepare(settings)
    if os.geteuid() == 0:
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setgroups([])
        os.setresuid(NOBODY, NOBODY, NOBODY)
    return prepared
