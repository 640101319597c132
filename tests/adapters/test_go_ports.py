"""Ports of services whose code is spread: constants in another file, fields of one name, names used twice."""

from __future__ import annotations

from pathlib import Path

from devctl.adapters.go_source import read
from devctl.domain.config import Config
from devctl.domain.detect import detect_service
from devctl.domain.project import Service
from tests.helpers import build_tree

MOD = "module example.com/broker\n\ngo 1.26\n"
MAIN = 'package main\n\nimport "example.com/broker/server"\n\nfunc main() { server.Start() }\n'


def _service(root: Path, files: dict[str, str]) -> Service:
    return detect_service(read(build_tree(root, {"go.mod": MOD, "main.go": MAIN, **files})), config=Config())


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
    assert (service.port, service.probe) == (4222, "tcp")
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
    assert _service(tmp_path, {"server/server.go": source}).port == 7070


def test_fields_of_one_name_are_told_apart_by_their_path(tmp_path: Path) -> None:
    source = """package server

import "net/http"

func defaults(opts *Options) {
	opts.Debug.Addr = ":6543"
	opts.Web.Addr = ":7071"
}

func Start(o *Options) { http.ListenAndServe(o.Web.Addr, nil) }
"""
    assert _service(tmp_path, {"server/server.go": source}).port == 7071


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
    assert (service.port, service.origins["port"]) == (9000, "config/config.go:8")


def test_a_chained_default_of_a_flag_is_read(tmp_path: Path) -> None:
    flag = 'var listen = kingpin.Flag("web.listen-address", "where").Default("{}").String()\n'
    source = 'package server\n\nimport (\n\t"net/http"\n\n\t"github.com/alecthomas/kingpin/v2"\n)\n\n' + flag
    source += "\nfunc Start() { http.ListenAndServe(*listen, nil) }\n"
    open_one = _service(tmp_path / "a", {"server/server.go": source.replace("{}", ":9115")})
    assert (open_one.port, open_one.args) == (9115, ())
    closed = _service(tmp_path / "b", {"server/server.go": source.replace("{}", "127.0.0.1:9115")})
    assert (closed.port, closed.args) == (9115, ("--web.listen-address=:9115",))


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
    assert (service.port, service.origins["port"]) == (1338, "config/config.go:7")
