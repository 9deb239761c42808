import "pe"

rule PE_NSIS_Installer
{
    meta:
        author = "Sampler project"
        description = "An installer made by NSIS: its first header stands in the overlay, on a boundary of 512 bytes"
        date = "2026-11-24"
        reference = "https://nsis.sourceforge.io/Docs/"
        severity = "info"
        sampling = "parts"
        parts = "header,overlay,resource,matches"
        context = 128
        license = "Apache-2.0"
        uuid = "e5e173e7-b007-40b7-9a1f-b10983f28d51"

    strings:
        $first_header = { EF BE AD DE 4E 75 6C 6C 73 6F 66 74 49 6E 73 74 }

    condition:
        uint16(0) == 0x5A4D and pe.overlay.size > 28 and
        for any i in (1..#first_header) : ( @first_header[i] >= pe.overlay.offset and (@first_header[i] - 4) % 512 == 0 )
}
