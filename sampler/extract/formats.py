"""Every format that extraction knows: how it is recognised, who reads it, and which recipe steps it brings.

A format's reader lies in a file of its own and knows no other; this table is where they meet. What a reader finds
inside an object it hands to ``Survey.open_inside``, whatever that is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from sampler.extract.compressed import STEPS as COMPRESSED_STEPS
from sampler.extract.compressed import looks_compressed, looks_like_lzma, survey_compressed, survey_lzma
from sampler.extract.derivation import Step, cut, replay
from sampler.extract.disk import fat_step, looks_like_disk, survey_disk
from sampler.extract.disk_virtual import looks_virtual, survey_virtual
from sampler.extract.elf import survey_elf
from sampler.extract.extraction import Data, Reader, Survey
from sampler.extract.installers import looks_like_nsis, looks_named, survey_named, survey_nsis
from sampler.extract.installers import unpack_step as unpack_nsis
from sampler.extract.iso import looks_like_iso, survey_iso
from sampler.extract.lnk import MAGIC as LNK_MAGIC
from sampler.extract.lnk import survey_lnk
from sampler.extract.macho import looks_like_macho, survey_macho
from sampler.extract.mail import looks_like_mail, read_mail, survey_mail
from sampler.extract.msg import survey_msg
from sampler.extract.ole import survey_ole
from sampler.extract.ole_file import MAGIC as OLE_MAGIC
from sampler.extract.ole_file import read_stream
from sampler.extract.ole_native import read_native_stream
from sampler.extract.ole_powerpoint import read_storage
from sampler.extract.ooxml import MARKS as OOXML_MARKS
from sampler.extract.ooxml import survey_ooxml
from sampler.extract.pdf import looks_like_pdf, read_pdf, survey_pdf
from sampler.extract.pe import survey_pe
from sampler.extract.rar import survey_rar
from sampler.extract.rar_headers import MAGIC_4 as RAR_4_MAGIC
from sampler.extract.rar_headers import MAGIC_5 as RAR_5_MAGIC
from sampler.extract.rtf import MAGIC as RTF_MAGIC
from sampler.extract.rtf import read_object, survey_rtf
from sampler.extract.script import STEPS as SCRIPT_STEPS
from sampler.extract.script import looks_like_script, survey_script
from sampler.extract.seven import survey_seven
from sampler.extract.seven import unpack_step as unpack_seven
from sampler.extract.seven_headers import MAGIC as SEVEN_MAGIC
from sampler.extract.tar import looks_like_tar, survey_tar
from sampler.extract.vba import read_module
from sampler.extract.zip import MARKS as ZIP_MARKS
from sampler.extract.zip import survey_appended_zip, survey_zip
from sampler.extract.zip_entries import unpack_step
from sampler.limits import KIB

HEAD_BYTES: Final = 40 * KIB
"""What a format may look at to recognise itself: ISO 9660 has its mark behind 32 KiB."""


@dataclass(frozen=True, slots=True)
class Format:
    """One format."""

    name: str
    recognises: Callable[[bytes], bool]
    """Whether an object whose first ``HEAD_BYTES`` these are is worth giving to the reader."""
    survey: Reader
    """``False`` when the object is none of this format after all; then the next one is asked."""
    steps: Mapping[str, Step] = field(default_factory=dict)
    """By the names that recipes use."""
    warm: bytes = b""
    """The smallest content that makes the reader load what it loads on first use: a child can load nothing later."""


def starts_with(*magics: bytes) -> Callable[[bytes], bool]:
    """Recognises a format by its first bytes."""
    return lambda head: head.startswith(magics)


_OLE_STEPS: Final[Mapping[str, Step]] = {
    "ole": read_stream,
    "vba": read_module,
    "native": read_native_stream,
    "ppt": read_storage,
}

_WARM_MAIL: Final = b"From: a\nTo: b\nContent-Type: a/b; name*=utf-8''%41\nContent-Transfer-Encoding: base64\n\nQQ==\n"
_WARM_SCRIPT: Final = b"#!/bin/sh\necho QUFBQUFBQUFBQUFB | base64 -d\n"
_WARM_PDF: Final = b"%PDF-1.7\n1 0 obj\n<</JS(\xfe\xff\0a)/URI(a:b)>>\nendobj\n"

FORMATS: Final = (
    Format("pe", starts_with(b"MZ"), survey_pe, warm=b"MZ" + bytes(62)),
    Format("elf", starts_with(b"\x7fELF"), survey_elf, warm=b"\x7fELF" + bytes(60)),
    Format("macho", looks_like_macho, survey_macho, warm=b"\xcf\xfa\xed\xfe" + bytes(28)),
    Format("lnk", starts_with(LNK_MAGIC), survey_lnk, warm=LNK_MAGIC + bytes(60)),
    Format("msg", starts_with(OLE_MAGIC), survey_msg),
    Format("ole", starts_with(OLE_MAGIC), survey_ole, _OLE_STEPS, warm=OLE_MAGIC + bytes(504)),
    Format("rtf", starts_with(RTF_MAGIC), survey_rtf, {"rtf": read_object}, warm=RTF_MAGIC + b"1{\\objdata 01}}"),
    Format("ooxml", starts_with(*OOXML_MARKS), survey_ooxml, {"zip": unpack_step}, warm=b"PK\x03\x04" + bytes(26)),
    Format("pdf", looks_like_pdf, survey_pdf, {"pdf": read_pdf}, warm=_WARM_PDF),
    Format("zip", starts_with(*ZIP_MARKS), survey_zip),
    Format("7z", starts_with(SEVEN_MAGIC), survey_seven, {"7z": unpack_seven}),
    Format("rar", starts_with(RAR_4_MAGIC, RAR_5_MAGIC), survey_rar),
    Format("compressed", looks_compressed, survey_compressed, COMPRESSED_STEPS),
    Format("tar", looks_like_tar, survey_tar),
    Format("iso", looks_like_iso, survey_iso),
    Format("installer", looks_named, survey_named),
    Format("nsis", looks_like_nsis, survey_nsis, {"nsis": unpack_nsis}),
    Format("virtual disk", looks_virtual, survey_virtual),
    Format("disk", looks_like_disk, survey_disk, {"fat": fat_step}),
    Format("lzma", looks_like_lzma, survey_lzma),
    Format("zip behind something", bool, survey_appended_zip),
    Format("mail", looks_like_mail, survey_mail, {"mail": read_mail}, warm=_WARM_MAIL),
    Format("script", looks_like_script, survey_script, SCRIPT_STEPS, warm=_WARM_SCRIPT),
)
"""In the order in which they are asked."""

_STEPS: Final[Mapping[str, Step]] = {
    "range": cut,
    **{name: step for known in FORMATS for name, step in known.steps.items()},
}


def survey_content(data: Data, survey: Survey) -> bool:
    """Have the first format that knows the object read it; ``False`` where none does."""
    head = bytes(data[:HEAD_BYTES])
    return any(known.recognises(head) and known.survey(data, survey) for known in FORMATS)


def derive(data: Data, recipe: tuple[str, ...]) -> bytes:
    """The bytes that a recipe makes of the whole object.

    Raises:
        NotDerivable: a step is unknown, or does not apply.
    """
    return replay(data, recipe, _STEPS)
