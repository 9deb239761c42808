"""What every rule says about itself."""

from __future__ import annotations

import re
import uuid
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

from sampler.limits import MATCH_CONTEXT_MAX_BYTES
from sampler.model import PartKind, Sampling

REQUIRED = {"author", "description", "date", "reference", "severity", "sampling", "license", "uuid"}
OPTIONAL = {"parts", "context"}
SEVERITIES = {"info", "low", "medium", "high", "critical"}


def problems_of(meta: dict[str, Any]) -> list[str]:
    found = [f"no {key}" for key in REQUIRED - meta.keys()] + [
        f"unknown {key}" for key in meta.keys() - REQUIRED - OPTIONAL
    ]
    if found:
        return found
    checks = {
        "severity": meta["severity"] in SEVERITIES,
        "sampling": meta["sampling"] in list(Sampling),
        "reference": re.fullmatch(r"https://[^\s]+", meta["reference"]) is not None,
        "license": meta["license"] == "Apache-2.0",
        "author": meta["author"] == "Sampler project",
        "description": 20 <= len(meta["description"]) <= 200,
        "date": date.fromisoformat(meta["date"]) >= date(2026, 1, 1),
        "uuid": str(uuid.UUID(meta["uuid"])) == meta["uuid"],
        "parts": all(map(is_selector, meta["parts"].split(","))) if "parts" in meta else meta["sampling"] != "parts",
        "context": ("context" in meta) == ("matches" in meta.get("parts", "").split(",")),
        "context's size": 0 < meta.get("context", 1) <= MATCH_CONTEXT_MAX_BYTES,
    }
    return [f"bad {key}" for key, holds in checks.items() if not holds]


def is_selector(text: str) -> bool:
    kind, colon, name = text.partition(":")
    if colon:
        return kind in (PartKind.SECTION, PartKind.RESOURCE) and bool(name)
    return kind in ("matches", "programs") or kind in set(PartKind) - {PartKind.MATCH}


def test_every_rule_has_the_metadata_that_the_pipeline_and_people_need(compiled: dict[Path, Any]) -> None:
    """Required keys are there, values are of the closed sets, and parts and context go together."""
    wrong = {rule.identifier: problems_of(rule.meta) for rules in compiled.values() for rule in rules}
    assert {name: found for name, found in wrong.items() if found} == {}


def test_what_is_wrong_with_metadata_is_seen(every_rule: dict[str, Any]) -> None:
    """The check above refuses a selector that does not exist, matches without context, and an unknown key."""
    sound = dict(every_rule["PE_Overlay_Archive"].meta)
    assert problems_of(sound) == []
    assert problems_of({**sound, "parts": "header,overlays"}) == ["bad parts"]
    assert problems_of({**sound, "parts": "matches"}) == ["bad context"]
    assert problems_of({**sound, "score": 80}) == ["unknown score"]


def test_names_and_uuids_are_unique(compiled: dict[Path, Any]) -> None:
    """No two rules share a name or a UUID, whatever files they are in."""
    rules = [rule for rules in compiled.values() for rule in rules]
    for values in ([rule.identifier for rule in rules], [rule.meta["uuid"] for rule in rules]):
        assert [value for value, count in Counter(values).items() if count > 1] == []


def test_the_families_that_the_pack_promises_are_there(compiled: dict[Path, Any]) -> None:
    """At least twenty rules, over programs, scripts, documents, archives, images of disks and the test file."""
    families = Counter(file.parent.name for file, rules in compiled.items() for _ in rules)
    assert families.total() >= 20
    assert {"pe", "elf", "macho", "script", "document", "archive", "link", "disk", "known", "test"} == set(families)
