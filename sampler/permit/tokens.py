"""Secrets that can be told by their form alone, wherever they stand."""

from __future__ import annotations

import re
from typing import Final

from sampler.permit.names import SECRET

_FORMS: Final = tuple(
    re.compile(pattern)
    for pattern in (
        r"-----BEGIN [A-Z ]{0,32}PRIVATE KEY(?: BLOCK)?-----[^-]*(?:-----END [A-Z ]{0,32}PRIVATE KEY(?: BLOCK)?-----)?",
        r"(?<=Private-Lines: )\d{1,4}\s+[A-Za-z0-9+/=\s]*",  # PuTTY
        r"eyJ[\w-]{8,2048}\.[\w-]{4,}(?:\.[\w-]*)*",  # JSON Web Token, RFC 7519
        r"\b(?:AKIA|ASIA|ABIA|ACCA|AGPA|AIDA|AROA|ANPA)[A-Z2-7]{16}\b",  # AWS
        r"gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}",
        r"\bgl(?:pat|rt|dt|cbt|ptt|ft|soat)-[\w-]{16,}",  # GitLab
        r"xox[abeoprs]-[\w-]{10,}",  # Slack
        r"(?<=hooks\.slack\.com/services/)[\w/-]{16,}",
        r"AIza[\w-]{30,}|ya29\.[\w-]{16,}|\b1//0[\w-]{16,}",  # Google
        r"\b[rsp]k_(?:live|test)_\w{10,}",  # Stripe
        r"\bsk-[\w-]{20,}",
        r"\bnpm_[A-Za-z0-9]{30,}|\bpypi-[\w-]{30,}",
        r"\bsmp_[a-z]+_[\w-]{40,}",  # ours
        r"\bSG\.[\w-]{16,}\.[\w-]{16,}",  # SendGrid
        r"\bhv[sb]\.[\w-]{20,}",  # Vault
        r"\bdo[opr]_v1_[0-9a-f]{40,}",  # DigitalOcean
        r"\bshp(?:at|ca|pa|ss)_[0-9a-f]{32}\b",  # Shopify
        r"\b(?:AC|SK)[0-9a-f]{32}\b",  # Twilio
        r"\bhf_[A-Za-z]{30,}\b",  # Hugging Face
        r"\bAGE-SECRET-KEY-1[A-Z0-9]{50,}",
        r"(?<![\w-])(?:bot)?\d{8,10}:[A-Za-z][\w-]{28,}",  # Telegram
        r"\bEAAC[A-Za-z0-9]{20,}",  # Facebook
        r"(?<=/api/webhooks/)\d{16,20}/[\w-]{60,}",  # Discord
        r"(?<=[Bb]earer )[^\s~]\S{7,}|(?<=[Bb]asic )[A-Za-z0-9+/=]{8,}",
    )
)


def redact_tokens(text: str) -> str:
    """``text`` with what is a secret by its form replaced by ``~secret``."""
    for form in _FORMS:
        text = form.sub(SECRET, text)
    return text
