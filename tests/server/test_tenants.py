"""Tenants of one queue: what each sees over HTTP, and how much each may bring."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import pytest

from sampler.errors import NotFound, SettingsError
from sampler.queue import Quotas, Usage
from sampler.server import QueueSettings, change_tenant, create_tenant, create_token, list_devices, list_tenants
from sampler.wire.ask_messages import AskPage
from sampler.wire.audit_messages import AuditPage, first_break
from sampler.wire.codec import decode
from sampler.wire.messages import FailRequest, LeaseAnswer, LeaseRequest, Manifest, TaskPage
from sampler.wire.routes import Role
from sampler.wire.tenant_messages import ALL_TENANTS

Call = Callable[..., Awaitable[Any]]
Person = Callable[..., Call]
HostOf = Callable[[str], Awaitable[Call]]
MakeManifest = Callable[[bytes], Manifest]
TusHeaders = Callable[..., dict[str, str]]

DATA = b"sample of the bank"


@pytest.fixture
def tenants(settings: QueueSettings, current: datetime) -> None:
    create_tenant(settings, "bank", Quotas(device_objects=2, device_bytes=1000), now=current)
    create_tenant(settings, "shop", Quotas(), now=current)


async def _bring(host: Call, manifest: Manifest, tus_headers: TusHeaders) -> None:
    assert (await host("POST", "/v1/submissions", message=manifest)).status == 201
    reply = await host("POST", "/v1/uploads", headers=tus_headers(manifest), data=DATA)
    assert (reply.status, reply.headers["Upload-Offset"]) == (201, str(len(DATA)))


@pytest.mark.usefixtures("tenants")
async def test_people_see_their_own_tenants_things(
    person: Person, host_of: HostOf, make_manifest: MakeManifest, tus_headers: TusHeaders
) -> None:
    """For another tenant's people, and for their workers, nothing is there; for those of all tenants everything is."""
    manifest = make_manifest(DATA)
    await _bring(await host_of("bank"), manifest, tus_headers)
    task = decode((await person(Role.ADMIN)("GET", "/v1/tasks")).body, TaskPage).tasks[0].id
    content = f"/v1/contents/{manifest.object.sha256}"
    paths = (f"/v1/submissions/{manifest.id}", f"/v1/submissions/{manifest.id}/events", f"/v1/tasks/{task}", content)
    stranger, worker = person(Role.ANALYST, tenant="shop"), person(Role.WORKER, tenant="shop")
    for path in paths:
        assert ((await stranger("GET", path)).status, path) == (404, path)
    asked = {"wants": "whole"}
    reply = await stranger("POST", paths[0] + "/asks", data=json.dumps(asked).encode(), headers={
        "Content-Type": "application/json"})  # fmt: skip
    assert reply.status == 404
    fail = FailRequest(lease="x", reason="y")
    assert (await worker("POST", f"/v1/tasks/{task}/fail", message=fail)).status == 404
    assert decode((await stranger("GET", "/v1/tasks")).body, TaskPage).tasks == []
    assert decode((await stranger("GET", "/v1/asks")).body, AskPage).asks == ()
    lease = await worker("POST", "/v1/leases", message=LeaseRequest(worker="w", seconds=60))
    assert decode(lease.body, LeaseAnswer).lease is None
    for own in (person(Role.ANALYST, tenant="bank"), person(Role.ANALYST, tenant=ALL_TENANTS), person(Role.ADMIN)):
        assert [(await own("GET", path)).status for path in (paths[0], paths[2], content)] == [200, 200, 200]


@pytest.mark.usefixtures("tenants")
async def test_nothing_tells_that_another_tenant_has_a_thing(
    person: Person, host_of: HostOf, make_manifest: MakeManifest, tus_headers: TusHeaders
) -> None:
    """The answer for what is another tenant's is, word for word, the answer for what is not there."""
    manifest = make_manifest(DATA)
    await _bring(await host_of("bank"), manifest, tus_headers)
    task = decode((await person(Role.ADMIN)("GET", "/v1/tasks")).body, TaskPage).tasks[0].id
    stranger, nothing = person(Role.ANALYST, tenant="shop"), "a1111111-1111-4111-8111-111111111111"
    sha256 = manifest.object.sha256
    for path, name, absent in (
        ("/v1/submissions/{}", manifest.id, nothing), ("/v1/tasks/{}", task, nothing),
        ("/v1/contents/{}", sha256, "b" * 64),
    ):  # fmt: skip
        there = await stranger("GET", path.format(name))
        gone = await stranger("GET", path.format(absent))
        assert there.body.replace(name.encode(), b"") == gone.body.replace(absent.encode(), b"")


