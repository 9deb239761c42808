"""Signatures of programs, verified where it happens: in a child behind its system-call filter."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from fuzz.signatures import STAMPING, attach, image_digest, indirect_data, issue, key, program, sign
from sampler.examine import Examiner, ExamineSettings
from sampler.model import Snapshot, value_of
from sampler.scan import RuleSettings

Snap = Callable[..., Snapshot]


async def test_signatures_are_verified_in_the_sandbox(rules: Path, snap: Snap) -> None:
    """Both kinds of keys and a time stamp verify where nothing can be loaded any more, and the child lives on."""
    image = program()
    content, now = indirect_data(image_digest(image)), datetime.now(UTC)
    valid_now = partial(issue, since=now - timedelta(days=1), until=now + timedelta(days=1))
    root = valid_now("Root", authority=True, usages=())
    stamper = valid_now("Stamper of all", root, usages=(STAMPING,))
    async with Examiner(ExamineSettings(RuleSettings((rules,)), children=1)) as examiner:
        for name, own_key in (("Rivest", key()), ("Koblitz", key("ec"))):
            signer = valid_now(name, root, own_key=own_key)
            signed = sign(signer, content, certificates=(root,), stamped_by=stamper, stamped=now)
            found = await examiner.examine(snap(attach(image, signed), b"/tmp/signed.exe"))
            assert value_of(found.fields, "file.code_signature.status") == "good"
            assert value_of(found.fields, "file.code_signature.subject_name") == name
            assert not [problem for problem in found.problems if problem.stage == "describe"]
        assert value_of((await examiner.examine(snap(image))).fields, "file.code_signature.exists") is False
