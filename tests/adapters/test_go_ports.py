"""Ports of services whose code is spread: constants in another file, fields of one name, names used twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from devctl.adapters.go.reader import read
from devctl.adapters.project_files.dockerfile import parse
from devctl.domain.detect.service import detect_service
from devctl.domain.project.config import Config, ServiceConfig
from devctl.domain.project.model import Service
from tests.helpers import build_tree

MOD = "module example.com/broker\n\ngo 1.26\n"
MAIN = 'package main\n\nimport "example.com/broker/server"\n\nfunc main() { server.Start() }\n'


def _service(
    root: Path,
    files: dict[str, str],
    *,
    compose: dict[str, object] | None = None,
    dockerfile: str | None = None,
    config: Config | None = None,
) -> Service:
    return detect_service(
        read(build_tree(root, {"go.mod": MOD, "main.go": MAIN, **files})),
        config=config or Config(),
        compose=compose,
        dockerfile=parse(dockerfile) if dockerfile is not None else None,
    )


def test_a_broker_is_found_by_the_constant_of_another_file(tmp_path: Path) -> None:
    service = _service(
        tmp_path,
        {
            "server/const.go": "package server\n\nconst (\n\tDEFAULT_PORT = 4222\n\tVERSION = 3\n)\n",
            "server/options.go": "package server\n\nfunc defaults(o *Options) {\n\tif o.Port == 0 {\n\t\to.Port = DEFAULT_PORT\n"
            "\t}\n\to.Web.Port = 9443\n}\n",
            "server/server.go": """package server

import (
	"net"
	"net/http"
	"strconv"
)

func origin(port string) {
	hp := "localhost:443"
	_ = http.Header{}
}

func (s *Server) Start() {
	hp := net.JoinHostPort(s.Host, strconv.Itoa(s.Port))
	l, err := net.Listen("tcp", hp)
}
""",
        },
    )
    assert (service.serve.port, service.serve.probe) == (4222, "tcp")
    assert service.origins["port"] == "server/server.go:16"


def test_a_variable_of_another_function_is_not_taken_for_it(tmp_path: Path) -> None:
    source = """package server

import "net/http"

func address() {
	addr := ":9999"
	println(addr)
}

func Start() {
	addr := ":7070"
	http.ListenAndServe(addr, nil)
}
"""
    assert _service(tmp_path, {"server/server.go": source}).serve.port == 7070


def test_fields_of_one_name_are_told_apart_by_their_path(tmp_path: Path) -> None:
    source = """package server

import "net/http"

func defaults(opts *Options) {
	opts.Debug.Addr = ":6543"
	opts.Web.Addr = ":7071"
}

func Start(o *Options) { http.ListenAndServe(o.Web.Addr, nil) }
"""
    assert _service(tmp_path, {"server/server.go": source}).serve.port == 7071


def test_the_struct_of_a_default_tells_whose_address_it_is(tmp_path: Path) -> None:
    config = """package config

type SMTP struct {
	Addr string `default:"0.0.0.0:2500"`
}

type Web struct {
	Addr string `default:"0.0.0.0:9000"`
}
"""
    server = """package server

import (
	"net"
	"net/http"

	"example.com/broker/config"
)

func Start(c config.Root) {
	http.ListenAndServe(c.web(), nil)
	net.Listen("tcp", c.smtp())
}
"""
    service = _service(tmp_path, {"config/config.go": config, "server/server.go": server})
    assert (service.serve.port, service.origins["port"]) == (9000, "config/config.go:8")


def test_a_chained_default_of_a_flag_is_read(tmp_path: Path) -> None:
    flag = 'var listen = kingpin.Flag("web.listen-address", "where").Default("{}").String()\n'
    source = 'package server\n\nimport (\n\t"net/http"\n\n\t"github.com/alecthomas/kingpin/v2"\n)\n\n' + flag
    source += "\nfunc Start() { http.ListenAndServe(*listen, nil) }\n"
    open_one = _service(tmp_path / "a", {"server/server.go": source.replace("{}", ":9115")})
    assert (open_one.serve.port, open_one.start.args) == (9115, ())
    closed = _service(tmp_path / "b", {"server/server.go": source.replace("{}", "127.0.0.1:9115")})
    assert (closed.serve.port, closed.start.args) == (9115, ("--web.listen-address=:9115",))


def test_a_table_of_defaults_names_the_port_by_its_key(tmp_path: Path) -> None:
    config = """package config

