"""Any program as an analyzer."""

from __future__ import annotations

import hashlib
import json
import stat
from pathlib import Path
from typing import Any

import pytest

from sampler.errors import SettingsError
from sampler.limits import TEXT_MAX_CHARACTERS
from sampler.model import Conclusion
from sampler.wire.codec import decode
from sampler.wire.messages import TaskView
from sampler.worker import AnalyzerFailure, AnalyzerVerdict, ExecAnalyzer
from sampler.worker.analyzers.process import ProcessLimits

GOOD = """echo '{"conclusion":"suspicious","score":55,"family":"Fam","note":"n"}'"""


def _put(folder: Path, *contents: bytes) -> dict[str, Path]:
    files = {hashlib.sha256(data).hexdigest(): data for data in contents}
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return {name: folder / name for name in files}


async def _run(
    body: str, program: Any, task: TaskView, folder: Path, **limits: Any
) -> AnalyzerVerdict | AnalyzerFailure:
    analyzer = ExecAnalyzer(f"{program(body)} {{sample}}", limits=ProcessLimits(**limits))
    return await analyzer.analyze(task, folder, _put(folder, b"sample"))


async def test_what_it_prints_is_the_verdict(program: Any, task: Any, folder: Path) -> None:
    """One JSON object on standard output becomes the verdict, and words on standard error do no harm."""
    verdict = await _run(f"echo hello >&2; {GOOD}", program, task(), folder)
    assert verdict == AnalyzerVerdict(Conclusion.SUSPICIOUS, 55, "Fam", "n")


async def test_family_and_note_may_be_absent(program: Any, task: Any, folder: Path) -> None:
    """A conclusion and a score are enough."""
    verdict = await _run("""echo '{"conclusion":"benign","score":0}'""", program, task(), folder)
    assert verdict == AnalyzerVerdict(Conclusion.BENIGN, 0)


async def test_places_are_filled_in_as_whole_words(program: Any, task: Any, folder: Path) -> None:
    """Paths replace their names inside words, a space in them splits nothing, and other braces stay."""
    script = program("""printf '%s\\n' "$@" >words; """ + GOOD)
    view = task()
    files = _put(folder, b"sample")
    await ExecAnalyzer(f"{script} in={{sample}} {{folder}} {{task}} '{{other}} $HOME *'").analyze(view, folder, files)
    assert (folder / "words").read_text().splitlines() == [
        f"in={next(iter(files.values()))}",
        str(folder),
        str(folder / "task.json"),
        "{other} $HOME *",
    ]
    assert decode((folder / "task.json").read_bytes(), TaskView) == view
    assert stat.S_IMODE((folder / "task.json").stat().st_mode) == 0o600


async def test_the_whole_goes_before_parts(program: Any, task: Any, folder: Path) -> None:
    """The sample is the whole object where there is one, and the first part otherwise."""
    script = program('cp "$1" seen; ' + GOOD)
    files = _put(folder, b"part one", b"part two", b"all of it")
    for view, seen in (
        (task(whole=b"all of it", parts=[b"part one"]), b"all of it"),
        (task(whole=None, parts=[b"part one", b"part two"]), b"part one"),
    ):
        (folder / "task.json").unlink(missing_ok=True)
        await ExecAnalyzer(f"{script} {{sample}}").analyze(view, folder, files)
        assert (folder / "seen").read_bytes() == seen


async def test_without_bytes_it_is_unknown(program: Any, task: Any, folder: Path) -> None:
    """Where nothing but metadata came, a command that wants a sample is not run; one that does not, is."""
    script = program("touch ran; " + GOOD)
    verdict = await ExecAnalyzer(f"{script} {{sample}}").analyze(task(whole=None), folder, {})
    assert isinstance(verdict, AnalyzerVerdict)
    assert (verdict.conclusion, verdict.score) == (Conclusion.UNKNOWN, 0)
    assert "not run" in (verdict.note or "")
    assert not (folder / "ran").exists()
    await ExecAnalyzer(f"{script} {{task}}").analyze(task(whole=None), folder, {})
    assert (folder / "ran").exists()


