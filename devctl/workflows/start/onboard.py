"""onboard: from a fresh clone to the first response. Every step checks first, so a second run continues where one ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace

from devctl.domain.command.events import Event, Outcome, Remark, StepDone
from devctl.domain.command.requests import OnboardRequest, RestartRequest, UpRequest
from devctl.domain.command.state import State
from devctl.domain.compose.env_file import Variable, lines, missing, variables
from devctl.domain.plan.run import configured_run, dev_run
from devctl.domain.ports.files import Files
from devctl.domain.ports.host import Clock, Reporter
from devctl.domain.ports.toolbox import Toolbox
from devctl.domain.project.model import Project
from devctl.domain.project.state_folder import STATE_FOLDER, FileEventsNote
from devctl.errors import DevctlError, FilesError, MachineError, Problem, ProjectError, UsageError
from devctl.workflows.bases.fetch import ensure
from devctl.workflows.dev import lifecycle
from devctl.workflows.doctor.doctor import run_doctor
from devctl.workflows.doctor.project import cache_of, newcomer
from devctl.workflows.project.find import find_root
from devctl.workflows.project.load import load
from devctl.workflows.session.event_trial import poll_from_now
from devctl.workflows.session.overlay import all_bases
from devctl.workflows.start.step_list import Walk, dry, text_of
from devctl.workflows.switch.lock import locked

CAUSES = {
    "doctor": "this machine, with what can be fixed",
    "bases": "base images: available, pulled or assembled",
    "env": ".env from .env.example",
    "up": "the dev stage, the watcher in the background",
    "first-response": "the first response of the service",
}
EXAMPLE, OWN = ".env.example", ".env"
NOTE = "ONBOARDING.md"
OUR_NOTE = "<!-- written by devctl onboard --note; run it again to bring it up to date -->"
NEXT = (
    ("devctl logs -f", "its logs, reloads and rebuilds"),
    ("devctl test", "go test in the container"),
    ("devctl prod-preview", "the same service as in production; devctl up goes back"),
)

_Changing = Callable[[], AbstractContextManager[None]]
"""Takes the project's lock."""


class _Answers(Struct):
    """A reporter that records when each service first answered: `up` has more to do after that."""

    reporter: Reporter
    clock: Clock
    at: dict[str | None, float] = field(default_factory=dict)

    def emit(self, event: Event) -> None:
        if isinstance(event, StepDone) and event.step == "probe":
            self.at.setdefault(event.service, self.clock.monotonic())
        self.reporter.emit(event)

    def warn(self, problem: Problem, *, again: bool = False) -> None:
        self.reporter.warn(problem, again=again)


