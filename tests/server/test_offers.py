"""Many manifests in one request."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from sampler.limits import MANIFEST_MAX_BYTES, OFFERS_MAX_COUNT
from sampler.wire.codec import encode
from sampler.wire.messages import Manifest

Call = Callable[..., Awaitable[Any]]
MakeManifest = Callable[[bytes], Manifest]
JSON = {"Content-Type": "application/json"}


def _body(*manifests: bytes) -> bytes:
    return b'{"manifests": [' + b" , ".join(manifests) + b"]}"


async def test_each_has_its_own_answer(host: Call, make_manifest: MakeManifest) -> None:
    """Accepted ones beside one that is refused with its problem; each is a submission as if it had come alone."""
    first, second = make_manifest(b"one"), make_manifest(b"two")
    reply = await host("POST", "/v1/offers", data=_body(encode(first), b"{}", encode(second)), headers=JSON)
    assert reply.status == 200
    answers = json.loads(reply.body)["answers"]
    assert [answer.get("accepted", {}).get("id") for answer in answers] == [first.id, None, second.id]
    assert answers[1]["problem"]["type"] == "urn:sampler:problem:not-the-message"
    assert answers[1]["problem"]["status"] == 422
    assert answers[0]["accepted"]["wanted"] == [first.object.sha256]
    assert (await host("GET", f"/v1/submissions/{second.id}")).status == 200


async def test_a_manifest_is_the_same_in_either_way(host: Call, make_manifest: MakeManifest) -> None:
    """What came with others may come again alone: it is kept byte for byte."""
    manifest = encode(make_manifest(b"one"))
    await host("POST", "/v1/offers", data=_body(manifest), headers=JSON)
    assert (await host("POST", "/v1/submissions", data=manifest, headers=JSON)).status == 201
    changed = manifest.replace(b'{"id"', b'{ "id"', 1)
    assert (await host("POST", "/v1/submissions", data=changed, headers=JSON)).status == 409


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{}", 422),
        (_body(), 422),
        (_body(*[b"0"] * (OFFERS_MAX_COUNT + 1)), 422),
        (b'{"manifests": [', 400),
        (_body(b'"' + b"x" * MANIFEST_MAX_BYTES + b'"'), 413),
    ],
)
async def test_what_are_no_offers(host: Call, body: bytes, status: int) -> None:
    """None, too many, too long, and what cannot be read."""
    assert (await host("POST", "/v1/offers", data=body, headers=JSON)).status == status
