"""The port and the probe of a main, each with the line that says so."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from devctl.domain.detect.address import SIDE_PORTS, is_brokers, names_our_port, parse_address, serves_here
from devctl.domain.detect.main_package import Main
from devctl.domain.detect.required_env import environment
from devctl.domain.dockerfile.build_and_start import Started
from devctl.domain.dockerfile.facts import DockerfileFacts
from devctl.domain.dockerfile.stages import assignments
from devctl.domain.go.facts import GoPackage, Located, Setting

DEFAULT_PORT = 8080
_HTTP = re.compile(
    r"^net/http$|gin-gonic/gin|labstack/echo|gofiber/fiber|go-chi/|gorilla/mux|fasthttp|httprouter|connectrpc|iris|beego|hertz"
    r"|kratos/v\d+/transport/http|go-zero/(?:rest|gateway)|pocketbase/pocketbase$"
)
_PORT_VARIABLES = (
    "PORT",
    "HTTP_PORT",
    "SERVER_PORT",
    "APP_PORT",
    "API_PORT",
    "WEB_PORT",
    "LISTEN_ADDR",
    "HTTP_ADDR",
    "SERVER_ADDR",
    "SERVER_ADDRESS",
    "HTTP_SERVER_ADDRESS",
    "ADDR",
)
_PROBES = ("/healthz", "/health", "/livez", "/readyz", "/ready", "/ping", "/status", "/")
_SIDE_WORDS = re.compile(r"metric|pprof|debug|admin|prometheus|smtp|pop3|imap|ftp|ldap", re.IGNORECASE)
_HTTP_WORD = re.compile(r"http|web|public", re.IGNORECASE)
_TLS = re.compile(r"ssl|tls|https", re.IGNORECASE)
_GRPC = re.compile(r"grpc", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Port:
    """`env`, `args`: what must be set or passed in the container so that the code listens there, reachable from outside."""

    port: int
    origin: str
    env: tuple[tuple[str, str], ...] = ()
    args: tuple[str, ...] = ()


def find_port(
    main: Main,
    *,
    compose: Mapping[str, object],
    compose_file: str = "compose.yaml",
    dockerfile: DockerfileFacts | None,
    begun: Started | None = None,
) -> Port | None:
    """The port in the container: the compose file's word, then the flags that it is started with (`begun`), the code's, the
    Dockerfile's."""
    given = begun.flags() if begun is not None else {}
    port = _found_port(main, compose=compose, compose_file=compose_file, dockerfile=dockerfile)
    published = _published(compose)
    if (
        begun is not None
        and (told := _told_by_flags(given)) is not None
        and (not published or told in published)
    ):
        port = Port(told, begun.places.get("args", "") if not published else compose_file)
    if port is None or (setting := opens_up(main, port.port)) is None or _open_already(setting.name, given):
        return port
    if setting.kind == "flag":
        return replace(port, args=(opening(setting),))
    known = {name for name, _ in port.env} | set(environment(compose))
    return port if setting.name in known else replace(port, env=(*port.env, (setting.name, f":{port.port}")))


def _open_already(flag: str, given: Mapping[str, str]) -> bool:
    address = parse_address(given.get(flag, ""))
    return address is not None and not address.only_inside


def _told_by_flags(given: Mapping[str, str]) -> int | None:
    """The port of `serve --port 9999`: first that of a flag which is not for metrics or profiling."""
    ours = {
        name: v for name, v in given.items() if serves_here(v) and (names_our_port(name) or _opens(name, v))
    }
    named = [(name, parse_address(v)) for name, v in ours.items()]
    found = sorted((_rank(a.port, name, ""), a.port) for name, a in named if a is not None)
    return found[0][1] if found and found[0][0] < 2 else None


def _opens(flag: str, value: str) -> bool:
    """`--http=0.0.0.0:8090`: a whole address of HTTP, or one that nobody talks to."""
    return value.startswith(("0.0.0.0:", "[::]:")) or (
        value.startswith(":") and bool(_HTTP_WORD.search(flag))
    )


