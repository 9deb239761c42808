rule LNK_Runs_Interpreter
{
    meta:
        author = "Sampler project"
        description = "A shell link whose command line makes a script interpreter run hidden, encoded or downloaded code"
        date = "2026-11-24"
        reference = "https://attack.mitre.org/techniques/T1204/002/"
        severity = "high"
        sampling = "whole"
        parts = "header,matches"
        context = 256
        license = "Apache-2.0"
        uuid = "f507c472-bcf1-48a0-bd75-311f20269b9e"

    strings:
        $interpreter = /\b(powershell|pwsh|mshta|wscript|cscript)(\.exe)?\b/ wide nocase
        $hidden = /-w(indowstyle)? {1,4}(hidden|1)\b/ wide nocase
        $encoded = /-e(nc|ncodedcommand|c)? [A-Za-z0-9+\/]{24}/ wide nocase
        $download = /(downloadstring|downloadfile|invoke-webrequest|invoke-restmethod|https?:\/\/)/ wide nocase

    condition:
        uint32(0) == 0x4C and uint32be(4) == 0x01140200 and uint32be(16) == 0x00000046 and
        filesize < 1MB and $interpreter and ($hidden or $encoded or $download)
}
