"""One bucket, or what of it lies below a prefix: objects written, read, listed and removed, with errors of ours.

Every request is signed, has a deadline and is tried again when the store answers with a failure of its own. This is the
only module that imports ``obstore``, which ships as an extra. Credentials come from the environment or the machine
(``AWS_ACCESS_KEY_ID`` and the like), never from the URL.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from sampler.errors import SettingsError, StorageError
from sampler.limits import CHUNK_MAX_BYTES

_SHOWN: Final = "s3://BUCKET/PREFIX?region=REGION&endpoint=https://HOST"
_OPTIONS: Final = frozenset({"region", "endpoint", "virtual_hosted_style_request", "server_side_encryption"})
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_REQUEST_SECONDS: Final = 120
_RETRIES: Final = 5
_RETRY_SECONDS: Final = 60


class Objects:
    """Objects by their keys below one prefix."""

    def __init__(self, url: str) -> None:
        """Opens nothing yet.

        Raises:
            SettingsError: it is no URL of a bucket, or its endpoint is elsewhere and not under TLS.
        """
        parts = urlsplit(url)
        options = dict(parse_qsl(parts.query))
        if parts.scheme != "s3" or not parts.netloc or "@" in parts.netloc or not _OPTIONS.issuperset(options):
            raise SettingsError(f"blobs {url!r}: not a URL of a bucket; write {_SHOWN}")
        self.name = f"s3://{parts.netloc}/{parts.path.strip('/')}"
        """The bucket and the prefix, for people."""
        self._store = S3Store(
            parts.netloc,
            prefix=parts.path.strip("/") or None,
            config={**options, "checksum_algorithm": "SHA256"},  # type: ignore[arg-type]  # its names are checked above
            client_options={"allow_http": _is_near(options.get("endpoint", "")), "timeout": f"{_REQUEST_SECONDS}s"},
            retry_config={"max_retries": _RETRIES, "retry_timeout": timedelta(seconds=_RETRY_SECONDS)},
        )

    def put(self, key: str, data: bytes) -> str | None:
        """Write an object; durable when it returns. The version that the store gave it, where it keeps versions.

        Raises:
            StorageError: the store failed or refused.
        """
        with self._our_errors(key):
            return obstore.put(self._store, key, data, use_multipart=False)["version"]

    def put_stream(self, key: str, chunks: Iterable[bytes]) -> None:
        """Write an object from pieces; it appears when the last one was given, and not at all when they raise.

        What the store took until then stays hidden in it until a rule of the bucket ends unfinished uploads. (A reader
        of the same library cannot run inside of its ``put``, so this does not give it an iterator.)

        Raises:
            StorageError: the store failed or refused.
        """
        with self._our_errors(key):
            writer = obstore.open_writer(self._store, key, buffer_size=CHUNK_MAX_BYTES, max_concurrency=2)
            for data in chunks:
                writer.write(data)
            writer.close()

    def copy(self, key: str, target: str) -> None:
        """Copy an object within the store.

        Raises:
            FileNotFoundError: it is not there.
            StorageError: the store failed or refused.
        """
        with self._our_errors(key):
            obstore.copy(self._store, key, target)

    def size(self, key: str) -> int | None:
        """An object's bytes, or ``None`` when it is not there.

        Raises:
            StorageError: the store failed or refused.
        """
        try:
            with self._our_errors(key):
                return obstore.head(self._store, key)["size"]
        except FileNotFoundError:
            return None

    def read(self, key: str, start: int, end: int) -> bytes:
        """Some of an object's bytes.

        Raises:
            FileNotFoundError: it is not there.
            StorageError: the store failed or refused.
        """
        with self._our_errors(key):
            return obstore.get_range(self._store, key, start=start, end=end).to_bytes()

    def stream(self, key: str) -> Iterator[bytes]:
        """An object's bytes, in pieces of some MiB.

        Raises:
            FileNotFoundError: it is not there.
            StorageError: the store failed or refused.
        """
        with self._our_errors(key):
            for data in obstore.get(self._store, key).stream(min_chunk_size=CHUNK_MAX_BYTES):
                yield bytes(data)

    def listed(self, prefix: str) -> list[tuple[str, int]]:
        """Keys and sizes of all objects below a prefix.

        Raises:
            StorageError: the store failed or refused.
        """
        with self._our_errors(prefix):
            return [(each["path"], each["size"]) for page in obstore.list(self._store, prefix) for each in page]

    def folders(self, prefix: str) -> list[str]:
        """The next parts of the keys below a prefix that have something below themselves.

        Raises:
            StorageError: the store failed or refused.
        """
        with self._our_errors(prefix):
            found = obstore.list_with_delimiter(self._store, prefix)["common_prefixes"]
        return [each.rstrip("/").rpartition("/")[2] for each in found]

    def remove(self, keys: Iterable[str]) -> None:
        """Remove objects; those that are not there are no error.

        Raises:
            StorageError: the store failed or refused.
        """
        for key in keys:
            with contextlib.suppress(FileNotFoundError), self._our_errors(key):
                obstore.delete(self._store, key)

    @contextlib.contextmanager
    def _our_errors(self, key: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            raise
        except (BaseError, OSError) as error:
            said: Any = str(error).strip().partition("\n")[0][:300]
            raise StorageError(f"{self.name}/{key}: {said}; look at the store and its rights") from error


def _is_near(endpoint: str) -> bool:
    """Whether requests may go without TLS: only to this very machine.

    Raises:
        SettingsError: they would go elsewhere in the clear.
    """
    parts = urlsplit(endpoint)
    if parts.scheme not in {"", "http", "https"} or (parts.scheme == "http" and parts.hostname not in _LOOPBACK):
        raise SettingsError(f"blobs: the endpoint {endpoint!r} is not reached under TLS; write {_SHOWN}")
    return parts.scheme == "http"
