"""The rules of a comparison: the same files for both sides, and their compiled form for the ``yara`` program."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

import yara

EXTERNALS: Final = ("filename", "filepath", "extension", "filetype", "owner")
"""What public rule sets expect to be defined; all texts."""
FIFTY: Final = 50

_UNSET: Final = dict.fromkeys(EXTERNALS, "")
_ANY: Final = "any of them"
_PE: Final = "uint16(0) == 0x5A4D and any of them"
_ELF: Final = "uint32(0) == 0x464C457F and any of them"
_FINDABLE: Final = (
    ("/etc/shadow", _ANY),
    ("CreateProcess", _PE),
    ("execve", _ELF),
    ("private key", _ANY),
    ("ShellExecute", _PE),
    ("LD_PRELOAD", _ELF),
    ("cmd.exe", _ANY),
)
"""What half of the generated rules look for, and where: of a hundred files of the corpus, about one has some of it. The
other half looks for what none has."""


class RuleSetError(Exception):
    """Rules to compare with cannot be had; ``str()`` says why."""


@dataclass(frozen=True)
class RuleSet:
    """A folder of rule files of which every one compiles, and the same rules compiled."""

    folder: Path
    compiled: Path
    rule_count: int
    sources: Mapping[str, str]
    """By namespace: the path relative to the folder."""
    see_externals: frozenset[str]
    """Namespaces of files that use an external variable: those that do not compile when none is defined."""
    left_out: tuple[str, ...]
    """Files of the folder it was copied from that do not compile."""


def fifty_rules(shipped: Path, bench: Path) -> RuleSet:
    """The rules that ship with Sampler, and as many plain ones as make fifty together.

    Raises:
        RuleSetError: more than fifty ship, or one of them does not compile.
    """
    sources = dict(_read(shipped))
    missing = FIFTY - _count(yara.compile(sources=sources, externals=_UNSET))
    if missing < 0:
        raise RuleSetError(f"{shipped} has {FIFTY - missing} rules, more than {FIFTY}")
    return _rule_set({**sources, **_generated(missing)}, bench / "rules-50")


def large_set(folder: Path, bench: Path) -> RuleSet:
    """All rule files of a folder that compile, and some plain rules, so that both sides have something to find.

    Raises:
        RuleSetError: there is no rule file.
    """
    sources = dict(_read(folder))
    if not sources:
        raise RuleSetError(f"{folder}: no rule file (*.yar, *.yara) is there")
    return _rule_set({**sources, **_generated(2 * len(_FINDABLE))}, bench / "rules-large")


def plain_rule(number: int) -> str:
    """A rule without modules; the same text for the same number, always."""
    noise = sha256(f"plain rule {number}".encode()).hexdigest()
    word, condition = _FINDABLE[number // 2 % len(_FINDABLE)] if number % 2 else (noise[:12], _ANY)
    return f"""rule bench_plain_{number:02}
{{
    strings:
        $text = "{word}" nocase ascii wide
        $bytes = {{ {noise[12:20]} [2-8] {noise[20:28]} }}
        $pattern = /{noise[28:33]}[a-z0-9]{{4,12}}{noise[33:36]}/

    condition:
        {condition}
}}
"""


def compile_for_python(sources: Mapping[str, str]) -> yara.Rules:
    """The rules, to be run from here."""
    return yara.compile(sources=dict(sources), externals=_UNSET)


def _generated(count: int) -> dict[str, str]:
    return {"bench/generated.yar": "\n".join(plain_rule(number) for number in range(count))}


def _rule_set(sources: Mapping[str, str], folder: Path) -> RuleSet:
    """Write what compiles into a folder of its own, so that both sides run the same and nothing else."""
    kept: dict[str, str] = {}
    left_out: list[str] = []
    for namespace, text in sources.items():
        if _compiles(text, _UNSET):
            kept[namespace] = text
        else:
            left_out.append(namespace)
    compiled = compile_for_python(kept)
    _write(kept, folder)
    saved = folder.with_suffix(".compiled")
    compiled.save(str(saved))
    seeing = frozenset(namespace for namespace, text in kept.items() if not _compiles(text, {}))
    return RuleSet(folder, saved, _count(compiled), kept, seeing, tuple(left_out))


def _compiles(text: str, externals: Mapping[str, str]) -> bool:
    try:
        yara.compile(source=text, externals=dict(externals), includes=False)
    except yara.Error:
        return False
    return True


def _write(sources: Mapping[str, str], folder: Path) -> None:
    """Write the files anew only when one differs: an unchanged folder keeps caches of its rules valid."""
    if folder.is_dir() and dict(_read(folder)) == dict(sources):
        return
    shutil.rmtree(folder, ignore_errors=True)
    for namespace, text in sources.items():
        file = folder / namespace
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")


def _read(folder: Path) -> Iterator[tuple[str, str]]:
    for file in sorted(folder.rglob("*.yar*")):
        if file.suffix in {".yar", ".yara"}:
            yield str(file.relative_to(folder)), file.read_text("utf-8-sig")


def _count(compiled: yara.Rules) -> int:
    return sum(1 for _ in compiled)
