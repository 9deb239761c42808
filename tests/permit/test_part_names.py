"""Names of parts leave as paths do."""

from __future__ import annotations

import pytest

from sampler.limits import PART_NAME_MAX_CHARACTERS
from sampler.model import Omission, Part, PartKind, Plan, Sampling
from sampler.model.finding import Covered
from sampler.permit import HostNames
from sampler.permit.part_names import with_treated_names

HOST = HostNames(users=frozenset({"jsmith", "Ben Stone"}), host_names=frozenset({"orchid7"}), pseudonym_key=b"k" * 32)


def plan(name: str) -> Plan:
    covered = Covered(PartKind.MEMBER, name, 0, 1)
    part = Part(PartKind.MEMBER, name, 0, 1, "ab" * 32, ("zip:0",), covers=(covered,))
    return Plan(Sampling.PARTS, (part,), (Omission(f"member:{name}", "it does not fit"),))


@pytest.mark.parametrize(
    ("name", "leaves"),
    [
        ("home/jsmith/tool.exe", "home/~user/tool.exe"),
        ("CV of Ben Stone.docm", "CV of ~user.docm"),
        ("backup-orchid7/run.ps1", "backup-~host/run.ps1"),
        (".text", ".text"),
        ("RT_MANIFEST/1/1033", "RT_MANIFEST/1/1033"),
        ("$missing,$script", "$missing,$script"),
        ("7f00-7f10-rwxs-shared", "7f00-7f10-rwxs-shared"),
    ],
)
def test_names_of_people_stay(name: str, leaves: str) -> None:
    """In a part's name, in those of what it covers, and where it is said that one was left out; others are kept."""
    treated = with_treated_names(plan(name), HOST)
    (part,) = treated.parts
    assert (part.name, part.covers[0].name, treated.omissions[0].what) == (leaves, leaves, f"member:{leaves}")


def test_a_name_that_grows_still_fits() -> None:
    """A stand-in that is longer than the name it stands for does not make a name that no message takes."""
    short = HostNames(users=frozenset({"al"}), pseudonym_key=b"k" * 32)
    name = "/".join(["al"] * (PART_NAME_MAX_CHARACTERS // 3))
    assert len(with_treated_names(plan(name), short).parts[0].name) <= PART_NAME_MAX_CHARACTERS
