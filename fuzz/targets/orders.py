"""The messages that nursery, children and agent send each other, apart from answers; the first byte says which."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from fuzz.target import Target
from sampler.examine import RuleReport
from sampler.examine import messages as examine
from sampler.limits import MIB
from sampler.sandbox import messages as sandbox
from sampler.scan import RuleSettings, ScanLimits

_DECODERS: Final[tuple[Callable[[bytes], Any], ...]] = (
    examine.decode_request,
    examine.decode_preparation,
    sandbox.to_nursery,
    sandbox.from_nursery,
    sandbox.to_confinement,
    examine.decode_order,
)
_PASSED_ON: Final = _DECODERS[:-1]
"""Whose message is what they return; an order is taken apart."""


def one_input(data: bytes) -> None:
    """It is refused by the one documented error, or it is a message that arrives as it was sent."""
    decode = _DECODERS[data[0] % len(_DECODERS)] if data else _DECODERS[0]
    try:
        message = decode(data[1:])
    except (examine.MessageError, msgspec.DecodeError):
        return
    if decode in _PASSED_ON:
        assert decode(msgspec.msgpack.encode(message)) == message


def _seeds() -> Iterator[bytes]:
    yield b"\0" + examine.encode(examine.ExamineRequest("0" * 64, 4096, b"/a/\xff", "root"))
    yield b"\0" + examine.encode(examine.SweepRequest(4096, b"/a/\xff", "root"))
    yield b"\1" + examine.encode_ready(RuleReport("sha256:0", 12, ("a.yar:1: syntax error",)))
    yield b"\1" + examine.encode(examine.Unusable("no rule is left"))
    held = sandbox.Confinement(("a", "b"), ("c",))
    yield b"\2" + sandbox.encode(sandbox.Warm("module:function", b"settings", (b"/path",), 2**31))
    yield b"\2" + sandbox.encode(sandbox.Fork())
    yield b"\3" + sandbox.encode(sandbox.Warmed(b"report", held))
    yield b"\3" + sandbox.encode(sandbox.Forked(4711))
    yield b"\3" + sandbox.encode(sandbox.Failed("why"))
    yield b"\4" + sandbox.encode_confinement(held)
    yield b"\5" + examine.encode_order(RuleSettings((Path("/rules"),), cache=Path("/kept")), ScanLimits())


TARGET: Final = Target(
    one_input,
    _seeds,
    tokens=(
        b"\xa4type", b"\xa4warm", b"\xa6warmed", b"\xa4fork", b"\xa6forked", b"\xa6failed", b"\xa7message",
        b"\xdd\xff\xff\xff\xff", b"\xdb\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xff", b"\xa1\xff",
    ),
    memory_max_bytes=64 * MIB,
)  # fmt: skip