const prefix = "server."

var Defaults = map[string]any{
	prefix + "host": "0.0.0.0",
	prefix + "port": "1338",
	"redis.port":    "7000",
}
"""
    server = """package server

import (
	"net/http"

	"example.com/broker/config"
)

func Start() { http.ListenAndServe(config.Get("server.host") + ":" + config.Get("server.port"), nil) }
"""
    service = _service(tmp_path, {"config/config.go": config, "server/server.go": server})
    assert (service.serve.port, service.origins["port"]) == (1338, "config/config.go:7")


ROUTER = {
    "routes/routes.go": 'package routes\n\nimport "github.com/gin-gonic/gin"\n\n'
    'func Setup() *gin.Engine { r := gin.Default(); r.GET("/ping", pong); return r }\n'
}
GIN = f"{MOD}\nrequire github.com/gin-gonic/gin v1.10.0\n"


def _run(root: Path, body: str, more: dict[str, str] | None = None) -> Service:
    """A main that knows the router only from another package."""
    imports = 'import (\n\t"example.com/broker/config"\n\t"example.com/broker/routes"\n)\n'
    source = f"package main\n\n{imports}\nfunc main() {{\n{body}\n}}\n"
    return _service(root, {"go.mod": GIN, "main.go": source, **ROUTER, **(more or {})})


@pytest.mark.parametrize(
    ("body", "port", "env"),
    [
        ('r := routes.Setup()\nr.Run(":9000")', 9000, {}),
        ('routes.Setup().Run(":9000")', 9000, {}),
        ("r := routes.Setup()\nr.Run()", 8080, {}),
        ('r := routes.Setup()\nlog.Fatal(r.Run(":" + os.Getenv("SHOP_PORT")))', 8080, {"SHOP_PORT": "8080"}),
        ('p := os.Getenv("WEB")\nr := routes.Setup()\nr.Run(fmt.Sprintf(":%s", p))', 8080, {"WEB": ":8080"}),
        ("r := routes.Setup()\nr.Run(config.Load().Address)", None, {}),
    ],
)
def test_a_router_of_another_package_is_run(
    tmp_path: Path, body: str, port: int | None, env: dict[str, str]
) -> None:
    service = _run(tmp_path, body)
    assert (service.serve.port, service.start.env) == (port, env)
    assert service.origins["port"].startswith("main.go:")


@pytest.mark.parametrize("body", ["cmd := other()\ncmd.Run()", "job.Start(ctx)", "app.Run(worker)"])
def test_what_else_is_run_does_not_listen(tmp_path: Path, body: str) -> None:
    assert _run(tmp_path, body).serve.port is None


def test_the_port_is_the_default_of_the_package_that_is_asked_for_it(tmp_path: Path) -> None:
    config = 'package config\n\nfunc Load() C { return C{Port: getEnv("SERVER_PORT", "8085")} }\n'
    service = _run(
        tmp_path,
        'c := config.Load()\nr := routes.Setup()\nr.Run(":" + c.Port)',
        {"config/config.go": config},
    )
    assert (service.serve.port, service.origins["port"]) == (8085, "config/config.go:3")


@pytest.mark.parametrize(
    ("name", "told", "path"),
    [
        ("config", "server:\n  port: 9001\ndb:\n  port: 5432\n", "configs/config.yaml"),
        ("config", "[server]\nport = 9001\n", "config.toml"),
        ("app", "SERVER_ADDRESS=0.0.0.0:9001\nDB_SOURCE=x\n", "app.env"),
    ],
)
def test_a_file_that_viper_knows_by_its_name_tells_the_port(
    tmp_path: Path, name: str, told: str, path: str
) -> None:
    config = (
        'package config\n\nimport "github.com/spf13/viper"\n\nfunc Load(dir string) {\n\tviper.AddConfigPath(dir)\n'
        f'\tviper.SetConfigName("{name}")\n\tviper.ReadInConfig()\n}}\n'
    )
    service = _run(
        tmp_path,
        "c := config.Load()\nr := routes.Setup()\nr.Run(c.ServerAddress)",
        {"config/config.go": config, path: told},
    )
    assert (service.serve.port, service.origins["port"].partition(":")[0], service.build.files) == (
        9001,
        path,
        (path,),
    )


@pytest.mark.parametrize(
    ("told", "port"), [("httpport = 8088\nrunmode = dev\n", 8088), ("runmode = dev\n", 8080)]
)
def test_beego_listens_where_its_file_says(tmp_path: Path, told: str, port: int) -> None:
    main = 'package main\n\nimport "github.com/beego/beego/v2/server/web"\n\nfunc main() { web.Run() }\n'
    mod = f"{MOD}\nrequire github.com/beego/beego/v2 v2.3.0\n"
    service = _service(tmp_path, {"go.mod": mod, "main.go": main, "conf/app.conf": told})
    assert (service.serve.port, service.build.files) == (port, ("conf/app.conf",))


@pytest.mark.parametrize("call", ['s := app.New(":3000")\ns.Serve()', 'a := app.App{}\na.Run(":3000")'])
def test_an_address_that_is_given_to_a_function_of_the_project(tmp_path: Path, call: str) -> None:
    main = f'package main\n\nimport "example.com/broker/app"\n\nfunc main() {{\n{call}\n}}\n'
    app = 'package app\n\nimport "net/http"\n\nfunc (a *App) Serve() { http.ListenAndServe(a.addr, nil) }\n'
    service = _service(tmp_path, {"main.go": main, "app/app.go": app})
    assert service.serve.port == 3000 and service.origins["port"].startswith("main.go:")


def test_an_address_that_is_called_is_not_listened_on(tmp_path: Path) -> None:
    main = 'package main\n\nimport "net/http"\n\nfunc main() {\n\tgrpc.NewClient(":3000")\n\thttp.ListenAndServe(a, nil)\n}\n'
    assert _service(tmp_path, {"main.go": main}).serve.port is None


FRAMEWORKS = {
    "go-zero": (
        "github.com/zeromicro/go-zero/rest",
        'var f = flag.String("f", "etc/shop.yaml", "the file")\n\nfunc Start() { rest.MustNewServer(c.RestConf).Start() }\n',
        {"etc/shop.yaml": "Name: shop\nRedis:\n  Port: 7001\nHost: 0.0.0.0\nPort: 8888\n"},
        (8888, "etc/shop.yaml:5", ("etc/shop.yaml",)),
    ),
    "go-zero's grpc": (
        "github.com/zeromicro/go-zero/zrpc",
        'var f = flag.String("f", "etc/shop.yaml", "")\n\nfunc Start() { zrpc.MustNewServer(c.Conf, f).Start() }\n',
        {"etc/shop.yaml": "ListenOn: 0.0.0.0:8085\nEtcd:\n  Hosts:\n  - 127.0.0.1:2379\n"},
        (8085, "etc/shop.yaml:1", ("etc/shop.yaml",)),
    ),
    "go-micro": (
        "go-micro.dev/v4/server",
        'func Start() { server.NewServer(server.Address(":8081")) }\n',
        {},
        (8081, "server/server.go:8", ()),
    ),
    "hertz": (
        "github.com/cloudwego/hertz/pkg/app/server",
        'func Start() { server.Default(server.WithHostPorts(":8889")).Spin() }\n',
        {},
        (8889, "server/server.go:8", ()),
    ),
    "kitex": (
        "github.com/cloudwego/kitex/server",
        'func Start() {\n\ta, _ := net.ResolveTCPAddr("tcp", ":8887")\n\tapi.NewServer(server.WithServiceAddr(a)).Run()\n}\n',
        {},
        (8887, "server/server.go:9", ()),
    ),
    "goframe": (
        "github.com/gogf/gf/v2/frame/g",
        "func Start() {\n\ts := g.Server()\n\ts.Run()\n}\n",
        {
            "go.mod": f"{MOD}\nrequire github.com/gogf/gf/v2 v2.7.0\n",
            "manifest/config/config.yaml": 'server:\n  address: ":8001"\n',
        },
        (8001, "manifest/config/config.yaml:2", ("manifest/config/config.yaml",)),
    ),
    "koanf": (
        "github.com/knadh/koanf/providers/file",
        'func Start() {\n\tko.Load(file.Provider("config.toml"), p)\n\thttp.ListenAndServe(ko.String("app.address"), nil)\n}\n',
        {"config.toml": '[db]\nport = 7001\n[app]\naddress = "0.0.0.0:1323"\n'},
        (1323, "config.toml:4", ("config.toml",)),
    ),
}


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_a_framework_that_makes_its_server_of_a_file_or_an_option(tmp_path: Path, name: str) -> None:
    path, body, more, told = FRAMEWORKS[name]
    source = f'package server\n\nimport (\n\t"flag"\n\t"net/http"\n\t"{path}"\n)\n{body}'
    service = _service(tmp_path, {"server/server.go": source, **more})
    assert (service.serve.port, service.origins["port"], service.build.files) == told


def test_a_folder_of_configuration_above_the_main_is_where_it_is_started_for(tmp_path: Path) -> None:
    main = """package main

