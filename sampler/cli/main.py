"""The command's root."""

from __future__ import annotations

import click

import sampler


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(sampler.__version__, prog_name="sampler")
def main() -> None:
    """Take what an on-host scanner finds suspicious to an analysis queue."""
