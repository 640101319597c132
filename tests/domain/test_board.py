"""The history behind the chart: what is a bar, how long it took, and what became of a change of go.mod."""

from __future__ import annotations

import pytest

from devctl.domain.board.history import KEPT, Figures, GoModChange, History, Moment, figures, told
from devctl.domain.command.events import (
    UNCHANGED,
    Change,
    DepsChanged,
    DepsFailed,
    DepsRebuilt,
    Event,
    Happened,
    Reload,
    Switched,
)

UUID = Change("added", "example.org/uuid", "+ example.org/uuid v1.6.0", None, "v1.6.0")
COMPILER = "# example.org/mill\nweb/web.go:19:6: undefined: x\nweb/web.go:20:1: more"


def heard(*events: tuple[float, Event]) -> History:
    history = History()
    for at, event in events:
        history.hear(at, event)
    return history


@pytest.mark.parametrize(
    ("event", "moment"),
    [
        (Reload("api", ok=True, ms=430), Moment(9.0, "reload", "api", True, 430)),
        (
            Reload("api", ok=False, ms=12, message=COMPILER),
            Moment(9.0, "reload", "api", False, 12, "web/web.go:19:6: undefined: x"),
        ),
        (Happened("api", "reloaded", ms=310, at=5), Moment(5, "reload", "api", True, 310)),
        (Happened("api", "unchanged", at=5), Moment(5, "reload", "api", True, 0, UNCHANGED)),
        (Happened("api", "build failed", "x.go:1:1: no", at=5), Moment(5, "reload", "api", False, 0, "x.go:1:1: no")),
        (DepsRebuilt("api", 2_500), Moment(9.0, "deps", "api", True, 2_500)),
        (DepsFailed("api", "no such module\ndetail"), Moment(9.0, "deps", "api", False, 0, "no such module")),
        (Switched("api", "dev", "prod", 660, 620), Moment(9.0, "switch", "api", True, 660, "dev → prod")),
        (Happened("api", "exited", "2"), None),
        (DepsChanged("api", (UUID,)), None),
    ],
)  # fmt: skip
def test_what_is_a_moment(event: Event, moment: Moment | None) -> None:
    history = History()
    assert history.hear(9.0, event) == moment
    assert list(history.moments) == ([moment] if moment else [])


def test_a_change_of_go_mod_has_an_outcome_of_its_own_service() -> None:
    changed = (10.0, DepsChanged("api", (UUID,)))
    assert heard(changed).go_mod == GoModChange(10.0, "api", (UUID.text,))
    assert heard(changed, (11.0, DepsRebuilt("other", 900))).go_mod == GoModChange(10.0, "api", (UUID.text,))
    served = heard(changed, (12.5, DepsRebuilt("api", 2_500))).go_mod
    assert served is not None and served.outcome == Moment(12.5, "deps", "api", True, 2_500)


def test_a_change_that_failed_took_the_time_since_it_was_noticed() -> None:
    failed = heard((10.0, DepsChanged("api", (UUID,))), (13.2, DepsFailed("api", "no such module")))
    assert failed.moments[-1].ms == 3_200
    # For one that is reported again, and one without a beginning, the time is unknown.
    failed.hear(99.0, DepsFailed("api", "no such module"))
    assert failed.moments[-1].ms == 0


def test_what_a_watcher_told_is_known_of_the_log_of_the_same_build() -> None:
    history = heard((100.4, Reload("api", ok=True, ms=430)))
    assert history.knows(Happened("api", "reloaded", ms=300, at=100))
    assert not history.knows(Happened("db", "reloaded", ms=300, at=100))
    assert not history.knows(Happened("api", "reloaded", ms=300, at=120))


def test_the_history_is_bounded() -> None:
    forged = heard((1.0, Reload("api", ok=True, ms=2**62)), (2.0, DepsRebuilt("api", -5)))
    assert [m.ms for m in forged.moments] == [10_000_000, 0]
    history = heard(*((float(n), Reload("api", ok=True, ms=n)) for n in range(KEPT + 10)))
    assert (len(history.moments), history.moments[0].ms) == (KEPT, 10)


def test_figures_are_of_what_was_good() -> None:
    history = heard(
        (1.0, Reload("api", ok=True, ms=400)),
        (2.0, Reload("api", ok=False, ms=9_000, message="x")),
        (3.0, Reload("api", ok=True, ms=1, message=UNCHANGED)),
        (4.0, Reload("api", ok=True, ms=600)),
        (5.0, DepsRebuilt("api", 2_500)),
        (6.0, DepsFailed("api", "x")),
        (7.0, Reload("api", ok=True, ms=500)),
    )
    found = figures(tuple(history.moments))
    assert found == Figures(failed=2, last=500, usual=500, deps=2_500)
    assert figures(()) == Figures()


@pytest.mark.parametrize(
    ("moment", "line"),
    [
        (Moment(1, "reload", "api", True, 430), "reloaded in 0.43 s"),
        (Moment(1, "reload", "api", True, 9, UNCHANGED), "compiled to the binary that is already running"),
        (Moment(1, "reload", "api", False, 9, "x.go:1:1: no"), "reload failed: x.go:1:1: no"),
        (Moment(1, "deps", "api", True, 2_500), "serves with the new dependencies, 2.50 s"),
        (Moment(1, "deps", "api", False, 9), "dependencies were not applied"),
        (Moment(1, "switch", "api", True, 660, "dev → prod"), "dev → prod, 0.66 s"),
    ],
)
def test_the_line_among_the_logs(moment: Moment, line: str) -> None:
    assert told(moment) == line
