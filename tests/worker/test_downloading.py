from __future__ import annotations

import hashlib
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sampler.errors import ContentMismatch, NotFound
from sampler.neutered import Form, plain, wrapped
from sampler.worker import PeopleClient, download_in

DATA = bytes(range(256)) * 10_000
SHA256 = hashlib.sha256(DATA).hexdigest()


def _wrapped(data: bytes, form: Form) -> bytes:
    pieces: Iterator[bytes] = iter([data])
    return b"".join(wrapped(pieces, SHA256, form))


def _serve(queue: Any, data: bytes) -> None:
    """The queue answers with these bytes, whatever form is asked for."""
    queue.contents[SHA256] = data


@pytest.mark.parametrize("form", [Form.CART, Form.ZIP, Form.RAW])
async def test_what_is_downloaded_is_checked_inside_its_wrap(
    queue: Any, client: PeopleClient, tmp_path: Path, form: Form
) -> None:
    """The file stays wrapped, private and not executable, and holds what its name says."""
    _serve(queue, _wrapped(DATA, form))
    file = tmp_path / "got"
    await download_in(client, SHA256, len(DATA), file, form)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert b"".join(plain(file, form)) == DATA
    assert (file.read_bytes() == DATA) == (form is Form.RAW)


@pytest.mark.parametrize("served", [_wrapped(DATA[:-1], Form.CART), _wrapped(DATA, Form.CART)[:-1], b"", DATA])
async def test_what_is_not_the_content_leaves_no_file(
    queue: Any, client: PeopleClient, tmp_path: Path, served: bytes
) -> None:
    """Other bytes in a good wrap, a wrap that is cut off, nothing, and bytes that are not wrapped."""
    _serve(queue, served)
    with pytest.raises(ContentMismatch):
        await download_in(client, SHA256, len(DATA), tmp_path / "got", Form.CART)
    assert list(tmp_path.glob("got*")) == []


async def test_a_wrap_that_grows_ends(queue: Any, client: PeopleClient, tmp_path: Path) -> None:
    """A few bytes that unwrap to many more than were announced are given up, and no file is left."""
    _serve(queue, _wrapped(bytes(5 << 20), Form.CART))
    with pytest.raises(ContentMismatch, match="more than 1000 bytes"):
        await download_in(client, SHA256, 1000, tmp_path / "got", Form.CART)
    assert list(tmp_path.glob("got*")) == []


async def test_a_file_that_is_there_is_left_alone(queue: Any, client: PeopleClient, tmp_path: Path) -> None:
    """Nobody's file is overwritten, and what the queue does not hold makes none."""
    _serve(queue, _wrapped(DATA, Form.CART))
    (tmp_path / "got").write_bytes(b"mine")
    with pytest.raises(FileExistsError):
        await download_in(client, SHA256, len(DATA), tmp_path / "got", Form.CART)
    assert (tmp_path / "got").read_bytes() == b"mine"
    with pytest.raises(NotFound):
        await download_in(client, "0" * 64, 1, tmp_path / "other", Form.CART)
    assert not (tmp_path / "other").exists()
