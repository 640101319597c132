"""Which main is the service where names tell, and what it is called."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from devctl.adapters.project_files.dockerfile import parse
from devctl.domain.detect.main_package import choose_main, word_of
from devctl.domain.detect.service import default_name, detect_service
from devctl.domain.go.facts import Setting
from devctl.domain.project.config import Config
from devctl.errors import UsageError
from tests.domain.test_detect import PATH, facts, pkg


def test_of_several_that_listen_the_one_called_like_the_module_is_the_service() -> None:
    chosen = choose_main(facts(pkg("cmd/helper", listens=":9000"), pkg("cmd/Shop", listens=":8080")))
    assert (chosen.main.package.dir, chosen.origin) == ("cmd/Shop", "cmd/Shop has the name of the module")


def test_of_many_mains_the_first_are_listed_and_the_rest_is_counted() -> None:
    many = [pkg(f"demos/d{number:02}", listens=":8080") for number in range(20)]
    with pytest.raises(
        UsageError, match=r"20 main packages .*; demos/d07 \(demos/d07/main.go:9\); and 12 more$"
    ) as caught:
        choose_main(facts(*many))
    assert "demos/d08" not in str(caught.value)


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("app/cmd", "shop"),
        ("cmd", "shop"),
        ("cmd/app", "shop"),
        ("services/mail/cmd", "mail"),
        ("cmd/api", "api"),
    ],
)
def test_a_service_is_not_called_like_a_folder_that_says_nothing(folder: str, name: str) -> None:
    assert default_name(choose_main(facts(pkg(folder))).main) == name


@pytest.mark.parametrize(("module", "word"), [("example.com/a/Shop/v2", "shop"), ("shop", "shop"), ("", "")])
def test_what_a_module_is_called(module: str, word: str) -> None:
    assert word_of(module) == word


def test_a_service_may_be_a_broker_itself_and_is_asked_by_tcp() -> None:
    service = detect_service(facts(pkg(".", listens=":4222", routes=("/healthz",))), config=Config())
    assert (service.serve.port, service.serve.probe) == (4222, "tcp")


def test_the_address_of_a_mail_port_is_not_the_one_that_is_asked() -> None:
    settings = (
        Setting("SMTP.Addr", "0.0.0.0:2500", "field", "config/config.go:3"),
        Setting("Web.Addr", "0.0.0.0:9000", "field", "config/config.go:9"),
    )
    package = pkg("config", name="config", imports=(), settings=settings)
    service = detect_service(
        facts(pkg(".", listens="x", imports=("net/http", f"{PATH}/config")), package), config=Config()
    )
    assert service.serve.port == 9000


BOTH = "FROM golang:1.26 AS b\nRUN {build}\nFROM scratch AS app\nCOPY --from=b {copy}\nENTRYPOINT [{start}]\n"
OTHER = 'FROM scratch AS other\nCOPY --from=b /ctl /ctl\nENTRYPOINT ["/ctl"]\n'


@pytest.mark.parametrize(
    ("build", "copy", "start", "chosen"),
    [
        ("go build ./cmd/ctl && go build ./cmd/server", "/server /", '"/server"', "./cmd/server"),
        (
            "go build -o /x/ctl ./cmd/ctl && go build -o /x/app ./cmd/server",
            "/x/app /app",
            '"/app"',
            "./cmd/server",
        ),
        (
            "go build -o /ctl ./cmd/ctl && go build -o /s ./cmd/server",
            "/s /bin/run",
            '"tini", "/bin/run"',
            "./cmd/server",
        ),
        ("go build ./cmd/server && go build ./cmd/ctl", "/ctl /", '"/ctl"', "./cmd/ctl"),
        ("go build ./cmd/ctl && go build ./cmd/server", "/x /", '"/start.sh"', "./cmd/server"),
        ("go build -o /bin/ ./cmd/...", "/bin/ctl /ctl", '"/ctl"', "./cmd/ctl"),
        ("go build -o /bin/ ./cmd/server ./cmd/...", "/bin/ /bin/", '"ctl", "up"', "./cmd/ctl"),
        ("go build -o /bin/ ./cmd/server ./cmd/...", "/bin/ /bin/", '"server"', "./cmd/server"),
        ("make", "/bin/server /server", '"/server"', "./cmd/server"),
    ],
)
def test_of_what_a_dockerfile_builds_the_service_is_what_it_starts(
    build: str, copy: str, start: str, chosen: str
) -> None:
    text = BOTH.format(build=build, copy=copy, start=start)
    found = choose_main(facts(pkg("cmd/ctl"), pkg("cmd/server", listens=":80")), dockerfile=parse(text))
    assert found.main.relative == chosen


@pytest.mark.parametrize("folder", [".", "back"])
def test_another_main_of_the_module_is_not_what_a_line_builds(folder: str) -> None:
    text = BOTH.format(build="go build ./cmd/migrate && go build ./cmd/api", copy="/api /", start='"/api"')
    names = (f"{folder}/cmd/{name}".removeprefix("./") for name in ("api", "worker", "migrate"))
    source = facts(*(pkg(name, listens=":80" if "worker" in name else None) for name in names), folder=folder)
    assert choose_main(source, context=folder, dockerfile=parse(text)).main.relative == "./cmd/api"


def test_the_stage_that_the_compose_file_asks_for_says_which_main() -> None:
    text = (
        BOTH.format(build="go build ./cmd/ctl && go build ./cmd/server", copy="/server /", start='"/server"')
        + OTHER
    )
    both = facts(pkg("cmd/ctl"), pkg("cmd/server", listens=":80"))
    for target, chosen in (("app", "./cmd/server"), ("other", "./cmd/ctl")):
        found = choose_main(both, dockerfile=parse(text), compose={"build": {"target": target}})
        assert found.main.relative == chosen


@pytest.mark.parametrize(
    ("cmd", "args", "own", "port"),
    [
        (None, ("serve", "--http=0.0.0.0:8090"), ("serve", "--http=0.0.0.0:8090"), 8090),
        ('["/pb", "serve"]', ("serve", "--http=0.0.0.0:8090"), ("/pb", "serve", "--http=0.0.0.0:8090"), 8090),
        ('["/pb", "serve", "--http=0.0.0.0:80"]', ("serve", "--http=0.0.0.0:80"), None, 80),
        ('["/pb", "serve", "x.org"]', ("serve", "x.org"), None, 8090),
        ('["/pb", "migrate"]', ("migrate",), None, None),
    ],
)
def test_a_library_that_is_a_server_is_told_to_serve(
    cmd: str | None, args: tuple[str, ...], own: tuple[str, ...] | None, port: int | None
) -> None:
    source = facts(pkg(".", imports=("github.com/pocketbase/pocketbase",)))
    text = f"FROM golang:1.26 AS b\nRUN go build -o /pb .\nFROM scratch\nCMD {cmd}\n"
    service = detect_service(source, config=Config(), dockerfile=parse(text) if cmd else None)
    assert (service.start.args, service.start.own_command, service.serve.port) == (args, own, port)


@pytest.mark.parametrize(
    ("start", "own"),
    [
        ('CMD ["/x"]', ("/x", "--addr=:8080")),
        ('ENTRYPOINT ["/x", "run"]', ("--addr=:8080",)),
        ('ENTRYPOINT ["/x"]\nCMD ["run"]', ("run", "--addr=:8080")),
        ('ENTRYPOINT ["tini", "--"]\nCMD ["/x", "run"]', ("/x", "run", "--addr=:8080")),
    ],
)
def test_a_flag_that_is_passed_follows_what_the_image_starts(start: str, own: tuple[str, ...]) -> None:
    settings = (Setting("addr", "localhost:8080", "flag", "main.go:9"),)
    text = f"FROM golang:1.26 AS b\nRUN go build -o /x .\nFROM scratch\n{start}\n"
    service = detect_service(
        facts(pkg(".", listens="localhost:8080", settings=settings)), config=Config(), dockerfile=parse(text)
    )
    assert service.start.own_command == own


def test_the_default_port_of_a_struct_is_not_that_of_a_scheme_and_plain_http_goes_before_tls() -> None:
    settings = (
        Setting("SSL.Port", "443", "field", "config/config.go:3"),
        Setting("Server.Port", "80", "field", "config/config.go:9"),
    )
    package = pkg("config", name="config", imports=(), settings=settings)
    main = pkg(".", listens="x", imports=("net/http", f"{PATH}/config"))
    assert detect_service(facts(main, package), config=Config()).serve.port == 80


def test_what_is_embedded_by_name() -> None:
    web = replace(pkg("web", name="web", imports=()), embeds=("all:dist", "templates/*.html", "a/VERSION"))
    main = choose_main(facts(pkg(".", imports=(f"{PATH}/web",)), web)).main
    assert main.embeds == ("web/dist", "web/templates", "web/a/VERSION")


@pytest.mark.parametrize(
    ("start", "command", "main"),
    [
        ('CMD ["api"]', None, "cmd/api"),
        ('CMD ["api"]', ["migrate", "up"], "cmd/migrate"),
        ('CMD ["api"]', ["tool"], "tools/tool"),
        ('CMD ["api"]', ["sh", "-c", "migrate up && exec api"], "cmd/api"),
        ('CMD ["api"]', ["sh", "-c", "api check && migrate up"], "cmd/migrate"),
        ("CMD migrate up && api", None, "cmd/api"),
        ('ENTRYPOINT ["/wait.sh", "db:5432", "--"]\nCMD ["sh", "-c", "migrate up; api"]', None, "cmd/api"),
        ('CMD ["api", "migrate"]', None, "cmd/api"),
        (
            'ENTRYPOINT ["/start.sh"]',
            ["other", "migrate"],
            "cmd/api",
        ),  # a word in another program's arguments
    ],
)
def test_what_a_container_starts_last_is_the_service_wherever_it_lies(
    start: str, command: list[str] | None, main: str
) -> None:
    text = f"FROM golang:1.26 AS b\nCOPY . .\nRUN make all\nFROM alpine\nCOPY --from=b /out/ /bin/\n{start}\n"
    there = [pkg("cmd/api", listens=":8080"), pkg("cmd/migrate", imports=()), pkg("tools/tool", imports=())]
    chosen = choose_main(facts(*there), dockerfile=parse(text), compose={"command": command})
    assert chosen.main.package.dir == main
