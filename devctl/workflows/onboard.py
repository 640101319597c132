"""onboard: from a fresh clone to the first response. Every step looks first, so a second run goes on where one ended."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from devctl.domain.envfile import Variable, lines, missing, variables
from devctl.domain.events import Event, Note, Outcome, StepDone
from devctl.domain.ports import Toolbox
from devctl.domain.ports_host import Clock, Reporter
from devctl.domain.project import Project
from devctl.domain.requests import OnboardRequest, UpRequest
from devctl.domain.runs import dev_run, prod_run
from devctl.errors import DevctlError, FilesError, MachineError, Problem, ProjectError, UsageError
from devctl.workflows import lifecycle
from devctl.workflows.bases import ensure
from devctl.workflows.bases_needed import all_bases
from devctl.workflows.doctor import run_doctor
from devctl.workflows.doctor_project import newcomer
from devctl.workflows.find import find_root
from devctl.workflows.load import load
from devctl.workflows.onboard_mends import mend
from devctl.workflows.walk import Walk, dry, text_of

CAUSES = {
    "doctor": "this machine, mended where it can be",
    "bases": "base images: here, pulled or assembled",
    "env": ".env from .env.example",
    "up": "the dev stage, the watcher in the background",
    "first-response": "an answer from the service",
}
EXAMPLE, OWN = ".env.example", ".env"
NOTE = "ONBOARDING.md"
OUR_NOTE = "<!-- written by devctl onboard --note; run it again to bring it up to date -->"
NEXT = (
    ("devctl logs -f", "what it prints, reloads and rebuilds"),
    ("devctl test", "go test in the container"),
    ("devctl prod-preview", "the same service as in production; devctl up goes back"),
)


@dataclass(slots=True)
class _Answers:
    """A reporter that keeps when each service first answered: `up` has more to do after that."""

    reporter: Reporter
    clock: Clock
    at: dict[str | None, float] = field(default_factory=dict)

    def emit(self, event: Event) -> None:
        if isinstance(event, StepDone) and event.step == "probe":
            self.at.setdefault(event.service, self.clock.monotonic())
        self.reporter.emit(event)

    def warn(self, problem: Problem) -> None:
        self.reporter.warn(problem)


@dataclass(slots=True)
class _Onboarding:
    """One run: `url` and `probe` are known once the project is up, `answered` where `up` asked the service itself.

    `project`: as the first step read it; None where it could not, or changed something since.
    """

    box: Toolbox
    request: OnboardRequest
    root: Path
    walk: Walk
    url: str = ""
    probe: str = "/"
    answered: float | None = None
    project: Project | None = None
    mended: str = ""

    def doctor(self) -> str:
        """The project is read while the machine is looked at. Bases have a step of their own, where they are those of
        this project."""
        with ThreadPoolExecutor(max_workers=1) as pool:
            project = pool.submit(self._loaded)
            subject = newcomer(self.box, self.root, project.result)
            report = run_doctor(self.box.machine(), fix=True, yes=self.request.yes, bases=(), subject=subject)
        if report.problem is not None:
            raise report.problem
        fixed = [check.did or check.what for check in report.checks if check.fixed]
        self.project = None if fixed else project.result()
        warned = [check.what for check in report.checks if check.status == "warn"]
        said = [*(f"mended: {what}" for what in fixed), *(f"note: {what}" for what in warned)]
        return "; ".join([f"{len(report.checks)} checks", *said])

    def _loaded(self) -> Project | None:
        """None where the files cannot be read yet, or no compose is there to read them."""
        try:
            return load(self.box, self.root)
        except DevctlError:
            return None

    def bases(self) -> str:
        try:
            project = self.project or load(self.box, self.root)
        except FilesError:
            # The compose file may need the variables of the next step; `up` has the last word on what is wrong.
            return "asked for when the files can be read"
        needed = [
            b.ref for b in all_bases(self.box, project, [dev_run(project, s) for s in project.services])
        ]
        ensure(self.box.machine(), needed, mirror=project.mirror, allow_assemble=True)
        self._production_bases(project)
        return f"{len(needed)} for development: {', '.join(needed)}"

    def _production_bases(self, project: Project) -> None:
        """For the first preview; that one is missing keeps nobody from developing."""
        runs = [
            prod_run(project, s, base=project.prod_base, target=project.prod_target) for s in project.services
        ]
        try:
            refs = [b.ref for b in all_bases(self.box, project, runs)]
            ensure(self.box.machine(), refs, mirror=project.mirror, allow_assemble=True)
        except MachineError as error:
            self.box.reporter.warn(error.problem)

    def env(self) -> str:
        """Adds what is missing; never changes a line that is there, and never invents a value."""
        example = self.box.files.read_text(self.root / EXAMPLE)
        if example is None:
            return f"no {EXAMPLE}"
        own = self.box.files.read_text(self.root / OWN)
        # What the environment says compose takes from there: a CI's secrets need not be written to a disk.
        known = [v.name for v in variables(example) if self.box.host.env(v.name) is not None]
        wanted = missing(example, own or "", known=known)
        if not wanted:
            return f"{OWN} has all of {EXAMPLE}"
        text = lines(wanted, self._asked([v for v in wanted if v.asked]))
        self._add(own, text)
        return f"{OWN}: + {', '.join(v.name for v in wanted)}"

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
            owner = self.box.files.owner(self.root)
            self.box.files.write_atomic(path, text, owner=owner, mode=0o600)  # it may hold secrets
        else:
            self.box.files.append(path, text if not own or own.endswith("\n") else f"\n{text}")

    def up(self) -> str:
        request = UpRequest(
            project=self.root,
            detach=True,
            yes=True,
            timeout=self.request.timeout,
            lock_timeout=self.request.lock_timeout,
        )
        answers = _Answers(self.box.reporter, self.box.clock)
        box = replace(self.box, reporter=answers)
        try:
            state: Any = lifecycle.up(request, box).result
        except DevctlError as error:
            self.mended = mend(self.box, self.root, code=error.code)
            if not self.mended:
                raise
            self.box.reporter.emit(Note(f"  mended: {self.mended}"))
            state = lifecycle.up(request, box).result
        project = load(self.box, self.root)
        for service in state["services"]:
            mine = project.service(service["name"])
            if mine is not None and service["url"] and not self.url:
                self.url, self.probe = service["url"], mine.probe
                self.answered = answers.at.get(service["name"])
        running = [s["name"] for s in state["services"] if s["state"] == "running"]
        did = f"; mended: {self.mended}" if self.mended else "" if state["steps"] else ", nothing to do"
        return f"{', '.join(running)} in dev mode{did}"

    def first_response(self) -> str:
        if not self.url:
            return "the service has no port; it runs"
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
    root = find_root(box, request.project)
    box.sources.config(root)  # a broken devctl.yaml is told before the machine is touched
    if request.dry_run:
        return dry(CAUSES)
    walk = Walk(box, CAUSES, after_interruption="devctl onboard goes on where it was")
    run = _Onboarding(box, request, root, walk)
    walk.run("doctor", run.doctor)
    walk.run("bases", run.bases)
    walk.run("env", run.env)
    walk.run("up", run.up)
    walk.run("first-response", run.first_response)
    if request.note and walk.error is None:
        _write_note(box, root, walk)
    wide = max(len(command) for command, _ in NEXT)
    then = [f"  {command:<{wide}}  {what}" for command, what in NEXT]
    first = f"time to first response: {(walk.first_response_ms or 0) / 1000:.1f} s" if walk.url else ""
    return walk.outcome(text_of([walk.table(), first, *(["next:", *then] if walk.error is None else [])]))


def _env_missing(names: list[str]) -> UsageError:
    return UsageError(
        f"{EXAMPLE} leaves open what only you can know: {', '.join(names)}",
        code="env-missing",
        hint=f"add to {OWN}: {' '.join(f'{name}=…' for name in names)}; then devctl onboard goes on",
        place=EXAMPLE,
    )


def _write_note(box: Toolbox, root: Path, walk: Walk) -> None:
    path = root / NOTE
    before = box.files.read_text(path)
    if before is not None and not before.startswith(OUR_NOTE):
        box.reporter.warn(
            Problem(
                "note-kept",
                f"{NOTE} is yours and stays as it is",
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
        "One command, from a clone to the first response: `devctl onboard`. It may be run again at any time.",
        "",
        f"The service answers on {walk.url}." if walk.url else "The service has no port.",
        "",
        "| step | | took, last time |",
        "| --- | --- | --- |",
        *rows,
        "",
        "Then:",
        "",
        *commands,
        "- `devctl down`: end it; data stays",
        "",
    ]
    box.files.write_atomic(path, "\n".join(parts), owner=box.files.owner(root))
