"""Keeps the regional forms of a statement alike: each has a head of its own and the field tables of the ``world`` form.

``python -m sampler.permit.regional`` writes the field tables of ``NAME.toml`` into ``NAME-REGION.toml``, so that a line
is decided once and every form can still be read, and signed, as a whole file.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from sampler.permit.shipped import shipped_names
from sampler.permit.statement import Region

_FIRST_TABLE: Final = "[fields."


def regional_form(own: str, world: str) -> str:
    """A regional TOML: its own head, and the field tables of the world's."""
    tables = world.partition(_FIRST_TABLE)
    return own.partition(_FIRST_TABLE)[0] + tables[1] + tables[2]


def forms(folder: Path) -> Iterator[tuple[Path, str]]:
    """Each regional TOML of ``folder``, and what is to stand in it."""
    for name in shipped_names():
        world = (folder / f"{name}.toml").read_text("utf-8")
        for region in Region:
            if region is not Region.WORLD:
                path = folder / f"{name}-{region}.toml"
                yield path, regional_form(path.read_text("utf-8"), world)


if __name__ == "__main__":
    for regional, form in forms(Path(__file__).with_name("statements")):
        regional.write_text(form, "utf-8")
