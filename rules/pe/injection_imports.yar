import "pe"

rule PE_Process_Injection_Imports
{
    meta:
        author = "Sampler project"
        description = "A Windows program that imports what it takes to run code in another process: allocate, write, start a thread"
        date = "2026-11-24"
        reference = "https://attack.mitre.org/techniques/T1055/002/"
        severity = "high"
        sampling = "whole"
        parts = "header,section:.text,entry_point"
        license = "Apache-2.0"
        uuid = "078ca119-22f0-4ea1-9bba-481aba392f3a"

    condition:
        uint16(0) == 0x5A4D and filesize < 20MB and
        pe.imports("kernel32.dll", "OpenProcess") and
        pe.imports("kernel32.dll", "VirtualAllocEx") and
        pe.imports("kernel32.dll", "WriteProcessMemory") and
        pe.imports("kernel32.dll", "CreateRemoteThread")
}
