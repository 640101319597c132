"""Repositories without Docker files: what the code alone makes of them."""

from __future__ import annotations

from tests.engine.shapes import MOD, Shape, server, yaml

TCP = """package main

import "net"

func main() {
	l, err := net.Listen("tcp", ":7000")
	if err != nil {
		panic(err)
	}
	for {
		c, err := l.Accept()
		if err != nil {
			panic(err)
		}
		c.Write([]byte("hello\\n"))
		c.Close()
	}
}
"""
_WORKER = """package main

import "time"

func main() {
	for {
		println("hello")
		time.Sleep(100 * time.Millisecond)
	}
}
"""
_TLS = """package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"math/big"
	"net/http"
	"time"
)

func main() {
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	t := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	cert, _ := x509.CreateCertificate(rand.Reader, t, t, &key.PublicKey, key)
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "hello") })
	pair := tls.Certificate{Certificate: [][]byte{cert}, PrivateKey: key}
	s := &http.Server{Addr: ":8443", TLSConfig: &tls.Config{Certificates: []tls.Certificate{pair}}}
	panic(s.ListenAndServeTLS("", ""))
}
"""
_PREFORK = """package main

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
)

func main() {
	if len(os.Args) == 1 {
		child := exec.Command(os.Args[0], "child")
		child.Stderr = os.Stderr
		panic(child.Run())
	}
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "hello") })
	panic(http.ListenAndServe(":8080", nil))
}
"""
_READ = """
func read() string {
	b, err := os.ReadFile("config.json")
	if err != nil {
		panic(err)
	}
	return string(b)
}
"""


def plain(main: str, **more: str) -> dict[str, str]:
    return {"go.mod": MOD, "main.go": main, "devctl.yaml": yaml("shop"), **more}


