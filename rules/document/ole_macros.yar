rule OLE_VBA_Project
{
    meta:
        author = "Sampler project"
        description = "A compound file (.doc, .xls, .ppt) that holds a VBA project"
        date = "2026-11-24"
        reference = "https://learn.microsoft.com/en-us/openspecs/office_file_formats/ms-ovba/575462ba-bf67-4190-9fac-c275523c75fc"
        severity = "low"
        sampling = "parts"
        parts = "header,matches,macro"
        context = 128
        license = "Apache-2.0"
        uuid = "e12312f0-7d85-4e41-ba82-e3d877f26a7e"

    strings:
        $project = "_VBA_PROJECT" wide fullword
        $storage = { 56 00 42 00 41 00 00 00 }

    condition:
        uint32be(0) == 0xD0CF11E0 and uint32be(4) == 0xA1B11AE1 and $project and $storage
}

rule Office_Macro_Runs_On_Open
{
    meta:
        author = "Sampler project"
        description = "A compound file, or an Office package, whose VBA project holds a macro that runs when it is opened"
        date = "2026-11-24"
        reference = "https://attack.mitre.org/techniques/T1137/001/"
        severity = "medium"
        sampling = "parts"
        parts = "header,matches,macro"
        context = 256
        license = "Apache-2.0"
        uuid = "4b7b65b7-c4a9-4b0a-a344-2fb1e00dcc67"

    strings:
        $project = "_VBA_PROJECT" wide
        $attribute = "Attribut" // compressed text breaks the word after eight characters ([MS-OVBA] 2.4.1)
        $automatic = /\b(Auto_?Open|Auto_?Close|Auto_?Exec|Document_Open|Document_Close|Workbook_Open|Workbook_Activate)\b/ nocase

    condition:
        ((uint32be(0) == 0xD0CF11E0 and uint32be(4) == 0xA1B11AE1) or uint32be(0) == 0x504B0304) and
        $project and $attribute and $automatic
}
