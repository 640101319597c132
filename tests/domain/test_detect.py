"""Detection on facts made by hand: the reading of code is tested in tests/adapters."""

from __future__ import annotations

import pytest

from devctl.adapters.project_files.dockerfile import parse
from devctl.domain.detect.address import names_our_port, parse_address
from devctl.domain.detect.cgo import needs_cgo
from devctl.domain.detect.main_package import choose_main
from devctl.domain.detect.service import default_name, detect_go, detect_service, is_go_service
from devctl.domain.dockerfile.facts import DockerfileFacts
from devctl.domain.go.facts import GoPackage, Located, Module, Setting, SourceFacts
from devctl.domain.project.config import Build, Config, ServiceConfig
from devctl.errors import FilesError, UsageError

PATH = "example.com/shop"


def pkg(
    folder: str,
    *,
    listens: str | None = None,
    routes: tuple[str, ...] = (),
    imports: tuple[str, ...] = ("net/http",),
    name: str = "main",
    env: tuple[str, ...] = (),
    settings: tuple[Setting, ...] = (),
    opens: tuple[str, ...] = (),
    tls: str | None = None,
    cgo: bool = False,
) -> GoPackage:
    prefix = "" if folder == "." else f"{folder}/"
    place = f"{prefix}main.go:9"
    return GoPackage(
        folder,
        name,
        name == "main",
        imports,
        tuple(Located(value, place) for value in ([] if listens is None else listens.split())),
        tuple(Located(route, f"{prefix}routes.go:3") for route in routes),
        tuple(Located(read, f"{prefix}env.go:5") for read in env),
        tuple(Located(path, f"{prefix}files.go:2") for path in opens),
        settings=settings,
        tls=tls,
        uses_cgo=cgo,
    )


def facts(*packages: GoPackage, folder: str = ".", go: str = "1.26") -> SourceFacts:
    return SourceFacts((Module(folder, PATH, go, "", (), packages, go_line=3),))


def dockerfile(*lines: str, stage: str = "build", base: str = "golang:1.26-alpine") -> DockerfileFacts:
    return parse("\n".join([f"FROM {base} AS {stage}", *lines]))


def test_an_ordinary_service_with_the_evidence_for_each_value() -> None:
    service = detect_service(
        facts(pkg(".", listens=":8080", routes=("/", "/healthz"), opens=("templates", "config"))),
        config=Config(),
    )
    assert (service.name, service.source.dir, service.source.main, service.serve.port) == (
        "shop",
        ".",
        ".",
        8080,
    )
    assert (service.serve.probe, service.build.files) == ("/healthz", ("config", "templates"))
    assert service.origins == {
        "name": "go.mod",
        "dir": "go.mod",
        "main": "the only main package: main.go:9",
        "go": "go.mod:3",
        "port": "main.go:9",
        "probe": "routes.go:3",
        "files": "files.go:2",
    }


API = pkg("cmd/api", listens=":8080")
TOOL = pkg("cmd/migrate", imports=())
ROOT = pkg(".", listens=":8080")


@pytest.mark.parametrize(
    ("packages", "chosen"),
    [
        ([ROOT, API], "."),
        ([API], "./cmd/api"),
        ([API, TOOL], "./cmd/api"),
        ([API, pkg("cmd/worker", imports=())], "./cmd/api"),
        ([API, pkg("examples/hello", listens=":1")], "./cmd/api"),
        ([pkg("examples/hello", listens=":8080")], "./examples/hello"),
        ([pkg(".", imports=()), API], "./cmd/api"),
        ([pkg(".", imports=()), pkg("cmd/x", imports=())], "."),
        (
            [
                pkg("cmd/web", imports=(f"{PATH}/srv",)),
                pkg("cmd/x", imports=()),
                pkg("srv", listens=":1", name="srv"),
            ],
            "./cmd/web",
        ),
    ],
)
def test_which_main_serves(packages: list[GoPackage], chosen: str) -> None:
    assert choose_main(facts(*packages)).main.relative == chosen


