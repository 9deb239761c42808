rule MachO_Writable_Text_Segment
{
    meta:
        author = "Sampler project"
        description = "A 64-bit Mach-O program whose __TEXT segment starts out writable and executable"
        date = "2026-11-24"
        reference = "https://attack.mitre.org/techniques/T1027/002/"
        severity = "medium"
        sampling = "parts"
        parts = "header,segment,entry_point"
        license = "Apache-2.0"
        uuid = "b1e55044-ac23-4fbc-8581-6907019674c4"

    strings:
        // LC_SEGMENT_64 (mach-o/loader.h): command, size, name, address and size in memory and file, then both protections
        $segment = { 19 00 00 00 ?? ?? 00 00 5F 5F 54 45 58 54 00 00 00 00 00 00 00 00 00 00 [32] 07 00 00 00 (06 | 07) 00 00 00 }

    condition:
        uint32(0) == 0xFEEDFACF and $segment in (32..4096)
}

rule MachO_Executable_Stack
{
    meta:
        author = "Sampler project"
        description = "A Mach-O program that asks for an executable stack (MH_ALLOW_STACK_EXECUTION)"
        date = "2026-11-24"
        reference = "https://attack.mitre.org/techniques/T1055/"
        severity = "medium"
        sampling = "parts"
        parts = "header,segment,entry_point"
        license = "Apache-2.0"
        uuid = "325379fb-2c9f-4c63-8342-9c83643822c1"

    condition:
        (uint32(0) == 0xFEEDFACF or uint32(0) == 0xFEEDFACE) and uint32(12) == 2 and uint32(24) & 0x20000
}
