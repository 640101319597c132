"""config show, check, render and schema through the real command line; none of them needs an engine."""

from __future__ import annotations

import json
import subprocess
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from devctl.domain.project.config import Config
from tests.engine.cli import devctl, here
from tests.helpers import build_tree

TEMPLATE = Path(__file__).parents[2] / "templates" / "go-service"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    names = ("go.mod", "main.go", "compose.yaml", "Dockerfile", "internal/web/web.go")
    return build_tree(tmp_path / "shop", {n: (TEMPLATE / n).read_text() for n in names})


@pytest.fixture(autouse=True)
def _no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")


def without_engine(*args: str, cwd: Path) -> dict[str, Any]:
    return here(*args, cwd=cwd, code=None).envelope


@pytest.mark.engine
def test_show_names_file_and_line_of_every_value(root: Path) -> None:
    (root / "devctl.yaml").write_text("go: 1.26\nservices:\n  app:\n    probe: /\n")
    shown = without_engine("config", "show", cwd=root)["result"]["values"]
    assert shown["name"] == {"value": "shop", "origin": "the folder's name"}
    assert shown["go"] == {"value": "1.26", "origin": "devctl.yaml:1"}
    assert shown["services.app.probe"] == {"value": "/", "origin": "devctl.yaml:4"}
    lines = (root / "compose.yaml").read_text().splitlines()
    ports = 1 + lines.index("    ports:")
    assert shown["services.app.port"] == {"value": 8080, "origin": f"compose.yaml:{ports}"}
    assert shown["services.app.main"]["origin"].startswith("Dockerfile:")
    assert all(v["origin"] for v in shown.values())


@pytest.mark.engine
def test_check_says_what_is_wrong_and_where(root: Path) -> None:
    assert without_engine("config", "check", cwd=root)["result"] == {"problems": []}

    (root / "devctl.yaml").write_text("services:\n  app:\n    prot: 80\n")
    broken = without_engine("config", "check", cwd=root)
    assert broken["exit_code"] == 3 and broken["error"]["code"] == "broken-config"
    assert broken["result"]["problems"][0]["place"] == "devctl.yaml:3:5"
    assert broken["result"]["problems"][0]["hint"] == "replace `prot` with `port`"


@pytest.mark.engine
def test_what_compose_only_warns_of_is_told_once_with_its_line(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (root / "compose.yaml").read_text().replace("services:", 'version: "3.8"\nservices:', 1)
    more = "      DSN: ${DB_DSN}\n      LIKE: $DB_DSN\n      KNOWN: ${KNOWN}\n      FROM_HOST: ${FROM_HOST}\n"
    (root / "compose.yaml").write_text(text.replace("    environment:\n", f"    environment:\n{more}", 1))
    (root / ".env").write_text("KNOWN=1\n")
    monkeypatch.setenv("FROM_HOST", "1")
    checked = without_engine("config", "check", cwd=root)
    assert (checked["exit_code"], checked["error"]) == (0, None), "nothing is kept from working"
    lines = (root / "compose.yaml").read_text().splitlines()
    at = {
        code: 1 + next(n for n, line in enumerate(lines) if word in line)
        for code, word in (("compose-version-obsolete", "version:"), ("compose-variable-unset", "${DB_DSN}"))
    }
    found = [(p["code"], p["place"]) for p in checked["result"]["problems"]]
    assert sorted(found) == sorted((code, f"compose.yaml:{line}") for code, line in at.items())


@pytest.mark.engine
def test_check_warns_of_what_works_and_is_risky(root: Path) -> None:
    dockerfile = (root / "Dockerfile").read_text()
    (root / "Dockerfile").write_text(dockerfile.replace("ALPINE_IMAGE=alpine:3.22", "ALPINE_IMAGE=alpine"))
    done = without_engine("config", "check", cwd=root)
    line = 1 + (root / "Dockerfile").read_text().splitlines().index("FROM ${ALPINE_IMAGE} AS runner")
    assert done["exit_code"] == 0 and done["error"] is None
    assert [(p["code"], p["place"]) for p in done["result"]["problems"]] == [
        ("base-untagged", f"Dockerfile:{line}")
    ]


@pytest.mark.engine
def test_check_hands_on_what_compose_refuses(root: Path) -> None:
    (root / "compose.yaml").write_text("services:\n  app:\n    biuld: .\n")
    broken = without_engine("config", "check", cwd=root)
    assert broken["exit_code"] == 3 and broken["error"]["code"] == "broken-compose"
    assert broken["error"]["place"].startswith("compose.yaml")


@pytest.mark.engine
def test_render_is_the_model_that_compose_is_given(root: Path) -> None:
    dev = without_engine("config", "render", cwd=root)["result"]["model"]
    assert dev["services"]["app"]["build"]["target"] == "dev"
    prod = without_engine("config", "render", "--mode", "prod", cwd=root)["result"]["model"]
    assert prod["services"]["app"]["build"]["target"] == "runner-distroless"
    assert prod["services"]["app"]["read_only"] is True
    assert not (root / ".devctl").exists(), "looking writes nothing"
    file = root.parent / "model.json"
    file.write_text(json.dumps(dev))
    accepted = subprocess.run(
        ["docker", "compose", "-f", str(file), "config", "--quiet"], capture_output=True, text=True
    )
    assert accepted.returncode == 0, accepted.stderr


@pytest.mark.engine
@pytest.mark.parametrize(
    ("theirs", "rendered"),
    [
        ('["8080:8080", "9000:9000"]', [("127.0.0.1", 8080, "9123"), ("127.0.0.1", 9000, "9000")]),
        (
            '["127.0.0.1:8080:8080", "127.0.0.2:8080:8080"]',
            [("127.0.0.1", 8080, "9123"), ("127.0.0.2", 8080, "9123")],
        ),
        ('["0.0.0.0:8080:8080"]', [("0.0.0.0", 8080, "9123")]),
        ('["8080"]', [("127.0.0.1", 8080, "9123")]),
        ('["9000:9000"]', [("127.0.0.1", 9000, "9000"), ("127.0.0.1", 8080, "9123")]),
    ],
)
@pytest.mark.parametrize("mode", ["dev", "prod"])
def test_the_host_port_of_devctl_yaml_wins_over_the_compose_file(
    root: Path, mode: str, theirs: str, rendered: list[tuple[str, int, str]]
) -> None:
    text = (root / "compose.yaml").read_text()
    line = next(line for line in text.splitlines() if "HOST_PORT" in line and "127.0.0.1" in line)
    (root / "compose.yaml").write_text(text.replace(f"    ports:\n{line}\n", f"    ports: {theirs}\n", 1))
    (root / "devctl.yaml").write_text("services:\n  app:\n    port: 8080\n    host_port: 9123\n")
    model = without_engine("config", "render", "--mode", mode, cwd=root)["result"]["model"]
    ports = [(p.get("host_ip"), p["target"], p["published"]) for p in model["services"]["app"]["ports"]]
    assert ports == rendered


def test_schema_knows_every_key(root: Path) -> None:
    schema = devctl("config", "schema", cwd=root).result["schema"]
    assert set(schema["properties"]) == {f.name for f in fields(Config)}
