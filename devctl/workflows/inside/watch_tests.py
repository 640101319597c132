"""`devctl test --watch`: after each save it runs the tests of what the save affects, failed ones first."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import nullcontext

from msgspec import Struct, field

from devctl.domain.command.argv import docker
from devctl.domain.command.events import Outcome, Remark, RoundTested, Told
from devctl.domain.command.requests import GoTestRequest
from devctl.domain.gotest.affected import LISTED, PackageGraph, read_graph
from devctl.domain.gotest.places import SourcePlaces
from devctl.domain.gotest.report import build_failures, coverage_text, failures_of, summary
from devctl.domain.gotest.results import PackageResult
from devctl.domain.ports.toolbox import Toolbox
from devctl.domain.project.model import Project
from devctl.errors import InterruptedByUser, UsageError
from devctl.workflows.inside.go_test import (
    GoTestRun,
    GoTestTarget,
    report,
    run_tests,
    start_of,
    target_of,
    tell,
    test,
)
from devctl.workflows.inside.saved_files import SavedFiles, saved_files
from devctl.workflows.project.load import load
from devctl.workflows.session.steps import Steps

LOOK = 2.0
"""Seconds between two checks whether the container is still the one that was tested in."""
TICK = 0.02
LIST_TIMEOUT = 60.0
"""Seconds for `go list`; if it takes longer, each save affects every package."""
MOST_NAMES = 3


def watch_tests(request: GoTestRequest, box: Toolbox) -> Outcome:
    """Until Ctrl-C, which is the normal end, or until nobody reads the output any more. With JSON one event per round."""
    project = load(box, request.project)
    target = target_of(request, box, project)
    if request.dry_run or target.words.has("json"):
        return test(request, box)
    tests = Rounds(request, box, project)
    try:
        with saved_files(box, project) as saved:
            tests.run(saved)
    except (KeyboardInterrupt, InterruptedByUser):
        pass
    return Outcome(result=tests.told)


class Rounds(Struct):
    """`failing`: packages that failed when they were last tested; `told`: the result of the last round.

    `doubtful`: non-source files that changed while tests ran. If they do so again, the tests write them.
    """

    request: GoTestRequest
    box: Toolbox
    project: Project
    graph: PackageGraph | None = None
    failing: dict[str, str] = field(default_factory=dict)
    told: dict[str, object] = field(default_factory=dict)
    doubtful: frozenset[str] = frozenset()

    def run(self, saved: SavedFiles) -> None:
        """Returns when nobody reads the output any more; Ctrl-C is raised."""
        changed, again = frozenset[str](), frozenset[str]()
        self._remark("tests run after each save; Ctrl-C stops")
        everything = True
        while not self.box.host.reader_left():
            target = self._in_dev()
            places = target.places(self.box.files)
            affected = None if everything or self.graph is None else self.graph.affected(changed)
            wanted = None if affected is None else affected | again
            self._announce(changed, wanted, places)
            ended = wanted is not None and not wanted
            if not ended:
                ended = self._round(target, places, wanted, changed, saved)
            during = self._not_by_tests(saved.take())
            if not self._runs_still(target):
                everything, changed = True, changed | during
                self._remark_replaced(target)
                continue
            if not ended:  # a save came in between: what it affects, and what was not tested completely
                everything, again, changed = wanted is None, wanted or frozenset(), changed | during
                continue
            if wanted is None or any(is_source(path) for path in changed):  # its imports may have changed
                self.graph = self._listed(target)
            everything, again, changed = False, frozenset(), during or self._next(saved, target)
            everything = not changed

    def _next(self, saved: SavedFiles, target: GoTestTarget) -> frozenset[str]:
        """What is saved next; nothing if the container was replaced, or nobody reads the output."""
        looked = self.box.clock.monotonic()
        while not self.box.host.reader_left():
            if saved.seen():
                return saved.take()
            if self.box.clock.monotonic() - looked >= LOOK:
                looked = self.box.clock.monotonic()
                if not self._runs_still(target):
                    self._remark_replaced(target)
                    break
            self.box.clock.sleep(TICK)
        return frozenset()

    def _round(
        self,
        target: GoTestTarget,
        places: SourcePlaces,
        wanted: frozenset[str] | None,
        changed: frozenset[str],
        saved: SavedFiles,
    ) -> bool:
        """Whether it was completed."""

        def ended(package: PackageResult) -> None:
            for failure in failures_of(package, places):
                tell(self.box, failure)

        words = self._words(target, wanted)
        cause = ", ".join(target.patterns if wanted is None else self._folders(wanted, places))
        step = Steps(self.box.reporter, self.box.clock).step("test", cause, service=target.service.name)
        with nullcontext() if self.request.json else step:
            ran = run_tests(
                self.box, target, words, ended=ended, stop=lambda: any(map(is_source, saved.seen()))
            )
        if ran.stopped:
            return False
        if not self._runs_still(target):
            return True
        for failure in [*build_failures(ran.result, places), *start_of(ran, places)]:
            tell(self.box, failure)
        self._keep(ran, wanted)
        self._tell(target, ran, places, changed)
        return True

    def _words(self, target: GoTestTarget, wanted: frozenset[str] | None) -> Sequence[str]:
        """Failed ones first: `go test` starts with its first arguments."""
        known = self.graph.tested if self.graph is not None else {}
        if wanted is None:
            return [*(path for path in self.failing if path in known), *target.patterns]
        return sorted(wanted, key=lambda path: (path not in self.failing, path))

    def _keep(self, ran: GoTestRun, wanted: frozenset[str] | None) -> None:
        if wanted is None and ran.result.packages:
            self.failing.clear()
        for package in ran.result.packages:
            self.failing.pop(package.path, None)
            if package.status == "failed":
                self.failing[package.path] = package.broken

    def _tell(
        self, target: GoTestTarget, ran: GoTestRun, places: SourcePlaces, changed: frozenset[str]
    ) -> None:
        tested = {package.path for package in ran.result.packages}
        left = tuple(sorted(places.folder_of(path) for path in self.failing if path not in tested))
        text = summary(ran.result, seconds=ran.seconds)
        text += f"; still failing: {', '.join(left)}" if left else ""
        if target.cover:
            self.box.reporter.emit(Told(coverage_text(ran.result, ran.total, places)))
        self.box.reporter.emit(Told(text, good=not ran.code and not left))
        told = report(ran, places)
        self.told = told.as_json(ran.code)
        self.box.reporter.emit(
            RoundTested(
                ok=not ran.code,
                ms=told.ms,
                changed=tuple(sorted(changed)),
                packages=told.packages,
                failed=told.failed,
                counts=told.counts,
                coverage=told.coverage,
                failing=left,
            )
        )

    def _announce(self, changed: frozenset[str], wanted: frozenset[str] | None, places: SourcePlaces) -> None:
        if not changed:
            return
        there = {path for path in changed if self.box.files.exists(self.project.root / path)}
        each = ((there, "changed"), (changed - there, "removed"))
        what = ", ".join(f"{_some(sorted(paths), 'files')} {how}" for paths, how in each if paths)
        if wanted is None:
            self._remark(f"{what}: testing everything")
        elif wanted:
            self._remark(f"{what}: testing {_some(self._folders(wanted, places), 'packages')}")
        else:
            self._remark(f"{what}: no tested package depends on {'it' if len(changed) == 1 else 'them'}")

    @staticmethod
    def _folders(paths: Collection[str], places: SourcePlaces) -> list[str]:
        return sorted(places.folder_of(path) for path in paths)

    def _not_by_tests(self, during: frozenset[str]) -> frozenset[str]:
        """What was saved while tests ran, except what they write themselves: each round would cause the next one."""
        others = frozenset(path for path in during if not is_source(path))
        again, self.doubtful = others & self.doubtful, others
        return during - again

    def _in_dev(self) -> GoTestTarget:
        """Waits for the dev container, if none is running."""
        said = ""
        while True:
            try:
                return target_of(self.request, self.box, self.project)
            except UsageError as error:
                if str(error) != said:
                    said = str(error)
                    self._remark(f"{said}; waiting for it to run in dev mode")
            self.box.clock.sleep(LOOK)

    def _runs_still(self, target: GoTestTarget) -> bool:
        found = self.box.engine.containers(self.project.name).of(target.service.name)
        return found is not None and found.id == target.container.id and found.state == "running"

    def _listed(self, target: GoTestTarget) -> PackageGraph | None:
        tags = f"-tags={','.join(target.service.build.tags)}"
        ask = ["go", "list", "-e", "-deps", "-test", f"-json={LISTED}", tags, "--", *target.patterns]
        argv = docker("exec", *target.where, "--env", "GOPROXY=off", to=[target.container.id, *ask])
        done = self.box.processes.run(argv, timeout=LIST_TIMEOUT)
        return read_graph(done.stdout, mounted_at=target.mounted_at) if done.code == 0 else None

    def _remark_replaced(self, target: GoTestTarget) -> None:
        self._remark(f"the container of {target.service.name} was replaced; testing in the new one")

    def _remark(self, text: str) -> None:
        self.box.reporter.emit(Remark(text))


def is_source(path: str) -> bool:
    """Whether a running test is outdated by this save. Other changes may be written by the tests."""
    return path.endswith(".go") and "/testdata/" not in f"/{path}"


def _some(names: Sequence[str], many: str) -> str:
    return ", ".join(names) if len(names) <= MOST_NAMES else f"{len(names)} {many}"
