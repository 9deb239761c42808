"""What a result depends on beside the bytes."""

from __future__ import annotations

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