import (
	"flag"

	"example.com/broker/server"
)

var conf string

func init() { flag.StringVar(&conf, "conf", "../../configs", "where") }

func main() { server.Start(conf) }
"""
    server = """package server

import "github.com/go-kratos/kratos/v2/transport/http"

func Start(c *Server) { http.NewServer(http.Address(c.Http.Addr)) }
"""
    told = "server:\n  grpc:\n    addr: 0.0.0.0:9000\n  http:\n    addr: 0.0.0.0:8000\n"
    files = {"cmd/shop/main.go": main, "server/server.go": server, "configs/config.yaml": told}
    service = detect_service(read(build_tree(tmp_path, {"go.mod": MOD, **files})), config=Config())
    assert (service.serve.port, service.origins["port"], service.serve.probe) == (
        8000,
        "configs/config.yaml:5",
        "/",
    )
    assert (service.start.workdir, service.build.files) == ("cmd/shop", ("configs",))


@pytest.mark.parametrize(
    ("body", "port", "probe"),
    [
        ("go http.ListenAndServe(adminAddr, nil)\nhttp.ListenAndServe(publicAddr, nil)", 4444, "/"),
        ('admin := &http.Server{Addr: ":9000"}\nsrv := &http.Server{Addr: ":8000"}', 8000, "/"),
        ('d := fs.String("debug.addr", ":8090", "")\nhttp.ListenAndServe(*d, nil)\nhttp.ListenAndServe(":8091", nil)', 8091, "/"),
        ('lis, _ := net.Listen("tcp", ":8080")\ngrpc.NewServer().Serve(lis)\ns := http.Server{Addr: ":8092"}', 8092, "/"),
        ('lis, _ := net.Listen("tcp", ":50051")\ngo http.ListenAndServe(":9090", promhttp.Handler())', 50051, "tcp"),
        ('grpcL, _ := net.Listen("tcp", ":8082")\nhttpL, _ := net.Listen("tcp", ":8081")', 8081, "tcp"),
    ],
)  # fmt: skip
def test_of_several_ports_the_one_that_people_ask_is_taken(
    tmp_path: Path, body: str, port: int, probe: str
) -> None:
    more = '\n\t"google.golang.org/grpc"' if "Listen(" in body else ""
    imports = f'import (\n\t"flag"\n\t"net"\n\t"net/http"\n{more}\n)\n'
    config = 'package server\n\nconst (\n\tadminAddr  = ":4445"\n\tpublicAddr = ":4444"\n)\n'
    source = f"package server\n\n{imports}\nfunc Start() {{\n{body}\n}}\n"
    service = _service(tmp_path, {"server/server.go": source, "server/config.go": config})
    assert (service.serve.port, service.serve.probe) == (port, probe)


def test_fields_of_one_name_are_told_apart_by_the_struct_around_them(tmp_path: Path) -> None:
    source = """package server

