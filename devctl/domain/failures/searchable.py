"""What a program or a tool printed, in the form in which it is searched for a cause."""

from __future__ import annotations

LONGEST = 2_000
"""Characters of a line. Patterns may take quadratic time: a program can print a line crafted for that."""
_LEFT_OUT = " … "
_HALF = (LONGEST - len(_LEFT_OUT)) // 2


def searchable(output: str) -> str:
    """Each line unchanged; of a longer one its two ends, where a tool says what it was about and how that ended."""
    if len(output) <= LONGEST:
        return output
    lines = output.split("\n")
    return "\n".join(it if len(it) <= LONGEST else f"{it[:_HALF]}{_LEFT_OUT}{it[-_HALF:]}" for it in lines)
