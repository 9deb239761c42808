"""Boot records of disks whose tables are honest, and of some whose tables are not."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from sampler.extract import KnownSectors, boot_records

SECTOR = 512
DISK = 8 * 1024 * 1024


def mbr(*entries: tuple[int, int]) -> bytearray:
    """A sector with a partition table: types and first sectors."""
    table = bytearray(SECTOR)
    for number, (kind, first) in enumerate(entries):
        table[446 + 16 * number + 4] = kind
        struct.pack_into("<II", table, 446 + 16 * number + 8, first, 100)
    table[510:] = b"\x55\xaa"
    return table


def gpt_header(own: int, other: int, entries: int, count: int = 4, size: int = 128) -> bytes:
    fields = struct.pack(
        "<8sIIIIQQQQ16sQIII", b"EFI PART", 0x10000, 92, 0, 0, own, other, 34, 99, b"", entries, count, size, 0
    )
    return fields.ljust(SECTOR, b"\0")


def told(*stretches: tuple[int, bytes], size: int = DISK) -> dict[str, tuple[int, int]]:
    disk = KnownSectors(size, SECTOR, stretches)
    return {record.name: (record.offset, record.length) for record in boot_records(disk)}


def test_partitions_of_an_mbr() -> None:
    """Each partition's record is asked for; the protective one and empty entries are none."""
    assert told((0, bytes(mbr((0x0C, 2048), (0xEE, 1), (0, 77), (0x83, 4096))))) == {
        "mbr": (0, SECTOR),
        "vbr:1": (2048 * SECTOR, 16 * SECTOR),
        "vbr:4": (4096 * SECTOR, 16 * SECTOR),
    }


def test_a_chain_of_extended_partitions_is_followed_a_link_a_round() -> None:
    """What a link tells is asked for only once the link is known."""
    first = (0, bytes(mbr((0x05, 1000))))
    assert told(first) == {"mbr": (0, SECTOR), "ebr:1": (1000 * SECTOR, SECTOR)}
    link = (1000 * SECTOR, bytes(mbr((0x83, 63), (0x05, 200))))
    found = told(first, link)
    assert found["vbr:5"] == (1063 * SECTOR, 16 * SECTOR)
    assert found["ebr:2"] == (1200 * SECTOR, SECTOR)


def test_a_chain_that_leads_to_itself_ends() -> None:
    """A link back to the first one is followed once."""
    loop = mbr((0x83, 63), (0x05, 0))
    struct.pack_into("<I", loop, 446 + 16 + 8, 2**32 - 1)
    assert set(told((0, bytes(mbr((0x05, 1000)))), (1000 * SECTOR, bytes(loop)))) == {"mbr", "ebr:1", "vbr:5"}


def test_both_tables_of_a_gpt_and_its_partitions() -> None:
    """Header and entries are one record at either end."""
    last = DISK // SECTOR - 1
    entries = bytearray(4 * 128)
    entries[0:16] = b"t" * 16
    struct.pack_into("<Q", entries, 32, 2048)
    head = (0, bytes(mbr((0xEE, 1))) + gpt_header(1, last, 2) + bytes(entries))
    tail = ((last - 1) * SECTOR, bytes(entries) + gpt_header(last, 1, last - 1))
    assert told(head, tail) == {
        "mbr": (0, SECTOR),
        "gpt-primary": (SECTOR, 2 * SECTOR),
        "gpt-backup": ((last - 1) * SECTOR, 2 * SECTOR),
        "vbr:1": (2048 * SECTOR, 16 * SECTOR),
    }


def test_a_backup_table_is_enough() -> None:
    """Where the primary one was overwritten, the backup tells of the partitions."""
    last = DISK // SECTOR - 1
    entries = bytearray(128)
    entries[0:16] = b"t" * 16
    struct.pack_into("<Q", entries, 32, 40)
    tail = ((last - 1) * SECTOR, bytes(entries).ljust(SECTOR, b"\0") + gpt_header(last, 1, last - 1, count=1))
    assert told((0, bytes(mbr((0xEE, 1)))), tail)["vbr:1"] == (40 * SECTOR, 16 * SECTOR)


def test_a_volume_without_a_table() -> None:
    """A file system's own boot record is no partition table, whatever lies at 446."""
    volume = mbr((0x0C, 2048))
    volume[3:11] = b"NTFS    "
    assert told((0, bytes(volume))) == {"vbr:0": (0, 16 * SECTOR)}


def test_numbers_that_lead_out_of_the_disk() -> None:
    """A partition behind the end is passed over; a table of absurd size is taken as far as it may be."""
    header = gpt_header(1, 2**60, 2, count=2**32 - 1, size=2**32 - 1)
    found = told((0, bytes(mbr((0x83, 2**31))) + header + bytes(512)))
    assert found == {"mbr": (0, SECTOR), "gpt-primary": (SECTOR, SECTOR + 64 * 1024)}


@given(st.binary(min_size=2048, max_size=4096), st.integers(0, 2**40))
def test_nothing_that_is_told_lies_outside(data: bytes, size: int) -> None:
    """Whatever the sectors hold, records are few and inside the disk."""
    head = data[:510] + b"\x55\xaa" + b"EFI PART" + data[520:]
    records = boot_records(KnownSectors(size, SECTOR, ((0, head),)))
    assert len(records) < 256
    for record in records:
        assert record.offset >= 0
        assert record.offset + record.length <= size
