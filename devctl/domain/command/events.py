"""Progress is events, never prints: what workflows report (names and keys: docs/reference/json-output.md)."""

from __future__ import annotations

from typing import ClassVar, Literal

from msgspec import Struct, field

from devctl.domain.command.state import ProjectMode
from devctl.errors import DevctlError, Problem


class StepStarted(Struct, frozen=True):
    name: ClassVar[str] = "step.started"
    step: str
    cause: str
    service: str | None = None


class StepDone(Struct, frozen=True):
    """`ms`: how long the step took."""

    name: ClassVar[str] = "step.done"
    step: str
    cause: str
    ms: int
    service: str | None = None


class StepFailed(Struct, frozen=True):
    name: ClassVar[str] = "step.failed"
    step: str
    cause: str
    ms: int
    service: str | None = None


class StepEnded(StepFailed, frozen=True):
    """A step that was interrupted, by Ctrl-C or because a parallel one failed: not the one to fix."""


OF_NONE = "build"
"""The service of a LogLine that belongs to several: what compose prints while it starts or pulls them."""


class LogLine(Struct, frozen=True):
    """A line that a program printed, byte for byte (`surrogateescape`); with stream `build`, one from a build or a reloader."""

    name: ClassVar[str] = "log"
    service: str
    stream: Literal["stdout", "stderr", "build"]
    line: str


ENDED_AT_START = "exited at startup: "
NO_ANSWER = "does not answer on "
"""How the message of a reload that compiles but does not serve begins, after the service."""
UNCHANGED = "unchanged"
"""The message of a reload that produced the binary that is already running: it was not restarted."""


class Reload(Struct, frozen=True):
    """air rebuilt and restarted the app; `ms` from the save to the first good answer. `message`: the compiler's if not ok, or
    UNCHANGED."""

    name: ClassVar[str] = "reload"
    service: str
    ok: bool
    ms: int
    message: str = ""


class Change(Struct, frozen=True):
    """One difference between two versions of a manifest; `text` is the line shown to people."""

    op: Literal["added", "removed", "upgraded", "downgraded", "replaced", "go", "toolchain", "other"]
    module: str
    text: str
    from_: str | None = None
    to: str | None = None

    def as_json(self) -> dict[str, object]:
        return {"op": self.op, "module": self.module, "from": self.from_, "to": self.to, "text": self.text}


class DepsChanged(Struct, frozen=True):
    name: ClassVar[str] = "deps.changed"
    service: str
    changes: tuple[Change, ...] = ()


class DepsRebuilt(Struct, frozen=True):
    """`ms`: from the noticed change until the new container answered. `debugger`: where its program waits for a debugger, and
    so does not answer yet."""

    name: ClassVar[str] = "deps.rebuilt"
    service: str
    ms: int
    debugger: str | None = None


class DepsFailed(Struct, frozen=True):
    name: ClassVar[str] = "deps.failed"
    service: str
    message: str


class Switched(Struct, frozen=True):
    name: ClassVar[str] = "switch"
    service: str
    from_: str
    to: str
    ms: int
    gap_ms: int | None
    """None if there is no address at which a gap could be observed."""


class Asking(Struct, frozen=True):
    """A question is about to be asked on the terminal, in place of the step's live line."""

    name: ClassVar[str] = "asking"


class Remark(Struct, frozen=True):
    """A sentence for people; it has no JSON form (warnings go through `Reporter.warn`)."""

    name: ClassVar[str] = "note"
    text: str


class Following(Struct, frozen=True):
    """The logs of these services come next. `pretty`: make JSON in them readable for people."""

    name: ClassVar[str] = "following"
    services: tuple[str, ...]
    pretty: bool = False


class Happened(Struct, frozen=True):
    """What a container's log says about a build or the program, for people. `at`: in seconds, 0 for now; `ms`: duration of the
    build; `serves`: whether a program runs meanwhile."""

    name: ClassVar[str] = "happened"
    service: str
    what: Literal[
        "reloaded", "unchanged", "build failed", "exited", "killed", "command failed", "air ended", "noted"
    ]
    message: str = ""
    ms: int = 0
    at: int = 0
    serves: bool = True


