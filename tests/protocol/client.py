"""A host that speaks docs/protocol.md and knows nothing of Sampler: the standard library and a certificate.

python client.py URL CA CERTIFICATE KEY FILE: deliver FILE whole; print the submission's identifier and its state.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import ssl
import sys
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

TUS = {"Tus-Resumable": "1.0.0"}
CHUNK_BYTES = 8 * 1024 * 1024


class Queue:
    def __init__(self, url: str, ca: str, certificate: str, key: str) -> None:
        self._place = urlsplit(url)
        self._tls = ssl.create_default_context(cafile=ca)
        self._tls.minimum_version = ssl.TLSVersion.TLSv1_3
        self._tls.load_cert_chain(certificate, key)

    def ask(
        self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        host, port = self._place.hostname or "", self._place.port
        connection = http.client.HTTPSConnection(host, port, context=self._tls, timeout=60)
        try:
            connection.request(method, path, body or None, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def offer(self, manifest: dict[str, Any]) -> list[str]:
        """Which contents are wanted."""
        body = json.dumps(manifest).encode()
        status, _, answer = self.ask("POST", "/v1/submissions", body, {"Content-Type": "application/json"})
        if status != 201:
            raise SystemExit(f"refused ({status}): {json.loads(answer)['detail']}")
        return list(json.loads(answer).get("wanted", []))

    def begin(self, submission: str, sha256: str, size: int) -> str:
        """The path of a new upload, or of the one that was begun before."""
        named = {"submission": submission, "sha256": sha256}
        metadata = ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in named.items())
        headers = {**TUS, "Upload-Length": str(size), "Upload-Metadata": metadata, "Content-Length": "0"}
        status, answered, body = self.ask("POST", "/v1/uploads", headers=headers)
        if status != 201:
            raise SystemExit(f"no upload ({status}): {body.decode()}")
        return str(answered["Location"])

    def bring(self, upload: str, content: bytes) -> None:
        """Go on from wherever the queue has verified bytes up to, however often the connection breaks."""
        while (offset := self.offset(upload)) < len(content):
            chunk = content[offset : offset + CHUNK_BYTES]
            digest = base64.b64encode(hashlib.sha256(chunk).digest()).decode()
            headers = {**TUS, "Content-Type": "application/offset+octet-stream", "Upload-Offset": str(offset)}
            try:
                status, *_ = self.ask("PATCH", upload, chunk, {**headers, "Upload-Checksum": f"sha256 {digest}"})
            except OSError:
                status = 503
            if status != 204:
                time.sleep(1)

    def offset(self, upload: str) -> int:
        status, headers, _ = self.ask("HEAD", upload, headers=TUS)
        if status != 200:
            raise SystemExit(f"the upload is gone ({status}); offer the manifest again")
        return int(headers["Upload-Offset"])

    def state(self, submission: str) -> dict[str, Any]:
        return dict(json.loads(self.ask("GET", f"/v1/submissions/{submission}")[2]))


def main(url: str, ca: str, certificate: str, key: str, file: str) -> None:
    content = Path(file).read_bytes()
    whole = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
    statement = {"id": "of-my-own", "version": 1, "digest": hashlib.sha256(b"what the owner agreed to").hexdigest()}
    manifest = {
        "id": str(uuid.uuid4()), "created": datetime.now(UTC).isoformat(), "object": whole, "statement": statement,
        "fields": {"file.size": len(content), "event.kind": "alert"}, "contents": [whole],
    }  # fmt: skip
    queue = Queue(url, ca, certificate, key)
    for sha256 in queue.offer(manifest):
        queue.bring(queue.begin(str(manifest["id"]), sha256, len(content)), content)
    sys.stdout.write(f"{manifest['id']} {queue.state(str(manifest['id']))['state']}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
