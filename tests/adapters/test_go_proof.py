"""`listens on localhost` is said of what reaches the listen call for certain, and of nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from devctl.adapters.go.reader import read
from tests.helpers import build_tree

PROVEN = {
    "literal": 'func main() { http.ListenAndServe("localhost:8080", nil) }',
    "constant": 'const addr = "127.0.0.1:8080"\nfunc main() { http.ListenAndServe(addr, nil) }',
    "of several": 'var (\n\thost = "localhost"\n\tport = "8080"\n)\nfunc main() { http.ListenAndServe(host+":"+port, nil) }',
    "local": 'func main() {\n\ta := "localhost:8080"\n\thttp.ListenAndServe(a, nil)\n}',
    "both of two": 'func main() {\n\ta := "localhost:8080"\n\tif x() {\n\t\ta = "127.0.0.1:8080"\n\t}\n'
    "\thttp.ListenAndServe(a, nil)\n}",
    "printed": 'func main() { http.ListenAndServe(fmt.Sprintf("%s:%d", "localhost", 8080), nil) }',
    "joined": 'func main() { http.ListenAndServe(net.JoinHostPort("127.0.0.1", "8080"), nil) }',
    "server": 'func main() {\n\ts := &http.Server{Addr: "localhost:8080"}\n\ts.ListenAndServe()\n}',
    "argument": 'func run(addr string) { http.ListenAndServe(addr, nil) }\nfunc main() { run("localhost:8080") }',
    "field": 'func main() {\n\tc := Config{Addr: "localhost:8080"}\n\thttp.ListenAndServe(c.Addr, nil)\n}',
    "listener": 'func main() {\n\tl, _ := net.Listen("tcp", "127.0.0.1:8080")\n\thttp.Serve(l, nil)\n}',
}
NOT_PROVEN = {
    "field of a helper": 'type fake struct{ addr string }\nfunc helper() *fake { return &fake{addr: "127.0.0.1:8080"} }\n'
    "func (s *server) run() { http.ListenAndServe(s.addr, nil) }\nfunc main() {}",
    "variable of another function": 'func client() {\n\taddr := "localhost:8080"\n\tdial(addr)\n}\n'
    "func run(addr string) { http.ListenAndServe(addr, nil) }\nfunc main() { run(read()) }",
    "one of two": 'func main() {\n\ta := "localhost:8080"\n\tif x() {\n\t\ta = ":8080"\n\t}\n\thttp.ListenAndServe(a, nil)\n}',
    "environment": 'func main() {\n\ta := "localhost:8080"\n\tif v := os.Getenv("ADDR"); v != "" {\n\t\ta = v\n\t}\n'
    "\thttp.ListenAndServe(a, nil)\n}",
    "pointer": 'func main() {\n\ta := "localhost:8080"\n\tread(&a)\n\thttp.ListenAndServe(a, nil)\n}',
    "set later": 'func main() {\n\tc := Config{Addr: "localhost:8080"}\n\tc.Addr = read()\n\thttp.ListenAndServe(c.Addr, nil)\n}',
    "flag": 'var addr = flag.String("addr", "localhost:8080", "")\nfunc main() { http.ListenAndServe(*addr, nil) }',
    "exported": 'func Run(addr string) { http.ListenAndServe(addr, nil) }\nfunc main() { Run("localhost:8080") }',
    "handed on": "func run(addr string) { http.ListenAndServe(addr, nil) }\n"
    'func main() {\n\trun("localhost:8080")\n\tuse(run)\n}',
    "everywhere": 'func main() { http.ListenAndServe(":8080", nil) }',
}


def _loopback(tmp_path: Path, body: str) -> list[tuple[str, str]]:
    code = f'package main\n\nimport (\n\t"flag"\n\t"fmt"\n\t"net"\n\t"net/http"\n\t"os"\n)\n\n{body}\n'
    tree = build_tree(tmp_path, {"go.mod": "module x\n\ngo 1.26\n", "main.go": code})
    (package,) = read(tree).modules[0].packages
    assert package.listens
    return [(item.value, item.place) for item in package.loopback]


@pytest.mark.parametrize("body", PROVEN.values(), ids=PROVEN)
def test_what_is_bound_to_the_loopback(tmp_path: Path, body: str) -> None:
    found = _loopback(tmp_path, body)
    assert found and {value for value, _ in found} <= {"localhost:8080", "127.0.0.1:8080"}
    assert all(place.startswith("main.go:") for _, place in found)


@pytest.mark.parametrize("body", NOT_PROVEN.values(), ids=NOT_PROVEN)
def test_what_may_be_something_else(tmp_path: Path, body: str) -> None:
    assert _loopback(tmp_path, body) == []
