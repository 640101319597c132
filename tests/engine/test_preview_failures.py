"""Every way in which a start fails in production, on the real engine: the whole message, and that dev serves again.

What runs is looked at from outside: by the engine's own client and by a request. The project is shared by its cases, so
each case also starts from what the one before it has restored.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.broken_projects import FAILING, FAILING_MAIN, TWO, TWO_CONFIG, line_of, prod_env
from tests.engine.cli import docker, get, serves
from tests.engine.conftest import Started, made_in
from tests.engine.previewed import container, preview, started

pytestmark = pytest.mark.engine
KEEP = "fix what its last lines report; `devctl prod-preview --keep-failed` keeps its files as an image"


@pytest.fixture(scope="module")
def failing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    yield from started(tmp_path_factory.mktemp("failing"), FAILING)


def failure(code: str, message: str, hint: str, place: str | None = None) -> dict[str, object]:
    return {"code": code, "message": f"{message}; dev is serving again", "hint": hint, "place": place}


FAILURES: dict[str, tuple[dict[str, str], dict[str, object]]] = {
    "exits": (
        {"FAIL": "exits"},
        failure("exits-at-start", "app exited with code 3 before it answered", KEEP),
    ),
    "panics": (
        {"FAIL": "panics"},
        failure(
            "panics-at-start",
            "app panics at startup: panic: assignment to entry in nil map",
            KEEP,
            f"main.go:{line_of('counts[', source=FAILING_MAIN)}",
        ),
    ),
    "silent": (
        {"FAIL": "silent"},
        failure(
            "never-answers",
            "app did not answer on http://127.0.0.1:HOST_PORT/ within 3 s",
            "does it listen on 0.0.0.0:8080? devctl.yaml: `services: {app: {port: 8080, probe: /}}` sets the address to probe",
            "compose.yaml",
        ),
    ),
    "read-only file system": (
        {"FAIL": "read-only"},
        failure(
            "writes-to-disk",
            "app exited with code 1: it cannot write below /var: production runs read-only and without root",
            "devctl.yaml: `prod: {writable: [/var]}`, or a volume there",
        ),
    ),
    "the system's folders": (
        {"FAIL": "of-the-system"},
        failure(
            "writes-to-disk",
            "app exited with code 1: it cannot write below /etc: production runs read-only and without root",
            "write to a separate folder and declare it: devctl.yaml `prod: {writable: [/data]}`; "
            "a volume on /etc would hide what the image has there",
        ),
    ),
    "permission denied": (
        {"FAIL": "not-allowed"},
        failure(
            "volume-not-permitted",
            "app exited with code 1: it cannot open /data/app.db: the volume NAME_data belongs to 0:0, but production runs as "
            "65532:65532",
            "docker run --rm -u 0 -v NAME_data:/v --entrypoint chown NAME-app:dev -R 65532:65532 /v",
        ),
    ),
    "missing file": (
        {"FAIL": "no-file"},
        failure(
            "image-lacks-file",
            "app exited with code 1: /etc/app/settings.json is not in the image",
            "COPY … /etc/app/settings.json in the production stage of the Dockerfile, or `configs:` in the compose file; "
            "production has no bind mounts",
        ),
    ),
    "missing template": (
        {"FAIL": "no-template"},
        failure(
            "image-lacks-file",
            "app exited with code 1: pages/first.html is not in the image",
            "devctl.yaml: `services: {app: {files: [pages/first.html]}}`, "
            "or a line COPY pages/first.html … in the Dockerfile",
        ),
    ),
    "missing variable": (
        {"FAIL": "no-variable"},
        failure(
            "variable-missing",
            "app exited with code 1: the environment variable DATABASE_URL is missing",
            "devctl.yaml: `prod: {env: {DATABASE_URL: …}}`, or the compose file's `environment:`",
        ),
    ),
    "localhost": (
        {"FAIL": "elsewhere", "ADDRESS": "localhost:8080"},
        failure(
            "localhost-only",
            "app listens only on localhost:8080, which cannot be reached from outside the container",
            'listen on ":8080", not on "localhost:8080"',
            "compose.yaml",
        ),
    ),
    "other port": (
        {"FAIL": "elsewhere", "ADDRESS": ":9191"},
        failure(
            "other-port",
            "app listens on port 9191, but devctl probed 8080",
            "devctl.yaml: `services: {app: {port: 9191}}`",
            "compose.yaml",
        ),
    ),
}


# This is found out by waiting; the others end the wait themselves.
WAITED_FOR = ("never-answers",)
NO_LOG = (*WAITED_FOR, "localhost-only", "other-port")


@pytest.mark.parametrize("how", FAILURES)
def test_a_start_that_fails_names_its_cause_and_dev_serves_again(failing: Started, how: str) -> None:
    variables, expected = FAILURES[how]
    beside, (_, dev_image, _) = container(failing, "beside"), container(failing, "app")

    # Longer than `preview` gives the command: what ends the wait itself must do so.
    waits = "3" if expected["code"] in WAITED_FOR else "400"
    failed = preview(
        failing, prod_env(**variables), "--timeout", waits, *(["--keep-failed"] if how == "exits" else [])
    )

    known = {"HOST_PORT": str(failing.port), "NAME": failing.name}
    for word, value in known.items():
        expected = {k: v.replace(word, value) if isinstance(v, str) else v for k, v in expected.items()}
    assert failed.error == expected, failed.show
    if how == "exits":  # its files are kept for study
        assert failed.result["kept"] == f"{failing.name}-app:failed"
        docker("image", "rm", failed.result["kept"])
    log = failed.result.get("log", [])  # of one run, however often it was started again
    assert len(log) == len(set(log)) and bool(log) == (expected["code"] not in NO_LOG), log
    assert failed.result["mode"] == "dev" and failed.result["services"][0]["state"] == "running"
    serves(failing.port, "it serves", within=30)
    assert container(failing, "app")[1:] == (dev_image, "true")
    assert container(failing, "beside") == beside


def test_a_preview_over_a_preview_with_another_base_brings_the_first_one_back(failing: Started) -> None:
    beside = container(failing, "beside")
    (failing.root / "devctl.yaml").write_text(prod_env(FAIL="alpine"))
    failing.devctl("-y", "prod-preview", "--base", "scratch")
    _, first, _ = container(failing, "app")

    failed = preview(failing, prod_env(FAIL="alpine"), "--base", "alpine", "--timeout", "400")

    assert failed.error == {
        "code": "exits-at-start",
        "message": "app exited with code 1 before it answered; prod is serving again",
        "hint": KEEP,
        "place": None,
    }, failed.show
    assert failed.result["mode"] == "prod" and get(failing.port) == "it serves"
    assert container(failing, "app")[1:] == (first, "true")
    failing.devctl("up", "-d", "--no-watch")
    serves(failing.port, "it serves")
    assert container(failing, "beside") == beside


def test_of_several_services_all_are_switched_or_none(tmp_path: Path) -> None:
    with made_in(tmp_path) as make:
        two = make({**TWO, "devctl.yaml": f"version: 1\n{TWO_CONFIG}"})
        two.devctl("-y", "up", "-d", "--no-watch")
        before = [container(two, name)[1:] for name in ("web", "worker")]

        failed = preview(two, prod_env(FAIL_WORKER="exits") + TWO_CONFIG, "--timeout", "400")

        assert failed.error == {
            "code": "exits-at-start",
            "message": "worker exited with code 3 before it answered; dev is serving again",
            "hint": KEEP,
            "place": None,
        }, failed.show
        assert [container(two, name)[1:] for name in ("web", "worker")] == before
        assert {s["state"] for s in failed.result["services"]} == {"running"}
        serves(two.port, "it serves", within=30)
