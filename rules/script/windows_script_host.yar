rule Windows_Script_Host_Runs_Command
{
    meta:
        author = "Sampler project"
        description = "A VBScript or JScript that makes a WScript.Shell object and runs a command interpreter with it"
        date = "2026-11-24"
        reference = "https://attack.mitre.org/techniques/T1059/005/"
        severity = "medium"
        sampling = "whole"
        parts = "header,matches"
        context = 256
        license = "Apache-2.0"
        uuid = "403be6a7-cc72-445d-99a3-94c3c9ec5764"

    strings:
        $vbscript = /createobject\(\s?["']wscript\.shell["']\s?\)/ nocase
        $jscript = /new activexobject\(\s?["']wscript\.shell["']\s?\)/ nocase
        $run = /\.(run|exec)[ (]{1,3}["'](cmd|powershell|mshta|rundll32|regsvr32|certutil|bitsadmin)(\.exe)? / nocase

    condition:
        filesize < 1MB and uint16(0) != 0x5A4D and $run and ($vbscript or $jscript)
}