import "net/http"

type Config struct {
	Worker struct {
		Port string `default:"9000"`
	}
	Server ServerConfig
}

type ServerConfig struct {
	Port string `default:"8085"`
}

func Start(c Config) { http.ListenAndServe(":"+c.Server.Port, nil) }
"""
    assert _service(tmp_path, {"server/server.go": source}).serve.port == 8085


def test_a_service_that_is_talked_to_is_not_taken_for_the_one_that_listens(tmp_path: Path) -> None:
    source = """package server

import (
	"net"

	"google.golang.org/grpc"
)

type Config struct {
	GRPCPort string `env:"GRPC_PORT" envDefault:"50052"`
	UserAddr string `env:"USER_ADDR" envDefault:"localhost:50051"`
}

func Start(c Config) {
	lis, _ := net.Listen("tcp", ":"+c.GRPCPort)
	grpc.NewServer().Serve(lis)
}
"""
    service = _service(tmp_path, {"server/server.go": source})
    assert (service.serve.port, service.start.env) == (50052, {})


FLAGGED = 'package server\n\nimport (\n\t"flag"\n\t"net/http"\n)\n\nvar a = flag.String("listen", "127.0.0.1:8080", "")\n'


@pytest.mark.parametrize(
    ("cmd", "port", "added"),
    [
        ('"-listen=0.0.0.0:9999"', 9999, ()),
        ('"-listen", ":9999"', 9999, ()),
        ('"-listen", "localhost:8080"', 8080, ("--listen=:8080",)),
        ('"--metrics.addr=:9105"', 8080, ("--listen=:8080",)),
        ('"--db-port", "7001"', 8080, ("--listen=:8080",)),
    ],
)
def test_the_flags_that_a_program_is_started_with_say_its_port(
    tmp_path: Path, cmd: str, port: int, added: tuple[str, ...]
) -> None:
    source = f"{FLAGGED}\nfunc Start() {{ http.ListenAndServe(*a, nil) }}\n"
    files = {"go.mod": MOD, "main.go": MAIN, "server/server.go": source}
    dockerfile = parse(f'FROM golang:1.26\nRUN go build -o /app .\nENTRYPOINT ["/app", {cmd}]\n')
    service = detect_service(read(build_tree(tmp_path, files)), config=Config(), dockerfile=dockerfile)
    given = tuple(word.strip('"') for word in cmd.split(", "))
    assert (service.serve.port, service.start.args) == (port, given + added)


def test_the_default_of_a_flag_that_is_made_of_a_constant(tmp_path: Path) -> None:
    source = """package server

