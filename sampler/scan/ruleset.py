"""All rules of some folders, compiled once. A file that does not compile is left out and named; the others run."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from sampler.errors import RulesError
from sampler.limits import SCAN_TIMEOUT_SECONDS, TEXT_MAX_CHARACTERS
from sampler.model import RuleMatch
from sampler.scan.asking import AskError, parse_ask
from sampler.scan.engine import EXTERNALS, Buffer, CompiledRules, RuleHeader, ScanLimits, ScanResult
from sampler.scan.engines.yara import YaraEngine
from sampler.scan.including import FolderIncludes
from sampler.scan.rule_files import RuleFile, RuleFileError, RuleProblem, find_rule_files, read_rule_file

_PROBLEMS_SHOWN_MAX_COUNT: Final = 5
_ENGINE: Final = YaraEngine()
_UNSET: Final = dict.fromkeys(EXTERNALS, "")


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Compiled rules, what they are called together, and what was left out."""

    version: str
    """``sha256:`` and 16 hexadecimal digits over names and contents of what compiled and the engine's version."""
    rule_count: int
    problems: tuple[RuleProblem, ...]
    compiled: CompiledRules

    @classmethod
    def load(cls, folders: Sequence[Path]) -> Self:
        """Read and compile every rule file below ``folders``.

        Raises:
            RulesError: a folder is missing, or no file compiled.
        """
        loader = _Loader()
        for file in find_rule_files(folders):
            loader.add(file)
        if not loader.sources:
            raise RulesError(_nothing_left(folders, loader.problems))
        try:
            compiled = _ENGINE.compile(loader.sources, _UNSET, loader.includes.read)
        except RuleFileError as error:
            raise RulesError(f"the rules compile one by one but not together: {error}") from error
        count = sum(1 for _ in compiled.headers())
        return cls(loader.version(), count, tuple(loader.problems), compiled)

    def scan(
        self, data: Buffer, externals: Mapping[str, str], *, timeout_seconds: int = SCAN_TIMEOUT_SECONDS
    ) -> tuple[RuleMatch, ...]:
        """The matches of all rules in ``data``, sorted by namespace and rule.

        Args:
            data: the object's bytes.
            externals: ``filename filepath extension filetype owner``; an absent one is empty.
            timeout_seconds: for all rules together.

        Raises:
            ScanTimeout: the rules did not end in time.
            ScanError: the engine failed on this object.
        """
        return self.run(data, externals, timeout_seconds=timeout_seconds).matches

    def run(
        self, data: Buffer, externals: Mapping[str, str], *, timeout_seconds: int = SCAN_TIMEOUT_SECONDS
    ) -> ScanResult:
        """As ``scan``, with what had to be left out."""
        return self.compiled.scan(data, externals, ScanLimits(timeout_seconds=timeout_seconds))


class _Loader:
    """Goes through rule files one at a time and keeps those that compile on their own."""

    def __init__(self) -> None:
        self.sources: dict[str, str] = {}
        self.problems: list[RuleProblem] = []
        self.includes = FolderIncludes()

    def add(self, file: RuleFile) -> None:
        """Compile one file by itself; keep its source, or its problem."""
        try:
            self._check_namespace(file.namespace)
            source = read_rule_file(file.folder, file.path)
            self.includes.admit(file)
            alone = _ENGINE.compile({file.namespace: source}, _UNSET, self.includes.read)
        except RuleFileError as error:
            why = self.includes.refusal or str(error)
            self.problems.append(RuleProblem(file.namespace, error.line, why))
            return
        self.sources[file.namespace] = source
        for header in alone.headers():
            self._check_ask(file.namespace, source, header)

    def version(self) -> str:
        """The digest of everything that compiled, what it includes as well."""
        digest = hashlib.sha256(_ENGINE.version.encode())
        for name, text in (*sorted(self.sources.items()), *sorted(self.includes.texts.items())):
            for part in (name.encode(), text.encode()):
                digest.update(len(part).to_bytes(8, "big") + part)
        return f"sha256:{digest.hexdigest()[:16]}"

    def _check_namespace(self, namespace: str) -> None:
        if len(namespace) > TEXT_MAX_CHARACTERS:
            raise RuleFileError(f"its path has more than {TEXT_MAX_CHARACTERS} characters")
        if namespace in self.sources:
            raise RuleFileError("another rule file has the same name once its bytes are made printable")

    def _check_ask(self, namespace: str, source: str, header: RuleHeader) -> None:
        try:
            parse_ask(header.meta)
        except AskError as error:
            message = f"rule {header.name} asks for its metadata only: {error}"
            self.problems.append(RuleProblem(namespace, _line_of(header.name, source), message))


def _line_of(rule: str, source: str) -> int:
    """The line on which a rule begins; 0 if it stands in an included file."""
    found = re.search(rf"\brule\s+{re.escape(rule)}\b", source)
    return source.count("\n", 0, found.start()) + 1 if found else 0


def _nothing_left(folders: Sequence[Path], problems: Sequence[RuleProblem]) -> str:
    where = ", ".join(str(folder) for folder in folders) or "no folder at all"
    if not problems:
        return f"{where}: no rule file (*.yar, *.yara) is there; add rules or name another folder"
    shown = "; ".join(str(problem) for problem in problems[:_PROBLEMS_SHOWN_MAX_COUNT])
    return f"{where}: none of {len(problems)} rule files can be used: {shown}"
