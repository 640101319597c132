"""Is this image ready for production? One table of checks over a built image; `fail` means that something cannot work there."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Callable, Sequence

from msgspec import Struct

from devctl.domain.command.argv import exec_words, shell_text
from devctl.domain.derive.health_check import TOOLS
from devctl.domain.dockerfile.runtime_bases import DEFAULT_BASE, NONROOT, SHELL_BASE
from devctl.domain.dockerfile.stages import target_name
from devctl.domain.dockerfile.walk import copied_as
from devctl.domain.go.golist import Listing, WithoutC
from devctl.domain.image.facts import ImageFacts
from devctl.domain.image.leaks import secrets, source
from devctl.domain.image.paths import SHELL_ONLY, absolute, candidates, command, exec_form, program
from devctl.domain.image.readiness.input import HealthCheck, Inspected
from devctl.domain.numbers import whole
from devctl.domain.project.model import Service
from devctl.errors import Finding, ProjectError, fail, ok, warn

CERTIFICATES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
"""Where Go's crypto/x509 looks on Linux."""
# Next to the compiler, whose folder is known to a program built without -trimpath.
_ZONES_OF_GO = "/usr/local/go/lib/time/zoneinfo.zip"
OTHER_BASE = f"devctl prod-preview --base {DEFAULT_BASE}"
# Found in a program that makes TLS connections. (Every net/http server contains crypto/tls itself, so that proves nothing.)
_DIALS_TLS = frozenset(
    {
        "net/http.(*Transport).dialConn",
        "crypto/tls.dial",
        "crypto/tls.Client",
        "google.golang.org/grpc/credentials.(*tlsCreds).ClientHandshake",
    }
)

_WITH_SHELL = f'devctl prod-preview --base {SHELL_BASE}, which has a shell; or start the program directly: ENTRYPOINT ["/server"]'
_WITHOUT = 'install {} in that stage, or start the program directly: ENTRYPOINT ["/server"]'
_HEALTH_HINT = 'HEALTHCHECK NONE, or exec form: HEALTHCHECK CMD ["/server", "-healthcheck"]'
_COMPOSE_HINT = (
    '`healthcheck: {disable: true}`, or a check that the program answers itself: `test: ["CMD", "/server", '
    '"-healthcheck"]`'
)

_MB = 1_000_000
_C_WANTED = "RUN CGO_ENABLED=1 go build … in a builder with a C compiler"
_CGO_OF_OUR_OWN = 'import "C"'


class _Rule(Struct, frozen=True):
    """`judge` returns None if the rule does not apply."""

    id: str
    judge: Callable[[Inspected], Finding | None]


def checks(inspected: Inspected) -> tuple[Finding, ...]:
    """Every check that applies, in the order of the table."""
    judged = ((rule.id, rule.judge(inspected)) for rule in RULES)
    return tuple(found.of(check) for check, found in judged if found is not None)


def not_ready(what: str, found: Sequence[Finding]) -> ProjectError:
    """The error `not-ready` that names the first failure; its `result` has all of them."""
    failures = [f for f in found if f.severity == "fail"]
    first, more = failures[0], f" (and {len(failures) - 1} more)" if len(failures) > 1 else ""
    return ProjectError(
        f"{what}: {first.message}{more}",
        code="not-ready",
        hint=first.hint,
        place=first.place,
        result={"checks": [f.as_json() for f in found]},
    )


def reads_program(image: ImageFacts, service: Service, *, listed: Listing | None = None) -> bool:
    """Whether a rule examines the program itself, or its answer does not depend on the program."""
    certificates = any(path in image.files for path in CERTIFICATES)
    zones = _has_zones(image)
    needs_c = service.source.cgo is not None or (listed is not None and listed.with_c)
    asked = needs_c or not (certificates and zones)
    return image.binary is not None and image.binary.elf and bool(asked)


