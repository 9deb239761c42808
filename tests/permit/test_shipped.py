from __future__ import annotations

from pathlib import Path

import pytest

import sampler.permit
from sampler.errors import ConsentError
from sampler.model import Scope
from sampler.permit import Region, Statement, Treatment, shipped_names, shipped_statement, shipped_statements

FOLDER = Path(sampler.permit.__file__).parent / "statements"


def test_only_what_ships_is_shipped() -> None:
    """A name is not a path."""
    with pytest.raises(ConsentError, match="basic, extended"):
        shipped_statement("../basic")


def test_every_shipped_file_is_one_of_the_named() -> None:
    """Each statement that ships has both its files, and no file lies there that is not one."""
    expected = {f"{statement.id}.{ending}" for statement in shipped_statements() for ending in ("toml", "md")}
    assert {file.name for file in FOLDER.iterdir() if file.is_file()} == expected


@pytest.mark.parametrize("statement", shipped_statements(), ids=str)
def test_a_shipped_statement_says_in_words_what_it_asks(statement: Statement) -> None:
    """Each scope that can be accepted has its paragraph in the text, and every text says how to stop."""
    for scope in statement.scopes:
        assert f"**{scope.value.capitalize()}**" in statement.text
    assert "sampler consent withdraw" in statement.text


@pytest.mark.parametrize("region", Region)
def test_basic_sends_no_byte_of_a_file(region: Region) -> None:
    """The narrow statement has none of the scopes under which contents travel, so that none can be kept."""
    basic = shipped_statement("basic", region)
    assert basic.scopes == {Scope.REPUTATION, Scope.METADATA, Scope.STATISTICS}
    assert basic.retention_days == 0
    assert shipped_statement("extended", region).scopes == frozenset(Scope)


@pytest.mark.parametrize("statement", shipped_statements(), ids=str)
def test_the_text_promises_what_the_list_says(statement: Statement) -> None:
    """The days that originals are kept and the machines that a number needs stand in the text as in the list."""
    assert f"fewer than {statement.statistics_threshold} machines" in statement.text
    assert not statement.retention_days or f"{statement.retention_days} days after they came" in statement.text
    for scope in statement.separate:
        assert f"**{scope.value.capitalize()}**, if you name it" in statement.text


@pytest.mark.parametrize("name", shipped_names())
def test_the_form_of_the_union_is_the_narrower(name: str) -> None:
    """It keeps for a shorter time and counts fewer machines, and what may show most of a person stands apart."""
    world, union = shipped_statement(name), shipped_statement(name, Region.EU)
    assert (world.region, union.region) == (Region.WORLD, Region.EU)
    assert union.retention_days <= world.retention_days
    assert (union.statistics_threshold or 0) > (world.statistics_threshold or 0)
    assert union.separate == union.scopes & {Scope.DOCUMENTS, Scope.ACTIVITY, Scope.MEMORY}


@pytest.mark.parametrize("statement", shipped_statements(), ids=str)
@pytest.mark.parametrize("field", ["host.hostname", "host.name", "host.ip", "host.mac", "user.email", "file.content"])
def test_what_names_the_machine_is_never_listed(statement: Statement, field: str) -> None:
    """The machine's name and addresses have no line in any statement that ships."""
    assert statement.rule_for(field) is None


@pytest.mark.parametrize("statement", shipped_statements(), ids=str)
@pytest.mark.parametrize("field", ["file.name", "file.path", "file.directory", "process.executable", "process.args"])
def test_what_may_name_a_person_is_never_kept(statement: Statement, field: str) -> None:
    """Fields that may hold a person's name are treated in every statement that ships."""
    rule = statement.rule_for(field)
    assert rule is not None
    assert rule.treatment in (Treatment.TEMPLATE, Treatment.REDACT)
