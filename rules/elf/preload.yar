rule ELF_Writes_Preload_File
{
    meta:
        author = "Sampler project"
        description = "An ELF program that names the loader's preload file and is not the loader: a way to hide in every process"
        date = "2026-11-24"
        reference = "https://attack.mitre.org/techniques/T1574/006/"
        severity = "medium"
        sampling = "whole"
        parts = "header,entry_point,matches"
        context = 256
        license = "Apache-2.0"
        uuid = "21c75b33-2719-4f7a-aed8-47ff915b9efc"

    strings:
        $file = "/etc/ld.so.preload"
        $loader_debug = "LD_DEBUG"
        $loader_tunables = "GLIBC_TUNABLES"
        $loader_statistics = "LD_TRACE_PRELINKING"

    condition:
        uint32be(0) == 0x7F454C46 and filesize < 20MB and $file and none of ($loader_*)
}
