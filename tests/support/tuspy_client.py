"""tuspy delivers a file in pieces of 1 MiB; it kills itself after so many of them.

REQUESTS_CA_BUNDLE=CA python tuspy_client.py ENDPOINT CERTIFICATE KEY FILE METADATA UPLOAD_URL_OR_EMPTY DIE_AFTER
"""

from __future__ import annotations

import json
import os
import signal
import sys

from tusclient.client import TusClient


def main(endpoint: str, certificate: str, key: str, file: str, metadata: str, url: str, die_after: str) -> None:
    client = TusClient(endpoint, client_cert=(certificate, key))
    uploader = client.uploader(
        file, url=url or None, metadata=json.loads(metadata), chunk_size=1 << 20, upload_checksum=True
    )
    pieces = 0
    while uploader.offset < uploader.get_file_size():  # type: ignore[no-untyped-call]  # of a library without types
        uploader.upload_chunk()  # type: ignore[no-untyped-call]
        pieces += 1
        if pieces == 1:
            sys.stdout.write(f"{uploader.url}\n")
            sys.stdout.flush()
        if pieces == int(die_after):
            os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main(*sys.argv[1:])
