"""`go test -json` read line by line: https://pkg.go.dev/cmd/test2json. Packages and their tests are interleaved.

Lines that are not JSON are read too: until Go 1.24 the compiler's errors came as plain text, and a module that cannot be read
still does.
"""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Struct, field

from devctl.domain.gotest.results import (
    BuildErrors,
    CaseResult,
    CaseStatus,
    GoTestResult,
    PackageResult,
)
from devctl.domain.regex import regex

_FRAME = regex(r"=== (?:RUN|PAUSE|CONT|NAME|ATTR|ARTIFACTS) |\s*--- (?:PASS|FAIL|SKIP|BENCH): ")
_OF_PACKAGE = regex(r"(?:PASS|FAIL|ok  \t.*|FAIL\t.*|\?   \t.*|\t\S+\t\tcoverage: .*|coverage: .*)$")
_COVERAGE = regex(r"\bcoverage: (\d+(?:\.\d+)?)% of statements")
_NOT_BUILT = regex(r"FAIL\t(?P<package>\S+) \[(?:build|setup) failed\]$")
_PROGRESS = ("go: downloading ", "go: finding ", "go: extracting ")
_ENDS: dict[str, CaseStatus] = {"pass": "passed", "fail": "failed", "skip": "skipped", "bench": "passed"}
_MOST = 4_000_000
"""Characters kept of one test's output."""


class _Line(Struct, rename="pascal"):
    action: str = ""
    package: str = ""
    test: str = ""
    output: str = ""
    elapsed: float = 0.0
    import_path: str = ""
    failed_build: str = ""


_read = msgspec.json.Decoder(_Line)


class _Case(Struct):
    name: str
    status: CaseStatus = "unfinished"
    seconds: float = 0.0
    paused: bool = False
    said: list[str] = field(default_factory=list)
    size: int = 0

    def hear(self, text: str) -> None:
        if self.size < _MOST:
            self.said.append(text)
            self.size += len(text)


class _Open(Struct):
    """A package that is being tested. `latest`: by name, since `-count=2` runs a test twice."""

    cases: list[_Case] = field(default_factory=list)
    latest: dict[str, _Case] = field(default_factory=dict)
    own: _Case = field(default_factory=lambda: _Case(""))

    def case(self, name: str, *, new: bool = False) -> _Case:
        found = self.latest.get(name)
        if found is None or (new and found.status != "unfinished"):
            found = self.latest[name] = _Case(name)
            self.cases.append(found)
        return found


