"""What the parent refuses to believe."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.examine.checking import check_examination
from sampler.examine.messages import MessageError
from sampler.limits import FIELD_VALUE_MAX_CHARACTERS
from sampler.model import ContentKind, Examination, Field, FieldValue, PartKind, Region, RuleMatch, StringHit

SHA256 = "ab" * 32
SIZE = 100
PLAIN = Examination(SHA256, ContentKind.OTHER, "x/y", "v")


def check(examination: Examination) -> None:
    check_examination(examination, sha256=SHA256, size=SIZE)


@given(offset=st.integers(0, 200), length=st.integers(0, 200))
def test_regions_and_hits_stay_inside(offset: int, length: int) -> None:
    """A region or hit is believed exactly if it lies inside the object."""
    region = replace(PLAIN, regions=(Region(PartKind.SECTION, "", offset, length),))
    hit = replace(PLAIN, matches=(RuleMatch("r", "n", hits=(StringHit("$a", offset, length),), hits_total=1),))
    for examination in (region, hit):
        if offset + length <= SIZE:
            check(examination)
        else:
            with pytest.raises(MessageError, match="not inside an object of 100"):
                check(examination)


@pytest.mark.parametrize("sha256", ["", "ab" * 31 + "AB", "cd" * 32])
def test_another_object(sha256: str) -> None:
    """An answer for another object is refused."""
    with pytest.raises(MessageError, match="another object"):
        check(replace(PLAIN, sha256=sha256))


@pytest.mark.parametrize(
    "name", ["file.mime_type", "file.type", "file.pe.imphash", "file.elf.header.type", "sampler.file.entropy"]
)
def test_what_content_tells(name: str) -> None:
    """Facts of the content are believed."""
    check(replace(PLAIN, fields=(Field(name, "x"),)))


@pytest.mark.parametrize(
    "name",
    [
        "file.path",
        "file.hash.sha256",
        "file.owner",
        "agent.id",
        "process.pid",
        "rule.name",
        "file.pe",
        "sampler.x",
        "sampler.file.trust",
        "sampler.file.origin.zone_id",
        "sampler.file.name.tricks",
    ],
)
def test_what_content_does_not_tell(name: str) -> None:
    """A child cannot say what only the parent knows."""
    with pytest.raises(MessageError, match="content does not tell"):
        check(replace(PLAIN, fields=(Field(name, "x"),)))


@pytest.mark.parametrize(
    "value", ["x" * (FIELD_VALUE_MAX_CHARACTERS + 1), ("x" * 5000,) * 2, float("nan"), float("inf")]
)
def test_values(value: FieldValue) -> None:
    """A value that is too long, or a number that JSON does not have, is refused."""
    with pytest.raises(MessageError):
        check(replace(PLAIN, fields=(Field("file.type", value),)))


@pytest.mark.parametrize("kind", [kind for kind in PartKind if kind not in (PartKind.MEMBER, PartKind.ATTACHMENT)])
def test_only_files_inside_are_of_another_kind(kind: PartKind) -> None:
    """A stretch of a document cannot be passed off as a program; a file that lies in an archive can be one."""
    region = Region(kind, "x", 0, 10, content=ContentKind.EXECUTABLE)
    with pytest.raises(MessageError, match="is a stretch of the object and no executable"):
        check(replace(PLAIN, regions=(region,)))
    check(replace(PLAIN, regions=(replace(region, kind=PartKind.MEMBER), replace(region, content=None))))


@pytest.mark.parametrize("kind", [PartKind.MACRO, PartKind.SCRIPT])
def test_program_text_is_no_program(kind: PartKind) -> None:
    """What is said to be a macro's text is a script or something unsafe, and not a binary."""
    region = Region(kind, "Module1", 0, 10, ("vba:1+0",), ContentKind.SCRIPT)
    check(replace(PLAIN, regions=(region,)))
    with pytest.raises(MessageError, match="is text and no library"):
        check(replace(PLAIN, regions=(replace(region, content=ContentKind.LIBRARY),)))
