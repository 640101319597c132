"""Help as plain text: commands by group, and the global options in the help of every command."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

GLOBALS = (
    (
        "-C, --project DIR",
        "Project folder (default: the nearest one with devctl.yaml, a compose file or go.mod).",
    ),
    ("--json", "Print one JSON object per line; the last one is the result."),
    ("-q, --quiet", "Print only results and errors."),
    ("-v, --verbose", "Also show build output."),
    ("--color auto|always|never", "When to use colour (auto: on a terminal, unless NO_COLOR is set)."),
    ("--dry-run", "Print the plan without carrying it out."),
    ("-y, --yes", "Answer yes to every question."),
    ("--version", "Print the version."),
)


PASSED_ON = ("command", "packages")
"""Arguments whose words belong to another program (`exec`, `go test`), which may mean something by an empty one."""


# The context and the formatter are typer's private copy of click's: they have no public names to annotate with.
class Command(TyperCommand):
    """A command whose help has no type labels and does have the global options. An empty value is refused for every command
    alike: it is a variable that was not set, not the default, and not the current folder (which `Path("")` is)."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        given, _, _ = self.make_parser(ctx).parse_args(args=list(args))
        for param in self.get_params(ctx):
            value = given.get(str(param.name))
            values = value if isinstance(value, (list, tuple)) else [value]
            if "" in values and param.name not in PASSED_ON:
                raise typer.BadParameter("it is empty", ctx=ctx, param=param)
        return super().parse_args(ctx, args)

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """`[OPTIONS] NAME [NAME]... -- NAME...`: optional parts in brackets."""
        pieces = [self.options_metavar or ""]
        for argument in _of(self, ctx, "argument"):
            many = "..." if argument.nargs != 1 else ""
            pieces.append(f"{_name(argument)}{many}" if argument.required else f"[{_name(argument)}]{many}")
        return pieces

    def format_options(self, ctx: Any, formatter: Any) -> None:
        _write_options(self, ctx, formatter)
        _write_globals(formatter)


class Group(TyperGroup):
    """A group of commands, listed under the headings that they were registered with."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        self.format_commands(ctx, formatter)
        _write_options(self, ctx, formatter)
        _write_globals(formatter)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        headings: dict[str, list[tuple[str, str]]] = {}
        for name, command in self.commands.items():
            if not command.hidden:
                heading = getattr(command, "rich_help_panel", None)
                headings.setdefault(heading if isinstance(heading, str) else "Commands", []).append(
                    (name, command.get_short_help_str(200))
                )
        for heading, rows in headings.items():
            with formatter.section(heading):
                formatter.write_dl(rows, col_max=14)


def _of(command: TyperCommand | TyperGroup, ctx: Any, kind: str) -> list[Any]:
    return [p for p in command.get_params(ctx) if p.param_type_name == kind]


def _name(argument: Any) -> str:
    return str(argument.metavar or argument.name.upper())


def _write_options(command: TyperCommand | TyperGroup, ctx: Any, formatter: Any) -> None:
    arguments = [(_name(p), p.help or "") for p in _of(command, ctx, "argument")]
    if any(text for _, text in arguments):
        with formatter.section("Arguments"):
            formatter.write_dl(arguments)
    options = [p.get_help_record(ctx) for p in _of(command, ctx, "option")]
    with formatter.section("Options"):
        formatter.write_dl([record for record in options if record is not None])


def _write_globals(formatter: Any) -> None:
    with formatter.section("Global options, before or after the command"):
        formatter.write_dl(GLOBALS)
