import "pe"

rule PE_DotNet_Loads_Assembly
{
    meta:
        author = "Sampler project"
        description = "A .NET assembly that loads other assemblies and calls into them by reflection"
        date = "2026-11-24"
        reference = "https://attack.mitre.org/techniques/T1620/"
        severity = "info"
        sampling = "parts"
        parts = "header,section:.text,resource,matches"
        context = 64
        license = "Apache-2.0"
        uuid = "7996c09c-bda5-4229-ba2e-4f6b42884d1c"

    strings:
        $metadata = { 42 53 4A 42 01 00 01 00 }
        $load_from = "\x00LoadFrom\x00"
        $load_file = "\x00LoadFile\x00"
        $load = "\x00Load\x00"
        $reflection = "System.Reflection"
        $call_delegate = "CreateDelegate\x00"
        $call_member = "InvokeMember\x00"
        $call_method = "\x00Invoke\x00"
        $call_entry = "get_EntryPoint\x00"

    condition:
        uint16(0) == 0x5A4D and $metadata and $reflection and any of ($load*) and any of ($call*) and
        pe.data_directories[pe.IMAGE_DIRECTORY_ENTRY_COM_DESCRIPTOR].virtual_address != 0
}
