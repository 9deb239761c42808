"""What the agent and its nursery say to each other, as MessagePack in frames."""

from __future__ import annotations

from enum import StrEnum
from typing import TypeAlias, TypeVar

import msgspec


class Confinement(msgspec.Struct, frozen=True):
    """What holds a child, and what could not be had on this kernel, each with its reason."""

    layers: tuple[str, ...]
    missing: tuple[str, ...] = ()

    def __add__(self, other: Confinement) -> Confinement:
        """Both together."""
        return Confinement(self.layers + other.layers, self.missing + other.missing)

    def __str__(self) -> str:
        """For people: the layers, then what is missing."""
        layers = ", ".join(self.layers)
        return f"{layers}; missing: {', '.join(self.missing)}" if self.missing else layers


class Profile(StrEnum):
    """What children are for, and so what they are held by."""

    OBJECTS = "objects"
    """Each parses one object after the other, and is held by everything that there is."""
    PROCESS = "process"
    """Each reads the memory of one process, and ends."""


class Warm(msgspec.Struct, frozen=True, tag="warm"):
    """First message to the nursery: what to import and call, once, before any child is forked."""

    entry: str
    """``package.module:function``."""
    settings: bytes
    search_path: tuple[bytes, ...]
    """``sys.path`` of the agent, since the nursery inherits no environment; bytes as the file system keeps them."""
    memory_max_bytes: int
    profile: Profile = Profile.OBJECTS


class Warmed(msgspec.Struct, frozen=True, tag="warmed"):
    """The entry returned; ``report`` is what it has to say."""

    report: bytes
    confinement: Confinement
    """What a child that was forked on trial could be confined to; one that is held by less must not exist."""


class Fork(msgspec.Struct, frozen=True, tag="fork"):
    """One more child, please."""


class Forked(msgspec.Struct, frozen=True, tag="forked"):
    """A child; its socket and its pidfd travel with this message, in this order."""

    pid: int


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """It could not be done; ``message`` says why."""

    message: str


T = TypeVar("T")
ToNursery: TypeAlias = Warm | Fork
FromNursery: TypeAlias = Warmed | Forked | Failed

_encoder = msgspec.msgpack.Encoder()
_to_nursery: msgspec.msgpack.Decoder[ToNursery] = msgspec.msgpack.Decoder(ToNursery)
_from_nursery: msgspec.msgpack.Decoder[FromNursery] = msgspec.msgpack.Decoder(FromNursery)
_confinement = msgspec.msgpack.Decoder(Confinement)


def encode(message: ToNursery | FromNursery) -> bytes:
    """MessagePack."""
    return _encoder.encode(message)


def encode_confinement(confinement: Confinement) -> bytes:
    """MessagePack, for the nursery from a child on trial."""
    return _encoder.encode(confinement)


def _decoded(decoder: msgspec.msgpack.Decoder[T], data: bytes) -> T:
    try:
        return decoder.decode(data)
    except UnicodeDecodeError as error:  # msgspec lets it through where a tag is not UTF-8
        raise msgspec.DecodeError(str(error)) from error


def to_confinement(data: bytes) -> Confinement:
    """Decode what a child on trial told; ``msgspec.DecodeError`` if it is nothing it can say."""
    return _decoded(_confinement, data)


def to_nursery(data: bytes) -> ToNursery:
    """Decode what the agent said; ``msgspec.DecodeError`` if it is nothing it can say."""
    return _decoded(_to_nursery, data)


def from_nursery(data: bytes) -> FromNursery:
    """Decode what the nursery said; ``msgspec.DecodeError`` if it is nothing it can say."""
    return _decoded(_from_nursery, data)
