"""Finds the structure of an object and plans which parts of it are taken.

It owns the reading of file formats (PE through pefile, ELF by itself) and the choice of parts. Every region and part
lies inside the object; what a hostile file breaks costs a ``Problem`` and never an exception. It never runs rules,
never decides what may leave, and reads no bytes but those it is given. ``find_regions`` runs in the sandboxed child,
``plan_parts`` in the parent.
"""

from sampler.extract.extraction import Data, Extraction
from sampler.extract.planning import plan_parts
from sampler.extract.regions import find_regions
from sampler.extract.selectors import is_selector

__all__ = ["Data", "Extraction", "find_regions", "is_selector", "plan_parts"]
