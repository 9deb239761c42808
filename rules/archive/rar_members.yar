rule RAR_Executable_Member
{
    meta:
        author = "Sampler project"
        description = "A RAR archive with a Windows program among its members"
        date = "2026-11-24"
        reference = "https://www.rarlab.com/technote.htm"
        severity = "low"
        sampling = "parts"
        parts = "header,matches,tail,programs"
        context = 128
        license = "Apache-2.0"
        uuid = "1a0cef0d-1da4-49be-8313-98eadfebd003"

    strings:
        // RAR 5: file header, host system, length of the name, name
        $rar5 = /\x02[\x02\x03].{9,32}[\x00\x01][\x05-\x7f][^\x00-\x1f]{1,123}\.(exe|scr|pif|com|cpl|hta|lnk|vbs|vbe|jse|wsf)/s nocase
        // RAR 1.5 to 4: header type, flags and size, packed and unpacked size, host system, CRC, time, version, method, length of the name, attributes, name
        $rar4 = /\x74.{2}.{2}.{8}[\x00-\x05].{8}[\x0f-\x24][\x30-\x35][\x05-\x7f]\x00.{4}[^\x00-\x1f]{1,123}\.(exe|scr|pif|com|cpl|hta|lnk|vbs|vbe|jse|wsf)/s nocase

    condition:
        uint32be(0) == 0x52617221 and
        (
            (uint32be(4) == 0x1A070100 and $rar5) or
            (uint16be(4) == 0x1A07 and uint8(6) == 0 and $rar4)
        )
}
