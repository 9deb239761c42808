"""Examinations end to end: real nursery, real children, real rules."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import psutil
import pytest

from sampler.errors import ChildTimedOut, NotDerivable, RulesError, SandboxError
from sampler.examine import Examiner, ExamineSettings
from sampler.examine import examiner as examiner_module
from sampler.examine.messages import Derived, Examined, encode_answer
from sampler.model import ContentKind, Examination, Snapshot
from sampler.scan import RuleSettings

Snap = Callable[..., Snapshot]
ENDLESS = (
    "rule endless { condition: for all i in (0..filesize - 1) : (for all j in (0..filesize - 1) : (uint8(i) < 256)) }"
)


def nurseries() -> list[psutil.Process]:
    """The nurseries that this process started."""
    return [process for process in psutil.Process().children() if "sampler.sandbox.nursery" in process.cmdline()]


def names(examination: Examination) -> list[str]:
    return [match.rule for match in examination.matches]


async def test_objects_of_all_kinds(rules: Path, snap: Snap) -> None:
    """Objects with and without content, sense and name come back with what the rules and parsers found in them."""
    async with Examiner(ExamineSettings(RuleSettings((rules,)))) as examiner:
        assert examiner.report.rule_count == 5
        assert examiner.alive == 2

        found = await examiner.examine(snap(b""))
        assert (found.kind, names(found)) == (ContentKind.EMPTY, ["nothing"])

        found = await examiner.examine(snap(b"..needle", b"/tmp/x/sample.exe"), owner="person")
        assert names(found) == ["named", "needle", "owned"]
        assert (found.matches[1].hits[0].offset, found.matches[1].hits[0].length) == (2, 6)

        junk = snap(b"MZ" + bytes(58) + b"\x40\0\0\0PE\0\0" + bytes(range(256)) * 8, b"/tmp/junk.dll")
        found = await examiner.examine(junk)
        assert names(found) == ["program"]
        assert all(region.offset + region.length <= junk.size for region in found.regions)

        found = await examiner.examine(snap(b"needle", b"/tmp/\xff\xfe\n" + b"n" * 255))
        assert names(found) == ["needle"]
        assert found.sha256 == snap(b"needle").sha256


async def test_many_at_once(rules: Path, snap: Snap) -> None:
    """Each of many objects that are examined at once gets its own answer."""
    snapshots = [snap(b"x" * number + b"needle") for number in range(40)]
    async with Examiner(ExamineSettings(RuleSettings((rules,)), children=2)) as examiner:
        answers = await asyncio.gather(*(examiner.examine(snapshot) for snapshot in snapshots))
    assert [answer.matches[0].hits[0].offset for answer in answers] == list(range(40))
    assert [answer.sha256 for answer in answers] == [snapshot.sha256 for snapshot in snapshots]


async def test_bad_rules_are_reported(rules: Path, snap: Snap) -> None:
    """A rule file that does not compile is in the report; the others run."""
    (rules / "bad.yar").write_text("rule bad {\n condition: foo }")
    async with Examiner(ExamineSettings(RuleSettings((rules,)))) as examiner:
        assert examiner.report.problems == ('bad.yar:2: rule bad is left out: undefined identifier "foo"',)
        assert names(await examiner.examine(snap(b"needle"))) == ["needle"]


async def test_no_rules(tmp_path: Path) -> None:
    """Without a usable rule nothing is started, and the error says what to do."""
    examiner = Examiner(ExamineSettings(RuleSettings((tmp_path / "absent",))))
    with pytest.raises(RulesError, match="there is no such rule folder, rule file or pack; create it"):
        await examiner.start()
    assert examiner.alive == 0
    assert not nurseries()


async def test_not_started(rules: Path, snap: Snap) -> None:
    """An examiner that was not started has neither report nor children."""
    examiner = Examiner(ExamineSettings(RuleSettings((rules,))))
    with pytest.raises(SandboxError, match="start it first"):
        await examiner.examine(snap(b"x"))
    with pytest.raises(SandboxError, match="reported no rules"):
        _ = examiner.report
    await examiner.close()


async def test_a_rule_that_never_ends(rules: Path, snap: Snap) -> None:
    """An object on which a rule never ends costs its child at the deadline; the next object is examined."""
    (rules / "endless.yar").write_text(ENDLESS)
    async with Examiner(ExamineSettings(RuleSettings((rules,)), children=1, deadline_seconds=0.5)) as examiner:
        with pytest.raises(ChildTimedOut):
            await examiner.examine(snap(bytes(4 << 20)))
        assert "needle" in names(await examiner.examine(snap(b"needle")))


async def test_too_little_memory(rules: Path, snap: Snap) -> None:
    """An object whose hits take more memory than a child may have is a problem of that object only."""
    (rules / "often.yar").write_text(
        "rule often { strings: "
        + " ".join(f'$s{number} = "{number:02}"' for number in range(50))
        + " condition: any of them }"
    )
    crowd = "".join(f"{number:02}" for number in range(50)).encode() * 200_000
    async with Examiner(ExamineSettings(RuleSettings((rules,)), children=1, memory_max_bytes=400 << 20)) as examiner:
        crowded = await examiner.examine(snap(crowd))
        assert [(problem.stage, problem.code) for problem in crowded.problems] == [("scan", "scan-failed")]
        assert "needle" in names(await examiner.examine(snap(b"needle")))


async def test_an_answer_for_another_object(rules: Path, snap: Snap, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer for another object is not believed, and the child that gave it is not asked again."""
    async with Examiner(ExamineSettings(RuleSettings((rules,)), children=1)) as examiner:
        (nursery,) = nurseries()
        (liar,) = nursery.children()
        other = encode_answer(Examination("0" * 64, ContentKind.OTHER, "x/y", "v"))
        with monkeypatch.context() as patch:
            patch.setattr(examiner_module, "decode_answer", lambda data: decoded(other))
            with pytest.raises(SandboxError, match="not credible: it is for another object"):
                await examiner.examine(snap(b"needle"))
        assert names(await examiner.examine(snap(b"needle"))) == ["needle"]
        assert liar not in nursery.children()