def opens_up(main: Main, port: int) -> Setting | None:
    """The flag or variable whose default binds this port to the loopback of the container, where nobody reaches it."""
    for setting in _settings(main):
        address = parse_address(setting.value)
        if (
            setting.kind in ("env", "flag")
            and address is not None
            and address.only_inside
            and address.port == port
        ):
            return setting
    return None


def opening(setting: Setting) -> str:
    """What makes it listen everywhere: `--addr=:8080`, `ADDR=:8080`. Both flag packages know two dashes."""
    address = parse_address(setting.value)
    return f"{'--' if setting.kind == 'flag' else ''}{setting.name}=:{address.port if address else ''}"


def _found_port(
    main: Main, *, compose: Mapping[str, object], compose_file: str, dockerfile: DockerfileFacts | None
) -> Port | None:
    exposed = list(_exposed(dockerfile))
    datagrams = _datagrams(compose, dockerfile)
    coded = [item for item in _listened(main) if item[0] not in datagrams]
    published = _published(compose)
    if published:
        known = [port for port in published if port in {p for p, _ in coded}]
        return Port((known or published)[0], compose_file, ())
    there = environment(compose)
    reads = _port_variable(main)
    if reads is not None and (port := _number(there.get(reads.value, ""))) is not None:
        return Port(port, f"{compose_file} ({reads.value})")
    if coded:
        agreed = [item for item in coded if item[0] in {port for port, _ in exposed}]
        port, origin = (agreed or coded)[0]
        return Port(port, origin)
    if reads is not None:
        port, origin = next(
            iter((*_dockerfile_env(dockerfile, reads.value), *exposed)), (DEFAULT_PORT, reads.place)
        )
        return Port(port, origin, ((reads.value, _shaped(reads.value, port)),))
    if exposed and main.serves:
        return Port(*exposed[0])
    return None


def _shaped(name: str, port: int) -> str:
    """A variable called ADDR takes an address, one called PORT a number."""
    return str(port) if "PORT" in name.upper() else f":{port}"


def _listened(main: Main) -> Iterator[tuple[int, str]]:
    """Ports of listen calls, then defaults of settings; those of grpc after those of HTTP, of metrics and profiling last."""
    if not main.serves:
        return
    found: list[tuple[int, int, str]] = []
    for package in main.closure:
        for item in package.listens:
            if (address := parse_address(item.value)) is not None:
                found.append((_rank(address.port, item.about, item.place), address.port, item.place))
    strong = {port for _, port, _ in found}
    for setting in _settings(main):
        address = parse_address(setting.value)
        if address is not None and address.port not in strong:
            rank = _rank(address.port, setting.name, setting.place)
            # What is listened on goes before what something else is set to: it may be whom the program talks to.
            weak = strong and (setting.kind in ("field", "key") or not _HTTP_WORD.search(setting.name))
            found.append((max(rank, 1) if weak else rank, address.port, setting.place))
    for _, port, place in sorted(found, key=lambda item: item[0]):
        yield port, place


def _rank(port: int, about: str, place: str) -> int:
    """A request of a person goes to HTTP where a program speaks that and grpc; to neither metrics nor profiling."""
    if _SIDE_WORDS.search(f"{about} {place}"):
        return 2
    if _TLS.search(about):  # where both are spoken, the plain one needs no certificate
        return 1
    if _HTTP_WORD.search(about):
        return 0
    return 2 if port in SIDE_PORTS else 1 if _GRPC.search(f"{about} {place}") else 0


def _settings(main: Main) -> Iterator[Setting]:
    """What can be set from outside says more than a field of some struct."""
    settings = [
        s for package in main.closure for s in package.settings if package.listens or not _by_scheme(s)
    ]
    yield from sorted(settings, key=lambda s: ("env", "flag", "key", "field").index(s.kind))


def _by_scheme(setting: Setting) -> bool:
    """`port = "443"` outside of a listen call: the port of a URL that names none."""
    own = "." in setting.name  # of a struct's tag: `Server.Port`
    return setting.kind == "field" and not own and setting.value in ("80", "443")


def _port_variable(main: Main) -> Located | None:
    """The one that stands in a listen call itself; else one whose name says it."""
    reads = [read for package in main.closure for read in package.env_reads]
    found = [read for package in main.closure for read in package.port_env]
    found += [read for name in _PORT_VARIABLES for read in reads if read.value == name]
    return found[0] if found and main.serves else None


