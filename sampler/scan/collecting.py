"""Everything that a rule set is made of, read from disk: the texts, and the name that they have together."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sampler.limits import TEXT_MAX_CHARACTERS
from sampler.scan.engine import ExternalValue
from sampler.scan.including import Expanded, expand
from sampler.scan.rule_files import RuleFile, RuleFileError, RuleProblem, find_rule_files
from sampler.scan.source import OutlineError, RuleWriting, outline


@dataclass(frozen=True, slots=True)
class Collected:
    """Rule texts that are ready to compile, by namespace."""

    texts: Mapping[str, Expanded]
    problems: tuple[RuleProblem, ...]
    """Files that could not be read."""
    digest: str
    """SHA-256, hexadecimal, over the engine's version, the external variables, and all names and texts."""

    def writing(self, namespace: str, rule: str) -> RuleWriting:
        """How a rule was written; nothing is known of one that is not found."""
        try:
            rules = outline(self.texts[namespace].text).rules if namespace in self.texts else ()
        except OutlineError:
            rules = ()
        return next((found.writing for found in rules if found.name == rule), RuleWriting())

    @property
    def version(self) -> str:
        """What the rule set is called: ``sha256:`` and 16 hexadecimal digits."""
        return f"sha256:{self.digest[:16]}"


def collect(places: Sequence[Path], engine_version: str, externals: Mapping[str, ExternalValue]) -> Collected:
    """Read the rule files of folders, files and packs; a file that cannot be read becomes a problem.

    Raises:
        RulesError: a place is missing or is no place of rules.
    """
    texts: dict[str, Expanded] = {}
    problems: list[RuleProblem] = []
    for file in find_rule_files(places):
        try:
            _check_namespace(file, texts)
            texts[file.namespace] = expand(file)
        except RuleFileError as error:
            problems.append(RuleProblem(file.namespace, error.line, str(error)))
    return Collected(texts, tuple(problems), _digest(engine_version, externals, texts, problems))


def _check_namespace(file: RuleFile, texts: Mapping[str, Expanded]) -> None:
    if len(file.namespace) > TEXT_MAX_CHARACTERS:
        raise RuleFileError(f"its path has more than {TEXT_MAX_CHARACTERS} characters")
    if file.namespace in texts:
        raise RuleFileError("another rule file has the same name once its bytes are made printable")


def _digest(
    engine_version: str,
    externals: Mapping[str, ExternalValue],
    texts: Mapping[str, Expanded],
    problems: Iterable[RuleProblem],
) -> str:
    digest = hashlib.sha256()
    declared = (f"{name}={value!r}" for name, value in sorted(externals.items()))
    sources = (part for name, expanded in sorted(texts.items()) for part in (name, expanded.text))
    for group in ([engine_version], declared, sources, map(str, problems)):
        for part in group:
            data = part.encode("utf-8", "surrogatepass")
            digest.update(len(data).to_bytes(8, "big") + data)
        digest.update(bytes(8))
    return digest.hexdigest()
