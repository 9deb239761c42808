"""What rule sets are made of, and the name that it has."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from itertools import permutations
from pathlib import Path

import pytest

from sampler.scan.collecting import collect
from sampler.scan.engine import ExternalValue

Write = Callable[..., Path]
GOOD = "rule good { condition: true }"


def test_the_digest_is_of_everything(rule_folder: Write) -> None:
    """Another text, name, problem, variable, value, type or engine gives another digest; the same gives the same."""
    base: dict[str, str | bytes] = {"a.yar": GOOD, "b.yar": GOOD}
    variants: list[tuple[dict[str, str | bytes], str, dict[str, ExternalValue]]] = [
        (base, "yara 1", {}),
        ({"a.yar": GOOD, "b.yar": GOOD + " "}, "yara 1", {}),
        ({"a.yar": GOOD, "c.yar": GOOD}, "yara 1", {}),
        ({"a.yar": GOOD + "b.yar", "b.yar": GOOD[5:]}, "yara 1", {}),
        ({**base, "c.yar": b"\xff"}, "yara 1", {}),
        (base, "yara 2", {}),
        (base, "yara 1", {"a": 1}),
        (base, "yara 1", {"a": 2}),
        (base, "yara 1", {"a": "1"}),
        (base, "yara 1", {"a": True}),
        (base, "yara 1", {"b": 1}),
    ]
    digests = [
        collect([rule_folder(sources, f"rules{place}")], engine, externals).digest
        for place, (sources, engine, externals) in enumerate(variants)
    ]
    assert len(set(digests)) == len(digests)
    again = collect([rule_folder(base, "again")], "yara 1", {})
    assert again.digest == digests[0]
    assert again.version == f"sha256:{digests[0][:16]}"


def test_no_order_of_places_loses_files(rule_folder: Write) -> None:
    """Every file is there once, in whatever order the places are named and however their names clash."""
    places = [rule_folder({"a.yar": GOOD}, name) for name in ("x/own", "y/own", "z/own~2", "z/own")]
    for order in permutations(places):
        collected = collect(order, "yara 1", {})
        assert len(collected.texts) == len(places)
        assert not collected.problems


@pytest.fixture
def ordinary_user() -> Iterator[None]:
    """Root is somebody else for a while; everybody else is already."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_what_cannot_be_read(rule_folder: Write, request: pytest.FixtureRequest) -> None:
    """A file and a folder that may not be read are problems, and not silence."""
    folder = rule_folder({"a.yar": GOOD, "b.yar": GOOD, "sub/c.yar": GOOD})
    for parent in (parent for parent in folder.parents if parent.stat().st_uid == os.geteuid() and parent != Path("/")):
        parent.chmod(parent.stat().st_mode | 0o055)
    (folder / "b.yar").chmod(0)
    (folder / "sub").chmod(0)
    request.addfinalizer(lambda: (folder / "sub").chmod(0o700))
    request.getfixturevalue("ordinary_user")
    collected = collect([folder], "yara 1", {})
    assert list(collected.texts) == ["a.yar"]
    assert [str(problem) for problem in collected.problems] == [
        "b.yar:0: it cannot be read: Permission denied",
        "sub:0: it cannot be read: Permission denied",
    ]


def test_how_a_rule_was_written(rule_folder: Write) -> None:
    """The strings of a rule are told in their order; nothing is told of rules and files that are not there."""
    source = "rule a { strings: $b = { 00 } $a = /x/ condition: all of them }"
    collected = collect([rule_folder({"a.yar": source, "bad.yar": "rule a {"})], "yara 1", {})
    assert collected.writing("a.yar", "a").strings == ("$b", "$a")
    assert collected.writing("a.yar", "a").hex_strings == {"$b"}
    for namespace, rule in [("a.yar", "b"), ("b.yar", "a"), ("bad.yar", "a")]:
        assert collected.writing(namespace, rule).strings == ()
