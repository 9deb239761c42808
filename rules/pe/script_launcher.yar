rule PE_Python_Script_Launcher
{
    meta:
        author = "Sampler project"
        description = "A small Windows program that starts Python with whatever script lies beside it, as setuptools makes"
        date = "2026-11-24"
        reference = "https://attack.mitre.org/techniques/T1059/006/"
        severity = "low"
        sampling = "parts"
        parts = "header,section:.text,entry_point,resource,matches"
        context = 256
        license = "Apache-2.0"
        uuid = "f2a0a9e8-9c29-41a2-b407-c4936e0e4665"

    strings:
        $shebang = "#!python.exe"
        $missing = "Cannot find Python executable %s"
        $script = /-script\.pyw?\x00/

    condition:
        uint16(0) == 0x5A4D and filesize < 1MB and all of them
}
