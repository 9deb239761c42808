"""Every check of what a peer asks for. Pure, but for one look at who owns a process."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from sampler.intake.problems import Rejected, bad_value
from sampler.limits import PATH_MAX_BYTES, PROCESS_ID_MAX
from sampler.model import Candidate, ObjectState, PathSource, Peer, Reason, Sampling, Source
from sampler.wire.agent_messages import FlagRequest
from sampler.wire.codec import DecodeError, decode

M = TypeVar("M")

LIST_MAX_COUNT: Final = 1000
"""Objects on one page."""
_CURSOR_MAX_CHARACTERS: Final = 256
_LIST_KEYS: Final = frozenset({"state", "after", "limit"})


@dataclass(frozen=True, slots=True)
class Flag:
    """A flag request that passed every check; only the object itself is not there yet."""

    event_id: str | None
    path: bytes | None
    has_descriptor: bool
    reason: Reason
    peer: Peer
    detections: tuple[str, ...]
    pid: int | None
    origin_url: str | None
    wants: Sampling | None

    def candidate(self, source: Source, *, event_id: str, received: datetime) -> Candidate:
        """The candidate, with its source; ``event_id`` is used when the peer gave none."""
        return Candidate(
            event_id=self.event_id or event_id,
            received=received,
            reason=self.reason,
            peer=self.peer,
            source=source,
            detections=self.detections,
            pid=self.pid,
            origin_url=self.origin_url,
            wants=self.wants,
        )

    def path_source(self) -> PathSource:
        """The path as a source to open.

        Raises:
            Rejected: there is none.
        """
        if self.path is None:
            raise bad_value("$.path", "give `path` or `path_hex`, or `descriptor` with a descriptor")
        return PathSource(self.path)


@dataclass(frozen=True, slots=True)
class Listing:
    """A query for objects that passed every check."""

    state: str | None
    after: str | None
    limit: int


def read_flag(data: bytes, peer: Peer) -> Flag:
    """A flag request from its JSON.

    Raises:
        Rejected: 400, it is not JSON; 422, it has an unknown key or a value that cannot be.
    """
    message = decode_request(data, FlagRequest)
    return Flag(
        event_id=message.id,
        path=path_in(message.path, message.path_hex, "$"),
        has_descriptor=message.descriptor,
        reason=reason_in(message.reason),
        peer=peer,
        detections=tuple(message.detections),
        pid=None if message.pid is None else check_process(message.pid, peer, "$.pid"),
        origin_url=message.origin_url,
        wants=message.wants,
    )


def read_listing(query: Mapping[str, str]) -> Listing:
    """What objects are asked for.

    Raises:
        Rejected: 422, an unknown key or a value that cannot be.
    """
    if unknown := sorted(set(query) - _LIST_KEYS):
        raise bad_value("?" + unknown[0][:64], f"unknown key, known are {', '.join(sorted(_LIST_KEYS))}")
    state, after = query.get("state"), query.get("after")
    if state is not None and state not in list(ObjectState):
        raise bad_value("?state", f"not a state, those are {', '.join(ObjectState)}")
    if after is not None and len(after) > _CURSOR_MAX_CHARACTERS:
        raise bad_value("?after", f"a cursor has at most {_CURSOR_MAX_CHARACTERS} characters")
    return Listing(state, after, _limit(query.get("limit", "100")))


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= LIST_MAX_COUNT):
        raise bad_value("?limit", f"a limit is 1 to {LIST_MAX_COUNT}")
    return int(text)


def decode_request(data: bytes, kind: type[M]) -> M:
    """A request of a kind, from its JSON.

    Raises:
        Rejected: 400, it is not JSON; 422, it has an unknown key or a value that cannot be.
    """
    try:
        return decode(data, kind)
    except DecodeError as error:
        if isinstance(error.__cause__, msgspec.ValidationError):
            raise Rejected(HTTPStatus.UNPROCESSABLE_ENTITY, "bad-value", str(error)) from error
        raise Rejected(HTTPStatus.BAD_REQUEST, "not-json", f"the request is not JSON: {error}") from error


def path_in(text: str | None, digits: str | None, place: str) -> bytes | None:
    """An absolute path, from either of two keys that a request can name it by.

    Raises:
        Rejected: 422, it is none, or both are given.
    """
    match text, digits:
        case None, None:
            return None
        case str(text), None:
            return _checked(_bytes_of(text, f"{place}.path"), f"{place}.path")
        case None, str(digits):
            return _checked(bytes.fromhex(digits), f"{place}.path_hex")
        case _:
            raise bad_value(f"{place}.path_hex", "`path` and `path_hex` name the same thing; give one of them")


def _bytes_of(text: str, place: str) -> bytes:
    try:
        return os.fsencode(text)
    except UnicodeEncodeError as error:
        raise bad_value(place, "not a path in this system's encoding; give its bytes as `path_hex`") from error


def _checked(path: bytes, place: str) -> bytes:
    if not path.startswith(b"/"):
        raise bad_value(place, "a path must be absolute, so that it starts with /")
    if b"\0" in path:
        raise bad_value(place, "a path has no NUL")
    if len(path) > PATH_MAX_BYTES:
        raise bad_value(place, f"a path has at most {PATH_MAX_BYTES} bytes, this one has {len(path)}")
    return path


def reason_in(text: str) -> Reason:
    """Why an object is flagged.

    Raises:
        Rejected: 422, it is no reason.
    """
    if text not in list(Reason):
        raise bad_value("$.reason", f"not a reason, those are {', '.join(Reason)}")
    return Reason(text)


def check_process(pid: int, peer: Peer, place: str) -> int:
    """A process that is still there must be the peer's own: what the agent may learn of others is not for the peer.

    Raises:
        Rejected: 422, it is another user's.
    """
    if pid > PROCESS_ID_MAX:
        raise bad_value(place, f"a process has a number of at most {PROCESS_ID_MAX}")
    if peer.uid not in (0, os.geteuid(), _owner(pid, peer.uid)):
        raise bad_value(place, f"process {pid} belongs to another user")
    return pid


def _owner(pid: int, fallback: int) -> int:
    try:
        return Path(f"/proc/{pid}").stat().st_uid
    except FileNotFoundError:
        return fallback
