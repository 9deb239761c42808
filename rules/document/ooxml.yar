rule OOXML_Macro_Project
{
    meta:
        author = "Sampler project"
        description = "An Office Open XML package that carries a VBA project"
        date = "2026-11-24"
        reference = "https://learn.microsoft.com/en-us/openspecs/office_standards/ms-offmacro/2c5dee00-eff2-4b22-92b6-0738acd4475e"
        severity = "low"
        sampling = "parts"
        parts = "header,matches,tail,macro"
        context = 128
        license = "Apache-2.0"
        uuid = "cd13b937-0abb-41f7-a800-00e7cb7596f8"

    strings:
        $types = "[Content_Types].xml"
        $project = /(word|xl|ppt)\/vbaProject\.bin/

    condition:
        uint32be(0) == 0x504B0304 and $types and $project
}

rule OOXML_External_Template
{
    meta:
        author = "Sampler project"
        description = "A Word package that loads its template from the network (stored without compression)"
        date = "2026-11-24"
        reference = "https://attack.mitre.org/techniques/T1221/"
        severity = "high"
        sampling = "parts"
        parts = "header,matches,tail"
        context = 256
        license = "Apache-2.0"
        uuid = "30267d2e-b156-4778-aff8-6e0745415d8a"

    strings:
        $settings = "word/_rels/settings.xml.rels"
        $template = /relationships\/attachedTemplate"[^>]{0,200}Target="(https?|ftp|file|mhtml):[^>]{1,400}TargetMode="External"/ nocase

    condition:
        uint32be(0) == 0x504B0304 and $settings and $template
}
