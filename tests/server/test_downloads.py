"""Contents leave wrapped, or as they are to who has the right to that; and it is written down who got them."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from sampler.neutered import LEGACY_MAX_BYTES, Form, file_name, plain
from sampler.wire.audit_messages import AuditPage
from sampler.wire.codec import decode
from sampler.wire.messages import Manifest
from sampler.wire.routes import Role

Call = Callable[..., Awaitable[Any]]
Person = Callable[..., Call]
MakeManifest = Callable[[bytes], Manifest]
Deliver = Callable[[Manifest, bytes], Awaitable[None]]

DATA = b"MZ" + bytes(range(256)) * 9000
SHA256 = hashlib.sha256(DATA).hexdigest()
PATH = f"/v1/contents/{SHA256}"


@pytest.fixture
async def delivered(make_manifest: MakeManifest, deliver: Deliver) -> None:
    """A host has brought the content."""
    await deliver(make_manifest(DATA), DATA)


@pytest.mark.usefixtures("delivered")
async def test_every_form_wraps_the_content(person: Person, tmp_path: Path) -> None:
    """Without a wish it is CaRT; the answer's name is made of the hash, and no browser opens it."""
    analyst = person(Role.ANALYST)
    for query, form in (("", Form.CART), ("?form=cart", Form.CART), ("?form=zip", Form.ZIP),
                        ("?form=zipcrypto", Form.ZIPCRYPTO)):  # fmt: skip
        reply = await analyst("GET", PATH + query)
        assert (reply.status, reply.content_type) == (200, form.media_type)
        assert reply.headers["Content-Disposition"] == f'attachment; filename="{file_name(SHA256, form)}"'
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
        assert DATA[:256] not in reply.body
        file = tmp_path / "got"
        file.write_bytes(reply.body)
        assert b"".join(plain(file, form)) == DATA


@pytest.mark.usefixtures("delivered")
async def test_bytes_as_they_are_need_a_right(person: Person) -> None:
    """Workers and administrators have it, an analyst only by a token that was made so; what they get is the content."""
    reply = await person(Role.ANALYST)("GET", PATH + "?form=raw")
    assert (reply.status, reply.problem) == (403, "raw")
    for call in (person(Role.WORKER), person(Role.ADMIN), person(Role.ANALYST, raw=True)):
        reply = await call("GET", PATH + "?form=raw")
        assert (reply.status, reply.body) == (200, DATA)
        assert reply.headers["Content-Length"] == str(len(DATA))


@pytest.mark.usefixtures("delivered")
async def test_who_got_what_is_written_down(person: Person) -> None:
    """One entry for each download, none for what was refused or is not there."""
    await person(Role.ANALYST, name="ann")("GET", PATH)
    await person(Role.WORKER, name="bot")("GET", PATH + "?form=raw")
    await person(Role.ANALYST, name="eve")("GET", PATH + "?form=raw")
    await person(Role.ANALYST, name="bob")("GET", "/v1/contents/" + "a" * 64)
    page = decode((await person(Role.ADMIN)("GET", "/v1/audit?action=download")).body, AuditPage)
    assert [(line.actor, line.role, line.subject, line.detail) for line in page.entries] == [
        ("ann", "analyst", SHA256, "cart"),
        ("bot", "worker", SHA256, "raw"),
    ]


async def test_a_form_that_is_none_is_refused(person: Person) -> None:
    """The answer names the forms that there are."""
    reply = await person(Role.ANALYST)("GET", PATH + "?form=exe")
    assert (reply.status, reply.problem) == (400, "query")
    assert b"cart, zip, zipcrypto, raw" in reply.body


async def test_the_slow_form_is_for_small_contents(
    person: Person, make_manifest: MakeManifest, deliver: Deliver
) -> None:
    """A content that would keep the server busy for long is refused in that form; a smaller one has it to itself."""
    large = bytes(LEGACY_MAX_BYTES + 1)
    await deliver(make_manifest(large), large)
    path = f"/v1/contents/{hashlib.sha256(large).hexdigest()}"
    reply = await person(Role.ANALYST)("GET", path + "?form=zipcrypto")
    assert (reply.status, reply.problem) == (413, "too-large")
    assert (await person(Role.ANALYST)("GET", path + "?form=zip")).status == 200
    small = bytes(1 << 20)
    await deliver(make_manifest(small), small)
    path = f"/v1/contents/{hashlib.sha256(small).hexdigest()}?form=zipcrypto"
    replies = await asyncio.gather(*(person(Role.ANALYST)("GET", path) for _ in range(4)))
    told = sorted((reply.status, reply.problem) for reply in replies)
    assert (told[0], told[-1]) == ((200, ""), (429, "busy"))
    assert (await person(Role.ANALYST)("GET", path)).status == 200, "it is free again"