async def test_a_crash_is_a_failure_with_its_last_words(program: Any, task: Any, folder: Path) -> None:
    """A status other than 0 is a failure, whatever was printed, and carries the end of standard error on one line."""
    failure = await _run(f"{GOOD}; printf 'first\\n\\033[2Jlast' >&2; exit 3", program, task(), folder)
    assert failure == AnalyzerFailure("the analyzer ended with status 3; last words: first [2Jlast")


async def test_a_signal_is_a_failure(program: Any, task: Any, folder: Path) -> None:
    """A program that is killed fails with 128 and the signal's number."""
    assert await _run("kill -SEGV $$", program, task(), folder) == AnalyzerFailure("the analyzer ended with status 139")


async def test_a_hang_is_ended(program: Any, task: Any, folder: Path) -> None:
    """A program that runs past its time is killed, and that is the failure."""
    failure = await _run("exec sleep 1000", program, task(), folder, seconds=0.3)
    assert failure == AnalyzerFailure("the analyzer did not end within 0.3 seconds and was killed")


async def test_a_flood_is_ended(program: Any, task: Any, folder: Path) -> None:
    """A program that prints without end is killed at the ceiling."""
    failure = await _run("exec yes", program, task(), folder, stdout_max_bytes=100_000)
    assert failure == AnalyzerFailure("the analyzer printed more than 100000 bytes and was killed")


async def test_a_flood_of_words_keeps_the_last(program: Any, task: Any, folder: Path) -> None:
    """However much goes to standard error, a failure's reason keeps its end and fits the message."""
    failure = await _run("yes | head -c 3000000 >&2; echo the end >&2; exit 1", program, task(), folder)
    assert isinstance(failure, AnalyzerFailure)
    assert failure.reason.endswith("y y the end")
    assert len(failure.reason) == TEXT_MAX_CHARACTERS


@pytest.mark.parametrize(
    "printed",
    [
        "",
        "malicious",
        "[]",
        '{"conclusion":"evil","score":1}',
        '{"conclusion":"benign"}',
        '{"conclusion":"benign","score":101}',
        '{"conclusion":"benign","score":"1"}',
        '{"conclusion":"benign","score":1,"more":1}',
        '{"conclusion":"benign","score":1} {}',
        json.dumps({"conclusion": "benign", "score": 1, "note": "x" * 2000}),
    ],
)
async def test_anything_else_is_a_failure(program: Any, task: Any, folder: Path, printed: str) -> None:
    """What is not exactly one verdict is a failure that says why."""
    failure = await _run(f"echo '{printed}'", program, task(), folder)
    assert isinstance(failure, AnalyzerFailure)
    assert failure.reason.startswith("the analyzer did not print a verdict: ")
    assert failure.retry


async def test_the_environment_is_minimal(program: Any, task: Any, folder: Path, monkeypatch: Any) -> None:
    """A program sees nothing of the worker's environment; its home is its task's folder, where it starts."""
    monkeypatch.setenv("SAMPLER_CLIENT_TOKEN", "secret")
    await _run(f"tr '\\0' '\\n' </proc/$$/environ >env; pwd >cwd; {GOOD}", program, task(), folder)
    names = {line.partition("=")[0] for line in (folder / "env").read_text().splitlines()}
    assert names == {"PATH", "HOME", "TMPDIR", "LANG"}
    assert (folder / "cwd").read_text().strip() == str(folder)
    assert f"HOME={folder}" in (folder / "env").read_text()


@pytest.mark.parametrize("command", ["", "  ", "'open", "/absent/program {sample}", "no-such-program-anywhere"])
def test_commands_are_checked_at_once(command: str) -> None:
    """A command that cannot be run is told before any task is leased."""
    with pytest.raises(SettingsError):
        ExecAnalyzer(command)


def test_its_name_is_the_programs(program: Any) -> None:
    """Verdicts carry the program's name unless another one is given."""
    assert ExecAnalyzer(f"{program('true', name='scan-it')} {{sample}}").name == "scan-it"
    assert ExecAnalyzer("true", name="other").name == "other"
