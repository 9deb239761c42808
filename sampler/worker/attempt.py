"""One task, from its contents on the queue to an analyzer's answer, in a private folder that is gone afterwards."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Final

import structlog

from sampler.errors import ContentMismatch, DeliveryError, NotFound
from sampler.limits import PARTS_MAX_COUNT
from sampler.runtime.blocking import off_loop
from sampler.wire.messages import TaskView
from sampler.worker.analyzers import Analyzer, AnalyzerFailure, AnalyzerVerdict
from sampler.worker.private_files import scratch_folder
from sampler.worker.proving import Standing, standing_of

log = structlog.get_logger()

_CONTENTS_MAX_COUNT: Final = PARTS_MAX_COUNT + 1

Fetch = Callable[[str, int, Path], Awaitable[str]]
"""Write the content with this SHA-256 and size to a new file, verified."""


async def attempt(
    task: TaskView, analyzer: Analyzer, fetch: Fetch, *, scratch: Path | None, max_bytes: int
) -> AnalyzerVerdict | AnalyzerFailure:
    """Fetch a task's contents and have them analyzed. Whatever goes wrong is a failure with its reason.

    This is the boundary that an analyzer's own faults do not cross.
    """
    if excess := _excess(task, max_bytes):
        return AnalyzerFailure(excess)
    try:
        async with scratch_folder(scratch) as folder:
            files = await _fetch_all(task, folder, fetch)
            if strange := await off_loop(_strange, task, files):
                return AnalyzerFailure(strange, retry=False)
            return await analyzer.analyze(task, folder, files)
    except NotFound as error:
        return AnalyzerFailure(f"the queue no longer has what it names: {error}", retry=False)
    except (ContentMismatch, DeliveryError) as error:
        return AnalyzerFailure(f"the contents could not be fetched: {error}")
    except OSError as error:
        return AnalyzerFailure(f"this worker's machine could not: {error}")
    except Exception as error:
        log.exception("the analyzer raised", task=task.id, analyzer=analyzer.name)
        return AnalyzerFailure(f"the analyzer raised {type(error).__name__}: {error}")


async def _fetch_all(task: TaskView, folder: Path, fetch: Fetch) -> dict[str, Path]:
    """Every content once, under its SHA-256 and nothing that a host chose."""
    files: dict[str, Path] = {}
    for content in task.contents:
        if content.sha256 not in files:
            files[content.sha256] = folder / content.sha256
            await fetch(content.sha256, content.size, files[content.sha256])
    return files


def _strange(task: TaskView, files: Mapping[str, Path]) -> str:
    """The first content whose proof does not hold, in words, or an empty text."""
    for content in task.contents:
        if standing_of(task.object, content, files[content.sha256]) is Standing.FALSE:
            return f"content {content.sha256} does not belong to object {task.object.sha256}: its proof does not hold"
    return ""


def _excess(task: TaskView, max_bytes: int) -> str:
    """What there is too much of, or an empty text."""
    if len(task.contents) > _CONTENTS_MAX_COUNT:
        return f"{len(task.contents)} contents, at most {_CONTENTS_MAX_COUNT} are taken"
    total = sum(content.size for content in task.contents)
    return f"{total} bytes of contents, this worker takes at most {max_bytes}" if total > max_bytes else ""