class GoTestOutput(Struct):
    """`done`: packages in the order in which they ended; `printed`: the lines that `go test -v` prints for the last input."""

    done: list[PackageResult] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    printed: tuple[str, ...] = ()
    _pieces: dict[str, str] = field(default_factory=dict)
    _open: dict[str, _Open] = field(default_factory=dict)
    _builds: dict[str, list[str]] = field(default_factory=dict)
    _building: dict[str, str] = field(default_factory=dict)
    """By stream, since errors arrive on stderr."""

    def hear(self, text: str, stream: Literal["stdout", "stderr"] = "stdout") -> PackageResult | None:
        """A line, with or without its end. Returns the package that ended with it."""
        line = self._event(text)
        if line is None:
            self.printed = (text.rstrip("\r\n"),)
            return self._plain(self.printed[0], stream)
        self.printed = self._whole(line.package or line.import_path, line.output)
        if line.action == "build-output":
            self._build(line.import_path, line.output)
            return None
        if not line.package:
            return None
        package = self._open.setdefault(line.package, _Open())
        if line.test:
            _of_case(package, line)
            return None
        if line.action == "output":
            package.own.hear(line.output)
            return None
        if line.action not in _ENDS:
            return None
        del self._open[line.package]
        return self._end(line, package)

    def finish(self) -> GoTestResult:
        """Everything heard; a package without an end is one whose tests were stopped."""
        for path, package in tuple(self._open.items()):
            if package.cases:
                line = _Line("fail", path)
                self.done.append(_ended(line, package, broken=""))
        self._open.clear()
        builds = (BuildErrors(path, "".join(said).rstrip("\n")) for path, said in self._builds.items())
        told = tuple(build for build in builds if build.text)
        return GoTestResult(tuple(self.done), told, tuple(self.said))

    def _whole(self, package: str, text: str) -> tuple[str, ...]:
        """An incomplete line waits for the rest."""
        whole, newline, piece = (self._pieces.pop(package, "") + text).rpartition("\n")
        if piece:
            self._pieces[package] = piece
        return tuple(whole.split("\n")) if newline else ()

    @staticmethod
    def _event(text: str) -> _Line | None:
        if not text.startswith("{"):
            return None
        try:
            line = _read.decode(text.encode(errors="replace"))
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None
        return line if line.action else None

    def _end(self, line: _Line, package: _Open) -> PackageResult:
        self.done.append(_ended(line, package, broken=self._broken(line, package)))
        return self.done[-1]

    def _plain(self, text: str, stream: str) -> PackageResult | None:
        not_built = _NOT_BUILT.match(text)
        if not_built is not None:
            line, package = _Line("fail", not_built["package"]), _Open()
            package.own.hear(text)
            return self._end(line, package)
        if text.startswith("# "):
            self._building[stream] = text.removeprefix("# ").strip()
            self._build(self._building[stream], f"{text}\n")
        elif text.startswith(_PROGRESS) or text in ("", "FAIL"):
            return None
        elif stream in self._building and not text.startswith("go: "):
            self._build(self._building[stream], f"{text}\n")
        else:
            self._building.pop(stream, None)
            self.said.append(text)
        return None

    def _build(self, path: str, said: str) -> None:
        """`shop/cart [shop/cart.test]` is the package with its tests, and `# [shop/cart]` precedes vet's messages."""
        path = _plain_path(path)
        heard = self._builds.setdefault(path, [])
        if not said.startswith("# ") and said not in heard:
            heard.append(said)

    def _broken(self, line: _Line, package: _Open) -> str:
        """The package because of which it was not tested; before Go 1.24 that is not reported, and it may be any of the
        previous ones."""
        if line.action != "fail":
            return ""
        if line.failed_build:
            return _plain_path(line.failed_build)
        said = "".join(package.own.said)
        if "[build failed]" not in said and "[setup failed]" not in said:
            return ""
        if line.package in self._builds or not self._builds:
            return line.package
        return next(reversed(self._builds))


def _plain_path(path: str) -> str:
    return path.strip("[] ").partition(" [")[0].removesuffix(".test").removesuffix("_test")


def _of_case(package: _Open, line: _Line) -> None:
    case = package.case(line.test, new=line.action == "run")
    if line.action == "output":
        case.hear(line.output)
    elif line.action in ("pause", "cont"):
        case.paused = line.action == "pause"
    elif line.action in _ENDS:
        case.status, case.seconds = _ENDS[line.action], line.elapsed


def _ended(line: _Line, package: _Open, *, broken: str) -> PackageResult:
    failed = line.action == "fail"
    blamed = failed and not any(case.status == "failed" for case in package.cases)
    for case in package.cases:
        if blamed and case.status == "unfinished" and not case.paused:
            case.status = "failed"
    whole = "".join(package.own.said)
    own = [text for text in whole.splitlines() if text.strip()]
    framed = [text for text in own if _OF_PACKAGE.match(text)]
    summary = next((text for text in reversed(framed) if "\t" in text), "")
    covered = _COVERAGE.search(whole)
    return PackageResult(
        path=line.package,
        status="failed" if failed else "skipped" if line.action == "skip" else "passed",
        seconds=line.elapsed,
        cached="\t(cached)" in summary,
        cases=tuple(_case(case) for case in package.cases),
        output="\n".join(text for text in own if not _OF_PACKAGE.match(text)),
        summary=summary,
        coverage=float(covered[1]) if covered is not None else None,
        broken=broken,
    )


def _case(case: _Case) -> CaseResult:
    lines = "".join(case.said).splitlines()
    output = "\n".join(line for line in lines if not _FRAME.match(line))
    return CaseResult(case.name, case.status, case.seconds, output.rstrip())
