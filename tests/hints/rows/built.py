"""The image that a Dockerfile makes, told from its lines: nothing is built, and only what readiness checks look at is followed.

Each file of an image is a `Binary`, whatever it is; of Go's programs that counts what they were compiled with.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from devctl.adapters.project_files.dockerfile import parse
from devctl.domain.derive.health_check import compose_test, image_test
from devctl.domain.dockerfile.facts import DockerfileFacts, Instruction, Stage
from devctl.domain.dockerfile.stages import expand
from devctl.domain.go.golist import Listing, WithoutC
from devctl.domain.image.facts import Binary, ImageFacts
from devctl.domain.image.paths import program
from devctl.domain.image.readiness.input import HealthCheck, Inspected
from devctl.domain.project.model import Project, Service

ARCHITECTURE = "amd64"
GLIBC, MUSL = "/lib64/ld-linux-x86-64.so.2", "/lib/ld-musl-x86_64.so.1"
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
_SHELL = ("/bin/sh", "/etc/passwd", CERTIFICATES)
BASES: Mapping[str, tuple[str, ...]] = {
    "golang:1.26-alpine": (*_SHELL, MUSL, "/usr/local/go/bin/go"),
    "golang:1.26": (*_SHELL, GLIBC, "/bin/bash", "/usr/local/go/bin/go"),
    "alpine:3.22": (*_SHELL, MUSL),
    "debian:13": (*_SHELL, GLIBC, "/bin/bash"),
    "gcr.io/distroless/static-debian13:nonroot": ("/etc/passwd", CERTIFICATES, "/usr/share/zoneinfo/UTC"),
    "scratch": (),
}
_PACKAGES = {"bash": "/bin/bash", "tzdata": "/usr/share/zoneinfo/UTC"}


class Layers(Struct):
    """What a stage has so far."""

    files: dict[str, Binary]
    env: dict[str, str]
    words: dict[str, Instruction]
    history: list[str]
    args: dict[str, str]
    cgo: str = ""

    @property
    def workdir(self) -> str:
        return self.words["WORKDIR"].value[0] if "WORKDIR" in self.words else "/"


def built(root: Path, project: Project, service: Service) -> Inspected:
    """What production is built of: `build:` of the compose file."""
    said = project.spec(service.name).get("build") or {}
    path, target = said.get("dockerfile", "Dockerfile"), said.get("target")
    facts = parse((root / path).read_text(), path=path, args={})
    stage = facts.stage(target) if target else facts.stages[-1]
    assert stage is not None
    made = _stage(root, facts, stage)
    test = compose_test(project.spec(service.name))
    return Inspected(
        _image(made),
        service,
        _functions(service, (root / "main.go").read_text()),
        facts,
        stage,
        {"CGO_ENABLED": made.cgo} if made.cgo else {},
        listed=_listed((root / "main.go").read_text()),
        health=HealthCheck(test, "compose.yaml:1") if test else None,
    )


CRYPTO = "github.com/ethereum/go-ethereum/crypto"


def _listed(code: str) -> Listing:
    """What `go list` says about a module that does without C, if it has to."""
    if CRYPTO not in code:
        return Listing()
    c = f"{CRYPTO}/secp256k1"
    return Listing(
        (c,), (WithoutC(CRYPTO, "main.go:3", "/go/pkg", ("signature_cgo.go",), ("signature_nocgo.go",), c),)
    )


def _functions(service: Service, code: str) -> frozenset[str]:
    """Of the linker's table."""
    dials = {"net/http.(*Transport).dialConn"} if "http.Get" in code else set()
    zones = {"time.LoadLocation", "time.loadLocation"} if "time.LoadLocation" in code else set()
    return frozenset(dials | zones | ({"time/tzdata.init.0"} if '"time/tzdata"' in code else set()))


def _image(made: Layers) -> ImageFacts:
    entry, cmd = (_started(made.words.get(word)) for word in ("ENTRYPOINT", "CMD"))
    started = program(entry, cmd)
    said = made.words.get("HEALTHCHECK"), made.words.get("USER"), made.words.get("EXPOSE")
    return ImageFacts(
        ref="shop-api:prod",
        id="sha256:1",
        size_bytes=8_000_000,
        layers=(),
        entrypoint=entry,
        cmd=cmd,
        user=said[1].value[0] if said[1] else "",
        workdir=made.workdir,
        architecture=ARCHITECTURE,
        env=tuple(f"{name}={value}" for name, value in made.env.items()),
        healthcheck=image_test(said[0]) if said[0] else (),
        exposed=tuple(int(port) for port in said[2].value) if said[2] else (),
        binary=made.files.get(posixpath.join(made.workdir, started)) if started else None,
        files=frozenset(made.files),
        history=tuple(made.history),
    )


