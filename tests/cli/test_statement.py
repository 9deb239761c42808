"""``sampler statement`` for those who write statements."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sampler.cli.exit_codes import ExitCode
from sampler.cli.main import main
from sampler.permit import shipped_statement


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["statement", *arguments])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    basic, path = shipped_statement("basic"), tmp_path / "own.toml"
    path.write_bytes(basic.data.replace(b'id = "basic"', b'id = "own"'))
    path.with_suffix(".md").write_text(basic.text)
    return path


def test_the_text_and_the_list_are_shown(file: Path) -> None:
    """What people read, what is enforced, and the same for programs; of one's own statements as of those that ship."""
    assert "# Extended, for the European Union" in run("show", "extended", "--region", "eu").output
    assert "file.path" in run("show", "basic", "--fields").output
    first = json.loads(run("show", str(file), "--json").output.splitlines()[0])
    assert first == {"scope": "reputation", "field": "file.hash.md5", "treatment": "keep"}


def test_a_text_steers_no_terminal(file: Path) -> None:
    """What cannot be printed is shown escaped."""
    file.with_suffix(".md").write_text("# Own\n\x1b[2J\n")
    assert "\\x1b[2J" in run("show", str(file)).output


def test_from_a_key_to_a_signed_statement(file: Path, tmp_path: Path) -> None:
    """A key is made, a statement signed and checked with it; before that it is unsigned, after a change it is not."""
    key = tmp_path / "key.pem"
    made = run("keygen", str(key))
    public = made.output.split('["')[1].split('"]')[0]
    unsigned = run("check", str(file))
    assert (unsigned.exit_code, "unsigned" in unsigned.output) == (ExitCode.FOUND, True)
    assert run("sign", str(file), "--key", str(key)).exit_code == 0
    checked = run("check", str(file), "--key", public)
    assert checked.exit_code == 0
    assert "own version 2, world: 3 scopes" in checked.output
    assert "signed by key" in checked.output
    file.with_suffix(".md").write_text("# Something else\n")
    assert run("check", str(file), "--key", public).exit_code == ExitCode.REFUSED
    assert run("keygen", str(key)).exit_code == ExitCode.ERROR


def test_what_is_not_sound_is_named(file: Path) -> None:
    """Whoever writes a statement learns where it is wrong."""
    file.write_text(file.read_text().replace('region = "world"', 'region = "moon"'))
    said = run("check", str(file))
    assert said.exit_code == ExitCode.REFUSED
    assert "unknown region 'moon'" in said.output


def test_two_statements_are_compared(file: Path) -> None:
    """What the second widens and narrows is listed, and widening is what the exit code tells."""
    said = run("diff", "basic", "extended")
    assert said.exit_code == ExitCode.FOUND
    assert "WIDENS\n  one more scope, activity: " in said.output
    assert said.output.endswith("NARROWS: only under basic version 2\n  nothing\n")
    assert all(len(line) <= 80 for line in said.output.splitlines())
    file.write_text(file.read_text().replace('"file.path" = "template"', '"file.path" = "drop"'))
    said = run("diff", "basic", str(file), "--json")
    assert said.exit_code == 0
    (line,) = [json.loads(line) for line in said.output.splitlines()]
    assert line["kind"] == "narrows"
    assert "file.path leaves under metadata as template" in line["what"]
