"""A board whose data are given: what the view shows of them can be looked at without an engine."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct, field

from devctl.domain.board.history import GoModChange, Moment
from devctl.domain.board.view import BoardLine, BoardView
from devctl.domain.command.state import ServiceState, Serving, State, WatcherState
from devctl.domain.preview.last_preview import LastPreview, PreviewedImage
from devctl.errors import Finding

NOON = 1_796_126_400.0
API = ServiceState(
    name="api", kind="service", state="running", health="healthy", mode="dev", url="http://127.0.0.1:8093", container="c1"
)  # fmt: skip
DB = ServiceState(name="db", kind="dependency", state="running", container="c2")
STATE = State("dev", (API, DB), WatcherState("running", 77), Serving("current"))
REBUILT = Moment(NOON + 90, "deps", "api", True, 2_500)
MOMENTS = (
    *(Moment(NOON + n, "reload", "api", True, 380 + 17 * (n % 7)) for n in range(9)),
    Moment(NOON + 60, "reload", "api", False, 210, "web/web.go:19:6: undefined: x"),
    REBUILT,
    Moment(NOON + 120, "switch", "api", True, 660, "dev → prod"),
)
GO_MOD = GoModChange(NOON + 87, "api", ("+ example.org/uuid v1.6.0", "↑ example.org/chi v5.0.1 → v5.2.0"), REBUILT)  # fmt: skip
PREVIEW = LastPreview(
    at=NOON + 120,
    images=(PreviewedImage("api", "distroless", 8_100_000, 6_100_000),),
    checks=(
        Finding("nonroot", "ok", "runs as uid 65532"),
        Finding("health", "warn", "the image has no health check", "HEALTHCHECK …"),
    ),
    switch_ms=660,
    gap_ms=620,
)
VIEW = BoardView("oatmill", STATE, MOMENTS, GO_MOD, PREVIEW)
LINES = (
    *(BoardLine("api", "stdout", f"GET /items/{n} 200") for n in range(30)),
    BoardLine("db", "stderr", "checkpoint complete"),
    BoardLine("api", "bad", "reload failed: web/web.go:19:6: undefined: x"),
    BoardLine("api", "good", "reloaded in 0.43 s"),
)


class SampleBoard(Struct):
    now: BoardView = VIEW
    lines: list[BoardLine] = field(default_factory=lambda: list(LINES))
    ended: bool = False

    def view(self) -> BoardView:
        return self.now

    def new_lines(self) -> Sequence[BoardLine]:
        found, self.lines = self.lines, []
        return found

    def broken(self) -> bool:
        return self.ended
