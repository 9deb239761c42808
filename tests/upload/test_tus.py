"""The client's side of tus 1.0.0, as pure code."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.errors import QueueBusy, QueueFaulty, QueueRefused, SamplerError
from sampler.limits import CREATE_WITH_UPLOAD_MAX_BYTES
from sampler.model import Content
from sampler.upload import tus
from sampler.upload.addresses import same_origin
from sampler.upload.answers import Answer

_BASE = "https://queue.example:8443/v1/uploads"
_URL = "https://queue.example:8443/v1/uploads/1"
_CONTENT = Content("a" * 64, 100, 0)


def _created(**headers: str) -> tuple[tus.Step, str | None]:
    return tus.after_create(Answer(201, {name.replace("_", "-"): v for name, v in headers.items()}), _CONTENT, _BASE)


def test_what_creation_says() -> None:
    """A creating request names length, submission and content."""
    assert tus.creation_headers("s", _CONTENT) == {
        "Tus-Resumable": "1.0.0",
        "Upload-Length": "100",
        "Upload-Metadata": f"submission cw==,sha256 {base64.b64encode(b'a' * 64).decode()}",
    }


def test_what_a_body_says() -> None:
    """A body names its type, and its checksum where it is checked by itself."""
    assert tus.offset_headers(7) == {"Tus-Resumable": "1.0.0", "Upload-Offset": "7"}
    assert tus.body_headers(None) == {"Content-Type": "application/offset+octet-stream"}
    checksum = base64.b64encode(hashlib.sha256(b"abc").digest()).decode()
    assert tus.body_headers(b"abc")["Upload-Checksum"] == f"sha256 {checksum}"


@pytest.mark.parametrize(
    ("size", "carried"), [(0, 0), (CREATE_WITH_UPLOAD_MAX_BYTES,) * 2, (CREATE_WITH_UPLOAD_MAX_BYTES + 1, 0)]
)
def test_small_contents_travel_with_the_creation(size: int, carried: int) -> None:
    """All of a content up to 1 MiB, nothing of a larger one."""
    assert tus.carried_bytes(Content("a" * 64, size, 0)) == carried


@pytest.mark.parametrize(
    ("resume", "step"),
    [
        (None, tus.Create()),
        ("", tus.Create()),
        (_URL, tus.Look(_URL)),
        ("https://queue.example:9999/v1/uploads/1", tus.Create()),
        ("https://other.example:8443/v1/uploads/1", tus.Create()),
        ("http://queue.example:8443/v1/uploads/1", tus.Create()),
        ("https://user@queue.example:8443/v1/uploads/1", tus.Create()),
        ("https://[", tus.Create()),
    ],
)
def test_where_an_upload_begins(resume: str | None, step: tus.Step) -> None:
    """An upload goes on only where it was begun on this very queue."""
    assert tus.first_step(resume, _BASE) == step


def test_created() -> None:
    """After creation the bytes follow from the offset that the server names; all of them may be there already."""
    assert _created(location="/v1/uploads/1", upload_offset="0") == (tus.Send(_URL, 0), _URL)
    assert _created(location=_URL, upload_offset="40") == (tus.Send(_URL, 40), _URL)
    assert _created(location=_URL, upload_offset="100") == (tus.Done(), _URL)
    assert _created(location=_URL) == (tus.Look(_URL), _URL)


@pytest.mark.parametrize("status", [409, 460])
def test_created_in_vain(status: int) -> None:
    """A creation whose bytes were damaged, or that another one overtook, is begun anew."""
    assert tus.after_create(Answer(status), _CONTENT, _BASE) == (tus.Create(), None)


@pytest.mark.parametrize(
    "location",
    ["", "https://evil.example/1", "//evil.example/1", "http://queue.example:8443/1", "https://[", "/" * 9000],
)
def test_location_elsewhere(location: str) -> None:
    """Bytes go to the queue and to nobody that it points to."""
    with pytest.raises(QueueFaulty, match="which is not on"):
        _created(location=location, upload_offset="0")


@pytest.mark.parametrize("offset", ["", "-1", "101", "1e1", "\u0661", "9" * 30, "+5", " 5"])
def test_offsets_that_are_none(offset: str) -> None:
    """An offset is a number within the content."""
    with pytest.raises(QueueFaulty, match="says that the upload"):
        _created(location=_URL, upload_offset=offset)


@pytest.mark.parametrize(
    ("answer", "step"),
    [
        (Answer(200, {"upload-offset": "40", "upload-length": "100"}), tus.Send(_URL, 40)),
        (Answer(204, {"upload-offset": "100"}), tus.Done()),
        (Answer(200, {"upload-offset": "40", "upload-length": "99"}), tus.Create()),
        (Answer(404), tus.Create()),
        (Answer(410), tus.Create()),
    ],
)
def test_looked(answer: Answer, step: tus.Step) -> None:
    """An upload goes on at the server's offset; one that is gone, or of another length, is begun anew."""
    assert tus.after_look(answer, tus.Look(_URL), _CONTENT) == step