def decoded(data: bytes) -> object:
    return msgspec.msgpack.decode(data, type=Examined)


async def test_the_child_cannot_write_the_object(rules: Path, snap: Snap, monkeypatch: pytest.MonkeyPatch) -> None:
    """A child gets a descriptor that only reads, whatever the snapshot's own can do."""
    async with Examiner(ExamineSettings(RuleSettings((rules,)), children=1)) as examiner:
        handed: list[int] = []
        exchange = examiner._crew.pool.exchange

        async def watch(request: bytes, descriptor: int, read: Callable[[bytes], object], **more: float) -> object:
            handed.append(fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE)
            return await exchange(request, descriptor, read, **more)

        monkeypatch.setattr(examiner._crew.pool, "exchange", watch)
        snapshot = snap(b"needle")
        assert fcntl.fcntl(snapshot.descriptor, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDWR
        await examiner.examine(snapshot)
        assert handed == [os.O_RDONLY]


async def test_rules_that_went_away(rules: Path, snap: Snap) -> None:
    """When the nursery dies and its rules are gone meanwhile, that is said and no object is taken for clean."""
    async with Examiner(ExamineSettings(RuleSettings((rules,)), children=1)) as examiner:
        (rules / "tests.yar").unlink()
        (nursery,) = nurseries()
        nursery.kill()
        end = asyncio.get_running_loop().time() + 10
        while examiner.alive:
            assert asyncio.get_running_loop().time() < end
            await asyncio.sleep(0.005)
        with pytest.raises(SandboxError, match=r"no rules any more: .*no rule file"):
            await examiner.examine(snap(b"needle"))
        with pytest.raises(RulesError):
            _ = examiner.report


async def test_derived_bytes(rules: Path, snap: Snap) -> None:
    """A recipe is replayed in a child, page by page; what does not apply, or makes something else now, is said."""
    content = bytes(range(256)) * 40_000
    whole = snap(content)
    async with Examiner(ExamineSettings(RuleSettings((rules,)))) as examiner:
        made = await examiner.derive(whole, ("range:100+9000000", "range:5+8999990"), 8_999_990)
        assert made == content[105 : 105 + 8_999_990]
        with pytest.raises(NotDerivable, match="100 bytes, 50 were expected"):
            await examiner.derive(whole, ("range:0+100",), 50)
        with pytest.raises(NotDerivable, match="no step 'nothing'"):
            await examiner.derive(whole, ("nothing:1",), 50)
        with pytest.raises(NotDerivable, match="at most"):
            await examiner.derive(whole, (), 10**9)
        assert names(await examiner.examine(snap(b"needle"))) == ["needle"]


@pytest.mark.parametrize("lie", [Derived(10, b""), Derived(4, b"more than that"), Derived(10**6, b"page")])
async def test_derived_bytes_that_lie(rules: Path, snap: Snap, monkeypatch: pytest.MonkeyPatch, lie: Derived) -> None:
    """A child that says one size and sends another, or never comes to an end, is not believed."""
    monkeypatch.setattr(examiner_module, "_derived", lambda _: lie)
    async with Examiner(ExamineSettings(RuleSettings((rules,)))) as examiner:
        with pytest.raises(NotDerivable):
            await examiner.derive(snap(b"0123456789"), ("range:0+10",), 10 if lie.size != 4 else 4)
