rule RTF_Embedded_Object
{
    meta:
        author = "Sampler project"
        description = "An RTF document with an embedded OLE package or a compound file in its object data"
        date = "2026-11-24"
        reference = "https://attack.mitre.org/techniques/T1559/"
        severity = "medium"
        sampling = "parts"
        parts = "header,matches"
        context = 256
        license = "Apache-2.0"
        uuid = "a8a88f13-ad72-4406-a021-4f06477bf102"

    strings:
        $data = /\\objdata[\s}]/
        $package = /01050000\s?02000000\s?08000000\s?5061636b61676500/ nocase
        $compound = /d0cf11e0\s?a1b11ae1/ nocase

    condition:
        uint32be(0) == 0x7B5C7274 and $data and ($package or $compound)
}