def test_two_servers_need_an_answer_and_get_the_line_to_write() -> None:
    with pytest.raises(UsageError) as caught:
        choose_main(facts(API, pkg("cmd/admin", listens=":9000")), name="web")
    assert (caught.value.code, int(caught.value.exit_code)) == ("which-main", 2)
    assert "cmd/admin (cmd/admin/main.go:9); cmd/api (cmd/api/main.go:9)" in str(caught.value)
    assert caught.value.problem.hint == "devctl.yaml: `services: {web: {main: ./cmd/admin}}`"


@pytest.mark.parametrize(
    ("kwargs", "chosen", "origin"),
    [
        ({"name": "admin"}, "./cmd/admin", "cmd/admin has the name of the service"),
        ({"wanted_main": "./cmd/admin"}, "./cmd/admin", "devctl.yaml"),
        ({"wanted_main": "cmd/admin/"}, "./cmd/admin", "devctl.yaml"),
        ({"dockerfile": dockerfile("RUN go build -o /x ./cmd/admin")}, "./cmd/admin", "Dockerfile:2"),
        (
            {"dockerfile": dockerfile("COPY . .", "RUN cd /src && go build -o ./cmd/api cmd/admin/main.go")},
            "./cmd/admin",
            "Dockerfile:3",
        ),
        (
            {
                "dockerfile": dockerfile("ARG APP=api", "RUN go build -o /x ./cmd/${APP}"),
                "compose": {"build": {"args": {"APP": "admin"}}},
            },
            "./cmd/admin",
            "Dockerfile:3",
        ),
        (
            {"dockerfile": dockerfile("ARG APP=admin", "RUN go build ./cmd/$APP")},
            "./cmd/admin",
            "Dockerfile:3",
        ),
        (
            {"dockerfile": dockerfile("RUN go build ./$APP"), "name": "admin"},
            "./cmd/admin",
            "cmd/admin has the name of the service",
        ),
        ({"context": "cmd/admin"}, "./cmd/admin", "the only main package: cmd/admin/main.go:9"),
    ],
)
def test_what_settles_it(kwargs: dict[str, object], chosen: str, origin: str) -> None:
    found = choose_main(facts(API, pkg("cmd/admin", listens=":9000")), **kwargs)  # type: ignore[arg-type]
    assert (found.main.relative, found.origin) == (chosen, origin)


def test_a_main_in_a_module_below() -> None:
    both = SourceFacts(
        (
            Module("api", "x/api", "1.26", "", (), (pkg("api/cmd/api", listens=":8080"),)),
            Module("worker", "x/worker", "1.26", "", (), (pkg("worker", imports=()),)),
        )
    )
    service = detect_service(
        both, config=Config(services={"worker": ServiceConfig(dir="worker")}), name="worker"
    )
    assert (service.source.dir, service.source.main, service.serve.port, service.serve.probe) == (
        "worker",
        ".",
        None,
        "none",
    )
    assert detect_service(both, config=Config(), name="a", context="api").source.main == "./cmd/api"


@pytest.mark.parametrize(
    ("source", "code", "hint"),
    [
        (SourceFacts(()), "no-go-module", "devctl new DIR"),
        (SourceFacts((), loose_go="a.go"), "no-go-module", "go mod init example.com/NAME && go mod tidy"),
        (
            SourceFacts((), loose_go="a.go", loose_name="x.org/shop"),
            "no-go-module",
            "go mod init x.org/shop &&",
        ),
        (facts(pkg(".", name="lib")), "no-main", "go test ./..."),
    ],
)
def test_nothing_to_run(source: SourceFacts, code: str, hint: str) -> None:
    with pytest.raises(FilesError) as caught:
        detect_service(source, config=Config())
    assert caught.value.code == code
    assert hint in caught.value.problem.hint


def test_a_main_that_does_not_exist_is_named() -> None:
    with pytest.raises(FilesError, match="no such `package main`") as caught:
        choose_main(facts(API), wanted_main="./cmd/web")
    assert "./cmd/api" in caught.value.problem.hint


