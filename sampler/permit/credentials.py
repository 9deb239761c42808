"""Secrets in a text that stand behind a name that says so: ``password=``, ``"api_key":``, a header, an option.

``bypass: yes``, ``password_required: true`` and ``max_tokens=100`` announce none and stay.
"""

from __future__ import annotations

import re
from typing import Final

from sampler.permit.names import SECRET
from sampler.permit.tokens import redact_tokens

_WORDS_FOR_IT: Final = (
    r"(?:pass(?:wor[dt]|wd|phrase|code)|kennwort|contrase(?:ñ|n\u0303?)a|mot de passe|senha|has[łl]o|wachtwoord"
    r"|l[öo]senord|adgangskode|passord|salasana|heslo|jelsz[óo]|[şs]ifre|парол[ьяею]|密[码碼]|口令|パスワード"
    r"|parola d['\u2019 ]?ordine|κωδικ[όο][ςσ]|비밀번호|암호|كلمة (?:المرور|السر)|סיסמה|รหัสผ่าน|mật khẩu)"
)
"""A password, in the languages that most people's programs speak."""
_SHORT_WORDS: Final = (
    r"(?:(?<![a-z])|(?<=db)|(?<=user)|(?<=ssh)|(?<=root)|(?<=admin)|(?<=ftp)|(?<=smtp)|(?<=mail)|(?<=sql)|(?<=vnc))"
    r"(?:pass|pwd|auth|otp|cvv2?|pin[_ -]?code|sid|cookie)"
)
_KEYWORD: Final = (
    rf"(?<!~)(?:{_WORDS_FOR_IT}|{_SHORT_WORDS}|secret|token|credential|authorization|sess(?:ion)?[_-]?id"
    r"|(?:api|access|private|secret|account|encryption|signing|storage|master)[_-]?key|signature)"
    r"(?![_.-]?(?:count|required|length|files?|path|type|size|limit|expir\w*|policy|name|url|endpoint|ttl|age|len|max|min)\b)"
    r"s?(?:[_.-][\w.-]{0,32}|\d{0,4})"
)
"""A name that says that a secret follows; ``author`` and ``tokenize`` do not."""

_HARMLESS: Final = (
    r"(?:true|false|yes|no|none|null|nil|ok|on|off|empty|set|unset|valid|invalid|missing|failed|expired|required"
    r"|unknown|optional|disabled|enabled)(?![^\s,;&\"'<>)}\]])"
)
_BARE: Final = r"\S[^\s;]*(?:;(?![A-Za-z][\w ]{0,31}=)[^\s;]*)*"
"""Up to a blank, or to the semicolon that the next name of a connection string follows."""
_VALUE: Final = rf"(?!{_HARMLESS})(?:{SECRET}|\"(?:[^\"\\]|\\.)*\"|'[^']*'|{_BARE})"
_SCHEME: Final = r"(?:(?:Bearer|Basic|Digest|Token|ApiKey|Negotiate|NTLM) )?"
_SAYS: Final = r"[\"'\]]?\s{0,4}(?:=>|[:\uff1a]=?|=(?!=)|==(?=\s?[\"']))\s{0,4}"
_BEHIND: Final = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"((?:authorization|(?<![a-z])cookie)[\"']?\s{0,4}[=:]\s{0,4}+"
        rf"{_SCHEME})(?!{_HARMLESS})(?:\"[^\"\r\n]*\"|'[^'\r\n]*'|[^\r\n\"'][^\r\n]*)",
        rf"({_KEYWORD}[\"'][^<>]{{0,64}}\bvalue=)(?:\"[^\"]*\"|'[^']*')",
        rf"(<[\w:.-]{{0,32}}{_KEYWORD}(?:\s[^<>]{{0,64}})?>)(?!<)[^<]+",
        rf"({_WORDS_FOR_IT}(?: (?:is|was|ist|war|lautet|est|es|è|é|jest|är|er))?:? )"
        r"(?:\"[^\"]{4,}\"|'[^']{4,}'|(?=\S{0,64}\d)[^\s=:<>|]\S{5,})",
        rf"((?:^|\s)-{{1,2}}[\w-]{{0,32}}{_KEYWORD} )(?!-)(?:\"[^\"]*\"|'[^']*'|\S+)",
        rf"({_KEYWORD} )(?=[\w+/=-]{{0,64}}\d)[\w+/=-]{{20,}}",
        r"(ConvertTo-SecureString (?:-String )?)(?!-)(?:\"[^\"]*\"|'[^']*'|\S+)",
    )
)
_ASSIGNED: Final = re.compile(rf"({_KEYWORD})({_SAYS}{_SCHEME})({_VALUE})", re.IGNORECASE)
_COUNTED: Final = re.compile(r"s(?:[_.-]\w*)?\Z", re.IGNORECASE)
_NUMBER: Final = re.compile(r"\d{1,6}\W?")
_NAMED: Final = re.compile(rf"(?:-{{1,2}}|/)?[\w.:/-]*?{_KEYWORD}", re.IGNORECASE)


def redact_secrets(text: str) -> str:
    """``text`` with what is or is said to be a secret replaced by ``~secret``."""
    text = redact_tokens(text)
    for pattern in _BEHIND:
        text = pattern.sub(rf"\1{SECRET}", text)
    return _ASSIGNED.sub(_stand_in, text)


def names_secret(name: str, value: str) -> bool:
    """Whether ``name``, of an option or a variable, says that ``value`` is a secret."""
    if _NAMED.fullmatch(name) is None or re.match(_HARMLESS, value, re.IGNORECASE):
        return False
    return not _is_count(name, value)


def _stand_in(match: re.Match[str]) -> str:
    return match[0] if _is_count(match[1], match[3]) else f"{match[1]}{match[2]}{SECRET}"


def _is_count(name: str, value: str) -> bool:
    """``max_tokens=100`` counts tokens; ``token=100`` is one."""
    return (
        _COUNTED.search(name) is not None and _NUMBER.fullmatch(value) is not None and not name.lower().endswith("pass")
    )
