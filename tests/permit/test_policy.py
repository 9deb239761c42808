from __future__ import annotations

import pytest

from sampler.limits import OBJECT_MAX_BYTES
from sampler.model import ContentKind, WholeSwitch
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


@pytest.mark.parametrize("kind", ContentKind)
@pytest.mark.parametrize("switch", WholeSwitch)
def test_only_known_kinds_are_safe(kind: ContentKind, switch: WholeSwitch) -> None:
    """Executables, libraries, drivers and scripts are safe; every other kind needs the switch at all."""
    assert Policy(whole=switch).lets_kind(kind) == (switch is WholeSwitch.ALL or kind in SAFE_KINDS)
    assert {ContentKind.EXECUTABLE, ContentKind.LIBRARY, ContentKind.DRIVER, ContentKind.SCRIPT} == SAFE_KINDS