@pytest.mark.usefixtures("tenants")
async def test_a_quota_is_named_with_when_to_come_again(host_of: HostOf, make_manifest: MakeManifest) -> None:
    """429 says which quota, and how long it lasts; what never fits is 413; another tenant's host goes on."""
    bank, shop = await host_of("bank"), await host_of("shop")
    for number in range(2):
        assert (await bank("POST", "/v1/submissions", message=make_manifest(b"%d" % number))).status == 201
    reply = await bank("POST", "/v1/submissions", message=make_manifest(b"2"))
    assert (reply.status, reply.problem) == (429, "quota")
    assert b"device_objects: 2 of 2 a day" in reply.body
    assert 0 < int(reply.headers["Retry-After"]) <= 86_400
    reply = await bank("POST", "/v1/submissions", message=make_manifest(bytes(1001)))
    assert (reply.status, reply.problem) == (413, "too-large")
    assert b"device_bytes" in reply.body
    for number in range(4):
        assert (await shop("POST", "/v1/submissions", message=make_manifest(b"%d" % number))).status == 201


@pytest.mark.usefixtures("tenants")
async def test_tenants_are_listed_with_what_they_brought(
    settings: QueueSettings, current: datetime, host_of: HostOf, make_manifest: MakeManifest
) -> None:
    """By name, with the quotas that hold and today's numbers; a change counts from the next manifest on."""
    bank = await host_of("bank")
    assert (await bank("POST", "/v1/submissions", message=make_manifest(DATA))).status == 201
    change_tenant(settings, "bank", Quotas(device_objects=1), now=current)
    assert (await bank("POST", "/v1/submissions", message=make_manifest(b"more"))).status == 429
    lines = {line.tenant.name: line for line in list_tenants(settings, now=current)}
    assert list(lines) == ["bank", "default", "shop"]
    assert (lines["bank"].devices, lines["bank"].today) == (1, Usage(1, len(DATA)))
    assert (lines["bank"].quotas, lines["shop"].quotas) == (Quotas(device_objects=1), Quotas())
    assert [device.tenant for device in list_devices(settings)] == ["bank"]


def test_a_tenant_that_cannot_be_is_refused(settings: QueueSettings, current: datetime) -> None:
    """A name that is none, or taken, a negative quota, and a token for a tenant that is not there."""
    create_tenant(settings, "bank", Quotas(), now=current)
    with pytest.raises(SettingsError, match="exists already"):
        create_tenant(settings, "bank", Quotas(), now=current)
    for name in ("Bank", "", "*", "a" * 33):
        with pytest.raises(SettingsError, match="a-z"):
            create_tenant(settings, name, Quotas(), now=current)
    with pytest.raises(NotFound):
        change_tenant(settings, "shop", Quotas(), now=current)
    for tenant, role, why in (("shop", Role.ANALYST, "no tenant 'shop'"), (ALL_TENANTS, Role.ENROLL, "one tenant's")):
        with pytest.raises(SettingsError, match=why):
            create_token(settings, role, name="x", days=1, now=current, tenant=tenant)


@pytest.mark.usefixtures("tenants")
async def test_the_log_tells_who_did_what(person: Person, host_of: HostOf, settings: QueueSettings) -> None:
    """What was done at the shell and over HTTP is in one chain; an analyst sees what the tenant's own people did."""
    await host_of("shop")
    admin = person(Role.ADMIN, name="chief")
    entries = decode((await admin("GET", "/v1/audit")).body, AuditPage).entries
    assert [(line.actor, line.action.value) for line in entries[:2]] == [("local", "tenant-create")] * 2
    assert entries[0].detail == "device_objects 2, device_bytes 1000"
    assert (entries[-1].action.value, entries[-1].subject, entries[-1].detail) == (
        "token-create",
        "chief",
        "admin of all tenants",
    )
    assert "enroll" in [line.action.value for line in entries]
    assert first_break(entries) is None
    page = decode((await admin("GET", "/v1/audit?limit=1&after=0")).body, AuditPage)
    assert ([line.position for line in page.entries], page.after) == ([1], 1)
    own = decode((await person(Role.ANALYST, tenant="shop")("GET", "/v1/audit")).body, AuditPage).entries
    assert [(line.tenant, line.action.value) for line in own] == [("shop", "enroll")]
    for query in ("?action=nap", "?after=x", "?limit=0", "?since=yesterday"):
        assert (await admin("GET", "/v1/audit" + query)).status == 400
    assert (await person(Role.WORKER)("GET", "/v1/audit")).status == 403
    today = entries[0].at.date()
    assert decode((await admin("GET", f"/v1/audit?since={today}&until={today}")).body, AuditPage).entries
    assert decode((await admin("GET", "/v1/audit?until=2020-01-01")).body, AuditPage).entries == ()
