from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from devctl.adapters.go import reader
from devctl.adapters.go.reader import read
from devctl.adapters.system.beneath import Beneath
from devctl.domain.go.facts import GoPackage
from devctl.errors import FilesError
from tests.helpers import build_tree

MOD = "module example.com/shop\n\ngo 1.26\n"


def _main(root: Path, body: str, *, imports: str = '"net/http"', outside: str = "") -> GoPackage:
    source = f"package main\n\nimport (\n\t{imports}\n)\n{outside}\nfunc main() {{\n{body}\n}}\n"
    facts = read(build_tree(root, {"go.mod": MOD, "main.go": source}))
    return facts.modules[0].packages[0]


@pytest.mark.parametrize(
    ("body", "imports", "outside", "value"),
    [
        ('http.ListenAndServe(":8080", nil)', '"net/http"', "", ":8080"),
        ('log.Fatal(http.ListenAndServe("0.0.0.0:9000", mux))', '"net/http"', "", "0.0.0.0:9000"),
        ('s := &http.Server{Addr: ":8081", Handler: m}\ns.ListenAndServe()', '"net/http"', "", ":8081"),
        ("http.ListenAndServe(addr, nil)", '"net/http"', 'const addr = ":7000"', ":7000"),
        (
            "http.ListenAndServe(*addr, nil)",
            '"net/http"; "flag"',
            'var addr = flag.String("addr", ":4000", "x")',
            ":4000",
        ),
        (
            'p := os.Getenv("PORT")\nif p == "" {\np = "3000"\n}\nhttp.ListenAndServe(":"+p, nil)',
            '"os"',
            "",
            ":3000",
        ),
        ('p := cmp.Or(os.Getenv("PORT"), "3001")\nhttp.ListenAndServe(":"+p, nil)', '"os"', "", ":3001"),
        (
            'p := getEnv("PORT", "3002")\nhttp.ListenAndServe(fmt.Sprintf(":%s", p), nil)',
            '"net/http"',
            "",
            ":3002",
        ),
        (
            'http.ListenAndServe(fmt.Sprintf("%s:%d", host, port), nil)',
            '"net/http"',
            "const port = 8088",
            ":8088",
        ),
        ('http.ListenAndServe(net.JoinHostPort("", "8089"), nil)', '"net/http"', "", ":8089"),
        ('l, _ := net.Listen("tcp", ":50051")', '"net"', "", ":50051"),
        ('l, _ := net.Listen("tcp", "127.0.0.1:5000")', '"net"', "", "127.0.0.1:5000"),
        ('r := gin.Default()\nr.Run(":8082")', '"github.com/gin-gonic/gin"', "", ":8082"),
        ("r := gin.New()\nr.Run()", '"github.com/gin-gonic/gin"', "", ":8080"),
        ('e := echo.New()\ne.Logger.Fatal(e.Start(":1323"))', '"github.com/labstack/echo/v4"', "", ":1323"),
        ('app := fiber.New()\napp.Listen(":3003")', '"github.com/gofiber/fiber/v2"', "", ":3003"),
        ('fasthttp.ListenAndServe(":8083", h)', '"github.com/valyala/fasthttp"', "", ":8083"),
        ("http.ListenAndServe(computed(), nil)", '"net/http"', "", ""),
    ],
)
def test_what_a_main_listens_on(tmp_path: Path, body: str, imports: str, outside: str, value: str) -> None:
    package = _main(tmp_path, body, imports=imports, outside=outside)
    assert package.listens[0].value == value
    assert package.listens[0].place.startswith("main.go:")


@pytest.mark.parametrize(
    ("address", "bound"),
    [
        ('"localhost:8080"', ["localhost:8080 main.go:8"]),
        ('"[::1]:8080"', ["[::1]:8080 main.go:8"]),
        ('":8080"', []),
        ('or("localhost:8080")', []),
    ],
)
def test_what_is_bound_to_the_loopback_by_its_call(tmp_path: Path, address: str, bound: list[str]) -> None:
    package = _main(tmp_path, f"http.ListenAndServe({address}, nil)")
    assert [f"{item.value} {item.place}" for item in package.loopback] == bound


