"""The port and the probe of a main package, each with the line that says so."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from devctl.domain.detect.address import (
    SIDE_PORTS,
    is_brokers,
    is_socket,
    names_host,
    names_our_port,
    parse_address,
    says_port,
    serves_here,
    set_address,
)
from devctl.domain.detect.main_package import Main
from devctl.domain.detect.required_env import dockerfile_env, environment
from devctl.domain.dockerfile.build_and_start import NOT_STARTED, Started
from devctl.domain.dockerfile.facts import DockerfileFacts
from devctl.domain.dockerfile.walk import Line, walk
from devctl.domain.go.facts import PLAIN_LISTENER, SOCKET, GoPackage, Located, Setting
from devctl.domain.regex import regex

DEFAULT_PORT = 8080
# A whole server with its own command line and no listen call: `serve`, on port 8090 of the loopback unless a flag says
# otherwise.
_POCKETBASE = "github.com/pocketbase/pocketbase"
_HTTP = regex(
    r"^net/http$|gin-gonic/gin|labstack/echo|gofiber/fiber|go-chi/|gorilla/mux|fasthttp|httprouter|connectrpc|iris|beego|hertz"
    r"|kratos/v\d+/transport/http|go-zero/(?:rest|gateway)|pocketbase/pocketbase$"
)
_PORT_VARIABLES = """PORT HTTP_PORT SERVER_PORT APP_PORT API_PORT WEB_PORT LISTEN_ADDR HTTP_ADDR SERVER_ADDR SERVER_ADDRESS
    HTTP_SERVER_ADDRESS ADDR""".split()
_PROBES = ("/healthz", "/health", "/livez", "/readyz", "/ready", "/ping", "/status", "/")
_SIDE_WORDS = regex(r"metric|pprof|debug|admin|prometheus|smtp|pop3|imap|ftp|ldap", re.IGNORECASE)
_HTTP_WORD = regex(r"http|web|public", re.IGNORECASE)
_TLS = regex(r"ssl|tls|https", re.IGNORECASE)
_GRPC = regex(r"grpc", re.IGNORECASE)
_UNKNOWN = (9, True)
"""The rank of a port of which the code says nothing."""


class Port(Struct, frozen=True):
    """`env`, `args`: what must be set or passed in the container for the code to listen there, reachable from outside; a
    variable only if nothing of the user's sets it."""

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
    begun: Started = NOT_STARTED,
) -> Port | None:
    """The port in the container: the compose file's, then that of the flags that it is started with (`begun`), the code's, the
    Dockerfile's."""
    given = begun.flags()
    port = _found_port(main, compose=compose, compose_file=compose_file, dockerfile=dockerfile)
    published = [target for target, protocol in _published(compose) if protocol != "udp"]
    told = _told_by_flags(given)
    if told is not None and (not published or told in published):
        port = Port(told, begun.places.get("args", "") if not published else compose_file)
    if port is None or (setting := opens_up(main, port.port)) is None or _open_already(setting.name, given):
        return port
    if setting.kind == "flag":
        return replace(port, args=(opening(setting),))
    known = {name for name, _ in port.env}
    return port if setting.name in known else replace(port, env=(*port.env, (setting.name, f":{port.port}")))


def _open_already(flag: str, given: Mapping[str, str]) -> bool:
    address = parse_address(given.get(flag, ""))
    return address is not None and not address.only_inside


def _told_by_flags(given: Mapping[str, str]) -> int | None:
    """The port of `serve --port 9999`: a flag that is not for metrics or profiling comes first."""
    ours = {
        name: v for name, v in given.items() if serves_here(v) and (names_our_port(name) or _opens(name, v))
    }
    named = [(name, parse_address(v)) for name, v in ours.items()]
    found = sorted((_rank(a.port, name, ""), a.port) for name, a in named if a is not None)
    return found[0][1] if found and found[0][0] < 2 else None


def _opens(flag: str, value: str) -> bool:
    """`--http=0.0.0.0:8090`: a complete HTTP address, or one that nobody connects to."""
    return value.startswith(("0.0.0.0:", "[::]:")) or (
        value.startswith(":") and bool(_HTTP_WORD.search(flag))
    )


def opens_up(main: Main, port: int) -> Setting | None:
    """The flag or variable whose default binds this port to the container's loopback, where nobody can reach it."""
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
    """What makes it listen on all addresses: `--addr=:8080`, `ADDR=:8080`. Both flag packages accept two dashes."""
    address = parse_address(setting.value)
    return f"{'--' if setting.kind == 'flag' else ''}{setting.name}=:{address.port if address else ''}"


