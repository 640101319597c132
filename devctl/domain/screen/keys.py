"""The keys of a foreground `up`: what each does, when it is possible, and its line in the help."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from devctl.domain.command.state import ProjectMode

Action = Literal["open", "rebuild", "preview", "back", "test", "filter", "clear", "detach", "quit", "help"]


class ScreenKey(Struct, frozen=True):
    """`does`: the name of its work while it runs, "" if it takes no time. `in_dev`: it needs the dev stage."""

    key: str
    action: Action
    help: str
    does: str = ""
    in_dev: bool = False


KEYS = (
    ScreenKey("o", "open", "open the service in the browser"),
    ScreenKey(
        "r", "rebuild", "rebuild: a new deps layer even if nothing changed", does="rebuild", in_dev=True
    ),
    ScreenKey("p", "preview", "production preview", does="prod-preview"),
    ScreenKey("b", "back", "back to dev, and apply what waits for `devctl up`", does="up"),
    ScreenKey("t", "test", "run go test", does="test", in_dev=True),
    ScreenKey("l", "filter", "show only the log of the next service; after the last one, all logs"),
    ScreenKey("c", "clear", "clear the screen"),
    ScreenKey("d", "detach", "detach: leave everything running"),
    ScreenKey("q", "quit", "quit: stop the services, as Ctrl-C does"),
    ScreenKey("?", "help", "show this help"),
)


def answer(pressed: str, *, mode: ProjectMode, busy: str) -> ScreenKey | str:
    """The key to act on, or in words why it cannot be used now; "" for an unknown key. `busy`: the work in progress."""
    key = next((k for k in KEYS if k.key == pressed), None)
    if key is None:
        return ""
    if key.does and busy:
        return f"{busy} is still running: press {pressed} again when it is done"
    if key.in_dev and mode == "prod":
        return f"{key.does} needs dev mode, but production is running: press b to go back to dev first"
    return key


def help_text() -> str:
    return "\n".join(["keys", *(f"  {k.key}  {k.help}" for k in KEYS)])


def next_shown(services: Sequence[str], shown: str) -> str:
    """The service whose log is shown after that of `shown`; "" for all logs."""
    order = ["", *services]
    return order[(order.index(shown) + 1) % len(order)] if shown in order else ""