def _entrypoint_form(it: Inspected) -> Finding:
    image = it.image
    if not image.shell_form:
        return ok("exec form")
    started = [*image.entrypoint, *image.cmd] if image.entrypoint else list(image.cmd)
    text = shell_text(started)
    words = tuple(started) if text is None else exec_words(text)
    place = it.line("ENTRYPOINT" if image.entrypoint else "CMD", "CMD")
    if not it.shell:
        hint = f"ENTRYPOINT {exec_form(words)}" if words else SHELL_ONLY
        return fail("the shell-form entrypoint needs /bin/sh, which the image does not have", hint, place)
    if text is not None and re.match(r"\s*exec\s[^;&|\n]*$", text):
        return ok("shell form, but the program replaces the shell")
    hint = (
        f"ENTRYPOINT {exec_form(words)}"
        if words
        else "`exec` before the program, so that it replaces the shell"
    )
    return warn("shell-form entrypoint: the shell gets SIGTERM, the service may not", hint, place)


def _entrypoint_exists(it: Inspected) -> Finding:
    image = it.image
    named = program(image.entrypoint, image.cmd)
    place = it.line("ENTRYPOINT", "CMD")
    if not named:
        return fail("the image starts nothing", 'ENTRYPOINT ["/server"]', place)
    if image.binary is None:
        hint = (
            f"COPY --from=builder … {absolute(named, image.workdir)}, or name a file that exists in the image"
        )
        return fail(f"{named} is not in the image", hint, place)
    if not image.binary.elf and image.binary.interpreter.endswith("\r"):
        what = f"{image.binary.path} has CRLF line endings, so its #! line does not work"
        return fail(what, _lf_hint(it, image.binary.path), place)
    missing = _missing(it)
    if missing:
        shell = posixpath.basename(missing) in ("sh", "ash") and not it.shell
        hint = _WITH_SHELL if shell else _WITHOUT.format(missing)
        return fail(f"{image.binary.path} is started by {missing}, which is not in the image", hint, place)
    if not image.binary.mode & 0o111:
        hint = f"RUN chmod 0755 … in the builder, or COPY --chmod=0755 … {image.binary.path}"
        return fail(f"{image.binary.path} is not executable (mode {image.binary.mode:04o})", hint, place)
    return ok(f"{image.binary.path} exists and is executable")


def _lf_hint(it: Inspected, path: str) -> str:
    """The file of the project that has the wrong line endings need not have the name that it has in the image."""
    found = copied_as(it.dockerfile, it.stage, path) if it.dockerfile and it.stage else None
    if found is None:
        return f"sed -i 's/\\r$//' on the file that becomes {path}; `text eol=lf` for it in .gitattributes keeps it so"
    file = posixpath.normpath(posixpath.join(it.service.build.context, found))
    return f"sed -i 's/\\r$//' {shlex.quote(file)}; `{file} text eol=lf` in .gitattributes keeps it so"


def _missing(it: Inspected) -> str:
    """What starts the program and does not exist: the interpreter of a script, or an init before it."""
    image, binary = it.image, it.image.binary
    first = "".join(command(image.entrypoint, image.cmd)[:1])
    words = [] if image.shell_form or first == program(image.entrypoint, image.cmd) else [first]
    if binary is not None and not binary.elf:
        interpreter, *rest = [*binary.interpreter.split(), ""]
        words += [interpreter, *(rest[:1] if posixpath.basename(interpreter) == "env" else [])]
    for word in filter(None, words):
        if not any(path in image.files for path in candidates(word, workdir=image.workdir, env=image.env)):
            return word
    return ""


def _entrypoint_absolute(it: Inspected) -> Finding | None:
    image = it.image
    named = program(image.entrypoint, image.cmd)
    if image.binary is None or image.shell_form:
        return None
    if named.startswith("/"):
        return ok("absolute path")
    words = [image.binary.path if w == named else w for w in image.entrypoint or image.cmd]
    detail = f"{named} is found only through WORKDIR or PATH, which a base or a compose file may change"
    return warn(detail, f"ENTRYPOINT {exec_form(words)}", it.line("ENTRYPOINT", "CMD"))


