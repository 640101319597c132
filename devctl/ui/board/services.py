"""The services: state, health, address. The chosen one can be opened, and its logs shown alone."""

from __future__ import annotations

from textual.content import Content
from textual.style import Style
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from devctl.domain.command.state import ServiceState
from devctl.domain.project.control_characters import in_one_line

WIDE = 24
"""Columns of the longest name that is shown whole."""


class ServiceList(OptionList):
    """An option is a service, by its name."""

    def __init__(self) -> None:
        super().__init__(id="services")
        self._shown: tuple[ServiceState, ...] = ()
        self.border_title = "services"

    def show(self, services: tuple[ServiceState, ...]) -> None:
        if services == self._shown:
            return
        self._shown = services
        chosen = self.highlighted or 0
        wide = min(WIDE, max((len(in_one_line(s.name)) for s in services), default=0))
        self.clear_options()
        self.add_options([Option(_row(s, wide), id=None) for s in services])
        if services:
            self.highlighted = min(chosen, len(services) - 1)

    def at(self, index: int | None) -> ServiceState | None:
        return self._shown[index] if index is not None and index < len(self._shown) else None

    @property
    def names(self) -> list[str]:
        return [s.name for s in self._shown]


def _row(service: ServiceState, wide: int) -> Content:
    dot, colour = _health(service)
    health = "" if service.health == "none" else f" ({service.health})"
    name = in_one_line(service.name)
    cut = name if len(name) <= wide else f"{name[: wide - 1]}…"
    link = Style(link=service.url, underline=True) if service.url and "http" in service.url else Style()
    return Content.assemble(
        (f"{dot} ", colour),
        (f"{cut:<{wide}}  ", "bold"),
        f"{service.mode or service.kind:<10}  ",
        (f"{f'{service.shown}{health}':<19}  ", colour),
        (service.url or "", link),
        (in_one_line(service.debugged), "$text-accent"),
    )


def _health(service: ServiceState) -> tuple[str, str]:
    """A sign with the same meaning, for terminals without colour."""
    if service.finished:
        return "✓", "$text-success"
    if service.state == "running":
        return {
            "unhealthy": ("✗", "$text-error"),
            "starting": ("◌", "$text-warning"),
        }.get(service.health, ("●", "$text-success"))
    if service.state in ("restarting", "dead") or service.health == "unhealthy":
        return "✗", "$text-error"
    return "○", "$foreground 60%"
