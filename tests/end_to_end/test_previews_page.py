"""The previews on docs/previews.md are what ``sampler preview`` prints under each of the four statements."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from sampler.cli.demo_lab import Lab
from tests.support.commands import run

PAGE = Path(__file__).parents[2] / "docs" / "previews.md"
FORMS = (("basic", "world"), ("basic", "eu"), ("extended", "world"), ("extended", "eu"))
NAME = "offer for Jane Roe <jane@example.com>.docm"
FOLDER = "/srv/mail"
ORIGIN = "https://jane:secret@files.example.com/offers/q3.docm?token=abc123"
OTHER_ELSEWHERE = re.compile(
    r"  (?:host\.|agent\.version|file\.(?:mode|mtime|ctime|accessed|uid|gid|owner|group)|event\.(?:id|created)"
    r"|sampler\.(?:ruleset\.version|file\.trust)|file\.hash\.(?:tlsh|ssdeep))"
)
"""Fields whose values say when and where the preview was made, and those of extras that need not be installed."""


def captured(statement: str, region: str) -> list[str]:
    """What the page has below the command that accepts a form."""
    accept = re.escape(f"sampler consent accept {statement} --region {region}")
    block = re.search(rf"{accept}\n.*?```text\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert block is not None, f"docs/previews.md shows no preview under {statement} {region}"
    return block[1].splitlines()


def masked(lines: list[str]) -> list[str]:
    """Without what is another's on each machine: such fields with what became of them, and numbers that count them.

    Where the first sentence breaks depends on the folder's length.
    """
    start = next(number for number, line in enumerate(lines) if line.startswith("sha256 "))
    kept, lines = [" ".join(lines[:start])], lines[start:]
    dropping = False
    for line in lines:
        dropping = bool(OTHER_ELSEWHERE.match(line)) or (dropping and line.startswith("      "))
        if not dropping:
            kept.append(re.sub(r"\d+ fields|\d+ bytes in all", "SOME", line))
    return kept


@pytest.fixture
async def offer(bare_lab: Lab, samples: Path) -> Path:
    """A document with a macro, under a name that holds a person's, for an agent without a queue."""
    path = bare_lab.folder / NAME
    shutil.copy(samples / "ooxml" / "macro" / "macro.docm", path)
    bare_lab.agent_config.write_text(f'state = "{bare_lab.folder}/agent"\nsocket = "{bare_lab.socket}"\n')
    await bare_lab.start_agent()
    return path


async def test_the_page_shows_what_would_leave(bare_lab: Lab, offer: Path) -> None:
    """Under each statement, in the forms of both regions, field by field and byte by byte."""
    config = ("--config", str(bare_lab.agent_config))
    for statement, region in FORMS:
        await bare_lab.command("consent", "accept", statement, "--region", region, *config)
        said = await run("preview", str(offer), "--detection", "Macro.Dropper", "--origin-url", ORIGIN, *config)
        assert (said.code, said.err) == (0, "")
        printed = said.out.replace(str(offer.parent), FOLDER).splitlines()
        assert masked(printed) == masked(captured(statement, region)), (
            f"a preview under {statement} {region} prints something else now; put it into docs/previews.md"
        )


def test_every_preview_fits_a_terminal() -> None:
    """No line on the page is wider than 80 columns, and none tells what was cut from a name or an address as sent."""
    for form in FORMS:
        lines = captured(*form)
        assert [line for line in lines if len(line) > 80] == []
        leaves = [line for line in lines if "→" in line]
        assert leaves
        assert [line for line in leaves if "jane" in line or "token" in line] == []