def library_port(main: Main, port: Port | None, args: Sequence[str]) -> Port | None:
    """`port` with the arguments that a library which is a server needs; `args` are those that the program is already started
    with."""
    package = next((p for p in main.closure if _POCKETBASE in p.imports), None)
    if package is None or list(args[:1]) not in ([], ["serve"]):
        return port
    known = port or Port(8090, f"{package.dir} ({_POCKETBASE})")
    # `serve example.com` serves https under that name.
    told = any(word.startswith("--http") or not word.startswith("-") for word in args[1:])
    address = () if told else (f"--http=0.0.0.0:{known.port}",)
    return replace(known, args=(*known.args, *(() if args else ("serve",)), *address))


def _found_port(
    main: Main, *, compose: Mapping[str, object], compose_file: str, dockerfile: DockerfileFacts | None
) -> Port | None:
    ports, lines = list(_published(compose)), list(_exposed(dockerfile))
    published = [port for port, protocol in ports if protocol != "udp"]
    exposed = [(port, place) for port, protocol, place in lines if protocol != "udp"]
    # If the user's files publish only UDP, no connection can prove that somebody listens there.
    datagrams = {port for port, *_ in (*ports, *lines)}.difference(published, dict(exposed))
    coded = [item for item in _listened(main) if item[0] not in datagrams]
    image, told = dockerfile_env(dockerfile), environment(compose)
    beside = own_env(main)
    there = {**beside, **image, **told}
    if published:
        ranks = _ranks(main, there)
        return Port(min(published, key=lambda port: ranks.get(port, _UNKNOWN)), compose_file, ())
    reads = _port_variable(main, there)
    if reads is not None and (port := _number(told.get(reads.value, ""))) is not None:
        return Port(port, f"{compose_file} ({reads.value})")
    if reads is not None and is_socket(there.get(reads.value, "")):
        return None
    if coded:
        agreed = [item for item in coded if item[0] in {port for port, _ in exposed}]
        port, origin = (agreed or coded)[0]
        return Port(port, origin)
    if reads is not None and (there.get(reads.value) is None or _number(there[reads.value]) is not None):
        port, origin = next(
            iter((*_dockerfile_env(dockerfile, reads.value), *_own(beside, reads.value), *exposed)),
            (DEFAULT_PORT, reads.place),
        )
        return Port(port, origin, ((reads.value, _shaped(reads.value, port)),))
    if exposed and main.serves:
        return Port(*exposed[0])
    return None


def own_env(main: Main) -> dict[str, str]:
    """What the program reads from its own `.env`, unless its container sets it."""
    return {name: value for package in main.closure for name, value in package.dotenv}


def _own(beside: Mapping[str, str], name: str) -> Iterator[tuple[int, str]]:
    if (port := _number(beside.get(name, ""))) is not None:
        yield port, ".env"


def _shaped(name: str, port: int) -> str:
    """A variable called ADDR takes an address, one called PORT a number."""
    return str(port) if says_port(name) else f":{port}"


def _ranks(main: Main, there: Mapping[str, str]) -> dict[int, tuple[int, bool]]:
    """How likely a person means that port, lowest first: what the code listens on, also by the variables that are set
    (`there`); of equals, a listener of which nothing says that it serves HTTP comes after what does."""
    plain = {
        item.place for p in main.closure for item in (*p.listens, *p.port_env) if PLAIN_LISTENER in item.about
    }
    found = [(rank, place in plain, port) for rank, port, place in _ranked(main)]
    for package in main.closure if main.serves else ():
        for read in (*package.port_env, *package.env_reads):
            port = _number(there.get(read.value, ""))
            if port is not None and (read in package.port_env or names_our_port(read.value)):
                rank = _rank(port, f"{read.value} {read.about}", read.place)
                found.append((rank, read.place in plain, port))
    return {port: (rank, unsure) for rank, unsure, port in sorted(found, reverse=True)}


def _listened(main: Main) -> Iterator[tuple[int, str]]:
    """Ports of listen calls, then defaults of settings; gRPC after HTTP, metrics and profiling last."""
    return ((port, place) for _, port, place in _ranked(main))


def _ranked(main: Main) -> list[tuple[int, int, str]]:
    """Rank, port and place."""
    if not main.serves:
        return []
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
            # The listen address comes before other settings, which may be what the program connects to.
            weak = strong and (setting.kind in ("field", "key") or not _HTTP_WORD.search(setting.name))
            found.append((max(rank, 1) if weak else rank, address.port, setting.place))
    return sorted(found, key=lambda item: item[0])