@pytest.mark.parametrize(
    ("body", "imports"),
    [
        ('cmd := exec.Command("x")\ncmd.Run()', '"os/exec"'),
        ('rdb := redis.NewClient(&redis.Options{Addr: "localhost:6379"})', '"github.com/redis/go-redis/v9"'),
        ('http.Get("http://localhost:8080/")', '"net/http"'),
        ('net.Dial("tcp", ":8080")', '"net"'),
    ],
)
def test_what_does_not_listen(tmp_path: Path, body: str, imports: str) -> None:
    package = _main(tmp_path, body, imports=imports)
    assert (package.listens, package.settings) == ((), ())


def test_routes_with_methods_groups_and_nesting(tmp_path: Path) -> None:
    package = _main(
        tmp_path,
        'http.HandleFunc("/healthz", h)\n'
        'mux.HandleFunc("GET /ready", h)\n'
        'mux.HandleFunc("POST /orders", h)\n'
        'api := r.Group("/api")\nv1 := api.Group("/v1")\nv1.GET("/ping", h)\n'
        'r.Route("/chi", func(r chi.Router) {\nr.Get("/health", h)\n})\n'
        'sub := m.PathPrefix("/mux").Subrouter()\nsub.HandleFunc("/live", h)\n'
        'client.Get("https://example.com/x")\n',
    )
    assert [r.value for r in package.routes] == [
        "/healthz",
        "/ready",
        "/api/v1/ping",
        "/chi/health",
        "/mux/live",
    ]
    assert package.routes[0].place == "main.go:8"


@pytest.mark.parametrize(
    ("body", "tls"),
    [
        ('http.ListenAndServeTLS(":8443", "c", "k", nil)', "main.go:8"),
        (
            'if tls {\nhttp.ListenAndServeTLS(":8443", "c", "k", nil)\n}\nhttp.ListenAndServe(":8080", nil)',
            None,
        ),
    ],
)
def test_tls_counts_where_nothing_else_is_spoken(tmp_path: Path, body: str, tls: str | None) -> None:
    assert _main(tmp_path, body).tls == tls


def test_environment_settings_and_struct_tags(tmp_path: Path) -> None:
    package = _main(
        tmp_path,
        'dsn := os.Getenv("DATABASE_URL")\nport := envOr("PORT", "8080")\nflag.String("listen", ":9000", "x")\n'
        'flag.String("db-port", "5432", "x")\nviper.SetDefault("server.port", 8085)',
        imports='"os"\n\t"flag"',
        outside='type C struct {\n\tHTTPPort int `env:"HTTP_PORT,required" envDefault:"8081"`\n\tDBPort int `default:"5432"`\n}\n',
    )
    assert [e.value for e in package.env_reads] == ["HTTP_PORT", "DATABASE_URL", "PORT"]
    assert [(s.name, s.value, s.kind) for s in package.settings] == [
        ("HTTP_PORT", "8081", "env"),
        ("PORT", "8080", "env"),
        ("listen", ":9000", "flag"),
        ("server.port", "8085", "key"),
    ]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ('flag.String("addr", "localhost:8085", "x")', "flag"),
        ('flag.StringVar(&addr, "addr", "localhost:8085", "x")', "flag"),
        ('pflag.StringP("addr", "a", "localhost:8085", "x")', "flag"),
        ('cmd.Flags().StringVarP(&addr, "addr", "a", "localhost:8085", "x")', "flag"),
        ('f := &cli.StringFlag{\nName: "addr",\nUsage: "x",\nValue: "localhost:8085",\n}', "flag"),
        ('viper.SetDefault("addr", "localhost:8085")', "key"),
    ],
)
def test_only_a_flag_is_one(tmp_path: Path, body: str, kind: str) -> None:
    """What is opened up by passing `--addr=:8085` must know that flag."""
    package = _main(
        tmp_path, body, imports='"flag"\n\t"github.com/spf13/viper"\n\t"github.com/urfave/cli/v2"'
    )
    assert [(s.name, s.value, s.kind) for s in package.settings] == [("addr", "localhost:8085", kind)]


def test_a_table_of_options(tmp_path: Path) -> None:
    option = 'list: []string{"127.0.0.1:8080"},\nraw: "x",\n'
    table = f'var t = map[string]*o{{\n"LISTEN_ADDR": {{\n{option}}},\n"DB_PORT": {{raw: "5432"}},\n}}'
    package = _main(tmp_path, "", imports='"net/url"', outside=table)
    assert [(s.name, s.value, s.kind) for s in package.settings] == [("LISTEN_ADDR", "127.0.0.1:8080", "env")]


