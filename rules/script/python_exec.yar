rule Python_Executes_Decoded_Text
{
    meta:
        author = "Sampler project"
        description = "Python source that executes a text it decodes from Base64, hexadecimal, zlib or marshal"
        date = "2026-11-24"
        reference = "https://attack.mitre.org/techniques/T1027/013/"
        severity = "high"
        sampling = "whole"
        parts = "header,matches"
        context = 256
        license = "Apache-2.0"
        uuid = "ec4d9990-266e-4fb3-9b48-7e0f0e81e081"

    strings:
        $import = /(^|\n)\s{0,8}(import|from) (base64|binascii|codecs|zlib|marshal)\b/
        $dynamic = "__import__("
        $execute = /\b(exec|eval)\((compile\()?((base64|binascii|codecs|zlib|marshal|__import__\(["'](base64|binascii|zlib|marshal)["']\))\.)(b64decode|b32decode|b85decode|a85decode|unhexlify|decode|decompress|loads)\(/

    condition:
        filesize < 2MB and $execute and ($import or $dynamic)
}