def _rank(port: int, about: str, place: str) -> int:
    """A person's request goes to HTTP if a program serves that and gRPC; never to metrics or profiling."""
    if _SIDE_WORDS.search(f"{about} {place}"):
        return 2
    if _TLS.search(about):  # if it serves both, the plain one needs no certificate
        return 1
    if _HTTP_WORD.search(about):
        return 0
    return 2 if port in SIDE_PORTS else 1 if _GRPC.search(f"{about} {place}") else 0


def _settings(main: Main) -> Iterator[Setting]:
    """What can be set from outside says more than a struct field."""
    settings = [
        s for package in main.closure for s in package.settings if package.listens or not _by_scheme(s)
    ]
    yield from sorted(settings, key=lambda s: ("env", "flag", "key", "field").index(s.kind))


def _by_scheme(setting: Setting) -> bool:
    """`port = "443"` outside a listen call: the default port of a URL."""
    own = "." in setting.name  # of a struct tag: `Server.Port`
    return setting.kind == "field" and not own and setting.value in ("80", "443")


def _port_variable(main: Main, there: Mapping[str, str]) -> Located | None:
    """The one in a listen call itself; else one whose name says it. `there`: what is set."""
    if not main.serves:
        return None
    calls: dict[str, list[Located]] = {}
    for read in (read for package in main.closure for read in package.port_env):
        calls.setdefault(read.place, []).append(read)
    sockets = {read.value for call in calls.values() for read in call if read.about == SOCKET}
    reads = [read for package in main.closure for read in package.env_reads if read.value not in sockets]
    found = [read for call in calls.values() for read in _of_call(call, there)]
    found.sort(key=lambda read: bool(_SIDE_WORDS.search(f"{read.value} {read.about}")))
    found += [read for name in _PORT_VARIABLES for read in reads if read.value == name]
    return found[0] if found else None


def _of_call(reads: Sequence[Located], there: Mapping[str, str]) -> list[Located]:
    """Of the variables in one listen call, the one with the port: its value is a port, or its name says so. `HOST` alone says
    nothing about it."""
    if any(read.about == SOCKET for read in reads):
        return []
    set_ = {read.value for read in reads if _number(there.get(read.value, "")) is not None}
    files = [r for r in reads if is_socket(there.get(r.value, "")) and _says_where(r.value)]
    if files and not set_:
        return files[:1]
    fitting = [read for read in reads if read.value in set_ or not names_host(read.value)]
    return sorted(fitting, key=lambda r: (r.value not in set_, not says_port(r.value)))[:1]


def _says_where(name: str) -> bool:
    """Not BASE_PATH, which the handler in the same call may read."""
    return names_our_port(name) or names_host(name)


def _published(compose: Mapping[str, object]) -> Iterator[tuple[int, str]]:
    """Port in the container and protocol, for a resolved service."""
    ports = compose.get("ports")
    for item in ports if isinstance(ports, list) else []:
        yield int(item["target"]), item.get("protocol", "tcp")


def _exposed(dockerfile: DockerfileFacts | None) -> Iterator[tuple[int, str, str]]:
    """Port, protocol and place."""
    for line, place in _lines(dockerfile, "EXPOSE"):
        for port, _, protocol in (word.partition("/") for word in line.words):
            if (number := _number(port)) is not None:
                yield number, protocol or "tcp", place


def _dockerfile_env(dockerfile: DockerfileFacts | None, name: str) -> Iterator[tuple[int, str]]:
    for line, place in _lines(dockerfile, "ENV"):
        if (port := _number(line.set.get(name, ""))) is not None:
            yield port, place


def _lines(dockerfile: DockerfileFacts | None, cmd: str) -> Iterator[tuple[Line, str]]:
    """Those of the last stage first, each with its place."""
    if dockerfile is None:
        return
    for stage in reversed(dockerfile.stages):
        for line in walk(dockerfile, stage):
            if line.cmd == cmd and line.stage is stage:
                yield line, f"{dockerfile.path}:{line.instruction.line}"


def _number(text: str) -> int | None:
    found = set_address(text)
    return found.port if found else None


def find_probe(main: Main, port: Port | None) -> tuple[str, str]:
    """A path that proves serving, `tcp` if it does not speak plain HTTP, `none` without a port; and why."""
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
    """Whether the port serves gRPC: if the program listens for gRPC on another port, this one is HTTP."""
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
