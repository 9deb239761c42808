from __future__ import annotations

import pytest

from sampler.errors import NotDerivable
from sampler.extract import derive
from sampler.extract.derivation import replay


def test_a_recipe_is_replayed_step_by_step() -> None:
    """Each step works on what the step before it made; no step makes the object itself."""
    assert derive(b"0123456789", ()) == b"0123456789"
    assert derive(b"0123456789", ("range:2+6", "range:1+3")) == b"345"


@pytest.mark.parametrize(
    "step",
    ["range:", "range:1", "range:-1+2", "range:1+-2", "range:8+3", "range:0+0", "range:11+1", "range:1+2+3",
     "range: 1+2", "range:²+1", "range:0+" + "9" * 5000, "nothing:1", "", "range"],
)  # fmt: skip
def test_a_step_that_does_not_apply_is_said_by_name(step: str) -> None:
    """Unknown steps and ranges that do not lie in the bytes make nothing."""
    with pytest.raises(NotDerivable, match=r"step|range"):
        derive(b"0123456789", (step,))


def test_every_step_is_told_its_ceiling() -> None:
    """A step gets the argument behind the first colon, and how many bytes it may make."""
    seen = []

    def step(data: object, argument: str, ceiling: int) -> bytes:
        seen.append((argument, ceiling))
        return b"made"

    assert replay(b"", ("zip:3:infected",), {"zip": step}) == b"made"
    assert seen == [("3:infected", 32 * 1024 * 1024)]