def _started(line: Instruction | None) -> tuple[str, ...]:
    return () if line is None else line.value if line.json else ("/bin/sh", "-c", line.value[0])


def _stage(root: Path, facts: DockerfileFacts, stage: Stage) -> Layers:
    earlier = facts.stage(stage.base)
    if earlier is not None:
        made = _stage(root, facts, earlier)
    else:
        made = Layers({p: Binary(p, 1, 0o755, True) for p in BASES[stage.base]}, {}, {}, [], {})
    for line in stage.instructions:
        _line(root, facts, made, line)
    return made


def _line(root: Path, facts: DockerfileFacts, made: Layers, line: Instruction) -> None:
    made.history.append(line.original)
    match line.cmd:
        case "ENV":
            made.env.update(zip(line.value[::2], line.value[1::2], strict=True))
        case "ARG":
            name, _, value = line.value[0].partition("=")
            made.args[name] = value or {"TARGETARCH": ARCHITECTURE}.get(name, "")
        case "COPY":
            _copy(root, facts, made, line)
        case "RUN":
            given = " ".join(f"{name}={value}" for name, value in made.args.items() if value)
            made.history[-1] = f"|{len(made.args)} {given} /bin/sh -c {line.command}"
            for command in re.split(r"&&|;", line.command):
                _run(made, command.strip())
        case _:
            made.words[line.cmd] = line


def _copy(root: Path, facts: DockerfileFacts, made: Layers, line: Instruction) -> None:
    flags = dict(flag.removeprefix("--").split("=", 1) for flag in line.flags)
    *sources, target = line.value
    source = facts.stage(flags["from"]) if "from" in flags else None
    other = _stage(root, facts, source) if source is not None else None
    there = other.files if other is not None else dict(_context(root))
    made.cgo = other.cgo if other is not None else made.cgo
    for name in sources:
        asked = posixpath.normpath(posixpath.join("/", name))
        found = {path: file for path, file in there.items() if path == asked or _below(path, asked)}
        assert found, f"{line.original}: there is no {name}"
        for path, file in found.items():
            into = target.endswith(("/", ".")) and path == asked
            rest = posixpath.basename(path) if into else path[len(asked.rstrip("/")) :].lstrip("/")
            put = posixpath.normpath(posixpath.join(made.workdir, target, rest))
            mode = int(flags["chmod"], 8) if "chmod" in flags else file.mode
            made.files[put] = replace(file, path=put, mode=mode)


def _below(path: str, folder: str) -> bool:
    return path.startswith(folder.rstrip("/") + "/")


def _context(root: Path) -> Iterator[tuple[str, Binary]]:
    for file in sorted(path for path in root.rglob("*") if path.is_file()):
        path = "/" + file.relative_to(root).as_posix()
        first = file.read_bytes().split(b"\n")[0].decode(errors="replace")
        script = first[2:] if first.startswith("#!") else ""
        yield path, Binary(path, 1, file.stat().st_mode & 0o777, elf=False, interpreter=script)


def _run(made: Layers, command: str) -> None:
    said = {**made.env, **made.args, **dict(re.findall(r"(\w+)=(\S+)", command.partition(" go ")[0]))}
    if output := re.search(r"\bgo build\b.* -o (\S+)", command):
        path = posixpath.join(made.workdir, output[1])
        libc = MUSL if MUSL in made.files else GLIBC
        made.cgo = said.get("CGO_ENABLED", "1")
        static = made.cgo == "0" or "-extldflags -static" in command
        machine = expand(said.get("GOARCH", ARCHITECTURE), made.args)
        made.files[path] = Binary(path, 6_000_000, 0o755, True, "" if static else libc, machine)
    elif changed := re.fullmatch(r"chmod (\d+) (\S+)", command):
        made.files[changed[2]] = replace(made.files[changed[2]], mode=int(changed[1], 8))
    elif installed := re.fullmatch(r"apk add --no-cache (.*)", command):
        for name in installed[1].split():
            path = _PACKAGES.get(name, f"/usr/bin/{name}")
            made.files[path] = Binary(path, 1, 0o755, True)
