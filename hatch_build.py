"""Puts the rules and samples into a wheel; a checkout installed as editable has them beside the package already."""

from __future__ import annotations

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ShippedFolders(BuildHookInterface[Any]):
    """Adds ``rules`` and ``samples_fixture`` where ``sampler.runtime.places.shipped`` looks for them."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "standard":
            for folder in ("rules", "samples_fixture"):
                build_data["force_include"][folder] = f"sampler/_shipped/{folder}"
