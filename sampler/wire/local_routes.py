"""The routes of the agent's local socket."""

from __future__ import annotations

from typing import Final

FLAG: Final = "/v1/flag"
"""POST a ``FlagRequest``; answers 200 with an ``ObjectView`` once the outcome is durable, whatever it is."""
FLAG_BYTES: Final = "/v1/flag/bytes"
"""POST the object's bytes, the ``FlagRequest`` as JSON in the ``Sampler-Flag`` header."""
SCAN: Final = "/v1/scan"
"""POST a ``FlagRequest``; answers 200 with a ``ScanView``. Nothing is kept and nothing leaves: it needs no consent."""
SCAN_BYTES: Final = "/v1/scan/bytes"
"""As ``FLAG_BYTES``, for ``SCAN``."""
PREVIEW: Final = "/v1/preview"
"""POST a ``FlagRequest``; answers 200 with a ``PreviewView``: what flagging it would send. Nothing is kept or sent."""
PREVIEW_BYTES: Final = "/v1/preview/bytes"
"""As ``FLAG_BYTES``, for ``PREVIEW``."""
CAPTURE: Final = "/v1/capture"
"""POST a ``CaptureRequest``: memory, boot records or a report on a process; answers as ``FLAG``."""
CAPTURE_PREVIEW: Final = "/v1/capture/preview"
"""POST a ``CaptureRequest``; answers as ``PREVIEW``."""
OBJECTS: Final = "/v1/objects"
OBJECT: Final = "/v1/objects/{id}"
RECALL_OBJECT: Final = "/v1/objects/{id}/recall"
"""POST a ``RecallWish``; answers 200 with a ``RecallView`` once the wish is durable. For who flagged it, and root."""
STATUS: Final = "/v1/status"
FLAG_HEADER: Final = "Sampler-Flag"
"""The ``FlagRequest`` of a request whose body is the object."""