class RoundTested(Struct, frozen=True):
    """`devctl test --watch` has tested what a save affects. `changed`: paths relative to the project, none in the first round;
    `packages`, `failed`, `counts`: as in the result of `test`; `failing`: packages that failed before and were not affected."""

    name: ClassVar[str] = "test.round"
    ok: bool
    ms: int
    changed: tuple[str, ...]
    packages: tuple[dict[str, object], ...]
    failed: tuple[dict[str, object], ...]
    counts: dict[str, int]
    coverage: float | None = None
    failing: tuple[str, ...] = ()


class Told(Struct, frozen=True):
    """A part of a command's result, shown to people as soon as it is known; JSON has it in the result."""

    name: ClassVar[str] = "told"
    title: str
    text: str = ""
    good: bool = True


class Alert(Struct, frozen=True):
    """Something went wrong that a person who is not looking should notice: a terminal rings."""

    name: ClassVar[str] = "alert"


class Ready(Struct, frozen=True):
    """A foreground `up` is ready, or the work that a key started is done; `text` for people. Scripts see the
    `step.done` of `look`, the last step, and then the log."""

    name: ClassVar[str] = "ready"
    text: str


class OnTerminal(Struct, frozen=True):
    """Keys are read from now on, so a screen can be drawn. Not `ours`: they are not read, because this process ends, was stopped
    (Ctrl-Z), or runs in the background of its shell."""

    name: ClassVar[str] = "terminal"
    ours: bool


class Seen(Struct, frozen=True):
    """What is running now. `serving`: which code is served, None if that was not checked."""

    name: ClassVar[str] = "seen"
    mode: ProjectMode
    url: str | None
    serving: Literal["current", "old", "none"] | None = None


class Building(Struct, frozen=True):
    """A dev container has begun to compile what was saved, or has finished (not `begun`)."""

    name: ClassVar[str] = "building"
    service: str
    begun: bool


class Doing(Struct, frozen=True):
    """The work that a key started, in a word or two; "" once it is done."""

    name: ClassVar[str] = "doing"
    what: str


class ActionFailed(Struct, frozen=True):
    """The work that a key started has failed; what was running keeps running."""

    name: ClassVar[str] = "failed"
    error: DevctlError


class GoTested(Struct, frozen=True):
    """`go test` has ended."""

    name: ClassVar[str] = "tested"
    ok: bool


class Filtered(Struct, frozen=True):
    """From now on only the log of this service is shown; "" for all logs."""

    name: ClassVar[str] = "filtered"
    service: str


class Cleared(Struct, frozen=True):
    """The user cleared the screen."""

    name: ClassVar[str] = "cleared"


class Planned(Struct, frozen=True):
    """What is about to be done. Each step is reported when it begins: this is kept for bug reports, and shown nowhere."""

    name: ClassVar[str] = "planned"
    text: str


class Recorded(Struct, frozen=True):
    """An event recorded by the background watcher: one line of JSON (docs/reference/json-output.md)."""

    name: ClassVar[str] = "recorded"
    line: str


OfService = Reload | DepsChanged | DepsRebuilt | DepsFailed | Switched
"""What happened to a service: recorded, and seen by people when it happens."""
InJson = StepStarted | StepDone | StepFailed | LogLine | OfService | RoundTested
"""Events with a JSON form, whoever emits them: a command, or the background watcher, which records them."""
OnScreen = OnTerminal | Seen | Building | Doing | GoTested | Filtered | Cleared
"""Events that only a screen shows (domain/screen/status.py)."""
Event = (
    InJson
    | OnScreen
    | Ready
    | ActionFailed
    | Planned
    | Recorded
    | Remark
    | Asking
    | Following
    | Happened
    | Told
    | Alert
)


class Outcome(Struct):
    """The outcome of a command. `text` is shown to people instead of `result` if `ui/results.py` has no text for it; `problem`
    says why a code is not 0."""

    result: dict[str, object] = field(default_factory=dict)
    text: str = ""
    exit_code: int = 0
    problem: Problem | None = None