def test_calls_without_arguments_where_some_are_looked_for(tmp_path: Path) -> None:
    _main(
        tmp_path,
        "r.Group().GET(h)\nname := host()\nif name == Name() {\npanic(1)\n}\nos.Getenv()",
        imports='"net/http"',
    )


def test_a_port_of_a_database_is_served_by_who_binds_it(tmp_path: Path) -> None:
    body = 'flag.String("listen-address", "0.0.0.0:2379", "x")\nflag.String("bind", ":6379", "x")'
    package = _main(tmp_path, body, imports='"flag"')
    assert [s.value for s in package.settings] == ["0.0.0.0:2379"]


def test_files_that_are_opened_and_exist(tmp_path: Path) -> None:
    build_tree(tmp_path, {"config/app.yaml": "", "templates/a.html": "", "static/x.css": ""})
    package = _main(
        tmp_path,
        'os.ReadFile("config/app.yaml")\ntemplate.ParseGlob("templates/*.html")\nhttp.FileServer(http.Dir("./static"))\n'
        'os.ReadFile("/etc/hosts")\nos.Open("missing.txt")\nos.ReadFile("../up")',
        imports='"os"\n\t"net/http"\n\t"html/template"',
    )
    assert [o.value for o in package.opens] == ["config/app.yaml", "templates", "static"]


def test_what_a_program_writes_does_not_come_with_it(tmp_path: Path) -> None:
    build_tree(tmp_path, {"data/app.db": "", "app.log": "", "shop.sqlite": "", "kv": "", "read.csv": ""})
    package = _main(
        tmp_path,
        'os.OpenFile("app.log", os.O_APPEND|os.O_WRONLY, 0o644)\nos.OpenFile("data/app.db", syscall.O_CREAT, 0o644)\n'
        'sql.Open("sqlite3", "shop.sqlite")\ngorm.Open(sqlite.Open("shop.sqlite"))\nbolt.Open("kv", 0o600, nil)\n'
        'os.OpenFile("read.csv", os.O_RDONLY, 0)',
        imports='"os"\n\t"database/sql"',
    )
    assert [o.value for o in package.opens] == ["read.csv"]


def test_modules_packages_and_what_is_left_out(tmp_path: Path) -> None:
    build_tree(
        tmp_path,
        {
            "go.work": "go 1.26\nuse ./api\nuse ./lib\n",
            "api/go.mod": "module x/api\n\ngo 1.25\ntoolchain go1.26.1\nrequire a.b/c v1.0.0\nreplace x/lib => ../lib\n",
            "api/go.sum": "",
            "api/cmd/api/main.go": 'package main\n\nimport (\n\t_ "embed"\n\t"x/api/internal/server"\n)\n\n'
            "//go:embed web/*.html a.txt\nvar f string\n\nfunc main() {}\n",
            "api/cmd/api/main_windows.go": "package main\n\nfunc main() {}\n",
            "api/internal/server/server.go": 'package server\nimport "net/http"\n\n\n'
            'func R() { http.ListenAndServe(":8080", nil) }\n',
            "api/internal/server/server_test.go": 'package server\n\nfunc x() { http.ListenAndServe(":1", nil) }\n',
            "api/internal/unused/u.go": 'package unused\nimport "net/http"\nfunc R() { http.ListenAndServe(":2", nil) }\n',
            "api/vendor/modules.txt": "# a.b/c v1.0.0\n",
            "api/vendor/a.b/c/c.go": "package c\n",
            "lib/go.mod": "module x/lib\n",
            "lib/lib.go": 'package lib\n\n/*\n#include <math.h>\n*/\nimport "C"\n',
            "lib/gen.go": "//go:build ignore\n\npackage main\n\nfunc main() {}\n",
            "lib/old.go": '// +build windows,amd64 !linux\n\npackage lib\n\nimport "os"\n',
            "lib/testdata/x.go": "package broken\n",
            ".git/x.go": "package git\n",
            ".devctl/x.go": "package git\n",
            "node_modules/x/x.go": "package node\n",
        },
    )
    facts = read(tmp_path)
    api, lib = facts.modules
    assert facts.work == "go.work"
    assert (api.dir, api.path, api.go, api.toolchain, api.requires) == (
        "api",
        "x/api",
        "1.25",
        "go1.26.1",
        ("a.b/c",),
    )
    assert (api.has_sum, api.go_line) == (True, 3)
    assert [(p.dir, p.name, p.has_main) for p in api.packages] == [
        ("api/cmd/api", "main", True),
        ("api/internal/server", "server", False),
        ("api/internal/unused", "unused", False),
    ]
    assert api.packages[0].embeds == ("web/*.html", "a.txt")
    assert api.packages[1].listens[0].place == "api/internal/server/server.go:5"
    assert len(api.packages[1].listens) == 1
    assert api.packages[2].listens == ()  # no main is built from it
    assert (lib.has_sum, [p.imports for p in lib.packages], lib.packages[0].uses_cgo) == (
        False,
        [("C",)],
        True,
    )


