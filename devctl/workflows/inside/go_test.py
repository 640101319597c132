"""`go test` in the running dev container, its results read as they arrive. Nothing of it is left running afterwards."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Lock
from typing import Literal, cast

from msgspec import Struct

from devctl.domain.bases.references import golang_ref
from devctl.domain.command.argv import docker
from devctl.domain.command.events import Following, LogLine, Outcome, Told
from devctl.domain.command.requests import GoTestRequest
from devctl.domain.gotest.arguments import GoTestWords, go_test_words
from devctl.domain.gotest.coverage import total_coverage
from devctl.domain.gotest.output import GoTestOutput
from devctl.domain.gotest.places import SourcePlaces
from devctl.domain.gotest.report import (
    FailedTest,
    Report,
    build_failures,
    counts_json,
    coverage_text,
    failures_of,
    package_json,
    plain_lines,
    start_failure,
    summary,
)
from devctl.domain.gotest.results import GoTestResult, PackageResult
from devctl.domain.plan.engine_state import Container
from devctl.domain.plan.planner import Step
from devctl.domain.ports.files import Files
from devctl.domain.ports.toolbox import Toolbox
from devctl.domain.project.model import Project, Service
from devctl.domain.regex import regex
from devctl.errors import MachineError, UsageError
from devctl.workflows.inside.exec import run_attached, running
from devctl.workflows.project.load import load
from devctl.workflows.session.steps import Steps, plan_outcome

TICK = 0.02
"""Seconds between two checks whether the tests are still running."""
_NO_COMPILER = regex(
    r"-race requires cgo|C compiler \"[^\"]*\" not found|cgo: cannot find|exec: \"(?:gcc|clang|cc)\""
)


class GoTestTarget(Struct, frozen=True):
    """Where tests run, and how. `where`: flags of `docker exec`."""

    project: Project
    service: Service
    container: Container
    words: GoTestWords
    where: tuple[str, ...]
    mounted_at: str
    race: bool = False
    cover: bool = False

    @property
    def patterns(self) -> tuple[str, ...]:
        return self.words.packages or ("./...",)

    def command(self, packages: Sequence[str], *extra: str) -> list[str]:
        """`extra`: flags that devctl itself needs."""
        tags = ["-tags", ",".join(self.service.build.tags)] if self.service.build.tags else []
        asked = [*(["-race"] if self.race else []), *(["-cover"] if self.cover else [])]
        return ["go", "test", *extra, *asked, *tags, *self.words.flags, *packages, *self.words.last]

    @property
    def profile(self) -> str:
        """Where `go test` writes the cover profile, in the container."""
        return self.words.value("coverprofile") or f"/tmp/devctl-cover-{self.container.id[:12]}"

    def places(self, files: Files) -> SourcePlaces:
        known: dict[str, bool] = {}

        def exists(path: str) -> bool:
            if path not in known:
                known[path] = files.exists(self.project.root / path)
            return known[path]

        modules = tuple((m.path, m.dir) for m in self.project.source.modules)
        return SourcePlaces(self.mounted_at, self.service.source.dir, modules, exists)


class GoTestRun(Struct, frozen=True):
    """`total`: coverage in percent, None if not requested; `stopped`: before its end."""

    code: int
    result: GoTestResult
    seconds: float
    total: float | None = None
    stopped: bool = False


def test(request: GoTestRequest, box: Toolbox) -> Outcome:
    """Run `go test` with the modules and the build cache of the dev container."""
    project = load(box, request.project)
    target = target_of(request, box, project)
    if request.dry_run:
        told = " ".join(target.command(target.patterns))
        return plan_outcome([Step("exec", target.service.name, told)])
    if target.words.has("json"):
        return run_attached(
            box, target.service.name, ["exec", *target.where], target.container,
            target.command(target.patterns), json=request.json, tests=True,
        )  # fmt: skip
    return _once(request, box, target)


def target_of(request: GoTestRequest, box: Toolbox, project: Project) -> GoTestTarget:
    """Raises UsageError `not-running`, or `not-in-dev`."""
    service = project.first
    container = running(box.files, box.engine, project, service.name)
    if container.mode == "prod":
        raise UsageError(
            "the production image has no Go toolchain",
            code="not-in-dev",
            hint="devctl up -d, then devctl test",
        )
    ours = service.build.shares_cache or service.build.dev_stage is None
    by_user = project.source_mounted_at(service.name) if service.build.dev_stage is not None else None
    return GoTestTarget(
        project=project,
        service=service,
        container=container,
        words=go_test_words(request.packages),
        where=("--workdir", service.module_mounted_at) if ours else (),
        mounted_at=by_user or service.mounted_at,
        race=request.race,
        cover=request.cover,
    )


def _once(request: GoTestRequest, box: Toolbox, target: GoTestTarget) -> Outcome:
    if request.junit is not None:
        _must_be_report(box, target, request.junit)
    places = target.places(box.files)
    began = box.clock.now()
    talks = target.words.talks or request.verbose
    if talks and not request.json:
        box.reporter.emit(Following((target.service.name,)))

    def heard(line: str) -> None:
        box.reporter.emit(LogLine(target.service.name, "stdout", line))

    def ended(package: PackageResult) -> None:
        if request.json:
            for line in plain_lines(package):
                heard(line)
        elif not talks:
            for failure in failures_of(package, places):
                tell(box, failure)

    with Steps(box.reporter, box.clock).step("test", " ".join(target.patterns), service=target.service.name):
        ran = run_tests(
            box, target, target.patterns, ended=ended, printed=heard if talks and not request.json else None
        )
    late = [*build_failures(ran.result, places), *start_of(ran, places)]
    for failure in late:
        if request.json:
            for line in failure.output.splitlines():
                heard(line)
        elif not talks or failure.kind == "start":
            tell(box, failure)
    text = summary(ran.result, seconds=ran.seconds)
    if target.cover:
        text = f"{coverage_text(ran.result, ran.total, places)}\n{text}"
    if request.junit is not None:
        text += f"\nwritten: {_write_junit(box, target, request.junit, _junit(target, ran, places, began))}"
    result = report(ran, places).as_json(ran.code)
    return Outcome(result=result, text=text, exit_code=1 if ran.code else 0)


def run_tests(
    box: Toolbox,
    target: GoTestTarget,
    packages: Sequence[str],
    *,
    ended: Callable[[PackageResult], None],
    stop: Callable[[], bool] = lambda: False,
    printed: Callable[[str], None] | None = None,
) -> GoTestRun:
    """`ended` gets each package as it ends, from a thread; `printed` each line of `go test -v`. Until `stop`: what is running
    then is stopped, and its packages are not in the result.

    Raises MachineError `base-lacks-c-compiler` if -race needs one.
    """
    output, lock, over = GoTestOutput(), Lock(), False

    def hear(stream: str, line: str) -> None:
        if over:  # what is killed fails: that is not a result
            return
        with lock:
            package = output.hear(line, cast("Literal['stdout', 'stderr']", stream))
            if printed is not None:
                for text in output.printed:
                    printed(text)
        if package is not None:
            ended(package)

    extra = ["-json", *([f"-coverprofile={target.profile}"] if target.cover else [])]
    env = ["--env", "CGO_ENABLED=1"] if target.race else []
    script = box.templates.read("test/attended")
    command = ["sh", "-c", script, "attended", *target.command(packages, *extra)]
    argv = docker("exec", "--interactive", *target.where, *env, to=[target.container.id, *command])
    began, stopped = box.clock.monotonic(), False
    with box.processes.follow(argv, on_line=hear, attended=True) as alive:
        try:
            while alive() and not (stopped := stop()):
                box.clock.sleep(TICK)
        except BaseException:
            over = True
            raise
        over = stopped
    seconds = box.clock.monotonic() - began
    result = output.finish()
    code = alive.code if alive.code is not None else 130
    if stopped:
        return GoTestRun(130, result, seconds, stopped=True)
    if target.race and code:
        _must_have_compiler(box, target, result)
    return GoTestRun(code, result, seconds, _total(box, target) if target.cover and code in (0, 1) else None)


def _total(box: Toolbox, target: GoTestTarget) -> float | None:
    path = target.profile
    name = [target.container.id, "cat", path]
    done = box.processes.run(docker("exec", *target.where, to=name), timeout=60)
    if target.words.value("coverprofile") is None:
        box.processes.run(docker("exec", to=[target.container.id, "rm", "-f", path]))
    return total_coverage(done.stdout) if done.code == 0 else None


def _must_have_compiler(box: Toolbox, target: GoTestTarget, result: GoTestResult) -> None:
    said = "\n".join([*result.said, *(build.text for build in result.builds)])
    if _NO_COMPILER.search(said) is None:
        return
    build, base = target.service.build, golang_ref(target.project.go_minor, with_c=True)
    hint = f"devctl.yaml: `bases: {{golang: '{base}'}}`, then devctl up -d"
    if build.dockerfile is not None and (theirs := _base(box, target)) is not None:
        hint = f"replace {theirs} with {base} in {build.dockerfile}, then devctl up -d"
    raise MachineError(
        f"--race needs a C compiler, but the dev container of {target.service.name} has none",
        code="base-lacks-c-compiler",
        hint=hint,
    )


def _base(box: Toolbox, target: GoTestTarget) -> str | None:
    """The base of the stage in the user's Dockerfile in which its code is compiled in dev."""
    root, build = target.project.root, target.service.build
    if build.inline:
        return None
    facts = box.sources.dockerfile(root / str(build.dockerfile), root=root)
    name = build.dev_stage if build.dev_stage is not None else next((s.name for s in facts.stages), "")
    stage = facts.stage(name)
    while stage is not None and (below := facts.stage(stage.base)) is not None and below.index < stage.index:
        stage = below
    return stage.base if stage is not None and "golang" in stage.base else None


