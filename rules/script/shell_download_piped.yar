rule Shell_Download_Piped_To_Shell
{
    meta:
        author = "Sampler project"
        description = "A shell script that pipes what it downloads straight into a shell"
        date = "2026-11-24"
        reference = "https://attack.mitre.org/techniques/T1105/"
        severity = "high"
        sampling = "whole"
        parts = "header,matches"
        context = 256
        license = "Apache-2.0"
        uuid = "d8b82eec-dcff-4a17-9950-846b4ea80b48"

    strings:
        $curl = /\bcurl [^\n|;#]{1,200}\| ?(sudo )?(\/bin\/)?(ba|da|z|k)?sh\b/
        $wget = /\bwget [^\n|;#]{1,200}\| ?(sudo )?(\/bin\/)?(ba|da|z|k)?sh\b/
        $command = /\b(ba|da|z|k)?sh -c "?\$\((curl|wget) [^\n)]{1,200}\)/

    condition:
        uint16be(0) == 0x2321 and filesize < 256KB and any of them
}