def test_a_broken_go_mod_is_an_error_except_in_samples(tmp_path: Path) -> None:
    build_tree(tmp_path, {"go.mod": MOD, "examples/a/go.mod": "<<<<\n", "svc/go.mod": "module x\nwrong\n"})
    with pytest.raises(FilesError) as caught:
        read(tmp_path)
    assert (caught.value.code, caught.value.problem.place) == ("broken-go-mod", "svc/go.mod:2")
    (tmp_path / "svc" / "go.mod").unlink()
    assert [m.dir for m in read(tmp_path).modules] == ["."]


def test_go_code_without_a_module(tmp_path: Path) -> None:
    facts = read(build_tree(tmp_path, {"cmd/x/main.go": "package main\n\nfunc main() {}\n"}))
    assert (facts.modules, facts.loose_go) == ((), "cmd/x/main.go")
    assert read(tmp_path / "cmd" / "empty").modules == ()


def test_go_code_without_a_module_is_called_what_its_own_imports_call_it(tmp_path: Path) -> None:
    imports = 'import (\n\t"x.org/shop/db"\n\t"x.org/shop/web/api"\n\t"github.com/other/db"\n)\n'
    tree = {
        "main.go": f"package main\n\n{imports}",
        "db/db.go": "package db\n",
        "web/api/a.go": "package api\n",
    }
    facts = read(build_tree(tmp_path, tree))
    assert (facts.loose_go, facts.loose_name) == ("main.go", "x.org/shop")


def test_code_that_does_not_parse_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    package = _main(tmp_path, 'http.ListenAndServe(":8080", nil)\nif {{{')
    assert package.listens[0].value == ":8080"


@pytest.mark.parametrize(("where", "beside"), [("app/config", True), ("config", False)])
def test_a_main_starts_in_its_folder_where_what_a_package_below_it_opens_is_there(
    tmp_path: Path, where: str, *, beside: bool
) -> None:
    load = 'package config\n\nimport "github.com/spf13/viper"\n\nfunc Load() { viper.SetConfigFile("config/app.yml") }\n'
    main = 'package main\n\nimport "example.com/shop/app/config"\n\nfunc main() { config.Load() }\n'
    tree = {"go.mod": MOD, "app/main.go": main, "app/config/load.go": load, f"{where}/app.yml": "port: 80\n"}
    packages = read(build_tree(tmp_path, tree)).modules[0].packages
    assert [p.opens_beside for p in packages] == [beside, False]
    assert {o.value for p in packages for o in p.opens} == {f"{where}/app.yml"}


def test_generated_go_that_is_not_committed_is_named_with_its_source(tmp_path: Path) -> None:
    wire = "//go:build wireinject\n\npackage main\n"
    tree = {
        "go.mod": MOD, "main.go": "package main\n", "wire.go": wire,
        "a/a.go": "package a\n", "a/page.templ": "", "a/done.templ": "", "a/done_templ.go": "package a\n",
        "b/wire.go": "package b\n", "b/b.go": "package b\n",
    }  # fmt: skip
    packages = {p.dir: p.ungenerated for p in read(build_tree(tmp_path, tree)).modules[0].packages}
    assert packages == {
        ".": (("wire.go", "wire_gen.go", "wire ./..."),),
        "a": (("page.templ", "page_templ.go", "templ generate"),),
        "b": (),
    }