ENV_PORT = Setting("PORT", "3000", "env", "cfg.go:4")
FIELD_PORT = Setting("Port", "4000", "field", "cfg.go:9")


UNKNOWN = "main.go:9 listens, but no file says where"


@pytest.mark.parametrize(
    ("package", "compose", "docker", "port", "origin", "env"),
    [
        (pkg(".", listens=":8080"), {}, None, 8080, "main.go:9", {}),
        (pkg(".", listens=":9090 :8000"), {}, None, 8000, "main.go:9", {}),
        (pkg(".", listens=":8080"), {"ports": [{"target": 3000}]}, None, 3000, "compose.yaml", {}),
        (
            pkg(".", listens=":8080"),
            {"ports": [{"target": 9000}, {"target": 8080}]},
            None,
            8080,
            "compose.yaml",
            {},
        ),
        (
            pkg(".", listens="x", env=("PORT",)),
            {"environment": {"PORT": "5000"}},
            None,
            5000,
            "compose.yaml (PORT)",
            {},
        ),
        (pkg(".", listens="x", settings=(FIELD_PORT, ENV_PORT)), {}, None, 3000, "cfg.go:4", {}),
        (pkg(".", listens=":8080 :8085"), {}, dockerfile("EXPOSE 8085"), 8085, "main.go:9", {}),
        (pkg(".", listens="x"), {}, dockerfile("ARG P=7000", "EXPOSE $P/tcp"), 7000, "Dockerfile:3", {}),
        (
            pkg(".", listens="x", env=("PORT",)),
            {},
            dockerfile("ENV PORT=7001"),
            7001,
            "Dockerfile:2",
            {},
        ),
        (
            pkg(".", listens="x", env=("ADDR",)),
            {},
            dockerfile("ENV ADDR=:3000", "CMD air", "FROM alpine AS final", "CMD /app", stage="dev"),
            3000,
            "Dockerfile:2",
            {"ADDR": ":3000"},  # production gets what development has
        ),
        (
            pkg(".", listens="x", env=("ADDR",)),
            {"environment": {"ADDR": "[::]:http"}},
            None,
            80,
            "compose.yaml (ADDR)",
            {},
        ),
        (pkg(".", listens="x", env=("ADDR",)), {"environment": {"ADDR": ""}}, None, None, UNKNOWN, {}),
        (pkg(".", listens="x", env=("PORT",)), {}, None, 8080, "env.go:5", {"PORT": "8080"}),
        (pkg(".", listens="x", env=("LISTEN_ADDR",)), {}, None, 8080, "env.go:5", {"LISTEN_ADDR": ":8080"}),
        (pkg(".", listens="x"), {}, None, None, UNKNOWN, {}),
        (pkg(".", settings=(ENV_PORT,)), {}, dockerfile("EXPOSE 1"), None, "no listen call found", {}),
    ],
)
def test_the_port_and_how_it_is_set(
    package: GoPackage,
    compose: dict[str, object],
    docker: DockerfileFacts | None,
    *,
    port: int | None,
    origin: str,
    env: dict[str, str],
) -> None:
    service = detect_service(facts(package), config=Config(), compose=compose, dockerfile=docker)
    assert (service.serve.port, service.origins["port"], service.start.env) == (port, origin, env)


@pytest.mark.parametrize(
    ("package", "probe"),
    [
        (pkg(".", listens=":1", routes=("/x", "/ping", "/api/health")), "/api/health"),
        (pkg(".", listens=":1", routes=("/ping", "/readyz", "/healthz")), "/healthz"),
        (pkg(".", listens=":1", routes=("/users/{id}/health", "/")), "/"),
        (pkg(".", listens=":1", routes=("/orders",)), "/"),
        (pkg(".", listens=":1", tls="main.go:4"), "tcp"),
        (pkg(".", listens=":1", imports=("net",)), "tcp"),
        (pkg(".", listens=":1", imports=("net", "net/http", "google.golang.org/grpc")), "tcp"),
        (
            pkg(".", listens=":1", imports=("net/http", "google.golang.org/grpc"), routes=("/health",)),
            "/health",
        ),
        (pkg("."), "none"),
    ],
)
def test_the_probe(package: GoPackage, probe: str) -> None:
    assert detect_service(facts(package), config=Config()).serve.probe == probe


