from __future__ import annotations

import pytest

from sampler.limits import OBJECT_MAX_BYTES
from sampler.model import ContentKind, Spent
from sampler.permit import SAFE_KINDS, Policy


@pytest.mark.parametrize(
    ("pattern", "path", "excluded"),
    [
        ("/srv/secret", b"/srv/secret", True),
        ("/srv/secret", b"/srv/secret/deep/x", True),
        ("/srv/secret/", b"/srv/secret/x", True),
        ("/srv/secret", b"/srv/secrets/x", False),
        ("/srv/secret", b"/srv/other/../secret/x", True),
        ("/srv/secret", b"//srv///secret//x", True),
        ("/srv/secret", b"/srv/secret/../open", True),
        ("*.docx", b"/home/x/a.docx", True),
        ("*.docx", b"/home/x/a\n.docx", True),
        ("/home/*/private", b"/home/x/private/y", True),
        ("/data/*", b"/data/\xff\xfe", True),
        ("/data/*", b"/Data/x", False),
        ("/data/*", None, False),
    ],
)
def test_excluded_paths(pattern: str, path: bytes | None, excluded: bool) -> None:
    """A folder stands for all in it, globs cross slashes, and no other spelling of a path gets around a pattern."""
    assert Policy(exclude_paths=("/nowhere", pattern)).excluding(path) == (pattern if excluded else None)


@pytest.mark.parametrize("size", [0, -1, OBJECT_MAX_BYTES + 1])
def test_a_ceiling_that_is_none_is_refused(size: int) -> None:
    """The largest whole is at least a byte and at most what is taken at all."""
    with pytest.raises(ValueError, match="whole_max_bytes"):
        Policy(whole_max_bytes=size)


@pytest.mark.parametrize("pattern", ["", "a\0b"])
def test_a_pattern_that_is_none_is_refused(pattern: str) -> None:
    """A pattern that cannot match what was meant is an error, not an open door."""
    with pytest.raises(ValueError, match="pattern"):
        Policy(exclude_paths=(pattern,))


def test_only_known_kinds_are_safe() -> None:
    """Executables, libraries, drivers and scripts are safe; every other kind may hold personal data."""
    assert {ContentKind.EXECUTABLE, ContentKind.LIBRARY, ContentKind.DRIVER, ContentKind.SCRIPT} == SAFE_KINDS


@pytest.mark.parametrize("ceilings", [{"bytes_per_day": -1}, {"objects_per_day": -1}])
def test_a_volume_that_is_none_is_refused(ceilings: dict[str, int]) -> None:
    """A day's ceiling is 0 or more, or absent."""
    with pytest.raises(ValueError, match="a day's ceiling"):
        Policy(**ceilings)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("policy", "spent", "content_bytes", "fits"),
    [
        (Policy(), Spent(2**40, 10**6), 2**30, True),
        (Policy(bytes_per_day=100), Spent(60, 1), 40, True),
        (Policy(bytes_per_day=100), Spent(60, 1), 41, False),
        (Policy(bytes_per_day=0), Spent(), 1, False),
        (Policy(objects_per_day=2), Spent(0, 1), 1, True),
        (Policy(objects_per_day=2), Spent(0, 2), 1, False),
    ],
)
def test_a_day_has_room_for_so_much(policy: Policy, spent: Spent, content_bytes: int, *, fits: bool) -> None:
    """Bytes and objects of 24 hours are counted with what would come to them."""
    assert policy.has_room(spent, content_bytes) is fits
