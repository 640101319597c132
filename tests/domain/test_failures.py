"""Spellings that an entry must know; what merely looks alike stays unnamed. Recorded outputs: tests/failures."""

from __future__ import annotations

import pytest

from devctl.domain.failures import Asked, explain
from devctl.domain.failures.dev_log import without_airs_own
from devctl.domain.failures.listeners import Listener, listeners
from devctl.domain.failures.places import of_project
from devctl.domain.failures.searchable import LONGEST, searchable
from devctl.domain.project.model import Service

SAMPLES: list[tuple[Asked, str, str, str]] = [
    (
        "compose",
        "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?",
        "engine-unreachable",
        "engine",
    ),
    (
        "build",
        "go: go.mod requires go >= 1.27 (running go 1.26.8; GOTOOLCHAIN=local)",
        "go-too-old",
        "1.27",
    ),
    (
        "build",
        "go: github.com/a/b@v9.9.9: reading github.com/a/b/go.mod at revision v9.9.9: unknown revision v9.9.9",
        "module-not-found",
        "github.com/a/b@v9.9.9",
    ),
    (
        "build",
        "main.go:4:2: missing go.sum entry for module providing package github.com/a/b",
        "go-sum-missing",
        "go.sum",
    ),
    (
        "compose",
        "driver failed programming external connectivity on endpoint x: Bind for 127.0.0.1:8080 failed: "
        "port is already allocated",
        "port-taken",
        "8080",
    ),
    (
        "compose",
        "Error starting userland proxy: listen tcp4 127.0.0.1:8080: bind: address already in use",
        "port-taken",
        "8080",
    ),
    (
        "build",
        "ERROR: golang:1.99-alpine: failed to resolve source metadata for docker.io/library/golang:1.99-alpine",
        "base-missing",
        "golang:1.99-alpine",
    ),
    ("build", "write /var/lib/docker/tmp/x: no space left on device", "disk-full", "disk"),
    (
        "start",
        "2026/11/24 13:00:00 open /data/shop.db: read-only file system",
        "writes-to-disk",
        "prod: {writable: [/data]}",
    ),
    (
        "start",
        "panic: mkdir /var/cache/app: permission denied",
        "writes-to-disk",
        "prod: {writable: [/var/cache/app]}",
    ),
    ("start", "open /x.db: read-only file system", "writes-to-disk", "it cannot write /x.db"),
    ("start", "unlinkat /data/old: permission denied", "writes-to-disk", "[/data]"),
    ("start", "open /key.pem: permission denied", "file-not-permitted", "to read it: COPY --chmod=0444"),
    ("start", "open cfg/a.yaml: permission denied", "file-not-permitted", "it cannot open cfg/a.yaml"),
    ("start", "rename /data/a.tmp /data/a: read-only file system", "writes-to-disk", "[/data]"),
    ("start", "open shop.log: read-only file system", "writes-to-disk", "shop.log"),
    (
        "start",
        "panic: open templates/index.html: no such file or directory",
        "image-lacks-file",
        "files: [templates/index.html]",
    ),
    (
        "start",
        "listing: stat /etc/app/config.yml: no such file or directory",
        "image-lacks-file",
        "/etc/app/config.yml",
    ),
    (
        "start",
        "2026/11/24 13:00:00 DATABASE_URL is not set",
        "variable-missing",
        "prod: {env: {DATABASE_URL: …}}",
    ),
    (
        "start",
        'env: required environment variable "API_KEY" is not set',
        "variable-missing",
        "API_KEY",
    ),
    ("start", "required key SHOP_TOKEN missing value", "variable-missing", "SHOP_TOKEN"),
    ("start", "PORT must be set", "variable-missing", "PORT"),
]


@pytest.mark.parametrize(("asked", "output", "code", "holds"), SAMPLES)
def test_a_recorded_sample_is_named(asked: Asked, output: str, code: str, holds: str) -> None:
    found = explain(asked, output)
    assert found is not None and found.code == code
    assert holds in f"{found.message} {found.hint}" and found.hint


@pytest.mark.parametrize(
    ("asked", "output"),
    [
        ("start", ""),
        ("start", "listening on :8080"),
        ("start", "panic: runtime error: invalid memory address or nil pointer dereference"),
        ("start", "a read-only file system is fine with us"),
        ("start", "permission denied for table orders"),
        ("start", "dial unix /run/pg.sock: connect: no such file or directory"),
        ("start", "user not found"),
        ("start", "the field name is required"),
        ("start", "GET /missing 404"),
        ("start", "token is empty"),
        ("start", "the PORTAL is not set up"),
        ("reload", "open /data/shop.db: read-only file system"),
        ("build", "DATABASE_URL is not set"),
        ("probe", "no space left on device"),
        ("start", "fatal error: all goroutines are asleep - deadlock!"),
    ],
)
def test_an_unknown_failure_is_not_guessed_at(asked: Asked, output: str) -> None:
    assert explain(asked, output) is None


def test_sockets_of_the_network_are_told_apart() -> None:
    text = """  sl  local_address rem_address   st tx_queue
   0: 0B00007F:A1B2 00000000:0000 0A 00000000:00000000
   1: 0100007F:1F90 00000000:0000 0A 00000000:00000000
   2: 0100007F:1F91 0100007F:1F90 01 00000000:00000000
  sl  local_address                         remote_address
   0: 00000000000000000000000000000000:2382 00000000000000000000000000000000:0000 0A 00000000:00000000
   1: 00000000000000000000000001000000:0050 00000000000000000000000000000000:0000 0A 00000000:00000000
"""
    assert listeners(text) == (Listener(80, True), Listener(8080, True), Listener(9090, False))
    assert listeners("cat: no such file") == ()


@pytest.mark.parametrize("piece", ["/a/", "a.", "a:1:", "a@", "go: a: ", "1."])
def test_a_line_that_is_made_for_the_patterns_costs_little(piece: str) -> None:
    said = "go: go.mod requires go >= 1.27 (running go 1.26.8; GOTOOLCHAIN=local)"
    found = explain("build", f"{piece * 30_000}\n{said}")
    assert found is not None and found.code == "go-too-old"


def test_of_a_long_line_both_ends_are_searched() -> None:
    short = "x" * LONGEST
    assert searchable(f"{short}\n{short}\n") == f"{short}\n{short}\n"
    found = searchable(f"a\nbegins {'x' * 30_000} ends\nz")
    first, long, last = found.split("\n")
    assert (first, last) == ("a", "z") and len(long) <= LONGEST
    assert long.startswith("begins x") and long.endswith("x ends")


def test_a_log_and_a_place_are_cut_likewise() -> None:
    assert len(without_airs_own("/a/" * 30_000)) <= LONGEST
    service = Service("api")
    said = of_project(f"{service.mounted_at}/" * 30_000 + f"\n{service.mounted_at}/main.go:3:1: no", service)
    assert said.split("\n")[1] == "main.go:3:1: no"
