import "pe"

rule PE_Data_Behind_Certificate
{
    meta:
        author = "Sampler project"
        description = "A signed Windows program with data behind its certificate table, where the signature does not reach"
        date = "2026-11-24"
        reference = "https://attack.mitre.org/techniques/T1553/002/"
        severity = "medium"
        sampling = "parts"
        parts = "header,certificate,overlay,tail"
        license = "Apache-2.0"
        uuid = "7e133634-8e72-4054-bb03-c7936057929e"

    condition:
        uint16(0) == 0x5A4D and
        pe.data_directories[pe.IMAGE_DIRECTORY_ENTRY_SECURITY].virtual_address > 0x100 and
        pe.data_directories[pe.IMAGE_DIRECTORY_ENTRY_SECURITY].size > 8 and
        // the table's size is padded to 8 bytes; one sector more leaves room for careless tools
        pe.data_directories[pe.IMAGE_DIRECTORY_ENTRY_SECURITY].virtual_address + pe.data_directories[pe.IMAGE_DIRECTORY_ENTRY_SECURITY].size + 512 < filesize
}
