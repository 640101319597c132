"""What a service's own log says when it ends at start."""

from __future__ import annotations

from devctl.domain.failures.entry import START, Asked, Failure
from devctl.errors import ExitCode

_UP: frozenset[Asked] = frozenset({"start", "compose"})
_DYNAMIC = (
    "CGO_ENABLED=0 for a static binary, or a base with that C library: devctl prod-preview --base alpine"
)
_DISK_WHY = "production runs read-only and without root"

STARTS: tuple[Failure, ...] = (
    Failure(
        "wrong-architecture",
        _UP,
        r"exec format error|(?:\x7fELF|: line 1: \W*ELF)",
        "the binary is for another processor than this machine",
        "build it in the image, with GOARCH=$TARGETARCH; a binary from the host does not fit",
        "or it is no binary at all: a script without #! line",
    ),
    Failure(
        "line-endings",
        _UP,
        r"^exec (?P<path>\S+\.sh): no such file or directory",
        "the #! line of {path} names a program that is not in the image",
        "sed -i 's/\\r$//' that file where it has Windows line endings (.gitattributes: *.sh text eol=lf); else #!/bin/sh, or "
        "RUN apk add --no-cache bash in that stage",
        "an alpine has no bash, and no image has one with a carriage return behind its name",
    ),
    Failure(
        "libc-too-old",
        START,
        r"version `(?P<name>GLIBC_[\d.]+)' not found",
        "the binary needs {name}, which the image's C library does not have",
        _DYNAMIC.replace(": devctl prod-preview --base alpine", "") + " of the same Debian as the builder",
        "it was linked dynamically on a newer system",
    ),
    Failure(
        "dynamic-binary",
        _UP,
        r"^exec (?P<path>/\S+): no such file or directory"
        r"|error while loading shared libraries: (?P<path3>[^\s:]+)|Error loading shared library (?P<path4>[^\s:]+)",
        "{path} is there, but the program that loads it is not in the image",
        _DYNAMIC,
        "a binary built with cgo asks for the C library of the image it was built in",
    ),
    Failure(
        "program-not-started",
        START,
        r"sh: (?:line \d+: |\d+: )?(?P<path>/\S+): not found$",
        "{path} does not start: it is not in the image, or what it needs to start is not",
        "is it there? a binary: CGO_ENABLED=0; a script: sed -i 's/\\r$//' takes Windows line endings out",
        "a shell says the same of a missing file, of a binary without its C library and of a script whose #! line names nothing",
        codes=(127,),
    ),
    Failure(
        "shell-needed",
        START,
        r"^(?:/usr/bin/)?env: (?:can't execute )?['‘]?(?P<name>[\w.+-]+)['’]?: No such file or directory",
        "a script of it is run by {name}, which is not in the image",
        "#!/bin/sh as the first line of the script, or RUN apk add --no-cache {name} (alpine) in that stage",
        "an alpine has no bash",
        codes=(126, 127),
    ),
    Failure(
        "lambda-handler",
        START,
        r"expected AWS Lambda environment variables",
        "it is a handler of AWS Lambda, which only the runtime of Lambda calls",
        "go test ./... runs it here; or a main of its own that serves the handler by net/http, named in devctl.yaml (`main:`)",
        "lambda.Start asks a runtime for work, and listens nowhere",
    ),
    Failure(
        "air-refuses-folder",
        START,
        r"refusing to run in (?P<what>[^\n]+)",
        "air refuses to watch {what}",
        "ENV HOME=/tmp in the dev stage, or WORKDIR /app",
        "the container's home directory is the project's folder",
    ),
    Failure(
        "air-config",
        START,
        r"^(?:\d{4}/\S+ \S+ )?\((?P<line>\d+), \d+\): (?P<said>[^\n]+)",
        "air cannot read its configuration: {said}",
        "mend .air.toml; devctl init --diff shows a working one",
        "",
        ExitCode.FILES,
        ".air.toml:{line}",
    ),
    Failure(
        "air-config",
        START,
        r"^(?:\d{4}/\S+ \S+ )?open (?P<path>\S+\.toml): no such file or directory$",
        "air does not find its configuration {path}",
        "devctl init writes .air.toml; or mend the path behind `air -c`",
        "",
        ExitCode.FILES,
    ),
    Failure(
        "shell-needed",
        START,
        r'exec: "(?P<name>[^"]+)": executable file not found in \$PATH',
        "it calls the program {name}, which is not in the image",
        "do it in Go, or take a base that has it: devctl prod-preview --base alpine",
        "distroless and scratch images hold the service alone",
    ),
    Failure(
        "time-zone-unknown",
        START,
        r"unknown time zone (?P<name>[\w/+-]+)",
        "the time zone {name} is not in the image",
        'import _ "time/tzdata", or COPY --from=builder /usr/share/zoneinfo /usr/share/zoneinfo',
        "scratch and busybox images have no time zones",
    ),
    Failure(
        "too-many-files",
        START,
        r": too many open files",
        "it opened more files or connections than it may",
        "close what it opens (response bodies, rows); or raise `ulimits: {{nofile: 65536}}` in the compose file",
    ),
    Failure(
        "flag-unknown",
        START,
        r"flag provided but not defined: (?P<name>\S+)|unknown (?:shorthand )?flag: (?P<name2>[^\n]+)",
        "it does not know the flag {name}",
        "devctl.yaml `services: {{{service}: {{args: […]}}}}`, or `command:` in the compose file",
    ),
    Failure(
        "writes-to-disk",
        START,
        r"(?:mkdir|create|rename|write|unlinkat|remove|symlink|truncate|chmod|open|openat) "
        r"(?P<path>/(?:app|bin|boot|dev|etc|lib|lib64|proc|root|sbin|sys|usr))(?:/[^\s:]*)?(?: /\S+)?: read-only file system",
        f"it may not write below {{path}}: {_DISK_WHY}",
        "write to a folder of its own and name that: devctl.yaml `prod: {{writable: [/data]}}`; "
        "a volume on {path} would hide what the image has there",
    ),
    # On a read-only disk a write is told as such. "permission denied" on open may be a read as well: no tmpfs mends that.
    Failure(
        "writes-to-disk",
        START,
        r"mkdir (?P<path>/[^\s:]+): (?:read-only file system|permission denied)"
        r"|(?:create|rename|write|unlinkat|remove|symlink|truncate|chmod) (?P<path2>/[^\s:]+)/[^/\s:]+(?: /\S+)?: "
        r"(?:read-only file system|permission denied)"
        r"|(?:open|openat) (?P<path3>/[^\s:]+)/[^/\s:]+: read-only file system",
        f"it may not write below {{path}}: {_DISK_WHY}",
        "devctl.yaml: `prod: {{writable: [{path}]}}`, or a volume there",
    ),
    Failure(
        "writes-to-disk",
        START,
        r"(?:open|openat|create|rename|write|unlinkat|remove|symlink|truncate|chmod) (?P<path>/[^/\s:]+)(?: /\S+)?: "
        r"read-only file system",
        f"it may not write {{path}}: {_DISK_WHY}",
        "write it into a folder of its own and name that: devctl.yaml `prod: {{writable: [/data]}}`, or a volume there",
    ),
    Failure(
        "writes-to-disk",
        START,
        r"(?:(?:open|openat) (?P<path>[^/\s:][^\s:]*): read-only file system"
        r"|(?:mkdir|create) (?P<path2>[^/\s:][^\s:]*): (?:read-only file system|permission denied))",
        f"it may not write {{path}} in its working directory: {_DISK_WHY}",
        "write to an absolute path, and name its folder in devctl.yaml: `prod: {{writable: [/tmp]}}`",
    ),
    Failure(
        "writes-to-disk",
        START,
        r"unable to open database file|attempt to write a readonly database",
        f"SQLite may not make its database file: the folder is not there, or may not be written ({_DISK_WHY})",
        "devctl.yaml: `prod: {{writable: [FOLDER]}}` with the folder of the file, or a volume there",
    ),
    Failure(
        "sqlite-module-missing",
        START,
        r"no such module: (?P<name>fts5)",
        "SQLite was built without its module {name}",
        "devctl.yaml: `services: {{{service}: {{build: {{tags: [sqlite_{name}]}}}}}}`, as a Makefile or CI file may say it",
        "go-sqlite3 takes it in by a build tag",
    ),
    Failure(
        "file-not-permitted",
        START,
        r"(?:open|openat|stat|lstat|read) (?P<path>[^\s:]+): permission denied",
        "it may not open {path}: production runs without root",
        "to read it: COPY --chmod=0444 … in the Dockerfile, or a mount that user 65532 may read; "
        "to write it: a volume that user 65532 owns",
    ),
    Failure(
        "image-lacks-file",
        START,
        r"(?:open|stat|lstat|read|chdir) (?P<path>/[^\s:]+): no such file or directory",
        "{path} is not in the image",
        "COPY … {path} in the production stage of the Dockerfile, or `configs:` in the compose file; "
        "bind mounts are left out in production",
    ),
    Failure(
        "image-lacks-file",
        START,
        r"(?:open|stat|lstat|read|chdir) (?P<path>[^\s:/][^\s:]*): no such file or directory",
        "{path} is not in the image",
        "devctl.yaml: `services: {{{service}: {{files: [{path}]}}}}`, or a line COPY {path} … in the Dockerfile",
    ),
    Failure(
        "config-file-missing",
        START,
        r'Config File \\?"(?P<name>[^"\\]+)\\?" Not Found in \\?"\[(?P<where>[^\]"]*)\]',
        "viper finds no configuration file `{name}` in {where}",
        "copy it from its example, where the code looks for it; for production a line COPY in the Dockerfile, or devctl.yaml "
        "`services: {{{service}: {{files: [FOLDER]}}}}`",
        "it takes the first of that name with an ending that it knows",
    ),
    Failure(
        "variable-missing",
        START,
        r"(?:(?:[Ee]nvironment variable|env var|[Rr]equired key|[Mm]issing env) [\"'$]?(?P<name>[A-Z][A-Z0-9_]{2,})\b"
        r"|(?<![\w])(?P<name2>[A-Z][A-Z0-9]*_[A-Z0-9_]+|PORT)[\"']? (?:environment variable )?"
        r"(?:is |env |must be )?(?:not set|unset|missing|required|empty|set\b))",
        "the environment variable {name} is missing",
        "devctl.yaml: `prod: {{env: {{{name}: …}}}}`, or the compose file's `environment:`",
    ),
)
