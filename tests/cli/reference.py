"""The reference of the commands (docs/reference/commands.md), made from the help of the CLI.

python -m tests.cli.reference            whether the page is current
python -m tests.cli.reference --write    writes it
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import typer

from devctl.cli.app import app
from devctl.cli.help import GLOBALS

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "commands.md"
HEAD = """# Commands and options

Made from the help of the commands by `python -m tests.cli.reference --write`; a test checks that it is current.
`devctl COMMAND --help` prints the same. What the commands do, and when, is in [command line](cli.md).
"""
GLOBAL_HEAD = """
## Global options

Every command accepts them, before or after its name. Nothing after `--` is read as a global option.

"""


def page() -> str:
    panels: dict[str, list[str]] = {}
    for name, command in typer.main.get_command(app).commands.items():  # type: ignore[attr-defined]
        if not command.hidden:
            panels.setdefault(command.rich_help_panel, []).extend(_sections(name, command))
    parts = [f"\n## {panel}\n{''.join(sections)}" for panel, sections in panels.items()]
    return HEAD + GLOBAL_HEAD + _table(GLOBALS, "option") + "".join(parts)


def _sections(name: str, command: Any) -> Iterator[str]:
    context = typer.Context(command, info_name=f"devctl {name}")
    arguments = [(p.metavar or p.name.upper(), p.help or "") for p in command.params if _is(p, "argument")]
    records = [p.get_help_record(context) for p in command.params if _is(p, "option")]
    options = [record for record in records if record is not None]
    usage = " ".join([f"devctl {name}", *command.collect_usage_pieces(context)])
    if not options:
        usage = usage.replace(" [OPTIONS]", "")
    yield f"\n### `devctl {name}`\n\n    {usage}\n\n{command.help}\n"
    if any(text for _, text in arguments):
        yield "\n" + _table(arguments, "argument")
    if options:
        yield "\n" + _table(options, "option")
    for child, of_it in getattr(command, "commands", {}).items():
        yield from _sections(f"{name} {child}", of_it)


def _is(parameter: Any, kind: str) -> bool:
    return bool(parameter.param_type_name == kind) and "--help" not in parameter.opts


def _table(rows: Sequence[tuple[str, str]], of: str) -> str:
    lines = [f"| `{_cell(name)}` | {_cell(' '.join(text.split()))} |\n" for name, text in rows]
    return f"| {of} | |\n| --- | --- |\n" + "".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


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
