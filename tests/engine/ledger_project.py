"""A service that writes one row per request into PostgreSQL, and a client that remembers which ones were acknowledged."""

from __future__ import annotations

import contextlib
import http.client
import threading
from collections.abc import Iterator

from msgspec import Struct, field

from tests.engine.postgres import IMAGE

MAIN = """\
package main

import (
	"database/sql"
	"fmt"
	"log"
	"net/http"
	"os"
	"time"

	_ "github.com/lib/pq"
)

func main() {
	db, err := sql.Open("postgres", os.Getenv("DATABASE_URL"))
	if err != nil {
		log.Fatal(err)
	}
	for i := 0; ; i++ {
		if _, err = db.Exec("create table if not exists rows (n bigint primary key, uid int not null)"); err == nil {
			break
		}
		if i == 300 {
			log.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond)
	}
	http.HandleFunc("POST /rows/{n}", func(w http.ResponseWriter, r *http.Request) {
		if _, err := db.Exec("insert into rows values ($1, $2)", r.PathValue("n"), os.Getuid()); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		fmt.Fprint(w, "kept ", r.PathValue("n"))
	})
	http.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "a ledger") })
	log.Fatal(http.ListenAndServe(":8080", nil))
}
"""
LEDGER = {
    "go.mod": "module example.com/ledger\n\ngo 1.26\n\nrequire github.com/lib/pq v1.10.9\n",
    "go.sum": (
        "github.com/lib/pq v1.10.9 h1:YXG7RB+JIjhP29X+OtkiDnYaXQwpS4JEWq7dtCCRUEw=\n"
        "github.com/lib/pq v1.10.9/go.mod h1:AlVN5x4E4T544tWzH6hKfbfQvm3HdbOxrmggDNAPY9o=\n"
    ),
    "main.go": MAIN,
    "compose.yaml": f"""\
services:
  app:
    build: .
    ports: ["HOST_PORT:8080"]
    environment:
      DATABASE_URL: postgres://shop@db/postgres?sslmode=disable
    depends_on: [db]
  db:
    image: {IMAGE}
    volumes: [rows:/data]
volumes:
  rows:
""",
}


class Client(Struct):
    """Asks for one row after the other. `kept`: those that were acknowledged; `asked`: how many were tried; `pause`: seconds
    between two."""

    port: int
    pause: float = 0.01
    kept: set[int] = field(default_factory=set)
    asked: int = 0
    _over: threading.Event = field(default_factory=threading.Event)

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        thread = threading.Thread(target=self._write)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()

    def _write(self) -> None:
        while not self._over.wait(self.pause):
            self.asked += 1
            with contextlib.suppress(OSError, http.client.HTTPException):
                if self._post(self.asked) == f"kept {self.asked}":
                    self.kept.add(self.asked)

    def _post(self, n: int) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("POST", f"/rows/{n}")
            answer = connection.getresponse()
            body = answer.read().decode()
            return body if answer.status == 200 else ""
        finally:
            connection.close()
