from __future__ import annotations

from pathlib import Path

import pytest

from sampler.model import FileStat, PartKind, Snapshot
from sampler.snapshot import SnapshotTaker, hashes, prove, release
from sampler.wire.messages import ObjectMessage, PartMessage, ProofMessage, StoredContent
from sampler.worker import Standing, standing_of

WHOLE = bytes(range(256)) * 100


def proven_part(snapshot: Snapshot, offset: int, length: int) -> tuple[ObjectMessage, StoredContent]:
    tree = hashes(snapshot).tree
    proof = prove(snapshot, tree, offset, length)
    message = ProofMessage(before=proof.before, after=proof.after, nodes=list(proof.nodes))
    part = PartMessage(kind=PartKind.SECTION, name=".text", offset=offset, length=length, proof=message)
    whole = ObjectMessage(sha256=snapshot.sha256, size=snapshot.size, tree_root=tree.root)
    return whole, StoredContent(sha256="0" * 64, size=length, part=part)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "content"


def test_a_part_of_a_snapshot_is_proven_to_whoever_has_only_the_part(tmp_path: Path, file: Path) -> None:
    """What the host proves of its snapshot, a worker verifies; other bytes of the same length do not belong."""
    snapshot = SnapshotTaker(tmp_path).keep(WHOLE)
    assert snapshot.stat == FileStat(0, 0, 0, 0, 0, 0, 0, 0, 0)
    whole, content = proven_part(snapshot, 1500, 5000)
    release(snapshot)
    file.write_bytes(WHOLE[1500:6500])
    assert standing_of(whole, content, file) is Standing.PROVEN
    file.write_bytes(WHOLE[1501:6501])
    assert standing_of(whole, content, file) is Standing.FALSE


@pytest.mark.parametrize(
    ("part", "standing"),
    [
        (None, Standing.WHOLE),
        (PartMessage(kind=PartKind.MEMBER, name="a", offset=0, length=5, recipe=["zip:0"]), Standing.DERIVED),
        (PartMessage(kind=PartKind.SECTION, name=".text", offset=0, length=5), Standing.UNPROVEN),
    ],
)
def test_what_has_no_proof(file: Path, part: PartMessage | None, standing: Standing) -> None:
    """The whole needs none, derived bytes have a recipe instead, and a part without one is said to have none."""
    file.write_bytes(b"bytes")
    whole = ObjectMessage(sha256="0" * 64, size=100, tree_root="1" * 64)
    assert standing_of(whole, StoredContent(sha256="0" * 64, size=5, part=part), file) is standing
