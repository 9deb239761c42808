rule PHP_Evaluates_Request
{
    meta:
        author = "Sampler project"
        description = "PHP that evaluates or executes what a request brings: the core of a web shell"
        date = "2026-11-24"
        reference = "https://attack.mitre.org/techniques/T1505/003/"
        severity = "high"
        sampling = "whole"
        parts = "header,matches"
        context = 256
        license = "Apache-2.0"
        uuid = "f60f598a-0cf1-4df9-9340-f9ae8075b09f"

    strings:
        $open = "<?php" nocase
        $direct = /\b(eval|assert|system|passthru|shell_exec|exec|popen|proc_open)\s{0,4}\(\s{0,4}\$_(GET|POST|REQUEST|COOKIE)\s{0,4}\[/
        $decoded = /\b(eval|assert)\s{0,4}\(\s{0,4}(base64_decode|gzinflate|str_rot13)\s{0,4}\(\s{0,4}\$_(GET|POST|REQUEST|COOKIE)\s{0,4}\[/

    condition:
        filesize < 2MB and $open in (0..1024) and ($direct or $decoded)
}
