"""Is this image ready for production? One table of checks over a built image; `fail` is what cannot work there."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from devctl.domain.golist import Listing
from devctl.domain.image import ImageFacts
from devctl.domain.image_paths import absolute, command, exec_form, program
from devctl.domain.inspected import Check, Inspected, Verdict
from devctl.domain.leaks import secrets, source
from devctl.domain.project import Service
from devctl.domain.readiness_health import health
from devctl.domain.readiness_listed import cgo, embedded

__all__ = ["RULES", "Check", "Inspected", "blocking", "checks", "reads_program"]
CERTIFICATES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)  # where Go's crypto/x509 looks on Linux
OTHER_BASE = "devctl prod-preview --base distroless"
# Found in a program that makes TLS connections. (Every net/http server has crypto/tls itself in it, so that says nothing.)
_DIALS_TLS = frozenset(
    {
        "net/http.(*Transport).dialConn",
        "crypto/tls.dial",
        "crypto/tls.Client",
        "google.golang.org/grpc/credentials.(*tlsCreds).ClientHandshake",
    }
)


@dataclass(frozen=True, slots=True)
class _Rule:
    """`judge` gives (status, detail, hint, place), or the detail alone where all is well; None: does not apply."""

    id: str
    judge: Callable[[Inspected], Verdict | str | None]


def checks(inspected: Inspected) -> tuple[Check, ...]:
    """Every check that applies, in the order of the table."""
    judged = ((rule.id, rule.judge(inspected)) for rule in RULES)
    return tuple(
        Check(name, "ok", verdict) if isinstance(verdict, str) else Check(name, *verdict)
        for name, verdict in judged
        if verdict is not None
    )


def blocking(found: Iterable[Check]) -> Check | None:
    """The first one that would stop it in production."""
    return next((c for c in found if c.status == "fail"), None)


def reads_program(image: ImageFacts, service: Service, *, listed: Listing | None = None) -> bool:
    """Whether a rule looks into the program itself, or the answer is there whatever the program does."""
    certificates = any(path in image.files for path in CERTIFICATES)
    zones = any(path.startswith("/usr/share/zoneinfo/") for path in image.files)
    needs_c = service.cgo is not None or (listed is not None and listed.with_c)
    asked = needs_c or not (certificates and zones)
    return image.binary is not None and image.binary.elf and bool(asked)


def _entrypoint_form(it: Inspected) -> Verdict | str:
    image = it.image
    if not image.shell_form:
        return "exec form"
    hint = f"ENTRYPOINT {exec_form(command(image.entrypoint, image.cmd))}"
    place = it.line("ENTRYPOINT" if image.entrypoint else "CMD", "CMD")
    if not it.shell:
        return "fail", "shell-form entrypoint needs /bin/sh, and the image has none", hint, place
    return "warn", "shell-form entrypoint: the shell gets SIGTERM, the service may not", hint, place


def _entrypoint_exists(it: Inspected) -> Verdict | str:
    image = it.image
    named = program(image.entrypoint, image.cmd)
    place = it.line("ENTRYPOINT", "CMD")
    if not named:
        return "fail", "the image starts nothing", 'ENTRYPOINT ["/server"]', place
    if image.binary is None:
        hint = f"COPY --from=builder … {absolute(named, image.workdir)}, or name what is there"
        return "fail", f"{named} is not in the image", hint, place
    if not image.binary.mode & 0o111:
        hint = f"RUN chmod 0755 … in the builder, or COPY --chmod=0755 … {image.binary.path}"
        return "fail", f"{image.binary.path} is not executable (mode {image.binary.mode:04o})", hint, place
    return f"{image.binary.path} is there and executable"


def _entrypoint_absolute(it: Inspected) -> Verdict | str | None:
    image = it.image
    named = program(image.entrypoint, image.cmd)
    if image.binary is None or image.shell_form:
        return None
    if named.startswith("/"):
        return "absolute path"
    words = [image.binary.path if w == named else w for w in image.entrypoint or image.cmd]
    detail = f"{named} is found through WORKDIR or PATH only, which a base or a compose file may change"
    return "warn", detail, f"ENTRYPOINT {exec_form(words)}", it.line("ENTRYPOINT", "CMD")


def _static_binary(it: Inspected) -> Verdict | str | None:
    binary = it.image.binary
    if binary is None or not binary.elf:
        return None
    if binary.static:
        return "static binary"
    if binary.interpreter in it.image.files:
        return f"dynamic binary; its interpreter {binary.interpreter} is in the image"
    detail = (
        f"{binary.path} is linked dynamically and its interpreter {binary.interpreter} is not in the image"
    )
    hint = "RUN CGO_ENABLED=0 go build … in the builder stage"
    if it.service.cgo is not None:
        hint = "a base with that C library, or go build -ldflags '-linkmode external -extldflags -static' … in the builder"
    return "fail", detail, hint, it.line("ENTRYPOINT", "CMD")


def _architecture(it: Inspected) -> Verdict | str | None:
    binary, image = it.image.binary, it.image
    if binary is None or not binary.machine:
        return None
    if binary.machine == image.architecture:
        return binary.machine
    detail = f"the binary is for {binary.machine}, the image for {image.architecture}"
    return (
        "fail",
        detail,
        "ARG TARGETARCH, then GOARCH=$TARGETARCH go build … in the builder stage",
        it.line("FROM"),
    )


def _user(it: Inspected) -> Verdict | str:
    user = it.image.user.partition(":")[0]
    hint = "USER 65532:65532"
    if user in ("", "0", "root"):
        return "warn", "the image runs as root; the preview runs it as 65532", hint, it.line("USER")
    if user.isdecimal():
        return f"user {user}"
    if "/etc/passwd" not in it.image.files:
        return (
            "fail",
            f"user {user} is a name, and the image has no /etc/passwd to look it up",
            hint,
            it.line("USER"),
        )
    return "warn", f"user {user} is a name: Kubernetes cannot see that it is not root", hint, it.line("USER")


def _certificates(it: Inspected) -> Verdict | str | None:
    if not it.functions & _DIALS_TLS:
        return None
    named = next((e.partition("=")[2] for e in it.image.env if e.startswith("SSL_CERT_FILE=")), "")
    bundled = any(f.startswith("golang.org/x/crypto/x509roots/") for f in it.functions)
    if bundled or any(path in it.image.files for path in (*CERTIFICATES, named)):
        return "CA certificates for TLS connections"
    detail = "the program makes TLS connections, and the image has no CA certificates"
    hint = "COPY --from=builder /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/"
    return "warn", detail, hint if it.dockerfile else OTHER_BASE, it.line("FROM")


def _time_zones(it: Inspected) -> Verdict | str | None:
    if "time.LoadLocation" not in it.functions:
        return None
    embedded = any(f.startswith("time/tzdata.") for f in it.functions)
    if embedded or any(f.startswith("/usr/share/zoneinfo/") for f in it.image.files):
        return "time zones for time.LoadLocation"
    detail = "the program loads time zones by name, and the image has none"
    return "warn", detail, 'import _ "time/tzdata" in package main', it.line("FROM")


def _opened_files(it: Inspected) -> Verdict | str | None:
    if not it.service.files:
        return None
    # A file that the user's image is given as an argument lies where that says: dev alone finds it in the source.
    given = {word.rpartition("=")[2] for word in it.service.args} if it.dockerfile is not None else set()
    opened = [f for f in it.service.files if f not in given]
    missing = [f for f in opened if absolute(f, it.image.workdir) not in it.image.files]
    if not missing:
        return "files that the code opens: " + ", ".join(it.service.files)
    first = missing[0]
    read_at = it.service.origins.get("files", "")
    place = read_at if re.search(r":\d+", read_at) else it.line("WORKDIR")
    target = absolute(first, it.image.workdir)
    detail = f"opened at run time, relative to {it.image.workdir}, and not in the image: {', '.join(missing)}"
    return "warn", detail, f"COPY {posixpath.normpath(posixpath.join(it.service.dir, first))} {target}", place


def _privileged_port(it: Inspected) -> Verdict | str | None:
    ports = [p for p in (it.service.port, *it.image.exposed) if p is not None]
    if not ports:
        return None
    low = [p for p in ports if p < 1024]
    if not low:
        return f"port {ports[0]}"
    detail = f"port {low[0]} is below 1024: outside Docker a nonroot process may not listen on it"
    return "warn", detail, "listen on 8080 and let the platform map the port", it.line("EXPOSE")


def _secrets(it: Inspected) -> Verdict | str:
    found = secrets(it.image)
    if not found:
        return "no secret in ENV, history or files"
    detail = f"anyone who can pull the image can read: {', '.join(found)}"
    hint = "RUN --mount=type=secret,id=… while building; give it to the container when it starts"
    place = it.line("ENV") if found[0].startswith("ENV") else it.line("ARG", "COPY")
    return "warn", detail, hint, place


def _source(it: Inspected) -> Verdict | str:
    found = source(it.image)
    if not found:
        return "neither source nor .git"
    more = f" and {len(found) - 1} more" if len(found) > 1 else ""
    detail = f"the image holds source: {found[0]}{more}"
    return "warn", detail, "COPY --from=builder the binary alone into a stage of its own", it.line("COPY")


RULES: tuple[_Rule, ...] = (
    _Rule("entrypoint-form", _entrypoint_form),
    _Rule("entrypoint-exists", _entrypoint_exists),
    _Rule("entrypoint-absolute", _entrypoint_absolute),
    _Rule("static-binary", _static_binary),
    _Rule("cgo", cgo),
    _Rule("architecture", _architecture),
    _Rule("user", _user),
    _Rule("health-check", health),
    _Rule("ca-certificates", _certificates),
    _Rule("time-zones", _time_zones),
    _Rule("opened-files", _opened_files),
    _Rule("embedded-files", embedded),
    _Rule("privileged-port", _privileged_port),
    _Rule("secrets", _secrets),
    _Rule("source", _source),
)