def test_what_speaks_tls_has_an_address_of_https() -> None:
    package = pkg(".", listens=":1", tls="main.go:4")
    assert detect_service(facts(package), config=Config()).serve.tls
    said = Config(services={"app": ServiceConfig(probe="/healthz")})  # a probe by plain HTTP
    assert not detect_service(facts(package), config=said, name="app").serve.tls
    assert not detect_service(facts(pkg(".", listens=":1")), config=Config()).serve.tls


def test_devctl_yaml_has_the_last_word() -> None:
    said = ServiceConfig(
        main="./cmd/api",
        port=9000,
        probe="tcp",
        args=("serve",),
        env={"A": "b"},
        files=("x",),
        host_port=1234,
    )
    source = facts(pkg("cmd/api", listens="x", env=("PORT",), routes=("/healthz",), opens=("templates",)))
    service = detect_service(source, config=Config(services={"web": said}))
    assert (service.name, service.serve.port, service.serve.host_port, service.serve.probe) == (
        "web",
        9000,
        1234,
        "tcp",
    )
    assert (service.start.args, service.build.files, service.start.env) == (
        ("serve",),
        ("x",),
        {"PORT": "9000", "A": "b"},
    )
    assert {service.origins[k] for k in ("main", "port", "probe", "files", "args")} == {"devctl.yaml"}


def test_names_go_versions_and_cgo() -> None:
    main = choose_main(facts(pkg("."))).main
    assert default_name(main) == "shop"
    assert default_name(choose_main(facts(API)).main) == "api"
    assert detect_go(facts(ROOT).modules[0], Config()).origin == "go.mod:3"
    assert detect_go(facts(ROOT).modules[0], Config(go="1.25")).value == "1.25"
    assert needs_cgo(main) is None
    sqlite = choose_main(
        facts(
            pkg(".", imports=(f"{PATH}/db",)), pkg("db", name="db", imports=("github.com/mattn/go-sqlite3",))
        )
    )
    assert needs_cgo(sqlite.main) == Located("github.com/mattn/go-sqlite3", "db")
    assert needs_cgo(choose_main(facts(pkg(".", imports=("gorm.io/driver/sqlite",)))).main) is not None
    assert needs_cgo(choose_main(facts(pkg(".", imports=("github.com/mattn/go-sqlite3x",)))).main) is None
    unused = choose_main(facts(pkg("."), pkg("db", name="db", cgo=True)))
    assert needs_cgo(unused.main) is None  # no main is built from it


def test_which_compose_services_are_built_from_go() -> None:
    source = facts(ROOT, pkg("svc/api"))
    assert is_go_service({"build": {"context": "."}}, source, context=".")
    assert is_go_service({"build": "svc"}, source, context="svc")
    assert not is_go_service({"image": "postgres"}, source, context=".")
    assert not is_go_service({"build": "web"}, source, context="web")


@pytest.mark.parametrize(
    ("text", "found"),
    [(":8080", ("", 8080)), ("[::1]:80", ("[::1]", 80)), ("8080", ("", 8080)), ("a.b:1", ("a.b", 1))],
)
def test_addresses(text: str, found: tuple[str, int]) -> None:
    address = parse_address(text)
    assert address is not None
    assert (address.host, address.port) == found


@pytest.mark.parametrize("text", ["", ":", ":0", ":65536", "http://x:80/", "tcp", ":http", "1:2:3"])
def test_what_is_not_an_address(text: str) -> None:
    assert parse_address(text) is None


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        *(("PORT", True), ("httpPort", True), ("SERVER_ADDR", True), ("listen", True), ("HTTPAddr", True)),
        *(
            ("support", False),
            ("DB_PORT", False),
            ("redisAddr", False),
            ("transport", False),
            ("smtp-port", False),
        ),
    ],
)
def test_names_of_our_port(name: str, *, ours: bool) -> None:
    assert names_our_port(name) is ours


