"""The README's captured run is what a real run prints."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from pathlib import Path

README = Path(__file__).parents[2] / "README.md"


def masked(text: str) -> list[str]:
    """Without times and their width, and without bytes that differ: rows that share a part, captures of what lives."""
    lines = [re.sub(r"\s+\d+\.\d$|\s+s$|\d+ s$", " TIME", line.rstrip()) for line in text.strip().splitlines()]
    lines = [re.sub(r"^─+$", "─", line) for line in lines]
    lines = [re.sub(r"(header,.*?)\s+\d+ (?:B|KiB) ", r"\1 BYTES ", line) for line in lines]
    lines = [re.sub(r"\d+ KiB sent", "BYTES sent", line) for line in lines]
    return [re.sub(r"^(capture/.*?)\s+\d+ (?:B|KiB) ", r"\1 BYTES ", line) for line in lines]


async def test_the_captured_run_is_what_the_demo_prints() -> None:
    """All samples, parts, states and verdicts of the README are those of a run now, which agrees with expectations."""
    captured = re.search(r"```text\n(.*?)```", README.read_text(), re.DOTALL)
    assert captured is not None
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "sampler", "demo"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "COLUMNS": "80", "TERM": "dumb"},
    )
    out, complaints = await process.communicate()
    assert process.returncode == 0, complaints.decode()
    assert masked(out.decode()) == masked(captured[1]), (
        "the demo prints something else now; put what `COLUMNS=80 sampler demo` prints into README.md"
    )


def test_a_stranger_needs_two_commands() -> None:
    """The README tells of make demo and make test, and the Makefile has them."""
    makefile = README.with_name("Makefile").read_text()
    assert re.findall(r"^    make (\w+)", README.read_text(), re.MULTILINE) == ["demo", "test"]
    assert "\ndemo:" in makefile
    assert "\ntest:" in makefile


def test_every_link_of_the_readme_leads_somewhere() -> None:
    """Links into the checkout exist."""
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", README.read_text())
    assert [link for link in links if not (README.parent / link).exists()] == []


def test_every_dependency_has_its_line() -> None:
    """Each package that the product needs is named with what it is for."""
    text = (README.with_name("pyproject.toml")).read_text()
    needed = re.search(r"^dependencies = \[(.*?)\]", text, re.DOTALL | re.MULTILINE)
    assert needed is not None
    names = re.findall(r'"([a-z-]+)', needed[1])
    assert len(names) > 5
    assert [name for name in names if name not in README.read_text()] == []
