"""The samples of the demo and what is expected of each, from samples_fixture/."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from sampler.errors import SettingsError
from sampler.model import ContentKind, ObjectState, Sampling, Scope


class Expectation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``expected.json`` beside a sample; samples_fixture/README.md explains each key."""

    file: str
    sha256: str
    size: int
    origin: str
    license: str
    kind: ContentKind
    matches: list[str]
    sampling: Sampling
    sent: str
    state: ObjectState
    verdict: str | None
    parts: list[tuple[str, str]] = []
    detections: list[str] = []


@dataclass(frozen=True, slots=True)
class Case:
    """One sample: ``family/case``, its file, and what is expected."""

    name: str
    file: Path
    expected: Expectation


def load_cases(folder: Path, scopes: frozenset[Scope]) -> tuple[Case, ...]:
    """Every sample below the folder, by name, with what is expected of it under a statement with these scopes.

    Raises:
        SettingsError: an ``expected.json`` is not as its README says, or its sample is absent.
    """
    cases = tuple(_under(_load(folder, file), scopes) for file in sorted(folder.glob("*/*/expected.json")))
    if not cases:
        raise SettingsError(f"{folder}: holds no samples")
    return cases


def _under(case: Case, scopes: frozenset[Scope]) -> Case:
    """``expected.json`` is for all scopes; a whole or parts that are not accepted do not go, the metadata does."""
    if case.expected.sent not in {Scope.WHOLE, Scope.PARTS} or case.expected.sent in scopes:
        return case
    return replace(case, expected=msgspec.structs.replace(case.expected, sent="metadata", parts=[]))


def _load(folder: Path, file: Path) -> Case:
    try:
        expected = msgspec.json.decode(file.read_bytes(), type=Expectation)
    except msgspec.DecodeError as error:
        raise SettingsError(f"{file}: {error}") from error
    sample = file.parent / expected.file
    if not sample.is_file():
        raise SettingsError(f"{sample}: {file.name} names it, but it is not there")
    return Case(file.parent.relative_to(folder).as_posix(), sample, expected)
