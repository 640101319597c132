"""The fault matrix (docs/reference/faults.md), made from the dictionary's samples and from what tests provoke on the engine.

python -m tests.failures.matrix            whether the page is current
python -m tests.failures.matrix --write    writes it
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.failures.fixed import fixed, fixed_by
from tests.failures.observed import OBSERVED
from tests.failures.samples import Recorded, negative, recorded

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "faults.md"
ASKED = {
    "build": "While an image is built",
    "reload": "While Go builds the service",
    "config": "While the compose file is read",
    "compose": "While compose creates and starts containers",
    "start": "While the service starts",
}
HEAD = """# Faults and their messages

Made from the samples of `devctl/domain/failures/entries` by `python -m tests.failures.matrix --write`; a test checks that it is
current. Each row is a real output of Go, BuildKit, compose, the engine or a service, and the message that devctl prints
instead. For an output that matches nothing here, devctl shows the last lines and never guesses: `tests/failures/negative` has
{negative} such outputs. The numbers are [exit codes](exit-codes.md); "fixed by" is the command that fixes it automatically.
"""
OBSERVED_HEAD = """
## Faults without a message

Faults that are seen in what runs, not in a text. The tests provoke each on a real engine.

| fault | what devctl says | exit | code | fixed by |
| --- | --- | --- | --- | --- |
"""
MENDED_HEAD = """
## What is fixed automatically

{count} faults, each injected by a test that then checks that everything works and that the fix was reported. This table is
generated from those tests; "tried on" says where each one runs. `--yes` marks fixes that change something of yours; on a
terminal devctl asks instead.

| fault | fixed by | code | tried on |
| --- | --- | --- | --- |
"""
TABLE = (
    "\n| output of the tool | what devctl says | exit | code | fixed by |\n| --- | --- | --- | --- | --- |\n"
)
LONGEST = 110


def page() -> str:
    parts = [HEAD.format(negative=len(negative()))]
    for asked, title in ASKED.items():
        rows = [_row(sample) for sample in recorded() if sample.sample.asked == asked]
        parts.append(f"\n## {title}\n{TABLE}{''.join(rows)}")
    rows = [
        f"| {o.fault} | {_text(o.told)} | {o.exit} | `{o.code}` | {fixed_by(o.code) or 'nothing'} |\n"
        for o in OBSERVED
    ]
    parts.append(OBSERVED_HEAD + "".join(rows))
    rows = [
        f"| {_text(m.fault)} | {m.by} | {f'`{m.code}`' if m.code else ''} | {m.tried} |\n" for m in fixed()
    ]
    parts.append(MENDED_HEAD.format(count=len(rows)) + "".join(rows))
    return "".join(parts)


def _row(sample: Recorded) -> str:
    known = sample.explained()
    said = sample.said()
    short = said if len(said) <= LONGEST else said[: LONGEST - 1] + "…"
    told = known.message + (f"; {known.why}" if known.why else "")
    place = f"`{known.place}`: " if known.place else ""
    return (
        f"| {_code(short)} | {place}{_text(told)} <br>→ {_text(known.hint)} | {int(known.exit)} | `{known.code}` "
        f"| {fixed_by(known.code) or 'nothing'} |\n"
    )


def _text(text: str) -> str:
    """In a cell of a table nothing may be taken for markup, except the code between backticks."""
    parts = text.replace("|", "\\|").split("`")
    return "`".join(
        part.replace("<", "&lt;").replace("*", "\\*") if at % 2 == 0 else part
        for at, part in enumerate(parts)
    )


def _code(text: str) -> str:
    text = text.replace("|", "\\|")
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def is_current() -> bool:
    return PAGE.exists() and PAGE.read_text(encoding="utf-8") == page()


def main() -> int:
    if "--write" in sys.argv[1:]:
        PAGE.write_text(page(), encoding="utf-8")
    elif not is_current():
        print(f"not current: {PAGE}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
