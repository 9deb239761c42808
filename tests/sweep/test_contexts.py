"""What a result depends on beside the bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.examine import externals_of
from sampler.scan import EXTERNALS
from sampler.sweep import Contexts

paths = st.binary(min_size=1, max_size=20).map(lambda name: b"/" + name.replace(b"\0", b"_"))
uids = st.sampled_from([0, 33, 1000])


@given(used=st.sets(st.sampled_from(EXTERNALS)), one=paths, other=paths, uid=uids, other_uid=uids)
def test_two_files_share_a_context_if_rules_see_no_difference(
    used: set[str], one: bytes, other: bytes, uid: int, other_uid: int
) -> None:
    """Exactly if every variable that some rule looks at, the type apart, is the same for both."""
    classes = {0: "root", 33: "system", 1000: "person"}
    contexts = Contexts("v", tuple(sorted(used)), "l")
    told = [externals_of(path, "", classes[who]) for path, who in ((one, uid), (other, other_uid))]
    same = all(told[0][name] == told[1][name] for name in used)
    assert (contexts.of(one, uid) == contexts.of(other, other_uid)) == same


def test_parts_do_not_run_together() -> None:
    """Where one ends and the next begins matters."""
    assert Contexts("ab", (), "c").of(b"/x", 0) != Contexts("a", (), "bc").of(b"/x", 0)


@given(one=paths, other=paths)
def test_folders_are_told_apart(one: bytes, other: bytes) -> None:
    """By their paths, however these are ended; and from every file."""
    contexts = Contexts("v", ("filepath",), "l")
    assert (contexts.of_folder(one) == contexts.of_folder(other)) == (one.rstrip(b"/") == other.rstrip(b"/"))
    assert contexts.of_folder(one + b"/") == contexts.of_folder(one)
    assert contexts.of_folder(one) != contexts.of(other, 0)


@pytest.mark.parametrize(
    "other",
    [Contexts("w", ("owner",), "l"), Contexts("v", ("owner",), "m"), Contexts("v", ("filename",), "l")],
    ids=["rules", "limits", "variables"],
)
def test_a_folder_depends_on_all_that_its_files_share(other: Contexts) -> None:
    """Other rules, other limits, or rules that look at other variables."""
    assert Contexts("v", ("owner",), "l").of_folder(b"/x") != other.of_folder(b"/x")
