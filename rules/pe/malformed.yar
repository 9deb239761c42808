rule PE_Impossible_Section_Count
{
    meta:
        author = "Sampler project"
        description = "A Windows program that announces more than 96 sections, which no version of Windows loads"
        date = "2026-11-24"
        reference = "https://learn.microsoft.com/en-us/windows/win32/debug/pe-format#coff-file-header-object-and-image"
        severity = "medium"
        sampling = "parts"
        parts = "header,tail"
        license = "Apache-2.0"
        uuid = "e7086fd7-3fbf-4525-b124-a8acbad6e3be"

    condition:
        uint16(0) == 0x5A4D and uint32(0x3C) < filesize and uint32be(uint32(0x3C)) == 0x50450000 and
        uint16(uint32(0x3C) + 6) > 96
}
