rule PDF_JavaScript_On_Open
{
    meta:
        author = "Sampler project"
        description = "A PDF that runs JavaScript when it is opened"
        date = "2026-11-24"
        reference = "https://opensource.adobe.com/dc-acrobat-sdk-docs/pdfstandards/PDF32000_2008.pdf"
        severity = "medium"
        sampling = "parts"
        parts = "header,matches,tail,script"
        context = 256
        license = "Apache-2.0"
        uuid = "3d1d5e22-e248-4233-952e-4e5dd7bfb145"

    strings:
        $open_action = /\/(OpenAction|AA)[\s\/\[<0-9]/
        $javascript = /\/S\s{0,4}\/JavaScript[\s\/>]/

    condition:
        uint32be(0) == 0x25504446 and $open_action and $javascript
}

rule PDF_Launches_Program
{
    meta:
        author = "Sampler project"
        description = "A PDF with an action that starts a program"
        date = "2026-11-24"
        reference = "https://attack.mitre.org/techniques/T1204/002/"
        severity = "high"
        sampling = "parts"
        parts = "header,matches,tail"
        context = 256
        license = "Apache-2.0"
        uuid = "e0e38867-dfc7-4d7d-800c-a09fc078f215"

    strings:
        $launch = /\/S\s{0,4}\/Launch[\s\/>]/
        $program = /\/F\s{0,4}\([^)]{0,200}(cmd|powershell|mshta|wscript|cscript|rundll32)(\.exe)?\)/ nocase

    condition:
        uint32be(0) == 0x25504446 and $launch and $program
}