def _published(compose: Mapping[str, object]) -> list[int]:
    """Container ports of the short (`8080:80/tcp`) and the long form."""
    found: list[int] = []
    ports = compose.get("ports")
    for item in ports if isinstance(ports, list) else []:
        target, protocol = _target(item)
        if protocol != "udp" and (port := _number(target)) is not None:
            found.append(port)
    return found


def _target(item: object) -> tuple[str, str]:
    if isinstance(item, dict):
        return str(item.get("target")), str(item.get("protocol", "tcp"))
    ports, _, protocol = str(item).partition("/")
    return ports.rpartition(":")[2], protocol


def _datagrams(compose: Mapping[str, object], dockerfile: DockerfileFacts | None) -> set[int]:
    """Ports on which the user's files say UDP alone: nothing that connects proves that somebody listens there."""
    ports = compose.get("ports")
    said = [_target(item) for item in ports] if isinstance(ports, list) else []
    lines = [
        i for s in (dockerfile.stages if dockerfile else ()) for i in s.instructions if i.cmd == "EXPOSE"
    ]
    said += [_target(word) for line in lines for word in line.value]
    others = {_number(port) for port, protocol in said if protocol != "udp"}
    return {n for port, protocol in said if protocol == "udp" and (n := _number(port)) and n not in others}


def _exposed(dockerfile: DockerfileFacts | None) -> Iterator[tuple[int, str]]:
    for stage in reversed(dockerfile.stages if dockerfile else ()):
        for instruction in stage.instructions:
            if dockerfile is not None and instruction.cmd == "EXPOSE":
                for word in instruction.value:
                    port, protocol = _target(word)
                    if protocol != "udp" and (number := _number(port)) is not None:
                        yield number, f"{dockerfile.path}:{instruction.line}"


def _dockerfile_env(dockerfile: DockerfileFacts | None, name: str) -> Iterator[tuple[int, str]]:
    for stage in reversed(dockerfile.stages if dockerfile else ()):
        for instruction in stage.instructions:
            if dockerfile is not None and instruction.cmd == "ENV":
                value = assignments(instruction, dockerfile.global_args).get(name, "")
                if (port := _number(value)) is not None:
                    yield port, f"{dockerfile.path}:{instruction.line}"


def _number(text: str) -> int | None:
    found = parse_address(text)
    return found.port if found else None


def find_probe(main: Main, port: Port | None) -> tuple[str, str]:
    """A path that proves serving, `tcp` where no plain HTTP is spoken, `none` without a port; and why."""
    if port is None:
        return "none", "no port"
    if is_brokers(str(port.port)):
        return "tcp", port.origin
    tls = next((package.tls for package in main.closure if package.tls), None)
    if tls is not None:
        return "tcp", tls
    if not any(_HTTP.search(path) for package in main.closure for path in package.imports):
        return "tcp", main.place
    if not any(package.routes for package in main.closure) and _grpc_only(main, port):
        return "tcp", main.place
    return _path(main.closure)


def _grpc_only(main: Main, port: Port) -> bool:
    """Whether grpc is spoken on the port: where the program listens for it elsewhere, this one is of HTTP."""
    listens = [item for package in main.closure for item in package.listens]
    grpcs = {item.place for item in listens if item.value and _GRPC.search(item.about)}
    if grpcs and port.origin not in grpcs and port.origin in {item.place for item in listens}:
        return False
    return any("google.golang.org/grpc" in package.imports for package in main.closure)


def _path(packages: tuple[GoPackage, ...]) -> tuple[str, str]:
    routes = [route for package in packages for route in package.routes]
    plain = [r for r in routes if not re.search(r"[:{*]", r.value)]
    for wanted in _PROBES:
        fitting = [r for r in plain if r.value.rstrip("/") == wanted.rstrip("/")] or [
            r for r in plain if wanted != "/" and r.value.endswith(wanted)
        ]
        if fitting:
            return fitting[0].value, fitting[0].place
    return "/", "default"
