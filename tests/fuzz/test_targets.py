"""Every fuzz target over its own seeds, without the fuzzer."""

from __future__ import annotations

import pytest

from fuzz.target import check
from fuzz.targets import NAMES, load


@pytest.mark.parametrize("name", NAMES)
def test_seeds_are_no_findings(name: str) -> None:
    """Every seed of a target, and its beginnings, keep to what the target promises."""
    target = load(name)
    target.prepare()
    seeds = list(target.seeds())
    assert seeds
    for seed in (b"", *seeds, *(seed[: len(seed) // 2] for seed in seeds)):
        assert len(seed) <= target.max_bytes
        check(target, seed)
