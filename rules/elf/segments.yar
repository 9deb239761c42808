import "elf"

rule ELF_Write_Execute_Segment
{
    meta:
        author = "Sampler project"
        description = "An ELF program with a loaded segment that is both writable and executable, on a machine whose ABI needs none"
        date = "2026-11-24"
        reference = "https://refspecs.linuxfoundation.org/elf/gabi4+/ch5.pheader.html"
        severity = "medium"
        sampling = "parts"
        parts = "header,segment,entry_point"
        license = "Apache-2.0"
        uuid = "9ce1515b-94bc-49fb-9bf1-a8a8666b65b3"

    condition:
        uint32be(0) == 0x7F454C46 and elf.number_of_segments > 0 and elf.number_of_segments < 256 and
        // SPARC, SPARC32PLUS, SPARCV9, PowerPC and PA-RISC have writable procedure linkage tables
        elf.machine != 2 and elf.machine != 18 and elf.machine != 43 and elf.machine != 20 and elf.machine != 15 and
        for any segment in elf.segments : (
            segment.type == elf.PT_LOAD and segment.flags & elf.PF_W and segment.flags & elf.PF_X
        )
}

rule ELF_Program_Without_Sections
{
    meta:
        author = "Sampler project"
        description = "An ELF program whose section headers have been removed, which hides its structure from most tools"
        date = "2026-11-24"
        reference = "https://attack.mitre.org/techniques/T1027/008/"
        severity = "low"
        sampling = "parts"
        parts = "header,segment,entry_point"
        license = "Apache-2.0"
        uuid = "fabd8e78-deeb-40de-95f7-82db5f26b988"

    condition:
        uint32be(0) == 0x7F454C46 and (elf.type == elf.ET_EXEC or elf.type == elf.ET_DYN) and
        elf.number_of_segments > 0 and elf.number_of_sections == 0
}
