"""A statement's two files, as root's disk holds them: TOML, two zero bytes, Markdown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from fuzz.target import Target
from sampler.errors import ConsentError
from sampler.limits import KIB, MIB
from sampler.model import Scope
from sampler.permit import parse_statement, shipped_names, shipped_statement
from sampler.permit.treatments import Treatment

_BETWEEN: Final = b"\0\0"


def one_input(data: bytes) -> None:
    """It is refused by ``ConsentError``, or every line of it is of a known scope and treatment."""
    toml, _, text = data.partition(_BETWEEN)
    try:
        statement = parse_statement(toml, text)
    except ConsentError as error:
        assert str(error)
        return
    assert statement.scopes <= frozenset(Scope)
    assert all(treatment in Treatment for treatment in statement.fields.values())
    assert statement.version < 2**63
    for pattern in statement.rules:
        statement.rule_for(pattern.removesuffix(".*"))
    assert parse_statement(statement.data, statement.text.encode()).digest == statement.digest


def _seeds() -> Iterator[bytes]:
    for name in shipped_names():
        statement = shipped_statement(name)
        yield statement.data + _BETWEEN + statement.text.encode()
    yield b'id="a"\nversion=1\ntitle="t"\n[scopes]\nmetadata="m"\n[fields.metadata]\n"file.pe.*"="keep"\n\0\0x'


TARGET: Final = Target(
    one_input,
    _seeds,
    tokens=(
        b"[scopes]\n", b"[fields.metadata]\n", b"version = ", b"0xffffffffffffffffffff", b"1979-05-27T07:32:00Z",
        b'"""', b"'''", b"[[", b"a.b.c = ", b"\\U0010FFFF", b"\\ud800", b"inf", b"nan",
        b"{a = {", b'"keep"', b'"drop"', b".*",
    ),
    max_bytes=16 * KIB,
    memory_max_bytes=64 * MIB,
)  # fmt: skip
