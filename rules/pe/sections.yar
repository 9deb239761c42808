import "pe"

rule PE_Packer_Section_Names
{
    meta:
        author = "Sampler project"
        description = "A Windows program whose sections are named as a packer names them"
        date = "2026-11-24"
        reference = "https://attack.mitre.org/techniques/T1027/002/"
        severity = "low"
        sampling = "parts"
        parts = "header,entry_point,section"
        license = "Apache-2.0"
        uuid = "b0937903-8cc7-4772-9036-8dbdf6c5f622"

    condition:
        uint16(0) == 0x5A4D and pe.number_of_sections > 0 and pe.number_of_sections < 97 and
        for any section in pe.sections : (
            section.name == "UPX0" or section.name == "UPX1" or
            section.name == ".aspack" or section.name == ".adata" or
            section.name == ".MPRESS1" or section.name == ".MPRESS2" or
            section.name == ".petite" or section.name == ".nsp0" or section.name == ".nsp1" or
            section.name == ".vmp0" or section.name == ".vmp1" or
            section.name == ".themida" or section.name == ".winlice" or
            section.name == ".enigma1" or section.name == ".enigma2" or
            section.name == ".yP" or section.name == "PEC2"
        )
}

rule PE_Write_Execute_Section
{
    meta:
        author = "Sampler project"
        description = "A Windows program with a section that is both writable and executable"
        date = "2026-11-24"
        reference = "https://learn.microsoft.com/en-us/windows/win32/debug/pe-format#section-flags"
        severity = "medium"
        sampling = "parts"
        parts = "header,entry_point,section"
        license = "Apache-2.0"
        uuid = "3a70d258-35a0-437a-9175-a019ec227f36"

    condition:
        uint16(0) == 0x5A4D and pe.number_of_sections > 0 and pe.number_of_sections < 97 and
        for any section in pe.sections : (
            section.characteristics & pe.SECTION_MEM_WRITE and section.characteristics & pe.SECTION_MEM_EXECUTE
        )
}

rule PE_Entry_In_Writable_Last_Section
{
    meta:
        author = "Sampler project"
        description = "A Windows program that starts in its last section, which is writable: code added after it was linked"
        date = "2026-11-24"
        reference = "https://attack.mitre.org/techniques/T1554/"
        severity = "high"
        sampling = "parts"
        parts = "header,entry_point,section"
        license = "Apache-2.0"
        uuid = "72ffe46f-4590-4885-9cc2-3f823f35a1d4"

    condition:
        uint16(0) == 0x5A4D and pe.number_of_sections > 1 and pe.number_of_sections < 97 and
        pe.sections[pe.number_of_sections - 1].characteristics & pe.SECTION_MEM_WRITE and
        pe.entry_point >= pe.sections[pe.number_of_sections - 1].raw_data_offset and
        pe.entry_point < pe.sections[pe.number_of_sections - 1].raw_data_offset + pe.sections[pe.number_of_sections - 1].raw_data_size
}

rule PE_Section_Beyond_End
{
    meta:
        author = "Sampler project"
        description = "A Windows program that says of a section that it reaches beyond the file's end: cut off, or made to confuse parsers"
        date = "2026-11-24"
        reference = "https://learn.microsoft.com/en-us/windows/win32/debug/pe-format#section-table-section-headers"
        severity = "low"
        sampling = "parts"
        parts = "header,tail"
        license = "Apache-2.0"
        uuid = "852373a4-6f96-4bb5-8f5c-c2587b32bdee"

    condition:
        uint16(0) == 0x5A4D and pe.number_of_sections > 0 and pe.number_of_sections < 97 and
        for any section in pe.sections : (
            section.raw_data_size > 0 and section.raw_data_offset + section.raw_data_size > filesize
        )
}