def _static_binary(it: Inspected) -> Finding | None:
    binary = it.image.binary
    if binary is None or not binary.elf:
        return None
    if binary.static:
        return ok("static binary")
    if binary.interpreter in it.image.files:
        return ok(f"dynamic binary; its interpreter {binary.interpreter} is in the image")
    detail = (
        f"{binary.path} is linked dynamically, but its interpreter {binary.interpreter} is not in the image"
    )
    hint = "RUN CGO_ENABLED=0 go build … in the builder stage"
    if it.service.source.cgo is not None:
        hint = "a base with that C library, or go build -ldflags '-linkmode external -extldflags -static' … in the builder"
    return fail(detail, hint, it.line("ENTRYPOINT", "CMD"))


def _architecture(it: Inspected) -> Finding | None:
    binary, image = it.image.binary, it.image
    if binary is None or not binary.machine:
        return None
    if binary.machine == image.architecture:
        return ok(binary.machine)
    detail = f"the binary is for {binary.machine}, the image for {image.architecture}"
    return fail(
        detail, "ARG TARGETARCH, then GOARCH=$TARGETARCH go build … in the builder stage", it.line("FROM")
    )


def _user(it: Inspected) -> Finding:
    user = it.image.user.partition(":")[0]
    hint = f"USER {NONROOT}"
    if user in ("", "0", "root"):
        return warn("the image runs as root by default", hint, it.line("USER"))
    if whole(user) is not None:
        return ok(f"user {user}")
    if "/etc/passwd" not in it.image.files:
        return fail(
            f"user {user} is a name, but the image has no /etc/passwd to look it up in", hint, it.line("USER")
        )
    return warn(f"user {user} is a name: Kubernetes cannot verify that it is not root", hint, it.line("USER"))


def _certificates(it: Inspected) -> Finding | None:
    if not it.functions & _DIALS_TLS:
        return None
    named = next((e.partition("=")[2] for e in it.image.env if e.startswith("SSL_CERT_FILE=")), "")
    bundled = any(f.startswith("golang.org/x/crypto/x509roots/") for f in it.functions)
    if bundled or any(path in it.image.files for path in (*CERTIFICATES, named)):
        return ok("CA certificates for TLS connections")
    detail = "the program makes TLS connections, but the image has no CA certificates"
    hint = "COPY --from=builder /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/"
    return warn(detail, hint if it.dockerfile else OTHER_BASE, it.line("FROM"))


def _time_zones(it: Inspected) -> Finding | None:
    """Requested by the project's own code, or by TZ: most programs contain a library that could request one."""
    asked = it.service.source.loads_zone if "time.LoadLocation" in it.functions else None
    zone = it.zone if "time.loadLocation" in it.functions else ""
    if not asked and not zone:
        return None
    embedded = any(f.startswith("time/tzdata.") for f in it.functions)
    beside = it.settings.get("-trimpath") != "true" and _ZONES_OF_GO in it.image.files
    if embedded or beside or _has_zones(it.image):
        return ok("time zones for time.LoadLocation")
    detail = "the program loads time zones by name, but the image has none"
    if not asked:
        detail = f"TZ is {zone}, but the image has no time zones: the program uses UTC as local time"
    return warn(detail, 'import _ "time/tzdata" in package main', it.line("FROM") or asked)


def _has_zones(image: ImageFacts) -> bool:
    """Where every Go program looks."""
    named = next(
        (value for name, _, value in (v.partition("=") for v in image.env) if name == "ZONEINFO"), ""
    )
    return named in image.files or any(path.startswith("/usr/share/zoneinfo/") for path in image.files)


def _opened_files(it: Inspected) -> Finding | None:
    if not it.service.build.files:
        return None
    # A file that the user's image gets as an argument is where that says: only dev finds it in the source.
    given = (
        {word.rpartition("=")[2] for word in it.service.start.args} if it.dockerfile is not None else set()
    )
    opened = [f for f in it.service.build.files if f not in given]
    missing = [f for f in opened if absolute(f, it.image.workdir) not in it.image.files]
    if not missing:
        return ok("files that the code opens: " + ", ".join(it.service.build.files))
    first = missing[0]
    read_at = it.service.origins.get("files", "")
    place = read_at if re.search(r":\d+", read_at) else it.line("WORKDIR")
    target = absolute(first, it.image.workdir)
    detail = f"opened at run time, relative to {it.image.workdir}, but not in the image: {', '.join(missing)}"
    return warn(
        detail, f"COPY {posixpath.normpath(posixpath.join(it.service.source.dir, first))} {target}", place
    )


