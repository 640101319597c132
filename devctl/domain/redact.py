"""Secrets taken out of a text before it is written down anywhere."""

from __future__ import annotations

import re

GONE = "[removed]"
_NAMES = r"[\w.-]*(?:TOKEN|SECRET|PASSW(?:OR)?D|PASSPHRASE|PASS|KEY|CREDENTIALS?|AUTH|PRIVATE|DSN|COOKIE|SESSION)[\w.-]*"
_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"-----BEGIN [^-]+-----.*?(?:-----END [^-]+-----|\Z)", re.S), GONE),
    (
        re.compile(r"(?i)\b(authorization|proxy-authorization|cookie|set-cookie)(\s*:\s*)[^\r\n]+"),
        rf"\1\2{GONE}",
    ),
    (re.compile(rf"(?i)(\b{_NAMES}[\"']?\s*[=:]\s*)(\"[^\"\n]*\"|'[^'\n]*'|[^\s,;&]+)"), rf"\1{GONE}"),
    (re.compile(r"(?i)(\w+://)[^\s/@]+@"), rf"\1{GONE}@"),
    (re.compile(r"(?i)\b((?:login|password|account)\s+)\S+"), rf"\1{GONE}"),
    (
        re.compile(
            r"\b(?:gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abprs]-[\w-]{10,}|AKIA[0-9A-Z]{16})"
        ),
        GONE,
    ),
    (re.compile(r"\beyJ[\w-]{10,}\.[\w-]{10,}(?:\.[\w-]*)?"), GONE),
)


def redact(text: str) -> str:
    """The text without values that look like secrets: by their name, by their form, or by where they stand."""
    for pattern, instead in _RULES:
        text = pattern.sub(instead, text)
    return text
