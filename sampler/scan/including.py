"""YARA's ``include``, confined: an included file lies in the rule folder of the file that includes it."""

from __future__ import annotations

import os
from pathlib import Path

from sampler.scan.rule_files import RuleFile, RuleFileError, printable, read_rule_file


class FolderIncludes:
    """Answers YARA's requests for included files and remembers what it gave.

    YARA tells an included file that includes another one only by the name it was included under, so that name is kept
    for each namespace. An include is looked for beside the including file first, then from the rule folder down.
    """

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        """Everything that was included, by the namespace that wanted it and the path within its folder."""
        self.refusal = ""
        """Why the last include was refused; empty if none was since the last file was admitted."""
        self._files: dict[str, RuleFile] = {}
        self._places: dict[tuple[str, str], Path] = {}

    def admit(self, file: RuleFile) -> None:
        """Answer for this rule file from now on."""
        self._files[file.namespace] = file
        self.refusal = ""

    def read(self, wanted: str, including: str | None, namespace: str) -> str | None:
        """The source text of ``wanted``; ``None`` makes YARA refuse the file that includes it."""
        file = self._files[namespace]
        beside = file.path if including is None else self._places[namespace, including]
        for start in (beside.parent, file.folder):
            path = Path(start, wanted)
            try:
                text = read_rule_file(file.folder, path)
            except RuleFileError as error:
                self.refusal = f'include "{wanted}" is refused: {error}'
                continue
            self._places[namespace, wanted] = path
            self.texts[f"{namespace}\0{printable(Path(os.path.realpath(path)).relative_to(file.folder))}"] = text
            self.refusal = ""
            return text
        return None
