"""Which dependencies a service calls at its start, on which port, and what counts as their answer."""

from __future__ import annotations

from typing import Any

import pytest

from devctl.domain.plan.peers import called_by, usual_port

STARTED = {"condition": "service_started", "required": True}


def called(
    api: dict[str, Any], built: tuple[str, ...] = ("api",), **others: dict[str, Any]
) -> list[tuple[str, int]]:
    return [(peer.name, peer.port) for peer in called_by({"api": api, **others}, "api", built=built)]


POSTGRES = {"image": "postgres:17"}


def test_the_port_is_the_one_that_the_service_is_given() -> None:
    told = {"environment": {"DATABASE_URL": "postgres://me:pw@db:6432/shop", "OTHER": "mydb:1"}}
    assert called(told, db=POSTGRES) == [("db", 6432)]
    assert called({"command": ["serve", "--nats=queue:4333"]}, queue={"image": "x"}) == [("queue", 4333)]


def test_otherwise_it_is_the_port_of_the_image_or_the_only_one_in_the_file() -> None:
    told = {"depends_on": {"db": STARTED}, "environment": {"DB_HOST": "db"}}
    assert called(told, db=POSTGRES) == [("db", 5432)]
    assert called(told, db={"image": "ghcr.io/pgvector/pgvector:pg16"}) == [("db", 5432)]
    assert called(told, db={"image": "own", "ports": [{"target": 9000, "published": "1"}]}) == [("db", 9000)]
    assert called(told, db={"image": "own", "expose": ["9000/tcp"]}) == [("db", 9000)]
    assert called(told, db={"image": "own", "expose": ["9000", "9001"]}) == []
    assert called(told, db={"image": "own"}) == []


def peers(told: str, **spec: Any) -> list[tuple[int, bool]]:
    api = {"environment": {"ADDRESS": told}, "depends_on": {"db": STARTED}}
    return [(it.port, it.sure) for it in called_by({"api": api, "db": spec}, "api", built=["api"])]


def test_what_only_looks_like_a_port_is_ignored() -> None:
    assert peers("postgres://db:1234@db:5432/x", image="postgres") == [(5432, True)]
    assert peers("postgres://db:1234@elsewhere/x", image="postgres") == [(5432, True)]
    assert peers("db:0 db:99999 db:12ab db:1.2", image="own") == []
    assert peers("db:8125", image="statsd", expose=["8125/udp"]) == []
    assert peers("", image="mongo-express:1", ports=[{"target": 8081}]) == [(8081, True)]
    assert peers("", image="oliver006/redis_exporter") == []


def test_a_port_that_only_an_address_names_is_a_guess() -> None:
    assert peers("db:16", image="postgres:16") == [(16, False)]
    assert peers("db:7000", image="own") == [(7000, False)]
    assert peers("db:7000", image="own", expose=["7000"]) == [(7000, True)]


@pytest.mark.parametrize("condition", ["service_healthy", "service_completed_successfully"])
def test_what_compose_waits_for_is_not_waited_for_again(condition: str) -> None:
    told = {"depends_on": {"db": {"condition": condition}}, "environment": {"DB": "db:5432"}}
    assert called(told, db=POSTGRES) == []


def test_neither_a_service_that_is_built_here_nor_one_that_does_not_exist() -> None:
    told = {
        "depends_on": {"other": STARTED},
        "environment": {"OTHER": "other:8080", "GONE": "gone:1", "SELF": "api:8080"},
    }
    assert called(told, built=("api", "other"), other={"ports": [{"target": 8080}]}) == []


def test_a_port_of_the_network_that_a_service_lives_in_is_its_own() -> None:
    """Nothing listens there before the service has started: to wait for it would take all the time there is."""
    told = {"network_mode": "service:vpn", "depends_on": {"vpn": STARTED}}
    holder = {"image": "vpn", "ports": [{"target": 8080}]}
    assert called(told, vpn=holder) == []
    beside = {"depends_on": {"vpn": STARTED}}
    assert called(beside, vpn=holder) == [("vpn", 8080)]
    assert called(beside, built=("api", "web"), vpn=holder, web=told) == []
    assert called(told, vpn=POSTGRES) == [("vpn", 5432)]


def judge(image: str, said: bytes) -> bool:
    (peer,) = called_by(
        {"api": {"depends_on": {"it": STARTED}}, "it": {"image": image}}, "api", built=["api"]
    )
    assert peer.is_ready is not None
    return peer.is_ready(said)


@pytest.mark.parametrize(
    ("image", "ready", "not_yet"),
    [
        ("postgres:17", b"R\x00\x00\x00\x17\x00\x00\x00\x0aSCRAM", b"E\x00\x00\x00\x5fSFATAL\x00C57P03\x00Mstarting up"),
        ("postgres:17", b'E\x00\x00\x00\x5fSFATAL\x00C28000\x00Mrole "me" does not exist', b""),
        ("mysql:8", b"J\x00\x00\x00\x0a8.0.36\x00", b""),
        ("redis:7", b"+PONG\r\n", b"-LOADING Redis is loading the dataset in memory\r\n"),
        ("valkey/valkey:8", b"-NOAUTH Authentication required.\r\n", b""),
        ("rabbitmq:3", b"\x01\x00\x00\x00\x00\x01", b""),
        ("nats:2", b'INFO {"server_id"', b""),
    ],
)  # fmt: skip
def test_a_protocols_own_answer_decides(image: str, ready: bytes, not_yet: bytes) -> None:
    assert judge(image, ready) and not judge(image, not_yet)


def test_postgres_is_asked_as_the_user_that_its_image_creates() -> None:
    db = {**POSTGRES, "environment": {"POSTGRES_USER": "me", "POSTGRES_DB": "shop"}}
    (peer,) = called_by({"api": {"depends_on": {"db": STARTED}}, "db": db}, "api", built=["api"])
    assert int.from_bytes(peer.hello[:4], "big") == len(peer.hello)
    assert peer.hello[8:].split(b"\0") == [b"user", b"me", b"database", b"shop", b"", b""]


def test_an_image_is_known_by_its_own_name() -> None:
    assert usual_port("registry.example.com:5000/library/redis@sha256:abc") == 6379
    assert usual_port("example.com/redisinsight-like/app") is None
