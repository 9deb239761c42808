rule PowerShell_Encoded_Command
{
    meta:
        author = "Sampler project"
        description = "A script that hands PowerShell a command encoded in Base64"
        date = "2026-11-24"
        reference = "https://attack.mitre.org/techniques/T1027/010/"
        severity = "medium"
        sampling = "whole"
        parts = "header,matches"
        context = 256
        license = "Apache-2.0"
        uuid = "659ddaf8-fdcb-4966-80ec-10dd35c7604b"

    strings:
        $ascii = /(powershell|pwsh)(\.exe)?"?( -[a-z]{1,20}( [a-z]{1,20})?){0,8} -e(nc|ncodedcommand|c)? "?[A-Za-z0-9+\/]{24}/ nocase
        $wide = /(powershell|pwsh)(\.exe)?"?( -[a-z]{1,20}( [a-z]{1,20})?){0,8} -e(nc|ncodedcommand|c)? "?[A-Za-z0-9+\/]{24}/ wide nocase

    condition:
        filesize < 1MB and uint16(0) != 0x5A4D and uint32be(0) != 0x7F454C46 and any of them
}

rule PowerShell_Download_And_Execute
{
    meta:
        author = "Sampler project"
        description = "A PowerShell script that downloads text and executes it without writing a file"
        date = "2026-11-24"
        reference = "https://attack.mitre.org/techniques/T1059/001/"
        severity = "high"
        sampling = "whole"
        parts = "header,matches"
        context = 256
        license = "Apache-2.0"
        uuid = "0b715253-e125-45d4-8cd1-4215fb6876fb"

    strings:
        $client = /\b(iex|invoke-expression)[ (]{1,4}(new-object|\(new-object) (system\.)?net\.webclient\)\.downloadstring\(/ nocase
        $piped = /\bnet\.webclient\)\.downloadstring\([^\n|]{1,300}\) ?\| ?(iex|invoke-expression)\b/ nocase
        $request = /\b(iex|invoke-expression)[ (]{1,4}(iwr|irm|invoke-webrequest|invoke-restmethod) / nocase
        $request_piped = /\b(iwr|irm|invoke-webrequest|invoke-restmethod) [^\n|]{1,300}\| ?(iex|invoke-expression)\b/ nocase
        $fence = "\n```" // documentation shows such lines as ways to install

    condition:
        filesize < 1MB and uint16(0) != 0x5A4D and uint32be(0) != 0x7F454C46 and
        any of ($client, $piped, $request, $request_piped) and not $fence
}
