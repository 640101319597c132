"""The fault matrix (docs/reference/faults.md), made from the recorded samples and from what tests provoke on the engine.

python -m tests.failures.matrix            whether page and expected texts are current
python -m tests.failures.matrix --write    writes both anew
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from tests.failures.mended import mended, mended_by
from tests.failures.observed import OBSERVED
from tests.failures.samples import Sample, recorded

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "faults.md"
ASKED = {
    "build": "While an image is built",
    "reload": "While Go builds the service",
    "config": "While the compose file is read",
    "compose": "While compose creates and starts containers",
    "start": "While the service starts",
}
HEAD = """# Faults, and what you are told

Made from the recorded outputs in `tests/failures` by `python -m tests.failures.matrix --write`; a test checks that it is
current. Each row is a real output of Go, BuildKit, compose, the engine or a service, and the sentence that devctl says
instead. An output that nothing here fits is shown by its last lines and never guessed at: `tests/failures/negative` holds
{negative} such outputs. The numbers are [exit codes](exit-codes.md); "mended by" is what repairs it without a person.
"""
OBSERVED_HEAD = """
## What is seen without a message

Faults that show in what runs, not in a text. The tests provoke each on a real engine.

| fault | what you are told | exit | code | mended by |
| --- | --- | --- | --- | --- |
"""
MENDED_HEAD = """
## What is mended without a person

{count} faults, each injected by a test that then shows that all is well and that what was done was said. "tried on" is where:
this table is made from those tests, and a row without one cannot be in it. `--yes` stands where it changes what is yours, and
you are asked on a terminal.

| fault | mended by | code | tried on |
| --- | --- | --- | --- |
"""
TABLE = "\n| what the tool said | what you are told | exit | code | mended by |\n| --- | --- | --- | --- | --- |\n"
LONGEST = 110


def page() -> str:
    samples = recorded("samples")
    parts = [HEAD.format(negative=len(recorded("negative")))]
    for asked, title in ASKED.items():
        rows = [_row(sample) for sample in samples if sample.asked == asked]
        parts.append(f"\n## {title}\n{TABLE}{''.join(rows)}")
    rows = [
        f"| {o.fault} | {_text(o.told)} | {o.exit} | `{o.code}` | {mended_by(o.code) or 'nothing'} |\n"
        for o in OBSERVED
    ]
    parts.append(OBSERVED_HEAD + "".join(rows))
    rows = [
        f"| {_text(m.fault)} | {m.by} | {f'`{m.code}`' if m.code else ''} | {m.tried} |\n" for m in mended()
    ]
    parts.append(MENDED_HEAD.format(count=len(rows)) + "".join(rows))
    return "".join(parts)


def _row(sample: Sample) -> str:
    known = sample.explained()
    assert known is not None
    said = sample.said()
    short = said if len(said) <= LONGEST else said[: LONGEST - 1] + "…"
    told = known.message + (f"; {known.why}" if known.why else "")
    place = f"`{known.place}`: " if known.place else ""
    return (
        f"| {_code(short)} | {place}{_text(told)} <br>→ {_text(known.hint)} | {int(known.exit)} | `{known.code}` "
        f"| {mended_by(known.code) or 'nothing'} |\n"
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


def expected() -> Iterator[tuple[Path, str]]:
    """Every file that is made from the samples."""
    yield PAGE, page()
    for sample in recorded("samples"):
        yield sample.path.with_suffix(".want"), sample.told()


def stale() -> list[Path]:
    return [
        path for path, text in expected() if not path.exists() or path.read_text(encoding="utf-8") != text
    ]


def main() -> int:
    if "--write" in sys.argv[1:]:
        for path, text in expected():
            path.write_text(text, encoding="utf-8")
        return 0
    for path in stale():
        print(f"not current: {path}")
    return 1 if stale() else 0


if __name__ == "__main__":
    sys.exit(main())
