"""The failure dictionary: what was asked and what came back → one sentence, its cause, the command that mends it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from devctl.errors import Problem

Asked = Literal["build", "start", "reload", "probe", "compose", "pull"]


@dataclass(frozen=True, slots=True)
class Failure:
    """One entry. `pattern` is searched in the output; its named groups fill `message` and `hint`."""

    code: str
    asked: frozenset[Asked]
    pattern: str
    message: str
    hint: str
    machine: bool = False
    exit_code: int | None = None


FAILURES: tuple[Failure, ...] = (
    Failure(
        "engine-unreachable",
        frozenset({"build", "start", "compose", "pull"}),
        r"Cannot connect to the Docker daemon|failed to connect to the docker API|error during connect",
        "the Docker engine went away",
        "devctl doctor --fix",
        machine=True,
    ),
    Failure(
        "go-too-old",
        frozenset({"build", "start"}),
        r"go\.mod requires go >= (?P<want>[\d.]+) \(running go (?P<have>[\d.]+)",
        "go.mod asks for Go {want}, the base image has {have}",
        'devctl.yaml: `go: "{want}"`, or lower the go line of go.mod',
    ),
    Failure(
        "module-not-found",
        frozenset({"build", "start", "reload"}),
        r"go: (?P<module>\S+): .*(?:404 Not Found|410 Gone|unknown revision|invalid version)",
        "the module {module} does not exist in that version",
        "go list -m -versions MODULE shows the versions there are",
    ),
    Failure(
        "go-sum-missing",
        frozenset({"build", "start", "reload"}),
        r"missing go\.sum entry",
        "go.sum lacks the checksum of a required module",
        "go mod tidy",
    ),
    Failure(
        "port-taken",
        frozenset({"compose", "start"}),
        r"(?:Bind for \S*?:(?P<port>\d+) failed: port is already allocated"
        r"|listen tcp\S* \S*?:(?P<port2>\d+): bind: address already in use)",
        "the host port {port} is taken",
        "end what holds it, or choose another: devctl.yaml `host_port:`",
        machine=True,
    ),
    Failure(
        "base-missing",
        frozenset({"build", "compose", "pull"}),
        r"(?P<ref>[\w./:@-]+): (?:failed to resolve source metadata|failed to do request|pull access denied|not found)",
        "the base image {ref} cannot be had",
        "devctl bases build",
        machine=True,
    ),
    Failure(
        "disk-full",
        frozenset({"build", "start", "compose", "pull"}),
        r"no space left on device",
        "the disk is full",
        "devctl clean; docker system df shows what takes the space",
        machine=True,
    ),
    Failure(
        "writes-to-disk",
        frozenset({"start"}),
        r"(?:mkdir (?P<path>/[^\s:]+)|(?:open|openat|create|rename|write|unlinkat|remove|symlink|truncate|chmod)"
        r" (?P<path2>/[^\s:]+?)(?:/[^/\s:]+)?(?: /\S+)?): (?:read-only file system|permission denied)",
        "it may not write below {path}: production runs read-only and without root",
        "devctl.yaml: `prod: {{writable: [{path}]}}`, or a volume there",
    ),
    Failure(
        "writes-to-disk",
        frozenset({"start"}),
        r"(?:mkdir|open|openat|create) (?P<path>[^/\s:][^\s:]*): (?:read-only file system|permission denied)",
        "it may not write {path} in its working directory: production runs read-only and without root",
        "write to an absolute path, and name its folder in devctl.yaml: `prod: {{writable: [/tmp]}}`",
    ),
    Failure(
        "image-lacks-file",
        frozenset({"start"}),
        r"(?:open|stat|lstat|read|chdir) (?P<path>[^\s:]+): no such file or directory",
        "{path} is not in the image",
        "devctl.yaml: `services: {{NAME: {{files: [{path}]}}}}`, or a line COPY {path} … in the Dockerfile",
    ),
    Failure(
        "variable-missing",
        frozenset({"start"}),
        r"(?:(?:[Ee]nvironment variable|env var|[Rr]equired key|[Mm]issing env) [\"'$]?(?P<name>[A-Z][A-Z0-9_]{2,})\b"
        r"|(?<![\w])(?P<name2>[A-Z][A-Z0-9]*_[A-Z0-9_]+|PORT)[\"']? (?:environment variable )?"
        r"(?:is |env |must be )?(?:not set|unset|missing|required|empty|set\b))",
        "the environment variable {name} is missing",
        "devctl.yaml: `prod: {{env: {{{name}: …}}}}`, or the compose file's `environment:`",
    ),
)


@dataclass(frozen=True, slots=True)
class Explained(Problem):
    machine: bool = False


def explain(asked: Asked, output: str, *, exit_code: int | None = None) -> Explained | None:
    """The first entry that fits, or None: an unknown failure is never guessed at."""
    for entry in FAILURES:
        if asked not in entry.asked or (entry.exit_code is not None and entry.exit_code != exit_code):
            continue
        found = re.search(entry.pattern, output)
        if found is not None:
            groups = {key.rstrip("2"): value for key, value in found.groupdict().items() if value}
            return Explained(
                entry.code, entry.message.format(**groups), entry.hint.format(**groups), machine=entry.machine
            )
    return None
