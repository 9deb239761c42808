rule ZIP_Executable_Member
{
    meta:
        author = "Sampler project"
        description = "A ZIP with a Windows program or script among its members, as its central directory names them"
        date = "2026-11-24"
        reference = "https://attack.mitre.org/techniques/T1027/015/"
        severity = "low"
        sampling = "parts"
        parts = "header,matches,tail,programs"
        context = 128
        license = "Apache-2.0"
        uuid = "0459a187-c01b-47c6-89d8-95302e3d3207"

    strings:
        $member = /PK\x01\x02.{42}[^\x00-\x1f]{1,200}\.(exe|scr|pif|com|cpl|hta|lnk|vbs|vbe|jse|wsf)PK[\x01\x05]/s nocase

    condition:
        uint32be(0) == 0x504B0304 and $member
}

rule ZIP_Path_Traversal
{
    meta:
        author = "Sampler project"
        description = "A ZIP with a member whose name leads out of the folder that it is unpacked to"
        date = "2026-11-24"
        reference = "https://cwe.mitre.org/data/definitions/22.html"
        severity = "high"
        sampling = "parts"
        parts = "header,matches,tail"
        context = 128
        license = "Apache-2.0"
        uuid = "0a7bc95b-1fae-42c1-80a7-110f6efcac87"

    strings:
        $parent = { 50 4B 01 02 [42] 2E 2E (2F | 5C) }
        $nested = /PK\x01\x02.{42}[^\x00-\x1f]{1,200}[\/\\]\.\.[\/\\]/s

    condition:
        uint32be(0) == 0x504B0304 and any of them
}
