import "pe"

rule PE_Overlay_Archive
{
    meta:
        author = "Sampler project"
        description = "A Windows program with an archive appended to it (ZIP, RAR, 7-Zip or cabinet)"
        date = "2026-11-24"
        reference = "https://attack.mitre.org/techniques/T1027/009/"
        severity = "low"
        sampling = "parts"
        parts = "header,overlay"
        license = "Apache-2.0"
        uuid = "65c1ce8d-599d-48ed-839c-701ae002ab7c"

    strings:
        $zip = { 50 4B 03 04 (0A | 14 | 2D) 00 }
        $rar = { 52 61 72 21 1A 07 }
        $seven_zip = { 37 7A BC AF 27 1C }
        $cabinet = { 4D 53 43 46 00 00 00 00 }

    condition:
        uint16(0) == 0x5A4D and pe.overlay.size > 32 and
        // a line that names an interpreter may stand before the archive
        for any of them : ( $ in (pe.overlay.offset..pe.overlay.offset + 512) )
}
