"""What the command about verdicts is told."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

from sampler.agent.on_verdict_notice import environment_of, notice_of
from sampler.model import Conclusion, KnownFrom, ObjectRecord, ObjectState, Reason, Verdict, VerdictCall
from sampler.wire.codec import encode

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
EVENT = "0b8f6a1e-3f59-4f0f-8a52-2f1f9b1f6a10"
BAD = Verdict(Conclusion.MALICIOUS, 95, "an\x00alyzer", NOW, "family", expires=NOW + timedelta(days=30))
RECORD = ObjectRecord(
    EVENT,
    ObjectState.DELIVERED,
    NOW,
    NOW,
    1000,
    Reason.DETECTION,
    path=b"/srv/\xff\x1b.exe",
    sha256="ab" * 32,
    size=7,
    detections=("Example.A",),
    matches=(("Rule", 3),),
)


def test_what_the_command_is_told() -> None:
    """Names of files as they are for programs, and made harmless for people."""
    notice = notice_of(RECORD, BAD, KnownFrom.KNOWN_GOOD)
    assert (notice.path, notice.path_hex) == ("/srv/\\xff\\x1b.exe", b"/srv/\xff\x1b.exe".hex())
    told = environment_of(VerdictCall(EVENT, encode(notice), NOW, attempts=4))
    assert os.fsencode(told["SAMPLER_PATH"]) == b"/srv/\xff\x1b.exe"
    assert (told["SAMPLER_ANALYZER"], told["SAMPLER_ATTEMPT"]) == ("an alyzer", "5")
    assert (told["SAMPLER_CONCLUSION"], told["SAMPLER_SCORE"], told["SAMPLER_SOURCE"]) == (
        "malicious",
        "95",
        "known-good",
    )
