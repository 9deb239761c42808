"""The header of a 7z archive as frozen values (7zFormat.txt of the LZMA SDK). Counts are bounded by what is there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sampler.extract.compressed_streams import NotUnpacked
from sampler.limits import MIB

MAGIC: Final = b"7z\xbc\xaf\x27\x1c"
SIGNATURE_BYTES: Final = 32
HEADER_MAX_BYTES: Final = 4 * MIB
"""Of the header, packed or not."""
FILES_MAX_COUNT: Final = 16_384
FOLDERS_MAX_COUNT: Final = 4096
_CODERS_MAX_COUNT: Final = 8
_STREAMS_MAX_COUNT: Final = 8
_PROPERTIES_MAX_COUNT: Final = 64

_END, HEADER, ARCHIVE_PROPERTIES, _ADDITIONAL, MAIN_STREAMS, FILES, _PACK, _UNPACK, _SUB = range(9)
_SIZE, _CRC, _FOLDER, _CODERS_SIZE, _COUNTS, _EMPTY_STREAM = range(9, 15)
_NAMES: Final = 0x11
ENCODED_HEADER: Final = 0x17


@dataclass(frozen=True, slots=True)
class Coder:
    """One method of a folder; ``inputs`` is 1 for all but those that join several streams."""

    method: bytes
    inputs: int
    outputs: int
    properties: bytes


@dataclass(frozen=True, slots=True)
class Folder:
    """Files that were compressed as one stream."""

    chain: tuple[Coder, ...]
    """From the packed bytes to the files; empty where the coders do not form a chain."""
    sizes: tuple[int, ...]
    """What comes out of each of the chain."""
    packed_offset: int
    """Behind the signature header."""
    packed_size: int

    @property
    def size(self) -> int:
        """What comes out in the end."""
        return self.sizes[-1] if self.sizes else 0


@dataclass(frozen=True, slots=True)
class Streams:
    """Folders, and what lies in each: size and CRC-32 (``None`` where there is none) of its parts."""

    folders: tuple[Folder, ...]
    parts: tuple[tuple[tuple[int, int | None], ...], ...]


@dataclass(frozen=True, slots=True)
class SevenFile:
    """One file; ``folder`` is -1 for one without bytes."""

    name: str
    folder: int = -1
    offset: int = 0
    """Inside what its folder makes."""
    size: int = 0
    crc: int | None = None


@dataclass(slots=True)
class _Row:
    """A folder while it is read."""

    coders: list[Coder]
    bonds: dict[int, int]
    """Input to the output that feeds it."""
    packed_inputs: list[int]
    sizes: tuple[int, ...] = ()
    crc: int | None = None


class HeaderReader:
    """Reads one header from its first byte; every method raises ``NotUnpacked`` where it does not hold together."""

    def __init__(self, header: bytes) -> None:
        self._bytes = header
        self._at = 0

    def number(self) -> int:
        """7z's variable number: the leading ones of the first byte say how many bytes follow."""
        first = self.byte()
        value, mask = 0, 0x80
        for index in range(8):
            if not first & mask:
                return value | (first & (mask - 1)) << 8 * index
            value |= self.byte() << 8 * index
            mask >>= 1
        return value

    def byte(self) -> int:
        """The next byte."""
        return self.take(1)[0]

    def take(self, length: int) -> bytes:
        """The next bytes, all of them."""
        taken = self._bytes[self._at : self._at + length]
        if len(taken) < length:
            raise NotUnpacked("damaged", "the header is cut off")
        self._at += length
        return taken

    def rest(self) -> bytes:
        """Everything that is left."""
        return self._bytes[self._at :]

    def count(self, ceiling: int, what: str) -> int:
        """A number of things, each of which has bytes of its own."""
        count = self.number()
        if count > ceiling:
            raise NotUnpacked("too-many-members", f"{count} {what}, at most {ceiling} are read")
        return count

    def bits(self, count: int) -> list[bool]:
        """A vector of bits, highest first."""
        raw = self.take(-(-count // 8))
        return [bool(raw[index // 8] & 0x80 >> index % 8) for index in range(count)]

    def known(self, count: int) -> list[bool]:
        """A vector of bits behind a byte that says that all are set."""
        return [True] * count if self.byte() else self.bits(count)

    def checksums(self, count: int) -> list[int | None]:
        """CRC-32s, where they are known."""
        return [int.from_bytes(self.take(4), "little") if known else None for known in self.known(count)]

    def expect(self, kind: int) -> None:
        """The next property must be this one."""
        if (found := self.number()) != kind:
            raise NotUnpacked("damaged", f"property {found} of the header where {kind} should be")


def read_streams(reader: HeaderReader) -> Streams:
    """Where packed streams lie, how folders are made of them, and what lies in each (7zFormat, "Streams Info")."""
    packed: list[tuple[int, int]] = []
    rows: list[_Row] = []
    parts: list[list[tuple[int, int | None]]] | None = None
    while (kind := reader.number()) != _END:
        if kind == _PACK:
            packed = _packed_streams(reader)
        elif kind == _UNPACK:
            rows = _folders(reader)
        elif kind == _SUB:
            parts = _parts(reader, rows)
        else:
            raise NotUnpacked("damaged", f"property {kind} among the streams")
    folders = tuple(_settled(rows, packed))
    if parts is not None and len(parts) != len(folders):
        raise NotUnpacked("damaged", "the files are told of other folders than there are")
    whole = [[(folder.size, row.crc)] for folder, row in zip(folders, rows, strict=True)]
    return Streams(folders, tuple(tuple(row) for row in (whole if parts is None else parts)))


def read_files(reader: HeaderReader, streams: Streams) -> tuple[SevenFile, ...]:
    """The files, each with the stretch of its folder (7zFormat, "Files Info")."""
    count = reader.count(FILES_MAX_COUNT, "files")
    names: list[str] = []
    empty = [False] * count
    for _ in range(_PROPERTIES_MAX_COUNT):
        kind = reader.number()
        if kind == _END:
            break
        body = HeaderReader(reader.take(reader.number()))
        if kind == _NAMES:
            names = _names(body, count)
        elif kind == _EMPTY_STREAM:
            empty = body.bits(count)
    names += [""] * (count - len(names))
    places = _places(streams)
    return tuple(
        SevenFile(name) if is_empty else SevenFile(name, *next(places, (-1, 0, 0, None)))
        for name, is_empty in zip(names, empty, strict=True)
    )


def _packed_streams(reader: HeaderReader) -> list[tuple[int, int]]:
    offset = reader.number()
    count = reader.count(FOLDERS_MAX_COUNT * _STREAMS_MAX_COUNT, "packed streams")
    sizes = [0] * count
    while (kind := reader.number()) != _END:
        if kind == _SIZE:
            sizes = [reader.number() for _ in range(count)]
        elif kind == _CRC:
            reader.checksums(count)
        else:
            raise NotUnpacked("damaged", f"property {kind} among the packed streams")
    places = []
    for size in sizes:
        places.append((offset, size))
        offset += size
    return places


def _folders(reader: HeaderReader) -> list[_Row]:
    reader.expect(_FOLDER)
    count = reader.count(FOLDERS_MAX_COUNT, "folders")
    if reader.byte():
        raise NotUnpacked("unsupported", "folders are described elsewhere")
    rows = [_folder(reader) for _ in range(count)]
    reader.expect(_CODERS_SIZE)
    for row in rows:
        row.sizes = tuple(reader.number() for coder in row.coders for _ in range(coder.outputs))
    while (kind := reader.number()) != _END:
        if kind != _CRC:
            raise NotUnpacked("damaged", f"property {kind} among the folders")
        for row, crc in zip(rows, reader.checksums(count), strict=True):
            row.crc = crc
    return rows


def _folder(reader: HeaderReader) -> _Row:
    coders = [_coder(reader) for _ in range(reader.count(_CODERS_MAX_COUNT, "coders of one folder"))]
    inputs, outputs = sum(coder.inputs for coder in coders), sum(coder.outputs for coder in coders)
    bonds = {reader.number(): reader.number() for _ in range(max(0, outputs - 1))}
    packed = inputs - max(0, outputs - 1)
    if packed < 1:
        raise NotUnpacked("damaged", "a folder that is made of nothing")
    free = [index for index in range(inputs) if index not in bonds]
    return _Row(coders, bonds, free if packed == 1 else [reader.number() for _ in range(packed)])


def _coder(reader: HeaderReader) -> Coder:
    flags = reader.byte()
    method = reader.take(flags & 0xF)
    inputs = outputs = 1
    if flags & 0x10:
        inputs, outputs = (reader.count(_STREAMS_MAX_COUNT, "streams of one coder") for _ in range(2))
    properties = reader.take(reader.number()) if flags & 0x20 else b""
    return Coder(method, inputs, outputs, properties)


def _parts(reader: HeaderReader, rows: list[_Row]) -> list[list[tuple[int, int | None]]]:
    counts = [1] * len(rows)
    kind = reader.number()
    if kind == _COUNTS:
        counts = [reader.count(FILES_MAX_COUNT, "files of one folder") for _ in rows]
        kind = reader.number()
    if sum(counts) > FILES_MAX_COUNT:
        raise NotUnpacked("too-many-members", f"{sum(counts)} files, at most {FILES_MAX_COUNT} are read")
    sizes = [_part_sizes(reader, row, count, sized=kind == _SIZE) for row, count in zip(rows, counts, strict=True)]
    kind = reader.number() if kind == _SIZE else kind
    known = [row.crc if count == 1 else None for row, count in zip(rows, counts, strict=True)]
    unknown = sum(count for count, crc in zip(counts, known, strict=True) if crc is None)
    crcs: Iterator[int | None] = iter([None] * unknown)
    if kind == _CRC:
        crcs = iter(reader.checksums(unknown))
        kind = reader.number()
    if kind != _END:
        raise NotUnpacked("damaged", f"property {kind} among the parts of folders")
    return [
        [(size, next(crcs, None) if crc is None else crc) for size in row]
        for row, crc in zip(sizes, known, strict=True)
    ]


def _part_sizes(reader: HeaderReader, row: _Row, count: int, *, sized: bool) -> list[int]:
    """All but the last part say how long they are; the last one has the rest."""
    if count == 0:
        return []
    told = [reader.number() for _ in range(count - 1)] if sized else [0] * (count - 1)
    rest = _final_size(row) - sum(told)
    if rest < 0:
        raise NotUnpacked("damaged", "the files of a folder are longer than the folder")
    return [*told, rest]


def _final_size(row: _Row) -> int:
    fed = set(row.bonds.values())
    return next((size for index, size in enumerate(row.sizes) if index not in fed), 0)


def _settled(rows: list[_Row], packed: list[tuple[int, int]]) -> Iterator[Folder]:
    places = iter(packed)
    for row in rows:
        own = [next(places, (0, 0)) for _ in row.packed_inputs]
        offset, size = own[0] if own else (0, 0)
        order = _chain(row)
        sizes = tuple(row.sizes[index] for index in order) or (_final_size(row),)
        yield Folder(tuple(row.coders[index] for index in order), sizes, offset, size)


def _chain(row: _Row) -> list[int]:
    """The coders from the packed stream to the files; empty unless each has one input and one output."""
    if any(coder.inputs != 1 or coder.outputs != 1 for coder in row.coders) or len(row.packed_inputs) != 1:
        return []
    follows = {feeder: fed for fed, feeder in row.bonds.items()}
    order = [row.packed_inputs[0]]
    while len(order) < len(row.coders) and (following := follows.get(order[-1])) is not None:
        order.append(following)
    is_whole = len(set(order)) == len(row.coders) and max(order) < len(row.coders)
    return order if is_whole else []


def _names(body: HeaderReader, count: int) -> list[str]:
    if body.byte():
        raise NotUnpacked("unsupported", "names are kept elsewhere")
    raw = body.rest()
    names = raw.decode("utf-16-le", "replace").split("\0", count)
    return names[:count]


def _places(streams: Streams) -> Iterator[tuple[int, int, int, int | None]]:
    for index, parts in enumerate(streams.parts):
        offset = 0
        for size, crc in parts:
            yield index, offset, size, crc
            offset += size