import (
	"net/http"

	"github.com/urfave/cli/v2"
)

const defaultPort = "9000"

var flags = []cli.Flag{
	&cli.StringFlag{Name: "address", Value: ":" + defaultPort},
	&cli.StringFlag{Name: "console-address", Value: ":9001"},
}

func Start(c *cli.Context) {
	go http.ListenAndServe(c.String("console-address"), nil)
	http.ListenAndServe(c.String("address"), nil)
}
"""
    assert _service(tmp_path, {"server/server.go": source}).serve.port == 9000


def test_a_helper_that_is_asked_for_a_port_where_it_is_listened_on_reads_a_variable(tmp_path: Path) -> None:
    service = _run(tmp_path, 'r := routes.Setup()\nr.Run(":" + config.Get("PORT"))')
    assert (service.serve.port, service.start.env) == (8080, {"PORT": "8080"})


@pytest.mark.parametrize(
    ("module", "load", "path", "told"),
    [
        ("gopkg.in/ini.v1", 'ini.Load("conf/app.ini")', "conf/app.ini", "[server]\nHttpPort = 9001\n"),
        ("x/cleanenv", 'cleanenv.ReadConfig("config.yml", &c)', "config.yml", "http:\n  port: 9001\n"),
    ],
)
def test_a_file_that_is_loaded_tells_the_port(
    tmp_path: Path, module: str, load: str, path: str, told: str
) -> None:
    config = f'package config\n\nimport "{module}"\n\nfunc Load() {{ {load} }}\n'
    service = _run(
        tmp_path,
        'config.Load()\nr := routes.Setup()\nr.Run(fmt.Sprintf(":%d", c.HttpPort))',
        {"config/c.go": config, path: told},
    )
    assert (service.serve.port, service.build.files) == (9001, (path,))


@pytest.mark.parametrize(("net", "port"), [("udp", None), ("tcp", 5353)])
def test_a_server_that_speaks_udp_has_no_port_to_connect_to(
    tmp_path: Path, net: str, port: int | None
) -> None:
    main = (
        'package main\n\nimport "github.com/miekg/dns"\n\nfunc main() {\n'
        f'\ts := &dns.Server{{Addr: ":5353", Net: "{net}"}}\n\ts.ListenAndServe()\n}}\n'
    )
    assert _service(tmp_path, {"main.go": main}).serve.port == port


CALLS = f"x = f({'x, ' * 400})\n" * 60
WORDS = "port" * 30_000


@pytest.mark.parametrize(
    "main",
    [
        f'import "net/http"\n\nfunc main() {{\n{CALLS}http.ListenAndServe(x, nil)\n',
        f'import "net/http"\n\nfunc main() {{\nvar _ = map[string]string{{"{WORDS}!": "x"}}\n',
        f'import "flag"\n\nfunc main() {{\nvar _ = `"{WORDS}\n`\n',
    ],
    ids=["calls of calls", "a key", "a word of a flag"],
)
def test_source_that_is_made_for_it_does_not_keep_the_reader_busy(tmp_path: Path, main: str) -> None:
    source = f'package main\n\n{main}http.ListenAndServe(":7070", nil)\n}}\n'
    assert _service(tmp_path, {"main.go": source}).serve.port == 7070


def test_an_address_is_followed_through_variables_that_many_expressions_name(tmp_path: Path) -> None:
    assigned = "".join(f"\tx = pick(x, y, {n})\n\ty = pick(y, x, {n})\n" for n in range(8))
    source = f'package main\n\nimport "net/http"\n\nfunc main() {{\n{assigned}\tx = env("PORT_X", ":7070")\n'
    source += "\thttp.ListenAndServe(x, nil)\n}\n"
    assert _service(tmp_path, {"main.go": source}).serve.port == 7070


def _main(*lines: str, imports: tuple[str, ...] = ("net/http",)) -> dict[str, str]:
    named = "".join(f'import "{path}"\n' for path in imports)
    body = "".join(f"\t{line}\n" for line in lines)
    return {"main.go": f"package main\n\n{named}\nfunc main() {{\n{body}}}\n"}


HOST_AND_PORT = [
    ('http.ListenAndServe(os.Getenv("HOST")+":"+os.Getenv("PORT"), nil)',),
    ('http.ListenAndServe(net.JoinHostPort(os.Getenv("HOST"), os.Getenv("PORT")), nil)',),
    ('http.ListenAndServe(fmt.Sprintf("%s:%s", os.Getenv("HOST"), os.Getenv("PORT")), nil)',),
    ('host, port := os.Getenv("HOST"), os.Getenv("PORT")', 'http.ListenAndServe(host+":"+port, nil)'),
    ('host := os.Getenv("HOST")', 'port := os.Getenv("PORT")', 'http.ListenAndServe(host+":"+port, nil)'),
]


@pytest.mark.parametrize("lines", HOST_AND_PORT)
def test_the_port_is_in_the_variable_whose_name_says_so_and_what_is_set_stays(
    tmp_path: Path, lines: tuple[str, ...]
) -> None:
    said = {"environment": {"HOST": "0.0.0.0", "PORT": "9000"}}
    service = _service(tmp_path / "compose", _main(*lines), compose=said)
    assert (service.serve.port, service.start.env) == (9000, {})
    service = _service(
        tmp_path / "image", _main(*lines), dockerfile="FROM alpine\nENV HOST=0.0.0.0 PORT=9000\nCMD /app\n"
    )
    assert (service.serve.port, service.start.env) == (9000, {})
    assert service.start.image_env == {"HOST": "0.0.0.0", "PORT": "9000"}
    service = _service(tmp_path / "nothing", _main(*lines))
    assert (service.serve.port, service.start.env) == (8080, {"PORT": "8080"})


def test_a_variable_that_holds_a_port_is_the_one_whatever_it_is_called(tmp_path: Path) -> None:
    main = _main('http.ListenAndServe(os.Getenv("SERVER_HOST")+":"+os.Getenv("WEB"), nil)')
    said = {"environment": {"SERVER_HOST": "127.0.0.1", "WEB": "9000"}}
    service = _service(tmp_path, main, compose=said)
    assert (service.serve.port, service.start.env) == (9000, {})


def test_what_the_program_reads_from_its_own_env_file_stays(tmp_path: Path) -> None:
    main = _main(*HOST_AND_PORT[0], imports=("net/http", "github.com/joho/godotenv"))
    files = {**main, ".env": "HOST=0.0.0.0\nPORT=9000\n"}
    service = _service(tmp_path / "own", files, compose={})
    assert (service.serve.port, service.origins["port"]) == (9000, ".env")
    assert service.start.env == {"PORT": "9000"}
    service = _service(tmp_path / "compose", files, compose={"environment": {"PORT": "9001"}})
    assert (service.serve.port, service.start.env) == (9001, {})


def test_what_the_handler_reads_is_not_the_port(tmp_path: Path) -> None:
    handler = 'reports(os.Getenv("BASE_PATH"), os.Getenv("REPORT_DIR"))'
    said = {"environment": {"BASE_PATH": "/api", "REPORT_DIR": "/reports"}}
    main = _main(f'http.ListenAndServe(os.Getenv("LISTEN"), {handler})')
    assert _service(tmp_path / "unset", main, compose=said).start.env == {"LISTEN": ":8080"}
    said["environment"]["LISTEN"] = "tcp://0.0.0.0:9000"
    service = _service(tmp_path / "set", main, compose=said)
    assert (service.serve.port, service.start.env) == (9000, {})


def test_a_host_alone_gets_no_port(tmp_path: Path) -> None:
    main = _main('http.ListenAndServe(net.JoinHostPort(os.Getenv("HOST"), cfg.Number), nil)')
    assert _service(tmp_path, main).start.env == {}


def test_devctl_yaml_sets_what_the_compose_file_sets_too(tmp_path: Path) -> None:
    said = Config(services={"app": ServiceConfig(env={"HOST": "::1", "PORT": "7000"})})
    main = _main(*HOST_AND_PORT[0])
    service = _service(tmp_path, main, compose={"environment": {"PORT": "9000"}}, config=said)
    assert service.start.env == {"HOST": "::1", "PORT": "7000"}


@pytest.mark.parametrize(
    ("lines", "environment"),
    [
        (
            ('l, _ := net.Listen("unix", os.Getenv("SOCKET"))', "http.Serve(l, nil)"),
            {"SOCKET": "/run/a.sock"},
        ),
        (('l, _ := net.Listen("unix", os.Getenv("LISTEN_ADDR"))', "http.Serve(l, nil)"), {}),
        (
            ('network := "unix"', 'l, _ := lc.Listen(ctx, network, os.Getenv("ADDR"))', "http.Serve(l, nil)"),
            {},
        ),
        (
            (
                'l, _ := net.Listen(os.Getenv("LISTEN_NETWORK"), os.Getenv("LISTEN_ADDR"))',
                "http.Serve(l, nil)",
            ),
            {"LISTEN_NETWORK": "unix", "LISTEN_ADDR": "a.sock"},
        ),
        (('http.ListenAndServe(os.Getenv("LISTEN_ADDR"), nil)',), {"LISTEN_ADDR": "unix:///run/a.sock"}),
        (('http.ListenAndServe(getenv("LISTEN_ADDR", ":8080"), nil)',), {"LISTEN_ADDR": "/run/a.sock"}),
    ],
)
def test_a_socket_is_no_port(tmp_path: Path, lines: tuple[str, ...], environment: dict[str, str]) -> None:
    service = _service(tmp_path, _main(*lines), compose={"environment": environment})
    assert (service.serve.port, service.start.env) == (None, {})


GRPC = ('lis, _ := net.Listen("tcp", ":50051")', "go grpc.NewServer().Serve(lis)")


@pytest.mark.parametrize(
    ("lines", "imports", "port"),
    [
        ((*GRPC, 'http.ListenAndServe(":8080", nil)'), ("net/http", "google.golang.org/grpc"), 8080),
        (
            ('lis, _ := net.Listen("tcp", ":50051")', "_ = lis", 'http.ListenAndServe(":8080", nil)'),
            ("net/http",),
            8080,
        ),
        (
            ('go http.ListenAndServe(":9090", metrics)', 'http.ListenAndServe(":8080", nil)'),
            ("net/http",),
            8080,
        ),
        (
            (
                'lis, _ := net.Listen("tcp", ":"+os.Getenv("GRPC_PORT"))',
                'http.ListenAndServe(":"+os.Getenv("HTTP_PORT"), nil)',
            ),
            ("net/http",),
            8080,
        ),
        # of equals, the compose file's first
        (
            ('go http.ListenAndServe(":8080", nil)', 'http.ListenAndServe(":50051", nil)'),
            ("net/http",),
            50051,
        ),
        (
            (
                'lis, _ := net.Listen("tcp", ":50051")',
                "go http.Serve(lis, nil)",
                'http.ListenAndServe(":8080", nil)',
            ),
            ("net/http",),
            50051,
        ),
    ],
)
def test_of_several_published_ports_http_comes_first(
    tmp_path: Path, lines: tuple[str, ...], imports: tuple[str, ...], port: int
) -> None:
    said: dict[str, object] = {
        "ports": [{"target": 9090}, {"target": 50051}, {"target": 8080}],
        "environment": {"GRPC_PORT": "50051", "HTTP_PORT": "8080"},
    }
    service = _service(tmp_path, _main(*lines, imports=imports), compose=said)
    assert (service.serve.port, service.origins["port"]) == (port, "compose.yaml")