def start_of(ran: GoTestRun, places: SourcePlaces) -> list[FailedTest]:
    """Why nothing was tested, from `go test`'s output."""
    failure = start_failure(ran.result, places) if ran.code else None
    return [failure] if failure is not None else []


def tell(box: Toolbox, failure: FailedTest) -> None:
    box.reporter.emit(Told(failure.title, "\n".join(failure.lines), good=False))


def report(ran: GoTestRun, places: SourcePlaces) -> Report:
    failed = [failure for package in ran.result.packages for failure in failures_of(package, places)]
    failed = [*build_failures(ran.result, places), *start_of(ran, places), *failed]
    return Report(
        packages=tuple(package_json(package, places) for package in ran.result.packages),
        failed=tuple(failure.as_json() for failure in failed),
        counts=counts_json(ran.result.counts),
        coverage=ran.total,
        ms=round(ran.seconds * 1000),
    )


def _must_be_report(box: Toolbox, target: GoTestTarget, file: Path) -> None:
    """Before the tests run, which may take minutes. A report replaces an earlier one and no other file."""
    path, usual = box.host.cwd() / file, "devctl test --junit report.xml"
    if not path.name.strip("."):
        raise UsageError(f"--junit takes the name of a file, not {file}", code="usage", hint=usual)
    if box.files.is_dir(path):
        raise UsageError(f"--junit: {file} is a folder", code="usage", hint=usual)
    before = box.files.read_text(path, within=None)
    if before and not before.lstrip("\ufeff \n").startswith("<"):
        raise UsageError(
            f"--junit: {file} exists and is not an XML file, so it is not overwritten",
            code="usage",
            hint=usual,
        )
    if not path.is_relative_to(target.project.root) and not box.files.is_dir(path.parent):
        raise UsageError(f"--junit: there is no folder {path.parent}", code="usage", hint=usual)


def _write_junit(box: Toolbox, target: GoTestTarget, file: Path, text: str) -> str:
    """The path to show. A path elsewhere was given by the caller."""
    root, path = target.project.root, box.host.cwd() / file
    inside = path.is_relative_to(root) and ".." not in path.parts
    owner = target.project.owner if inside else None
    box.files.write_atomic(path, text, within=root if inside else path.parent, owner=owner)
    return str(path)


def _junit(target: GoTestTarget, ran: GoTestRun, places: SourcePlaces, began: float) -> str:
    """`began`: in seconds since the epoch."""
    from datetime import UTC, datetime

    from devctl.domain.gotest.junit import junit_xml

    at = datetime.fromtimestamp(began, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return junit_xml(ran.result, places, name=target.project.name, seconds=ran.seconds, at=at)
