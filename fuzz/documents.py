"""What targets of document formats share: regions inside, fields that may leave, recipes that make what they say."""

from __future__ import annotations

from typing import Final

from fuzz.judging import examination_of, judge
from sampler.extract import derive, find_regions
from sampler.model import ContentKind

REPLAYED_MAX_COUNT: Final = 8
"""Recipes of one input that are replayed; each reads the whole again."""


def judge_document(data: bytes) -> None:
    """Never an exception; each of the first recipes makes as many bytes as the survey said."""
    found = find_regions(data, ContentKind.DOCUMENT, "application/octet-stream")
    judge(examination_of(regions=found.regions, fields=found.fields, problems=found.problems), len(data))
    derived = [region for region in found.regions if region.recipe]
    for region in derived[:REPLAYED_MAX_COUNT]:
        assert len(derive(data, region.recipe)) == region.length, region
