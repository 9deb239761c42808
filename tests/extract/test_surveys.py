"""Surveys inside surveys: what lies in an object that lies in another."""

from __future__ import annotations

from sampler.extract.extraction import Data, Survey
from sampler.limits import UNPACK_DEPTH_MAX_COUNT
from sampler.model import PartKind, Region


def boxes(data: Data, survey: Survey) -> bool:
    """A toy format: a box is ``[`` and ``]`` around its content, which is a member."""
    if bytes(data[:1]) != b"[":
        return False
    survey.add_field("sampler.file.box", True)
    survey.add_region(PartKind.HEADER, "", 0, 1)
    survey.add_region(PartKind.OVERLAY, "rest", len(data) - 1, 5)
    survey.add_content(PartKind.MEMBER, "in", "box:", bytes(data[1:-1]))
    return True


def test_what_lies_inside_is_found_with_its_recipe_and_its_place() -> None:
    """A member of a member has the steps of both, and a name that says where it lies."""
    survey = Survey(6, reader=boxes)
    assert boxes(b"[[ab]]", survey)
    found = survey.result()
    assert Region(PartKind.MEMBER, "in", 0, 4, ("box:",)) in found.regions
    assert Region(PartKind.MEMBER, "in/in", 0, 2, ("box:", "box:")) in found.regions


def test_stretches_inside_are_cut_where_they_are_worth_it() -> None:
    """An overlay of a member is derived by a range step; its header is no part of the whole; facts are the whole's."""
    survey = Survey(6, reader=boxes)
    boxes(b"[[ab]]", survey)
    found = survey.result()
    assert Region(PartKind.OVERLAY, "in/rest", 0, 1, ("box:", "range:3+1")) in found.regions
    assert [region.kind for region in found.regions].count(PartKind.HEADER) == 1
    assert len(found.fields) == 1
    details = [problem.detail for problem in found.problems]
    assert details == [
        "overlay 'rest': 5 bytes at 5 of an object of 6",
        "in: overlay 'rest': 5 bytes at 3 of an object of 4",
    ]


def test_depth_ends() -> None:
    """Containers are opened so deep and no deeper, which is said once and costs nothing else."""
    data = b"[" * 50 + b"]" * 50
    survey = Survey(len(data), reader=boxes)
    assert boxes(data, survey)
    found = survey.result()
    members = [region for region in found.regions if region.kind is PartKind.MEMBER]
    assert len(members) == UNPACK_DEPTH_MAX_COUNT + 1
    assert [problem.code for problem in found.problems].count("too-deep") == 1
