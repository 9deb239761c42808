"""Finds the structure of an object and plans which parts of it are taken.

It owns the reading of file formats, one file each, the making of derived bytes by recipe, and the choice of parts.
Every stretch lies inside the object; what a hostile file breaks costs a ``Problem`` and never an exception. It never
runs rules, never decides what may leave, and reads no bytes but those it is given. ``find_regions`` and ``derive`` run
in the sandboxed child, ``choose_parts`` and ``plan_parts`` in the parent.
"""

from sampler.extract.boot import KnownSectors, boot_records
from sampler.extract.extraction import Data, Extraction
from sampler.extract.formats import FORMATS, derive
from sampler.extract.planning import Choice, choose_parts, plan_parts, title_of
from sampler.extract.regions import find_regions
from sampler.extract.selectors import is_selector

__all__ = [
    "FORMATS",
    "Choice",
    "Data",
    "Extraction",
    "KnownSectors",
    "boot_records",
    "choose_parts",
    "derive",
    "find_regions",
    "is_selector",
    "plan_parts",
    "title_of",
]
