"""Removes secrets from a text before it is written anywhere. It removes too much rather than too little.

Repetitions are bounded where a pattern may start at every character: a long line must not take quadratic time.
"""

from __future__ import annotations

import re

from devctl.domain.regex import regex

GONE = "[removed]"
_NAMES = (
    r"(?:TOKEN|SECRET|PASSW(?:OR)?D|PASSPHRASE|PASSCODE|PWD|PASS|KEY(?!Error|board|s\b)|CREDENTIALS?|AUTH|PRIVATE|DSN|COOKIE|SESSION)"
    r"[\w.-]{0,60}"
)
# A quoted value with its escapes, closed or not, and anything attached to it; else everything up to white space.
_VALUE = r"(?:\\*\"(?:\\.|[^\"\\\n])*\"?\S*|\\*'(?:\\.|[^'\\\n])*'?\S*|\S+)"
# A value may be on the next line, but not if that line names another secret: its value would remain.
_NAMED = rf"[\[({{\"',]*(?:[\w-]{{0,60}}?{_NAMES}[\\\"']*\s*[=:]|--?[\w-]{{0,60}}?{_NAMES}[\"',]*\s+\S)"
_NEXT_LINE = rf"[^\S\n]*\n\s*(?!{_NAMED})"
_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    (regex(r"-----BEGIN [^-]+-----.*?(?:-----END [^-]+-----|\Z)", re.S), GONE),
    (
        regex(
            r"(?i)\b((?:proxy-)?authorization|x-[\w-]{0,40}(?:key|token)|(?:set-)?cookie)(\W{1,4})[^\r\n]+"
        ),
        rf"\1\2{GONE}",
    ),
    (regex(r"(?i)\b(bearer|basic)(\s+)[\w.~+/=-]{8,}"), rf"\1\2{GONE}"),
    # A line of YAML or of an env file: the whole rest of the line is the value.
    (
        regex(
            rf"(?im)^(\s*(?:-\s+|export\s+)?[\"']?[\w.-]{{0,100}}?{_NAMES}[\"']?\s*[=:](?!>)[ \t]*)\S[^\r\n]*"
        ),
        rf"\1{GONE}",
    ),
    (regex(rf"(?i)({_NAMES}[\\\"']*\s*(?:=>|[=:])(?:{_NEXT_LINE}|[^\S\n]*)){_VALUE}"), rf"\1{GONE}"),
    (regex(rf"(?i)(--?[\w-]{{0,60}}?{_NAMES}[\"',]*(?:{_NEXT_LINE}|[^\S\n]+)){_VALUE}"), rf"\1{GONE}"),
    # user:password@ first, in which people write unescaped / and @, then anything else before the host.
    (regex(r"(://)[^\s/:@\"'<>]*:[^\s\"'<>]*@"), rf"\1{GONE}@"),
    (regex(r"(://)[^\s/\"'<>]+@"), rf"\1{GONE}@"),
    (regex(r"(?<![\w./+-])[\w.+-]{1,100}:[^\s@/\"'\[]{1,300}@(?!sha256:)(?=[\w(])"), f"{GONE}@"),
    (regex(r"(?i)\b((?:login|password|account)\s+)\S+"), rf"\1{GONE}"),
    (
        regex(
            r"(?:gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abeprs]-[\w-]{10,}|(?:AKIA|ASIA)[0-9A-Z]{16}"
            r"|npm_\w{30,}|pypi-[\w-]{30,}|dckr_pat_[\w-]{16,}|\bsk-[\w-]{20,}|AIza[\w-]{30,})"
        ),
        GONE,
    ),
    (regex(r"eyJ[\w-]{10,}\.[\w-]{10,}(?:\.[\w-]*)?"), GONE),
)


def redact(text: str) -> str:
    """The text without values that look like secrets: by name, by form, or by position."""
    for pattern, instead in _RULES:
        text = pattern.sub(instead, text)
    return text
