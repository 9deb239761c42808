rule Boot_Sector
{
    meta:
        author = "Sampler project"
        description = "A disk or volume image that begins with a boot sector: its signature, and a partition table or BIOS parameter block that hold water"
        date = "2026-11-24"
        reference = "https://ecma-international.org/publications-and-standards/standards/ecma-107/"
        severity = "info"
        sampling = "parts"
        parts = "header"
        license = "Apache-2.0"
        uuid = "bc249198-cbf2-41b3-ad1a-5881c31bb6df"

    condition:
        filesize >= 512 and filesize % 512 == 0 and uint16be(510) == 0x55AA and
        (
            // a volume: a jump, a usual sector size, a power of two of sectors a cluster
            (
                (uint8(0) == 0xEB or uint8(0) == 0xE9) and
                (uint16(11) == 512 or uint16(11) == 1024 or uint16(11) == 2048 or uint16(11) == 4096) and
                uint8(13) != 0 and (uint8(13) & (uint8(13) - 1)) == 0
            ) or
            // a partitioned disk: four boot flags, and a first partition with a type, a start and a length
            (
                (uint8(446) & 0x7F) == 0 and (uint8(462) & 0x7F) == 0 and
                (uint8(478) & 0x7F) == 0 and (uint8(494) & 0x7F) == 0 and
                uint8(450) != 0 and uint32(454) != 0 and uint32(458) != 0
            )
        )
}
