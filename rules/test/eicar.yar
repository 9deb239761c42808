rule EICAR_Test_File
{
    meta:
        author = "Sampler project"
        description = "The EICAR standard antivirus test file: its 68 bytes, then white space up to 128 bytes at most"
        date = "2026-11-24"
        reference = "https://www.eicar.org/download-anti-malware-testfile/"
        severity = "critical"
        sampling = "whole"
        license = "Apache-2.0"
        uuid = "f69e652f-68a4-46ef-9239-f700578372d4"

    strings:
        $eicar = "X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"

    condition:
        filesize >= 68 and filesize <= 128 and $eicar at 0 and
        (
            filesize == 68 or
            for all i in (68..filesize - 1) : (
                uint8(i) == 0x20 or uint8(i) == 0x09 or uint8(i) == 0x0A or uint8(i) == 0x0D or uint8(i) == 0x1A
            )
        )
}
