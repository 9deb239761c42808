"""Values of options that click has no type for: sizes, points in time, external variables."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from sampler.limits import GIB, KIB, MIB
from sampler.scan import EXTERNALS, ExternalValue

_SIZE: Final = re.compile(r"(\d{1,18})\s*([KMG]?)(?:i?B)?", re.IGNORECASE)
_FACTORS: Final = {"": 1, "K": KIB, "M": MIB, "G": GIB}
_NAME: Final = re.compile(r"[A-Za-z_]\w{0,127}")
_WHOLE: Final = re.compile(r"-?\d{1,18}")
_ADDRESSES: Final = re.compile(r"(?:0x)?([0-9a-f]{1,16})-(?:0x)?([0-9a-f]{1,16})", re.IGNORECASE)
_PERMISSION: Final = re.compile(r"[r?-][w?-][x?-]")
_NANOSECONDS: Final = 1_000_000_000


class SizeType(click.ParamType[int]):
    """A number of bytes: ``4096``, ``64K``, ``10M``, ``2G``."""

    name = "size"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """As ``click.ParamType.convert``."""
        if isinstance(value, int):
            return value
        found = _SIZE.fullmatch(str(value).strip())
        if found is None:
            self.fail(f"{value!r} is no size; write bytes, or 64K, 10M, 2G", param, ctx)
        return int(found[1]) * _FACTORS[found[2].upper()]


class ExternalType(click.ParamType[tuple[str, ExternalValue]]):
    """``NAME=VALUE``, as with ``yara -d``: a whole number, a fraction, ``true`` or ``false``, or else a text."""

    name = "external"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ExternalValue]:
        """As ``click.ParamType.convert``."""
        name, sign, text = str(value).partition("=")
        if not sign or not _NAME.fullmatch(name):
            self.fail(f"{value!r} is no external variable; write NAME=VALUE", param, ctx)
        if name in EXTERNALS:
            self.fail(f"{name} is what each file says it is; give your own variable another name", param, ctx)
        return name, _external(text)


class AddressesType(click.ParamType[tuple[int, int]]):
    """A range of addresses: ``7f0000001000-7f0000002000``, hexadecimal, the second one not in it."""

    name = "addresses"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        """As ``click.ParamType.convert``."""
        if isinstance(value, tuple):
            return value
        found = _ADDRESSES.fullmatch(str(value))
        if found is None or int(found[1], 16) >= int(found[2], 16):
            self.fail(f"{value!r} is no range of addresses; write START-END in hexadecimal", param, ctx)
        return int(found[1], 16), int(found[2], 16)


class PermissionType(click.ParamType[str]):
    """What a region of memory allows: ``rwx``, ``r-x``; ``?`` is either."""

    name = "rwx"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """As ``click.ParamType.convert``."""
        if not _PERMISSION.fullmatch(str(value)):
            self.fail(f"{value!r} is no permission; write rwx, r-x or ??x", param, ctx)
        return str(value)


ADDRESSES: Final = AddressesType()
PERMISSION: Final = PermissionType()
SIZE: Final = SizeType()
EXTERNAL: Final = ExternalType()


def _external(text: str) -> ExternalValue:
    if text in ("true", "false"):
        return text == "true"
    if _WHOLE.fullmatch(text):
        return int(text)
    if re.fullmatch(r"-?\d{1,15}\.\d{1,15}", text):
        return float(text)
    return text


def moment_ns(text: str | None) -> int | None:
    """Nanoseconds since 1970 UTC of a point in time, or of the last change of a file that is named instead.

    Raises:
        click.BadParameter: it is neither; it says what to write.
    """
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        try:
            return Path(text).lstat().st_mtime_ns
        except OSError as error:
            raise click.BadParameter(
                f"{text!r} is neither a time (2026-11-25 or 2026-11-25T12:00:00Z) nor a file: {error.strerror}"
            ) from error
    utc = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return int(utc.timestamp()) * _NANOSECONDS


def paths_of(data: bytes) -> Sequence[bytes]:
    """The paths in a list of files: ended by NUL where there is one, else by line ends."""
    return [path for path in data.split(b"\0" if b"\0" in data else b"\n") if path]