class _Onboarding(Struct):
    """One run: `url` and `probe` are known once the project is up, `answered` if `up` probed the service itself.

    `project`: as the first step read it; None if it could not, or changed something since.
    """

    box: Toolbox
    request: OnboardRequest
    root: Path
    walk: Walk
    url: str = ""
    probe: str = "/"
    answered: float | None = None
    project: Project | None = None
    fixed: str = ""

    def doctor(self) -> str:
        """The project is read while the machine is checked. Bases have a separate step, if they are those of this project."""
        with ThreadPoolExecutor(max_workers=1) as pool:
            project = pool.submit(self._loaded)
            subject = newcomer(self.box, self.root, project.result)
            report = run_doctor(self.box.machine(), fix=True, yes=self.request.yes, bases=(), subject=subject)
        if report.problem is not None:
            raise report.problem
        fixed = [check.did or check.finding.message for check in report.checks if check.did is not None]
        self.project = None if fixed else project.result()
        warned = [f.message for f in (check.finding for check in report.checks) if f.severity == "warn"]
        said = [*(f"fixed: {what}" for what in fixed), *(f"note: {what}" for what in warned)]
        return "; ".join([f"{len(report.checks)} checks", *said])

    def _loaded(self) -> Project | None:
        """None if the files cannot be read yet, or there is no compose to read them."""
        try:
            return load(self.box, self.root)
        except DevctlError:
            return None

    def bases(self) -> str:
        try:
            project = self.project or load(self.box, self.root)
        except FilesError:
            # The compose file may need the variables of the next step; `up` has the last word on what is wrong.
            return "checked once the files can be read"
        needed = [
            b.ref for b in all_bases(self.box, project, [dev_run(project, s) for s in project.services])
        ]
        ensure(self.box.machine(), needed, mirror=project.mirror, allow_assemble=True)
        self._production_bases(project)
        return f"{len(needed)} for development: {', '.join(needed)}"

    def _production_bases(self, project: Project) -> None:
        """For the first preview; a missing one prevents nobody from developing."""
        runs = [configured_run(project, s, "prod", base=project.prod_base) for s in project.services]
        try:
            refs = [b.ref for b in all_bases(self.box, project, runs)]
            ensure(self.box.machine(), refs, mirror=project.mirror, allow_assemble=True)
        except MachineError as error:
            self.box.reporter.warn(error.problem)

    def env(self) -> str:
        """Adds what is missing; never changes an existing line, and never invents a value."""
        example = self.box.files.read_text(self.root / EXAMPLE, within=self.root)
        if example is None:
            return f"no {EXAMPLE}"
        wanted = self._missing(example)
        if not wanted:
            return f"{OWN} has every variable of {EXAMPLE}"
        said = self._asked([v for v in wanted if v.asked])
        with self._locked():
            # Others may write while a person thinks.
            wanted = [v for v in self._missing(example) if v in wanted]
            self._add(self.box.files.read_text(self.root / OWN, within=None), lines(wanted, said))
        return f"{OWN}: + {', '.join(v.name for v in wanted)}"

    def _missing(self, example: str) -> list[Variable]:
        # Compose takes variables of the environment from there: a CI's secrets need not be written to disk.
        known = [v.name for v in variables(example) if self.box.host.env(v.name) is not None]
        own = self.box.files.read_text(self.root / OWN, within=None) or ""
        return list(missing(example, own, known=known))

    def _locked(self) -> AbstractContextManager[None]:
        return locked(self.box, self.root, command="onboard", timeout=self.request.lock_timeout)

    def _asked(self, wanted: list[Variable]) -> dict[str, str]:
        if not wanted:
            return {}
        if self.request.yes or not self.box.host.interactive():
            raise _env_missing([v.name for v in wanted])
        said = {v.name: self.box.host.ask(v.name, secret=v.secret) or "" for v in wanted}
        empty = [name for name, value in said.items() if not value]
        if empty:
            raise _env_missing(empty)
        return said

    def _add(self, own: str | None, text: str) -> None:
        path = self.root / OWN
        if own is None:
            owner, private = self.box.files.owner(self.root), 0o600  # it may contain secrets
            self.box.files.write_atomic(path, text, within=self.root, owner=owner, mode=private)
        else:
            self.box.files.append(
                path, text if not own or own.endswith("\n") else f"\n{text}", within=self.root
            )

    def up(self) -> str:
        request = UpRequest(
            project=self.root,
            detach=True,
            yes=True,
            timeout=self.request.timeout,
            lock_timeout=self.request.lock_timeout,
            compose_timeout=self.request.compose_timeout,
        )
        answers = _Answers(self.box.reporter, self.box.clock)
        box = replace(self.box, reporter=answers)
        try:
            result = lifecycle.up(request, box).result
        except DevctlError as error:
            if error.code not in _FIXES:
                raise
            self.fixed = _FIXES[error.code](self.box, self.root, self._locked)
            if not self.fixed:
                raise
            self.box.reporter.emit(Remark(f"  fixed: {self.fixed}"))
            result = lifecycle.up(request, box).result
        project, services = load(self.box, self.root), State.of(result).services
        for service in services:
            mine = project.service(service.name)
            if mine is not None and service.url and not self.url:
                self.url, self.probe = service.url, mine.serve.probe
                self.answered = answers.at.get(service.name)
        running = [s.name for s in services if s.state == "running"]
        did = f"; fixed: {self.fixed}" if self.fixed else "" if result["steps"] else ", nothing to do"
        return f"{', '.join(running)} in dev mode{did}"

    def first_response(self) -> str:
        if not self.url:
            return "the service has no port; it is running"
        path = self.probe if self.probe.startswith("/") else "/"
        status = self.box.prober.http(self.url + path, timeout=5.0)
        if status is None and self.probe != "tcp":
            raise ProjectError(
                f"{self.url}{path} does not answer", code="never-answers", hint="devctl logs shows why"
            )
        ms = self.walk.served(self.url, at=self.answered)
        return f"{self.url}{path} → {status or 'connected'}, {ms / 1000:.1f} s after the start"


