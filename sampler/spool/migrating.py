"""A spool from before contents were encrypted: each plain content that somebody needs becomes a sealed one.

Steps for each: (1) the sealed file is durable, its bytes verified while they are read; (2) the plain one goes. A
process that is killed in between begins with the same file again.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from pathlib import Path

import structlog

from sampler.errors import ContentLost, SpoolError
from sampler.limits import COPY_CHUNK_BYTES
from sampler.model import Content
from sampler.spool.contents import ContentFolder

log = structlog.get_logger()


def seal_plain(contents: ContentFolder, needed: Container[str]) -> None:
    """Seal what lies plain and is needed. What is no such content goes; whoever delivers it will miss it.

    What there is no room for stays plain until the next time, and cannot be opened until then.
    """
    for path in [path for path in contents.plain() if path.name in needed]:
        try:
            _seal(contents, path)
        except ContentLost as error:
            log.error("a content from before is not what it was", sha256=path.name, reason=str(error))
            path.unlink(missing_ok=True)
        except (SpoolError, OSError) as error:
            log.warning("a content lies plain until it can be encrypted", sha256=path.name, reason=str(error))


def _seal(contents: ContentFolder, path: Path) -> None:
    if not contents.holds(path.name):
        contents.write(Content(path.name, path.stat().st_size, 0), lambda _content: _bytes_of(path))  # (1)
    path.unlink()  # (2)


def _bytes_of(path: Path) -> Iterator[bytes]:
    with path.open("rb", buffering=0) as file:
        while chunk := file.read(COPY_CHUNK_BYTES):
            yield chunk