def _privileged_port(it: Inspected) -> Finding | None:
    ports = [p for p in (it.service.serve.port, *it.image.exposed) if p is not None]
    if not ports:
        return None
    low = [p for p in ports if p < 1024]
    if not low:
        return ok(f"port {ports[0]}")
    detail = f"port {low[0]} is below 1024: outside Docker a non-root process cannot listen on it"
    return warn(detail, "listen on 8080 and let the platform map the port", it.line("EXPOSE"))


def _secrets(it: Inspected) -> Finding:
    found = secrets(it.image)
    if not found:
        return ok("no secret in ENV, history or files")
    detail = f"anyone who can pull the image can read: {', '.join(found)}"
    hint = "use RUN --mount=type=secret,id=… in the build, and pass secrets to the container when it starts"
    place = it.line("ENV") if found[0].startswith("ENV") else it.line("ARG", "COPY")
    return warn(detail, hint, place)


def _source(it: Inspected) -> Finding:
    found = source(it.image)
    if not found:
        return ok("neither source nor .git")
    more = f" and {len(found) - 1} more" if len(found) > 1 else ""
    detail = f"the image contains source: {found[0]}{more}"
    return warn(detail, "COPY --from=builder only the binary into a separate stage", it.line("COPY"))


def _toolchain(it: Inspected) -> Finding | None:
    """A single stage, or `target: builder`: the image that compiles is the one that would run."""
    if "/usr/local/go/bin/go" not in it.image.files:
        return ok("no Go compiler")
    program = it.image.program
    alone = f", of which the program is {program.size_bytes / _MB:.2f} MB" if program is not None else ""
    here = target_name(it.stage) if it.stage is not None else ""
    other = next((name for name in it.service.build.prod_stages.values() if name != here), None)
    spare = it.service.build.spare_dockerfile
    if other is not None:
        shown, hint = (
            f"stage `{other}` contains none of it",
            f"`build: {{target: {other}}}` in the compose file",
        )
    elif spare is not None:
        shown, hint = (
            f"{spare} builds an image without it",
            f"`build: {{dockerfile: {spare}}}` in the compose file",
        )
    else:
        shown, hint = f"`{OTHER_BASE}` shows the image without it", OTHER_BASE
    size = f"{it.image.size_bytes / _MB:.2f} MB{alone}"
    detail = f"this image contains the Go toolchain: {size}; {shown}"
    return warn(detail, hint, it.line("FROM"))


def _health(it: Inspected) -> Finding | None:
    """One that cannot run makes every container unhealthy, whatever the program does."""
    asked, hint = it.health, _COMPOSE_HINT
    if asked is None:
        asked, hint = HealthCheck(it.image.healthcheck, it.line("HEALTHCHECK") or ""), _HEALTH_HINT
    elif it.dockerfile is None:
        left_out = "the health check of the compose file is left out: devctl's production stage may lack the program that it runs"
        return warn(
            left_out,
            "no action needed; `devctl init --diff` shows a production stage to build on",
            asked.place,
        )
    if not asked.test or asked.test[0] == "NONE":
        return None
    why = _cannot_run(it, asked.test)
    return fail(why, hint, asked.place or None) if why else ok("the health check can run")


def _cannot_run(it: Inspected, test: tuple[str, ...]) -> str | None:
    in_shell = test[0] == "CMD-SHELL"
    if in_shell and not it.shell:
        return "the health check is in shell form, but the image has no /bin/sh: it would always be unhealthy"
    tool = TOOLS.match(test[1]) if in_shell and len(test) > 1 else None
    name = tool[1] if tool else "" if in_shell or len(test) < 2 else test[1]
    paths = candidates(name, workdir=it.image.workdir, env=it.image.env)
    if paths and not any(path in it.image.files for path in paths):
        return f"the health check runs {name}, which is not in the image"
    return None


