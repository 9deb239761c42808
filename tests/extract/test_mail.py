from __future__ import annotations

import base64
import binascii
import email
from collections.abc import Callable
from email import policy
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.errors import NotDerivable
from sampler.extract import Extraction, derive, find_regions
from sampler.extract.mail import looks_like_mail, read_mail
from sampler.extract.mail_entities import DEPTH_MAX_COUNT, ENTITIES_MAX_COUNT
from sampler.limits import KIB, MIB
from sampler.model import ContentKind, FieldValue, PartKind, value_of
from sampler.runtime.places import shipped

Inside = Callable[[Extraction, int], None]
HEAD = b"From: a@example.invalid\nTo: b@example.invalid\nSubject: secret words\nMIME-Version: 1.0\n"
SCRIPT = b"#!/bin/sh\necho hello\n"


def survey(data: bytes) -> Extraction:
    return find_regions(data, ContentKind.MAIL, "message/rfc822")


def attachments(data: bytes) -> dict[str, bytes]:
    made = {}
    for region in survey(data).regions:
        if region.kind is PartKind.ATTACHMENT:
            end = region.offset + region.length
            made[region.name] = derive(data, region.recipe) if region.recipe else data[region.offset : end]
            assert len(made[region.name]) == region.length
    return made


def fact(data: bytes, name: str) -> FieldValue | None:
    return value_of(survey(data).fields, name)


def codes(data: bytes) -> list[str]:
    return [problem.code for problem in survey(data).problems]


def multipart(*parts: bytes, boundary: bytes = b"xyz", end: bytes = b"--xyz--\n") -> bytes:
    body = b"".join(b"--" + boundary + b"\n" + part + b"\n" for part in parts)
    return HEAD + b"Content-Type: multipart/mixed; boundary=" + boundary + b"\n\n" + body + end


def attached(content: bytes, head: bytes = b'Content-Disposition: attachment; filename="a.bin"') -> bytes:
    return head + b"\nContent-Transfer-Encoding: base64\n\n" + base64.encodebytes(content)


def uuencoded(name: bytes, content: bytes) -> bytes:
    lines = b"".join(binascii.b2a_uu(content[at : at + 45]) for at in range(0, len(content), 45))
    return b"begin 644 " + name + b"\n" + lines + b"`\nend\n"


def test_attachments_are_decoded_and_opened() -> None:
    """Base64, quoted-printable, uuencode and none; what lies inside of them is surveyed."""
    data = multipart(
        b"Content-Type: text/plain\n\nWhat they wrote, https://example.invalid/path",
        attached(SCRIPT + b"echo QUFBQUFBQUFBQUFB | base64 -d\n"),
        b"Content-Type: application/x; name=b.txt\nContent-Transfer-Encoding: Quoted-Printable\n\na=3Db=\n c",
        b"Content-Type: image/png\nContent-Transfer-Encoding: x-uuencode\n\n" + uuencoded(b"c", b"uu" * 50),
        b"Content-Type: application/x\nContent-Transfer-Encoding: 8bit\n\nas it\r\nstands",
    )
    assert attachments(data) == {
        "a.bin": SCRIPT + b"echo QUFBQUFBQUFBQUFB | base64 -d\n",
        "b.txt": b"a=b c",
        "image/png/2": b"uu" * 50,
        "application/x/3": b"as it\r\nstands",
    }
    blobs = [region.name for region in survey(data).regions if region.kind is PartKind.BLOB]
    assert blobs == ["a.bin/base64@26"]
    assert fact(data, "sampler.file.mail.attachments_count") == 4
    assert fact(data, "sampler.file.mail.attachment_types") == ("text/plain", "application/x", "image/png")


def test_what_people_write_is_not_taken() -> None:
    """Nothing of subject, addresses or text is in a fact, a name or a part but the tail."""
    data = multipart(b"Content-Type: text/html\n\nprivate https://example.invalid/private", attached(SCRIPT))
    found = survey(data)
    said = repr((found.fields, [region.name for region in found.regions], found.problems))
    for word in ("secret", "example.invalid", "private"):
        assert word not in said
    assert {region.kind for region in found.regions} == {PartKind.ATTACHMENT, PartKind.TAIL}


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b'Content-Type: a/b; name="plain name.txt"', "plain name.txt"),
        (b"Content-Type: a/b; name=bare.txt; x=y", "bare.txt"),
        (b"Content-Type: a/b;\n\tname=\"folded.txt\"", "folded.txt"),
        (b"Content-Disposition: attachment; filename*=UTF-8''na%C3%AFve.txt", "naïve.txt"),
        (b"Content-Disposition: attachment; filename*1=\"b.txt\"; filename*0*=iso-8859-1'en'%E4", "äb.txt"),
        (b'Content-Type: a/b; name="=?utf-8?B?w6kudHh0?="', "é.txt"),
        (b'Content-Type: a/b; name="=?iso-8859-1?Q?=E9_1?= =?utf-8?q?=C3=A9?="', "é 1é"),
        (b'Content-Type: a/b; name="quoted \\"x\\".txt"', 'quoted "x".txt'),
        (b'Content-Type: a/b; name="../../etc/passwd"', "../../etc/passwd"),
        (b'Content-Type: a/b; name="\x1b[31m\xff"', "\\x1b[31m\\udcff"),
        (b"Content-Type: a/b; name=\"=?koi8-r?B?8PDw?=\"", "=?koi8-r?B?8PDw?="),
        (b"Content-Type: a/b", "a/b/0"),
    ],
)  # fmt: skip
def test_names_are_shown_as_they_are_meant(head: bytes, name: str) -> None:
    """Quoted, folded, continued, encoded; a name is only ever shown."""
    assert list(attachments(multipart(attached(SCRIPT, head)))) == [name]


