import "hash"

rule Known_Distlib_Launcher
{
    meta:
        author = "Sampler project"
        description = "One of the six launchers of distlib 0.4.0, byte for byte; pip puts them into many folders"
        date = "2026-11-24"
        reference = "https://distlib.readthedocs.io/en/latest/tutorial.html"
        severity = "info"
        sampling = "none"
        license = "Apache-2.0"
        uuid = "402c8d75-3dd4-4948-8c90-f24e8c355970"

    condition:
        uint16(0) == 0x5A4D and
        (
            (filesize == 97792 and hash.sha256(0, filesize) == "6b4195e640a85ac32eb6f9628822a622057df1e459df7c17a12f97aeabc9415b") or
            (filesize == 108032 and hash.sha256(0, filesize) == "81a618f21cb87db9076134e70388b6e9cb7c2106739011b6a51772d22cae06b7") or
            (filesize == 182784 and hash.sha256(0, filesize) == "ebc4c06b7d95e74e315419ee7e88e1d0f71e9e9477538c00a93a9ff8c66a6cfc") or
            (filesize == 91648 and hash.sha256(0, filesize) == "47872cc77f8e18cf642f868f23340a468e537e64521d9a3a416c8b84384d064b") or
            (filesize == 101888 and hash.sha256(0, filesize) == "7a319ffaba23a017d7b1e18ba726ba6c54c53d6446db55f92af53c279894f8ad") or
            (filesize == 168448 and hash.sha256(0, filesize) == "c5dc9884a8f458371550e09bd396e5418bf375820a31b9899f6499bf391c7b2e")
        )
}