def cgo(it: Inspected) -> Finding | None:
    """Code that needs C and was built without it: known modules, and what go list finds in the packages really built."""
    need, built = it.service.source.cgo, it.settings.get("CGO_ENABLED")
    with_c = it.listed.with_c if it.listed is not None else ()
    if built is None or (need is None and not with_c):
        return None
    if built == "1":
        return ok(
            f"{need.value if need is not None else with_c[0]} needs cgo, and the program was built with it"
        )
    found = it.listed.without if it.listed is not None else None
    if need is not None and (need.value != _CGO_OF_OUR_OWN or found is None):
        # Known to do nothing without C; or it could not be determined what is built instead.
        return warn(
            _fails_without_c(need.value), f"{_C_WANTED}, or use a package that does not need C", need.place
        )
    return _left_out_without_c(sorted(found, key=lambda f: not f.says)) if found else None


def _fails_without_c(what: str) -> str:
    return (
        f"{what} needs cgo, but the program was built with CGO_ENABLED=0: it fails when it uses that package"
    )


def _left_out_without_c(found: Sequence[WithoutC]) -> Finding:
    first = found[0]
    more = f"; also built without cgo: {', '.join(f.package for f in found[1:])}" if len(found) > 1 else ""
    if first.says:
        return warn(
            f"{_fails_without_c(first.package)} ({first.says}){more}",
            f"{_C_WANTED}, or use a package that does not need C",
            first.place,
        )
    uses = (
        "is partly written in C"
        if first.c == first.package
        else f"has {first.c}, which is written in C, as a dependency"
    )
    left = _first_names(first.left_out)
    instead = (
        f"{_first_names(first.instead)} replaces {left}, and may not do the same"
        if first.instead
        else f"{left} left out"
    )
    return warn(
        f"{first.package} {uses}, but the program was built with CGO_ENABLED=0: {instead}{more}",
        f"test what uses it in the preview; to build with C: {_C_WANTED}",
        first.place,
    )


def embedded(it: Inspected) -> Finding | None:
    """Files of the program that can change without a rebuild in dev."""
    watched = it.service.source.embedded
    if it.listed is None or not it.listed.embedded or it.rebuilt_by is None:
        return None
    endings = {*it.rebuilt_by, *(name.removeprefix("*.") for name in watched if name.startswith("*."))}
    missed = [
        name
        for name in it.listed.embedded
        if name not in watched and posixpath.splitext(name)[1].removeprefix(".") not in endings
    ]
    if not missed:
        return ok(f"{len(it.listed.embedded)} embedded files; saving one rebuilds the program")
    detail = f"embedded, but saving them in dev does not rebuild the program: {_first_names(missed)}"
    return warn(
        detail,
        "run devctl init and add their extensions to include_ext in .air.toml; until then, save a Go file too",
        missed[0],
    )


def _first_names(files: Sequence[str]) -> str:
    more = f" and {len(files) - 3} more" if len(files) > 3 else ""
    return f"{', '.join(files[:3])}{more}"


RULES: tuple[_Rule, ...] = (
    _Rule("entrypoint-form", _entrypoint_form),
    _Rule("entrypoint-exists", _entrypoint_exists),
    _Rule("entrypoint-absolute", _entrypoint_absolute),
    _Rule("static-binary", _static_binary),
    _Rule("cgo", cgo),
    _Rule("architecture", _architecture),
    _Rule("user", _user),
    _Rule("health-check", _health),
    _Rule("ca-certificates", _certificates),
    _Rule("time-zones", _time_zones),
    _Rule("opened-files", _opened_files),
    _Rule("embedded-files", embedded),
    _Rule("privileged-port", _privileged_port),
    _Rule("secrets", _secrets),
    _Rule("source", _source),
    _Rule("toolchain", _toolchain),
)
