"""What a local scanner is told of a scan."""

from __future__ import annotations

from sampler.agent.views import scan_view_of
from sampler.model import ContentKind, Examination, Problem, RuleMatch, StringHit
from sampler.wire.codec import decode, encode
from sampler.wire.local_messages import ScanHit, ScanProblem, ScanView

SHA256 = "0" * 64


def test_matches_come_whole_up_to_a_bound() -> None:
    """Of many hits the first are told, and how many there were; of a key that a rule has twice, the first value."""
    hits = tuple(StringHit("$a", offset, 2, 7) for offset in range(100))
    match = RuleMatch("needle", "set/file.yar", ("tag",), (("author", "A"), ("author", "B"), ("level", 3)), hits, 200)
    view = scan_view_of(12, Examination(SHA256, ContentKind.SCRIPT, "text/x-shellscript", "sha256:1", (match,)))
    assert decode(encode(view), ScanView) == view
    assert (view.sha256, view.size, view.mime_type, view.ruleset_version) == (
        SHA256,
        12,
        "text/x-shellscript",
        "sha256:1",
    )
    (told,) = view.matches
    assert (told.rule, told.namespace, told.tags) == ("needle", "set/file.yar", ("tag",))
    assert told.meta == {"author": "A", "level": 3}
    assert told.hits == tuple(ScanHit(identifier="$a", offset=offset, length=2, xor_key=7) for offset in range(32))
    assert told.hits_total == 200


def test_problems_are_told() -> None:
    """Whoever asked can tell an object without matches from one that was not scanned to its end."""
    problem = Problem("scan", "scan-timeout", "too slow")
    view = scan_view_of(0, Examination(SHA256, ContentKind.OTHER, "", "", problems=(problem,)))
    assert view.problems == (ScanProblem(stage="scan", code="scan-timeout", detail="too slow"),)
