"""The page on every field: what is known, and what the two statements do with it. ``docs/fields.md`` is its output.

``fields.toml`` says what a field is and where it comes from, the statements whether and how it leaves. Neither repeats
the other, and the tests hold what the code emits against both.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from typing import Final

from sampler.permit.shipped import shipped_names, shipped_statement
from sampler.permit.statement import Statement

_TYPES: Final = frozenset({"keyword", "keyword[]", "long", "float", "boolean", "date", "ip"})
_STAYS: Final = "—"
_HEAD: Final = """\
# Every field, and what becomes of it

Made from `sampler/permit/fields.toml` and the statements by `python -m sampler.permit.fields_page > docs/fields.md`.

Names are those of the Elastic Common Schema; what it lacks stands under `sampler.*`. Types are its types; `[]` is a
list. A field leaves a machine only if its scope is accepted, and then as the treatment says (`docs/statements.md`);
`—` means that it does not leave under that statement. The forms of all regions treat fields alike. *Content* is what a
sandboxed child reads from the object's bytes: whoever made the object chose it. Reserved fields are listed in the
statements and not filled yet."""


@dataclass(frozen=True, slots=True)
class KnownField:
    """One field that Sampler can know."""

    name: str
    group: str
    type: str
    """An ECS type, with ``[]`` behind it for a list."""
    source: str
    meaning: str

    def __post_init__(self) -> None:
        if self.type not in _TYPES:
            raise ValueError(f"{self.name}: {self.type!r} is no type; there are {', '.join(sorted(_TYPES))}")


def known_fields() -> tuple[KnownField, ...]:
    """All of them, in the order of the page."""
    document = tomllib.loads((resources.files("sampler.permit") / "fields.toml").read_text("utf-8"))
    return tuple(KnownField(name, group, *row) for group, rows in document.items() for name, row in rows.items())


def page() -> str:
    """The page, as Markdown."""
    statements = [shipped_statement(name) for name in shipped_names()]
    return "\n".join((_HEAD, *_tables(statements)))


def _tables(statements: list[Statement]) -> Iterator[str]:
    group = ""
    for known in known_fields():
        if known.group != group:
            group = known.group
            yield from _heading(group, statements)
        treatments = (_treatment(known.name, statement) for statement in statements)
        scope = _scope(known.name, statements)
        yield _row(f"`{known.name}`", known.type, known.meaning, known.source, scope, *treatments)
    yield ""


def _heading(group: str, statements: list[Statement]) -> Iterator[str]:
    names = [statement.id for statement in statements]
    yield f"\n## {group}\n"
    yield _row("field", "type", "meaning", "from", "scope", *names)
    yield _row(*["---"] * (5 + len(names)))


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _scope(name: str, statements: list[Statement]) -> str:
    rule = next((rule for statement in statements if (rule := statement.rule_for(name))), None)
    return _STAYS if rule is None else f"`{rule.scope}`"


def _treatment(name: str, statement: Statement) -> str:
    rule = statement.rule_for(name)
    return _STAYS if rule is None else f"`{rule.treatment}`"


if __name__ == "__main__":
    sys.stdout.write(page())
