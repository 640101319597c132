"""Where a program panicked, whatever folder and with whatever flags it was compiled."""

from __future__ import annotations

import pytest

from devctl.domain.failures.panics import own_line, panic_line
from devctl.domain.project.model import Service, SourceCode

AT_ROOT = Service("app", source=SourceCode(module="example.com/shop"))
BELOW = Service("app", source=SourceCode(dir="backend", main="./cmd/api", module="example.com/shop/v2"))
RUNTIME = "panic({0x63c0e0?, 0x6e3e50?})\n\t/usr/local/go/src/runtime/panic.go:859 +0x125\n"


def trace(*frames: str) -> str:
    body = "".join(f"{function}\n\t{place} +0x1d\n" for function, place in (f.split(" @ ") for f in frames))
    return f"panic: no dsn\n\ngoroutine 1 [running]:\n{body}exit status 2\n"


@pytest.mark.parametrize(
    ("service", "log", "place"),
    [
        (AT_ROOT, trace("main.main() @ /app/main.go:11"), "main.go:11"),
        (AT_ROOT, trace("main.main() @ example.com/shop/main.go:11"), "main.go:11"),
        (AT_ROOT, trace("main.main() @ /src/main.go:11"), "main.go:11"),
        (BELOW, trace("main.run(...) @ /src/cmd/api/run.go:7"), "backend/cmd/api/run.go:7"),
        (
            BELOW,
            trace("main.main.func1() @ example.com/shop/v2/cmd/api/main.go:9"),
            "backend/cmd/api/main.go:9",
        ),
        (
            BELOW,
            trace(
                "github.com/lib/pq.(*conn).query(0xc0001, {0x1, 0x2}) @ github.com/lib/pq@v1.10.9/conn.go:12",
                "net/http.(*Server).Serve(0xc0001) @ net/http/server.go:3",
                "example.com/shop/v2/internal/store.(*DB[...]).Open({0x1}) @ /build/internal/store/db.go:40",
                "main.main() @ /build/cmd/api/main.go:9",
            ),
            "backend/internal/store/db.go:40",
        ),
        (
            AT_ROOT,
            trace(
                "github.com/lib/pq.Open() @ /app/vendor/github.com/lib/pq/conn.go:1",
                "main.main() @ /app/main.go:5",
            ),
            "main.go:5",
        ),
        (AT_ROOT, trace("example.com/other/lib.Do() @ /app/other/lib/do.go:5"), "other/lib/do.go:5"),
        (AT_ROOT, trace("example.com/shopping.Do() @ /go/pkg/mod/example.com/shopping@v1.0.0/do.go:5"), None),
        (AT_ROOT, trace("example.com/shopping.Do() @ /src/do.go:5"), None),
        (AT_ROOT, "2026/11/24 12:00:00 main.go:5: no luck\n", None),
        (AT_ROOT, "", None),
    ],
)
def test_the_first_line_of_the_projects_own(service: Service, log: str, place: str | None) -> None:
    assert own_line(log, service) == place
    assert own_line(log.replace("[running]:\n", f"[running]:\n{RUNTIME}"), service) == place


def test_a_panic_is_known_by_its_first_line() -> None:
    assert panic_line("starting\n" + trace("main.main() @ /app/main.go:11")) == "panic: no dsn"
    assert panic_line("fatal error: all goroutines are asleep - deadlock!\n") is not None
    assert panic_line("2026/11/24 panic: handled\n") is None