@pytest.mark.parametrize(
    ("answer", "step"),
    [
        (Answer(204, {"upload-offset": "50"}), tus.Send(_URL, 50)),
        (Answer(204, {"upload-offset": "41"}), tus.Send(_URL, 41)),
        (Answer(409), tus.Look(_URL)),
        (Answer(460), tus.Look(_URL)),
        (Answer(404), tus.Create()),
        (Answer(410), tus.Create()),
    ],
)
def test_sent(answer: Answer, step: tus.Step) -> None:
    """After a chunk it goes on, looks, or begins anew."""
    assert tus.after_send(answer, tus.Send(_URL, 40), 10, _CONTENT) == step


@pytest.mark.parametrize("offset", ["40", "39", "51", "100"])
def test_offset_that_does_not_follow(offset: str) -> None:
    """A server that stays, goes back, or is further than what it was sent is not believed."""
    with pytest.raises(QueueFaulty, match="after 10 bytes at 40"):
        tus.after_send(Answer(204, {"upload-offset": offset}), tus.Send(_URL, 40), 10, _CONTENT)


@pytest.mark.parametrize(
    ("status", "error"), [(413, QueueRefused), (412, QueueRefused), (507, QueueBusy), (500, QueueFaulty)]
)
def test_refusals(status: int, error: type[SamplerError]) -> None:
    """Whatever else a server answers ends the attempt with its meaning."""
    with pytest.raises(error):
        tus.after_send(Answer(status), tus.Send(_URL, 0), 10, _CONTENT)


def test_trouble() -> None:
    """Steps back are trouble, steps on are not."""
    assert tus.is_trouble(tus.Send(_URL, 0), tus.Look(_URL))
    assert tus.is_trouble(tus.Look(_URL), tus.Create())
    assert not tus.is_trouble(tus.Create(), tus.Look(_URL))
    assert not tus.is_trouble(tus.Look(_URL), tus.Send(_URL, 0))
    assert not tus.is_trouble(tus.Send(_URL, 0), tus.Done())


_HEADERS = st.dictionaries(
    st.sampled_from(["upload-offset", "upload-length", "location"]),
    st.one_of(st.text(max_size=40), st.integers(-5, 200).map(str), st.just(_URL)),
)


@given(status=st.integers(100, 599), headers=_HEADERS, body=st.binary(max_size=40))
def test_any_answer(status: int, headers: dict[str, str], body: bytes) -> None:
    """Whatever a server answers there is a next step within the content on this queue, or an error of ours."""
    answer = Answer(status, headers, body)
    readers: list[Callable[[], tus.Step]] = [
        lambda: tus.after_create(answer, _CONTENT, _BASE)[0],
        lambda: tus.after_look(answer, tus.Look(_URL), _CONTENT),
        lambda: tus.after_send(answer, tus.Send(_URL, 40), 10, _CONTENT),
    ]
    for read in readers:
        try:
            step = read()
        except SamplerError:
            continue
        if isinstance(step, tus.Send):
            assert 0 <= step.offset < 100
            assert same_origin(step.url, _BASE)
