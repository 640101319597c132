"""Texts are plain English, as in the messages of cargo, uv and git: phrases that slipped in before do not come back."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
INSTEAD = {
    r"\b(?:be|is|was) had\b": "available, could not be fetched",
    r"\b(?:made|make|makes|begun|begins|started|starts|built|builds|written|chosen|looked at) anew\b": "again, recreated",
    r"\b(?:gives?|gave|giving) way to\b": "is replaced by",
    r"\bthe way back\b": "rollback",
    r"\bmend(?:s|ed)\b": "fixes, fixed by",
    r"\b(?:in|out)side of\b": "inside, outside",
    r"\bgo(?:es)? on (?:with|serving|from|running)\b": "continues, keeps serving",
    r"\ball the same\b": "anyway",
    r"\bstands? (?:there|behind|among|below|beside)\b": "is written, follows",
    r"\bequally right\b": "equally good",
    r"\bexited with (?:\d|\{code)": "exited with code N",
    r"\bfor want of\b": "for lack of",
    r"\blies? (?:in|on|at|below|beside|behind|outside|elsewhere|there|where)\b": "is in, is below",
    r"\bonce a (?:machine|project)\b": "once per",
    r"\bcalled like\b": "named like",
    r"\b(?:is|are|be|been) lent\b": "gets",
    r"\bbehind (?:`|the FROM|a colon)": "after",
    r"\bis asked for\b|\bare asked for\b": "is required, is requested",
    r"\bin its stead\b|\bbrought in\b": "instead, used",
    r"\bof ours\b": "devctl's own",
    r"\b(?:is|are|was|were|be|been) told\b(?! (?:to|that|whether|about)\b)": "is reported, is shown, is distinguished",
    r"\b(?:is|are|was|were) said\b(?! to\b)": "is reported, with a message",
    r"\bput back\b": "restored, rolled back",
    r"\bas (?:it|they) stands?\b": "as it is, unchanged",
    r"\bwhere (?:none|one) is\b": "if there is one",
    r"\bwhat holds\b": "what contains, what applies",
    r"\b(?:tells?|told) of\b": "reports, mentions",
    r"\b(?:says?|said) of\b": "says about",
    r"\bha(?:s|ve) to say\b": "reports, its messages",
    r"\bcame to\b": "the outcome of",
    r"\b(?:is|are) another one\b": "has changed, differs",
    r"\blook(?:s|ed)? whether\b": "checks whether",
    r"\bmade of (?:the user's|theirs|their|your)\b": "derived from",
}
"""What no native speaker would say → what to write."""
MADE = {"docs/reference/faults.md"}
"""Made from the output of other tools."""


def texts() -> dict[str, str]:
    """Path → its text in one line, so that a phrase is found across the lines of a comment."""
    found = [
        *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
        *(ROOT / "docs").rglob("*.md"),
        *(p for folder in ("devctl", "templates") for p in (ROOT / folder).rglob("*") if p.is_file()),
    ]
    named = {p.relative_to(ROOT).as_posix(): p for p in found if p.suffix != ".pyc"}
    return {
        name: re.sub(r"\s+(?:(?:#|//) )?", " ", path.read_text(encoding="utf-8"))
        for name, path in named.items()
        if name not in MADE
    }


def test_phrases_that_nobody_would_say_stay_out() -> None:
    found = [
        f"{name}: …{text[max(0, match.start() - 40) : match.end() + 20]}…: write {instead}"
        for name, text in texts().items()
        for pattern, instead in INSTEAD.items()
        for match in re.finditer(pattern, text)
    ]
    assert found == []