CODE: dict[str, Shape] = {
    "tcp": Shape(plain(TCP), speaks="tcp"),
    "worker": Shape({"go.mod": MOD, "main.go": _WORKER}, speaks="log"),
    "https": Shape(plain(_TLS), speaks="https"),
    "prefork": Shape(plain(_PREFORK)),
    "answers-only-404": Shape(
        plain(server().replace("fmt.Fprint(w, ", 'http.Error(w, "hello", 404); _ = fmt.Sprint('))
    ),
    "embedded": Shape(
        {
            **plain(
                server("first()", imports='\t"embed"\n')
                + "\n//go:embed pages\nvar pages embed.FS\n\nfunc first() string {\n"
                '\tb, _ := pages.ReadFile("pages/first.txt")\n\treturn string(b)\n}\n'
            ),
            "pages/first.txt": "hello",
            ".dockerignore": "**/pages\n",
        }
    ),
    "toolchain-line": Shape(
        plain(server())
        | {
            "go.mod": "module example.com/shop\n\ngo 1.24.0\n\ntoolchain go1.99.1\n",
            "devctl.yaml": yaml("shop", 'go: "1.26"\n'),
        }
    ),
    "no-go-line": Shape(plain(server()) | {"go.mod": "module example.com/shop\n"}),
    "go-1.16-line": Shape(
        plain(
            server("read()", imports='\t"io/ioutil"\n')
            + '\nfunc read() string {\n\tb, _ := ioutil.ReadFile("page.txt")\n\treturn string(b)\n}\n'
        )
        | {
            "go.mod": "module example.com/shop\n\ngo 1.16\n",
            "page.txt": "hello",
            "devctl.yaml": yaml("shop", 'go: "1.26"\n'),
        }
    ),
    "tools-go": Shape(
        plain(server())
        | {"tools.go": '//go:build tools\n\npackage main\n\nimport _ "golang.org/x/tools/cmd/stringer"\n'}
    ),
    "capitals-dots-spaces": Shape(plain(server()) | {"devctl.yaml": yaml("shop")}, folder="My Shop.V2 "),
    "binaries-in-tmp": Shape(
        plain(server()) | {"tmp/main": "\x7fELF", "tmp/build-errors.log": "exit status 1"}
    ),
    "static-files": Shape(
        plain(
            'package main\n\nimport "net/http"\n\nfunc main() {\n'
            '\thttp.Handle("/", http.FileServer(http.Dir("static")))\n\tpanic(http.ListenAndServe(":8080", nil))\n}\n'
        )
        | {"static/index.html": "hello"}
    ),
    "flag-bound-to-localhost": Shape(
        plain(
            server(address="*addr", imports='\t"flag"\n').replace(
                "func main() {\n",
                'var addr = flag.String("addr", "localhost:8080", "where")\n\nfunc main() {\n\tflag.Parse()\n',
            )
        )
    ),
    "variable-bound-to-localhost": Shape(
        plain(
            server(address="addr()", imports='\t"os"\n')
            + '\nfunc addr() string { return getenv("ADDR", "127.0.0.1:8080") }\n\nfunc getenv(k, d string) string {\n'
            '\tif v := os.Getenv(k); v != "" {\n\t\treturn v\n\t}\n\treturn d\n}\n'
        )
    ),
    "address-in-config-file": Shape(
        plain(
            server(address="addr()", imports='\t"os"\n\t"encoding/json"\n')
            + "\ntype config struct{ Addr string }\n"
            + '\nfunc addr() string {\n\tvar c config\n\tb, _ := os.ReadFile("config.json")\n'
            "\tif err := json.Unmarshal(b, &c); err != nil {\n\t\tpanic(err)\n\t}\n\treturn c.Addr\n}\n"
        )
        | {"config.json": '{\n  "addr": ":7171"\n}\n'}
    ),
    "data-of-a-database-inside": Shape(
        plain(server()) | {"pgdata/base/1": "x", "pgdata/PG_VERSION": "15"}, closed=("pgdata",)
    ),
    "generated-code-is-missing": Shape(
        plain(server("gen.Hello()", imports='\t"example.com/shop/gen"\n'))
        | {"gen.go": "package main\n\n//go:generate go run ./tools/gen\n"},
        refused=(1, "", "go generate"),
    ),
    "frontend-is-not-built": Shape(
        plain(
            server('"hello " + index', imports='\t_ "embed"\n')
            + "\n//go:embed web/dist/index.html\nvar index string\n"
        )
        | {"web/package.json": '{"scripts": {"build": "vite build"}}', ".gitignore": "dist\n"},
        refused=(1, "embed-matches-nothing", "cd web && npm install && npm run build"),
    ),
    "bound-to-localhost": Shape(
        plain(server(address='"127.0.0.1:8080"')), refused=(1, "localhost-only", 'listen on ":8080"')
    ),
    "variable-that-nothing-sets": Shape(
        plain(
            server(imports='\t"os"\n').replace(
                "func main() {\n",
                'func main() {\n\tif os.Getenv("DATABASE_URL") == "" {\n\t\tpanic("DATABASE_URL is not set")\n\t}\n',
            )
        ),
        refused=(1, "variable-missing", "env: {DATABASE_URL: …}"),
    ),
    "variable-in-env-file": Shape(
        plain(server(address='":" + os.Getenv("PORT")', imports='\t"os"\n')) | {".env": "PORT=7300\n"}
    ),
    "no-go-mod": Shape({"main.go": server()}, refused=(3, "no-go-module", "go mod init")),
    "private-module": Shape(
        plain(server(imports='\t_ "git.example.invalid/team/private"\n'))
        | {"go.mod": f"{MOD}\nrequire git.example.invalid/team/private v1.0.0\n"},
        refused=(1, "", "GOPRIVATE"),
    ),
    "config-beside-each-main": Shape(
        {
            "go.mod": MOD,
            "cmd/api/main.go": server("read()", imports='\t"os"\n') + _READ,
            "cmd/api/config.json": "hello",
            "cmd/job/main.go": 'package main\n\nimport "os"\n\nfunc main() { os.ReadFile("config.json") }\n',
            "cmd/job/config.json": "{}",
            "devctl.yaml": yaml("api"),
        },
    ),
    "help-without-sub-command": Shape(
        plain(
            server()
            .replace("import (\n", 'import (\n\t"os"\n')
            .replace(
                "func main() {\n",
                'func main() {\n\tif len(os.Args) < 2 || os.Args[1] != "serve" {\n'
                '\t\tfmt.Println("Usage: shop [command]\\n\\n  serve  start")\n\t\treturn\n\t}\n',
            )
        ),
        refused=(1, "exits-at-start", "args"),
    ),
}