def test_what_the_dockerfile_links_in_holds_in_development_unless_devctl_yaml_says_otherwise() -> None:
    docker = parse(
        "FROM golang:1.26 AS build\nARG VERSION=1\nCOPY . .\n"
        'RUN go build -ldflags "-s -w -X main.version=$VERSION" -o /shop .\n'
        'FROM scratch\nCOPY --from=build /shop /\nENTRYPOINT ["/shop"]\n'
    )
    spec = {"build": {"args": {"VERSION": "2"}}}
    service = detect_service(facts(pkg(".")), config=Config(), compose=spec, dockerfile=docker)
    assert (service.build.ldflags, service.origins["build.ldflags"]) == ("-X main.version=2", "Dockerfile:4")
    config = Config(services={"shop": ServiceConfig(build=Build(ldflags="-X main.version=mine"))})
    service = detect_service(facts(pkg(".")), config=config, compose=spec, dockerfile=docker)
    assert (service.build.ldflags, "build.ldflags" in service.origins) == ("-X main.version=mine", False)


@pytest.mark.parametrize(
    ("base", "config", "image"),
    [
        ("golang:1.26-alpine", Config(), "golang:1.26-alpine"),
        ("golang:1.26-bookworm", Config(go="1.25"), None),
        ("golang:alpine", Config(), None),
        ("acme/build:7", Config(), None),
    ],
)
def test_stages_of_devctls_compile_in_the_image_that_the_dockerfile_names(
    base: str, config: Config, image: str | None
) -> None:
    docker = parse(f"FROM {base} AS build\nRUN make\nFROM scratch\nCOPY --from=build /shop /\n")
    service = detect_service(facts(pkg(".")), config=config, dockerfile=docker)
    assert (service.build.go_image, service.origins.get("go_image")) == (
        image,
        "Dockerfile:1" if image else None,
    )


@pytest.mark.parametrize("said", [None, "-p=1", "-overlay=mine.json"])
def test_goflags_keep_the_flags_of_the_build_line(said: str | None) -> None:
    """GOFLAGS of a container hides that of its stage."""
    docker = dockerfile(
        "ENV GOFLAGS=-mod=vendor", "RUN go build -overlay=o.json -gcflags=all=-l -o /shop .", 'CMD ["/shop"]'
    )
    build = Build(env={"GOFLAGS": said} if said is not None else {})
    config = Config(services={"app": ServiceConfig(build=build)})
    service = detect_service(facts(pkg(".")), config=config, dockerfile=docker)
    flags = service.build.env["GOFLAGS"].split()
    assert flags[0] == (said or "-mod=vendor")
    overlay = said if said and said.startswith("-overlay") else "-overlay=o.json"
    assert [f for f in flags if f.startswith("-overlay")] == [overlay] and "-gcflags=all=-l" in flags


@pytest.mark.parametrize(
    ("run", "known"),
    [
        ("go build -tags a -ldflags '-X main.v=$(git describe)' -o /shop .", True),
        ("go build -tags a,$(uname) -o /shop .", False),
        ("go build $FLAGS -o /shop .", False),
        ("if ls; then T=a; fi; go build -tags $T -o /shop .", False),
        ("mage build", False),
    ],
)
def test_flags_that_only_a_shell_or_a_tool_knows_are_named(run: str, known: bool) -> None:
    docker = dockerfile(f"RUN {run}", "FROM alpine", "COPY --from=build /shop /shop", 'CMD ["/shop"]')
    service = detect_service(facts(pkg(".")), config=Config(), dockerfile=docker)
    assert service.build.unread == ("" if known else "Dockerfile:2")
    told = Config(services={"app": ServiceConfig(build=Build(tags=("mine",)))})
    assert not detect_service(facts(pkg(".")), config=told, dockerfile=docker).build.unread