def onboard(request: OnboardRequest, box: Toolbox) -> Outcome:
    """After a failure the rest is skipped, and the error is that of the step."""
    root = find_root(box.files, box.host, request.project)
    box.sources.config(root)  # a broken devctl.yaml is reported before the machine is touched
    if request.dry_run:
        return dry(CAUSES)
    walk = Walk(box, CAUSES, after_interruption="devctl onboard continues where it stopped")
    run = _Onboarding(box, request, root, walk)
    walk.run("doctor", run.doctor)
    walk.run("bases", run.bases)
    walk.run("env", run.env)
    walk.run("up", run.up)
    walk.run("first-response", run.first_response)
    if request.note and walk.error is None:
        with locked(box, root, command="onboard", timeout=request.lock_timeout):
            _write_note(box.reporter, box.files, root, walk)
    wide = max(len(command) for command, _ in NEXT)
    then = [f"  {command:<{wide}}  {what}" for command, what in NEXT]
    first = f"time to first response: {(walk.first_response_ms or 0) / 1000:.1f} s" if walk.url else ""
    return walk.outcome(text_of([walk.table(), first, *(["next:", *then] if walk.error is None else [])]))


def _env_missing(names: list[str]) -> UsageError:
    return UsageError(
        f"{EXAMPLE} leaves values for you to fill in: {', '.join(names)}",
        code="env-missing",
        hint=f"add to {OWN}: {' '.join(f'{name}=…' for name in names)}; then run devctl onboard again",
        place=EXAMPLE,
    )


def _write_note(reporter: Reporter, files: Files, root: Path, walk: Walk) -> None:
    path = root / NOTE
    before = files.read_text(path, within=root)
    if before is not None and not before.startswith(OUR_NOTE):
        reporter.warn(
            Problem(
                "note-kept",
                f"{NOTE} was not written by devctl and was left unchanged",
                "move it, then devctl onboard --note",
                NOTE,
            )
        )
        return
    rows = [f"| {s['id']} | {s['status']} | {float(str(s['ms'])) / 1000:.1f} s |" for s in walk.steps]
    commands = [f"- `{command}`: {what}" for command, what in NEXT]
    parts = [
        OUR_NOTE,
        "# Onboarding",
        "",
        "One command takes you from a clone to the first response: `devctl onboard`. You can run it again at any time.",
        "",
        f"The service answers on {walk.url}." if walk.url else "The service has no port.",
        "",
        "| step | | last duration |",
        "| --- | --- | --- |",
        *rows,
        "",
        "Then:",
        "",
        *commands,
        "- `devctl down`: stop everything; data is kept",
        "",
    ]
    files.write_atomic(path, "\n".join(parts), within=root, owner=files.owner(root))


def _own_cache(box: Toolbox, root: Path, changing: _Changing) -> str:
    """Give the shared build cache to the project's owner, as doctor does; another folder is up to the image."""
    with changing():
        project, machine = load(box, root), box.machine()
        volume, images = cache_of(box.engine, project), machine.images.named("golang")
        if not volume or not images:
            return ""
        did = machine.installer.own_cache(volume, owner=project.owner, image=images[0])
    # After a failed build its container waits for a save; only a restart builds again.
    lifecycle.restart(RestartRequest(project=root), box)
    return did


def _poll(box: Toolbox, root: Path, changing: _Changing) -> str:
    """Without file watches, polling still finds saves."""
    with changing():
        poll_from_now(box.state, load(box, root))
    box.reporter.warn(
        Problem(
            "watch-polls",
            "the kernel's limit on file watches is reached: polling for changes instead, which is slightly slower",
            f"devctl doctor --fix --yes raises the limits; then rm {STATE_FOLDER}/{FileEventsNote.file}, and devctl up",
        )
    )
    return "polling for changes"


_FIXES: Mapping[str, Callable[[Toolbox, Path, _Changing], str]] = {
    "cache-not-writable": _own_cache,
    "inotify-limit": _poll,
}