def test_a_package_behind_a_link_is_one_under_the_name_of_the_link(tmp_path: Path) -> None:
    main = 'package main\n\nimport "example.com/shop/internal/db"\n\nfunc main() { db.Open() }\n'
    tree = {
        "go.mod": MOD, "cmd/shop/main.go": main, "shared/db/db.go": "package db\n", "shared/db/sql/sql.go": "package sql\n",
        "lib/go.mod": "module example.com/lib\n", "lib/lib.go": "package lib\n", "internal/doc.go": "package internal\n",
    }  # fmt: skip
    build_tree(tmp_path / "p", tree)
    build_tree(tmp_path / "outside", {"out.go": "package out\n"})
    links = {
        "internal/db": "../shared/db", "internal/lib": "../lib", "internal/out": "../../outside", "current": "cmd/shop",
        "shared/db/again": "..", "shared/self": ".", "shared/nothing": "gone",
    }  # fmt: skip
    for name, target in links.items():
        (tmp_path / "p" / name).symlink_to(target)
    modules = {m.dir: {p.dir for p in m.packages} for m in read(tmp_path / "p").modules}
    theirs = {"cmd/shop", "internal", "shared/db", "shared/db/sql", "internal/db", "internal/db/sql"}
    assert modules == {".": theirs, "lib": {"lib"}}


def test_links_to_many_folders_are_read_to_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "_LINKED", 7)
    tree = {f"lib/p{i}/p.go": f"package p{i}\n" for i in range(5)}
    build_tree(tmp_path, {"go.mod": MOD, "main.go": "package main\n\nfunc main() {}\n", **tree})
    for i in range(9):
        (tmp_path / f"link{i}").symlink_to("lib")
    (module,) = read(tmp_path).modules
    dirs = {package.dir for package in module.packages}
    assert {".", *(f"lib/p{i}" for i in range(5))} <= dirs, "what lies under its own name is read whole"
    assert len([d for d in dirs if d.startswith("link")]) in range(1, 8)


def test_a_time_zone_is_asked_for_by_a_line_of_code(tmp_path: Path) -> None:
    body = '// time.LoadLocation("A")\nzone, _ := time.LoadLocation("B")'
    assert _main(tmp_path / "a", body, imports='"time"').loads_zone == "main.go:9"
    assert _main(tmp_path / "b", '// time.LoadLocation("A")', imports='"time"').loads_zone is None


def _not_permitted(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """As another user sees files that belong to somebody else; a test may run as root, who reads everything."""
    as_root = Beneath.read

    def read_as_other(self: Beneath, name: str, **how: int) -> bytes:
        if name in names:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), name)
        return as_root(self, name, **how)

    monkeypatch.setattr(Beneath, "read", read_as_other)


@pytest.mark.parametrize("name", ["cmd/api/main.go", "main.go", "store/store.go"])
def test_a_file_of_a_program_that_may_not_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A second main that can be read is not taken in its place."""
    files = {
        "go.mod": "module example.com/shop\n",
        "main.go": "package main\n\nfunc main() {}\n",
        "cmd/api/main.go": 'package main\n\nimport _ "example.com/shop/store"\n\nfunc main() {}\n',
        "store/store.go": "package store\n",
        "store/other.go": "package store\n",
    }
    build_tree(tmp_path, files)
    _not_permitted(monkeypatch, name)
    with pytest.raises(FilesError) as caught:
        read(tmp_path)
    assert (caught.value.code, caught.value.problem.place) == ("unreadable-file", name)
    assert str(caught.value) == f"{name} cannot be read: Permission denied"


def test_what_no_program_is_built_from_may_be_unreadable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {
        "go.mod": "module example.com/shop\n",
        "main.go": "package main\n\nfunc main() {}\n",
        "unused/a.go": "package unused\n",
        "unused/b.go": "package unused\n",
        "examples/one/main.go": "package main\n\nfunc main() {}\n",
    }
    build_tree(tmp_path, files)
    _not_permitted(monkeypatch, "unused/a.go", "examples/one/main.go")
    assert [p.dir for m in read(tmp_path).modules for p in m.packages if p.has_main] == ["."]