def test_messages_inside_messages_are_opened() -> None:
    """A message that is attached is a stretch, and its attachments are derived from that."""
    inner = multipart(attached(SCRIPT), boundary=b"abc", end=b"--abc--\n")
    data = multipart(b"Content-Type: message/rfc822\n\n" + inner, attached(inner, b"Content-Type: message/rfc822"))
    found = attachments(data)
    assert found["message/rfc822/0"] == inner
    assert found["message/rfc822/0/a.bin"] == found["message/rfc822/1/a.bin"] == SCRIPT


def test_files_in_a_text_are_found() -> None:
    """Uuencoded files of the time before MIME, two in a text, the second cut off."""
    data = HEAD + b"\nHere:\n" + uuencoded(b"one.sh", SCRIPT) + uuencoded(b"two.bin", bytes(range(200)))[:-4]
    assert attachments(data) == {"one.sh": SCRIPT, "two.bin": bytes(range(200))}


def test_a_mailbox_has_all_its_messages() -> None:
    """Each message behind a line of its own is read, and such a line within a paragraph is none."""
    one = multipart(attached(SCRIPT)) + b"text\nFrom here on\n\n"
    data = b"From a@example.invalid Thu Jan  1 00:00:00 2026\n" + one + b"From b\n" + multipart(attached(b"second"))
    assert [region.length for region in survey(data).regions if region.kind is PartKind.ATTACHMENT] == [len(SCRIPT), 6]
    assert list(attachments(data).values()) == [b"second"]


@pytest.mark.parametrize(
    ("data", "code", "count"),
    [
        (multipart(attached(SCRIPT), end=b""), "truncated", 1),
        (multipart(attached(SCRIPT), boundary=b"other"), "truncated", 1),
        (multipart(attached(SCRIPT)).replace(b"; boundary=xyz", b""), "no-boundary", 0),
        (multipart(attached(SCRIPT)).replace(b"; boundary=xyz", b"; boundary=liar"), "no-boundary", 0),
        (multipart(*[attached(b"x")] * (ENTITIES_MAX_COUNT + 5)), "too-many-entities", ENTITIES_MAX_COUNT - 1),
    ],
)
def test_boundaries_that_lie_are_named(data: bytes, code: str, count: int) -> None:
    """Absent, unclosed, too many: what can be read is, and what is wrong is a problem."""
    assert code in codes(data)
    assert sum(region.kind is PartKind.ATTACHMENT for region in survey(data).regions) == count


def test_boundaries_that_begin_alike_are_told_apart() -> None:
    """A line that goes on behind the boundary divides nothing."""
    data = multipart(b"Content-Type: a/b\n\none\n--xyzzy\ntwo\n--xyz \t")
    assert next(iter(attachments(data).values())) == b"one\n--xyzzy\ntwo"


def nested(depth: int, boundary: Callable[[int], bytes]) -> bytes:
    """Multiparts in multiparts, with a file in the innermost."""
    part = attached(SCRIPT)
    for level in range(depth):
        name = boundary(level)
        part = b"Content-Type: multipart/x; boundary=" + name + b"\n\n--" + name + b"\n" + part + b"\n--" + name + b"--"
    return HEAD + part + b"\n"


def test_depth_has_a_ceiling() -> None:
    """Multiparts are opened so deep and no deeper, and one boundary for all of them is no loop."""
    assert list(attachments(nested(DEPTH_MAX_COUNT, lambda level: b"b%d" % level)).values()) == [SCRIPT]
    assert codes(nested(DEPTH_MAX_COUNT + 1, lambda level: b"b%d" % level)) == ["too-deep"]
    assert codes(nested(400, lambda level: b"b%d" % level)) == ["too-deep"]
    assert len(codes(nested(50, lambda _: b"same"))) <= 50


