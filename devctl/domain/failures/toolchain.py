"""The Go toolchain: versions, cgo, what it may read and write, what it finds to build."""

from __future__ import annotations

from devctl.domain.failures.entry import GO, Asked, Failure
from devctl.domain.failures.modules import _WHERE
from devctl.errors import ExitCode

MACHINE, FILES = ExitCode.MACHINE, ExitCode.FILES
_COMPILING: frozenset[Asked] = frozenset({"build", "reload"})

TOOLCHAIN: tuple[Failure, ...] = (
    Failure(
        "go-too-old",
        GO,
        r"(?P<what>go\.mod|go\.work|\S+@\S+) requires go >= (?P<want>[\d.]+) \(running go (?P<have>[\d.]+)",
        "{what} asks for Go {want}, the base image has {have}",
        'devctl.yaml: `go: "{want}"`, or lower the go line of go.mod',
        "",
        MACHINE,
    ),
    Failure(
        "go-work-too-old",
        GO,
        r"module (?P<module>\S+) listed in go\.work file requires go >= (?P<want>[\d.]+), but go\.work lists go (?P<have>[\d.]+)",
        "go.work says Go {have}, and its module {module} asks for {want}",
        "go work use",
        "",
        FILES,
        "go.work",
    ),
    Failure(
        "language-too-old",
        _COMPILING,
        r"^(?:#\d+ )?(?:[\d.]+ )?\s*(?:\./)?(?P<place>\S+\.go:\d+:\d+): .*requires go(?P<want>[\d.]+) or later "
        r"\((?:-lang was set to|file declares //go:build) go(?P<have>[\d.]+)",
        "this needs the language of Go {want}, and go.mod says {have}",
        "go mod edit -go={want}",
        "the go line of go.mod chooses the language, whatever compiler runs",
        place="{place}",
    ),
    Failure(
        "base-lacks-c-compiler",
        GO,
        r'C compiler "?(?P<name>[\w-]+)"? not found|exec: "(?P<name2>gcc|cc|clang)": executable file not found',
        "cgo is on, and the image has no C compiler ({name})",
        "CGO_ENABLED=0 where no C is needed, else RUN apk add --no-cache gcc musl-dev",
        "a package of the service is partly written in C",
        MACHINE,
    ),
    Failure(
        "c-library-missing",
        GO,
        r"fatal error: (?P<name>[\w./+-]+\.h(?:pp)?): No such file|cannot find -l(?P<name2>[\w.+-]+)"
        r'|exec: "(?P<name3>pkg-config)": executable file not found'
        r"|Package (?P<name4>\S+) was not found in the pkg-config search path",
        "C code of the program needs {name}, which is not in the image",
        "RUN apt-get install -y … (on alpine: apk add) with the package that has it, in a dev stage of your Dockerfile; "
        "`devctl init --diff` shows a stage to start from",
    ),
    Failure(
        "cgo-disabled",
        _COMPILING,
        r"(?:imports|package) (?P<package>\S+): build constraints exclude all Go files in (?P<path>\S+)",
        "no file of {package} is for this build",
        "if it uses cgo: CGO_ENABLED=1 and a C compiler in the base; else the tags it asks for: devctl.yaml "
        "`services: {{{service}: {{build: {{tags: [TAG]}}}}}}`",
        "its files are for another system, for a build tag that is not set, or need cgo, which is off",
    ),
    Failure(
        "internal-import",
        _COMPILING,
        r"^(?:#\d+ )?(?:[\d.]+ )?\s*(?P<place>\S+\.go:\d+:\d+): use of internal package (?P<package>\S+) not allowed",
        "{package} is internal to another module",
        "use that module's public packages",
        "what lies below internal/ may be imported only from beside it",
        place="{place}",
    ),
    Failure(
        "embed-matches-nothing",
        _COMPILING,
        _WHERE + r"pattern (?P<pattern>(?:all:)?[^\n:]+): "
        r"(?:no matching files found|cannot embed directory \S+: contains no embeddable files)",
        "go:embed finds no file {pattern}",
        "generate or check in those files; in an image: COPY them before go build, and look at .dockerignore",
        "",
        place="{place}",
    ),
    Failure(
        "nothing-to-build",
        _COMPILING,
        r"stat (?P<path>/\S+): directory not found|no Go files in (?P<path2>\S+)$",
        "{path} has no Go package",
        "devctl.yaml: `services: {{{service}: {{main: ./cmd/NAME}}}}`, or mend the path in the Dockerfile",
        "",
    ),
    Failure(
        "no-go-module",
        _COMPILING,
        r"go\.mod file not found in current directory or any parent directory",
        "there is no go.mod where Go was called",
        "go mod init example.com/NAME; in an image: COPY go.mod and set WORKDIR before RUN go",
        "",
        FILES,
    ),
    Failure(
        "noexec-tmp",
        GO,
        r"fork/exec (?P<path>/\S+?)/go-build\d+/\S+: permission denied",
        "nothing may be run below {path}",
        "mount it with exec: `tmpfs: [{path}:exec]`, or set GOTMPDIR to another folder",
        "Docker mounts a tmpfs with noexec",
    ),
    Failure(
        "noexec-tmp",
        frozenset({"start"}),
        r"sh: (?:line \d+: |\d+: )?(?P<path>/\S+)/[^/\s]+: Permission denied",
        "{path} does not allow to run what lies there",
        "mount it with exec: `tmpfs: [{path}:exec]`; or the file lacks its x bit: chmod +x",
        "Docker mounts a tmpfs with noexec",
        codes=(126,),
    ),
    Failure(
        "cache-not-writable",
        GO,
        r"(?:failed to (?:initialize|trim) (?:build )?cache|could not create build cache)[^\n]*?"
        r"(?:at|:)? ?(?P<path>/\S+?): (?:mkdir|open|create) [^\n]*permission denied",
        "Go may not write its build cache {path}",
        "ENV GOCACHE=/tmp/go-build, or chmod 1777 that folder in the image; the cache that devctl keeps: devctl doctor --fix",
        "the container runs as the owner of the project, the folder belongs to another",
    ),
    Failure(
        "modules-not-writable",
        GO,
        r"(?:could not create module cache|writing stat cache): (?:mkdir|open) (?P<path>/\S+): permission denied",
        "Go may not write modules to {path}",
        "ENV GOFLAGS=-modcacherw and chmod -R a+w /go in the image, or ENV GOMODCACHE=/tmp/mod",
        "the container runs as the owner of the project, the folder belongs to root",
    ),
    Failure(
        "source-not-readable",
        _COMPILING,
        r"(?:^|\s)open (?P<path>/\S+(?:\.go|go\.mod|go\.sum|go\.work)): permission denied",
        "{path} may not be read in the container",
        "chmod a+r that file, or chown it to the owner of the project's folder",
        "the container runs as the owner of the project's folder",
    ),
    Failure(
        "source-not-writable",
        _COMPILING,
        r"go build \S+: (?:mkdir|open|copying \S+: open) (?P<path>[^\s:]+): permission denied",
        "the binary may not be written to {path}",
        "sudo chown -R $USER of that folder, or build to /tmp: .air.toml `tmp_dir`",
        "the folder belongs to another user: an earlier container may have made it",
    ),
    Failure(
        "vcs-status",
        GO,
        r"error obtaining VCS status: exit status 128",
        "Go asks git for the version, and git refuses the folder",
        "ENV GOFLAGS=-buildvcs=false in the dev stage",
        "in a container the folder mostly belongs to another user, which git takes for dubious ownership",
    ),
    Failure(
        "git-ownership",
        _COMPILING,
        r"detected dubious ownership in repository at '(?P<path>[^']+)'",
        "git refuses {path}: it belongs to another user",
        "git config --global --add safe.directory {path}",
        "",
    ),
    Failure(
        "tool-missing",
        _COMPILING,
        r'running "(?P<name>[\w.-]+)": exec: "[^"]+": executable file not found in \$PATH',
        "the program {name} is not in the image",
        "in the stage that calls it: RUN go install MODULE@VERSION for a Go program, else apk add {name} (alpine) or "
        "apt-get install -y {name} (debian)",
        "go generate calls it",
    ),
)
