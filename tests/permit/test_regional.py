from __future__ import annotations

from pathlib import Path

import pytest

import sampler.permit
from sampler.permit import Region, shipped_names, shipped_statement
from sampler.permit.regional import forms, regional_form

FOLDER = Path(sampler.permit.__file__).parent / "statements"


def test_a_form_has_its_own_head_and_the_tables_of_the_world() -> None:
    """What stands before the first field table stays, all that follows is the world's."""
    own, world = 'id = "a-eu"\n[fields.reputation]\n"x" = "keep"\n', 'id = "a"\n[fields.reputation]\n"y" = "drop"\n'
    assert regional_form(own, world) == 'id = "a-eu"\n[fields.reputation]\n"y" = "drop"\n'


@pytest.mark.parametrize(("path", "text"), list(forms(FOLDER)), ids=lambda value: getattr(value, "name", ""))
def test_the_committed_forms_are_current(path: Path, text: str) -> None:
    """A line decided about in one form is decided in all; refresh: python -m sampler.permit.regional."""
    assert path.read_text("utf-8") == text


@pytest.mark.parametrize("name", shipped_names())
def test_all_forms_treat_fields_and_name_purposes_alike(name: str) -> None:
    """What becomes of a field, and what a scope is for, does not depend on the region."""
    world, union = shipped_statement(name), shipped_statement(name, Region.EU)
    assert (union.fields, union.purposes) == (world.fields, world.purposes)