@pytest.mark.parametrize(
    "word",
    [
        b"--xyz\n", b"--xyz", b"\n\n", b"begin 644 a\n", b"Content-Type: multipart/mixed; boundary=xyz\n", b"a: b\n ",
        b"--xyz\nContent-Type: multipart/mixed; boundary=xyz\n\n", b"From a\n\n", b";name=\"", b"=?utf-8?B?", b"\r",
        b"\nbegin 644 a\nend",
    ],
)  # fmt: skip
@pytest.mark.usefixtures("ends_in_moments")
def test_hostile_repetition_ends_in_time(word: bytes) -> None:
    """However often anything is repeated, a mail is read in time that grows with it."""
    survey(HEAD + b"Content-Type: multipart/mixed; boundary=xyz" + word * (4 * MIB // len(word)))
    survey(HEAD + b"Content-Type: multipart/mixed; boundary=xyz\n\n--xyz\n" + word * (4 * MIB // len(word)))


@pytest.mark.parametrize(
    ("head", "is_mail"),
    [
        (HEAD, True),
        (b"\xef\xbb\xbf\r\nReceived: from x\r\n by y\r\nDate: today\r\n\r\n", True),
        (b"From a\nReceived: x\nX-Mailer: y\n\n", True),
        (b"Subject: only one\n\nTo: a\n", False),
        (b"A note.\nFrom: a\nTo: b\n", False),
        (b"", False),
    ],
)
def test_mail_is_known_by_its_header(head: bytes, is_mail: bool) -> None:
    """Two header fields of mail, before anything that is none."""
    assert looks_like_mail(head) is is_mail


@pytest.mark.parametrize("argument", ["", "0+5", "0+5/rot13", "0+99999/base64", "-1+2/base64", "a+b/base64"])
def test_recipes_that_do_not_apply_are_refused(argument: str) -> None:
    """A stretch or an encoding that is none makes nothing."""
    with pytest.raises(NotDerivable):
        read_mail(b"QUJDREVGRw==", argument, KIB)


def test_a_body_that_is_too_large_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """More than a member may have is not opened."""
    monkeypatch.setattr("sampler.extract.budget.UNPACK_MEMBER_MAX_BYTES", 1000)
    assert codes(multipart(attached(bytes(2000)), attached(bytes(9000)), attached(SCRIPT))) == ["too-large"] * 2
    with pytest.raises(NotDerivable):
        read_mail(base64.b64encode(bytes(100)), "0+136/base64", 10)


def theirs(data: bytes) -> list[bytes]:
    """The attachments as the standard library has them: everything that is no multipart and no bare text."""
    found = []
    for part in email.message_from_bytes(data, policy=policy.compat32).walk():
        is_text = (
            part.get_content_maintype() == "text" and not part.get_filename() and not part.get_content_disposition()
        )
        if not part.is_multipart() and not is_text:
            payload = part.get_payload(decode=True)
            assert isinstance(payload, bytes)
            found.append(payload)
    return found


_files = st.lists(
    st.tuples(
        st.binary(min_size=1, max_size=200), st.sampled_from(["base64", "quoted-printable"]),
        st.text("abc=é\"\\;", max_size=20),
    ),
    min_size=1, max_size=5,
)  # fmt: skip


@given(files=_files, inner=st.booleans())
def test_attachments_are_those_of_the_standard_library(files: list[tuple[bytes, str, str]], inner: bool) -> None:
    """Messages that the standard library writes have the attachments that it reads, names and bytes."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@example.invalid", "b@example.invalid", "x"
    message.set_content("text")
    for content, encoding, name in files:
        message.add_attachment(content, maintype="application", subtype="x", cte=encoding, filename=f"n{name}")
    if inner:
        around = EmailMessage()
        around["From"], around["Subject"] = "c@example.invalid", "y"
        around.set_content("text")
        around.add_attachment(message)
        message = around
    data = bytes(message)
    found = [region for region in survey(data).regions if region.kind is PartKind.ATTACHMENT and region.recipe]
    files_of = [part for part in message.walk() if part.get_content_type() == "application/x"]
    mine = [derive(data, region.recipe) for region in found if region.recipe[-1].startswith("mail:")]
    assert mine == theirs(data) == [content for content, _, _ in files]
    assert [region.name.rpartition("/")[2] for region in found][-len(files) :] == [
        (part.get_filename() or "").rpartition("/")[2] for part in files_of
    ]


def test_samples_have_the_attachments_of_the_standard_library() -> None:
    """The same for mails that were written by hand."""
    for path in sorted((shipped("samples_fixture") / "mail").glob("*/*.eml")):
        data = path.read_bytes()
        regions = survey(data).regions
        mine = [
            derive(data, region.recipe) for region in regions if region.recipe and region.kind is PartKind.ATTACHMENT
        ]
        assert mine == theirs(data)


_pieces = st.sampled_from([
    b"--xyz\n", b"--xyz--\n", b"\n", b"\r\n", b"Content-Type: a/b; name=c\n", b"begin 644 a\n", b"end\n", b"QUJD", HEAD,
    b"Content-Transfer-Encoding: base64\n", b"Content-Type: message/rfc822\n",
])  # fmt: skip


@given(st.lists(_pieces, max_size=40))
def test_any_mail_is_surveyed(inside: Inside, pieces: list[bytes]) -> None:
    """No order of lines raises, regions lie inside, and recipes make what they say."""
    data = HEAD + b"Content-Type: multipart/mixed; boundary=xyz\n\n" + b"".join(pieces)
    found = survey(data)
    inside(found, len(data))
    for region in found.regions:
        assert not region.recipe or len(derive(data, region.recipe)) == region.length
