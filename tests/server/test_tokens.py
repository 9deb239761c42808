from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from sampler.errors import NotFound, SettingsError
from sampler.identity import token_digest
from sampler.server import QueueSettings, create_token, list_devices, list_tokens, revoke_device, revoke_token
from sampler.wire.routes import Role


def test_a_token_is_kept_as_a_digest_only(settings: QueueSettings, current: datetime) -> None:
    """The ledger knows role, name and times, and nowhere in its files is the token itself."""
    token = create_token(settings, Role.WORKER, name="w", days=2, now=current)
    (record,) = list_tokens(settings)
    assert (record.digest, record.role, record.name) == (token_digest(token), Role.WORKER, "w")
    assert record.expires == record.created + timedelta(days=2)
    assert all(token.encode() not in file.read_bytes() for file in settings.folder.glob("queue.db*"))


def test_a_revoked_token_frees_its_name(settings: QueueSettings, current: datetime) -> None:
    """A name is used by one token at a time; revoking what is not there is an error."""
    create_token(settings, Role.WORKER, name="w", days=2, now=current)
    with pytest.raises(SettingsError, match="in use"):
        create_token(settings, Role.WORKER, name="w", days=2, now=current)
    revoke_token(settings, "w", now=current)
    with pytest.raises(NotFound):
        revoke_token(settings, "w", now=current)
    create_token(settings, Role.ADMIN, name="w", days=2, now=current)
    assert [(token.role, token.ended is None) for token in list_tokens(settings)] == [
        (Role.WORKER, False),
        (Role.ADMIN, True),
    ]


@pytest.mark.parametrize(("name", "days"), [("", 1), ("a\nb", 1), ("x" * 129, 1), ("x", 0), ("x", -1), ("x", 1e9)])
def test_a_bad_name_or_time_is_refused(settings: QueueSettings, current: datetime, name: str, days: float) -> None:
    """Nothing is made, and the error says what would be right."""
    with pytest.raises(SettingsError, match="a token"):
        create_token(settings, Role.WORKER, name=name, days=days, now=current)
    assert list_tokens(settings) == ()


def test_a_device_that_is_not_there_cannot_be_revoked(settings: QueueSettings, current: datetime) -> None:
    """A typing error is told."""
    with pytest.raises(NotFound):
        revoke_device(settings, "a1111111-1111-4111-8111-111111111111", now=current)
    assert list_devices(settings) == ()
