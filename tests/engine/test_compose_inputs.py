"""What a round of the watcher lets the real compose read: nothing of the host that a person's command did not let in."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from msgspec.structs import replace

from devctl.adapters.docker.compose import ComposeCli
from devctl.adapters.project_files.sources import ProjectSources
from devctl.adapters.system.files import SystemFiles
from devctl.adapters.system.host import SystemHost
from devctl.adapters.system.process import SystemProcesses
from devctl.domain.ports.toolbox import Toolbox
from devctl.domain.project.model import Project
from devctl.errors import DevctlError, FilesError
from devctl.workflows.project.approved_inputs import Approved, HeldBack, approve_inputs
from devctl.workflows.project.load import load
from tests.fakes import World
from tests.helpers import build_tree

pytestmark = pytest.mark.engine

SECRET = "hunter2-of-the-host"
SHOP = "services:\n  shop:\n    build: .\n"
FILES = {
    "go.mod": "module example.com/shop\n\ngo 1.26\n",
    "main.go": 'package main\n\nimport "net/http"\n\nfunc main() { http.ListenAndServe(":8080", nil) }\n',
    "Dockerfile": "FROM golang:1.26\nCOPY . .\nRUN go build -o /shop .\n",
    "compose.yaml": SHOP,
}


class Shop:
    """A project on the disk, and what a person and a watcher make of it."""

    def __init__(self, folder: Path) -> None:
        self.root = build_tree(folder / "shop", FILES)
        self.elsewhere = folder / "elsewhere"
        self.elsewhere.mkdir()
        (self.elsewhere / "x.env").write_text(f"LEAK={SECRET}\n")
        service = f"services:\n  x:\n    image: x\n    environment: {{LEAK: {SECRET}}}\n"
        (self.elsewhere / "x.yaml").write_text(service)
        self.world = World()
        processes = SystemProcesses()
        self.box: Toolbox = replace(
            self.world.box(),
            files=SystemFiles(),
            sources=ProjectSources(),
            processes=processes,
            compose=ComposeCli(processes, print),
            host=SystemHost(),
        )

    def save(self, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            (self.root / name).write_text(text.replace("ELSEWHERE", str(self.elsewhere)))

    def up(self, *services: str) -> Project:
        project = load(self.box, self.root)
        approve_inputs(self.box, project, services or [s.name for s in project.services])
        return project

    def round(self) -> Project:
        return load(self.box, self.root, unattended=True)

    def held(self) -> str:
        with pytest.raises(HeldBack) as told:
            self.round()
        assert SECRET not in str(told.value)
        return str(told.value)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setenv("HOST_SECRET", SECRET)
    for name in ("COMPOSE_FILE", "COMPOSE_ENV_FILES"):
        monkeypatch.delenv(name, raising=False)
    made = Shop(tmp_path)
    made.up()
    return made


def saying(more: str) -> str:
    return f"{SHOP}{more}"


WAITS: dict[str, Mapping[str, str]] = {
    "a variable": {"compose.yaml": saying("    environment: {A: $HOST_SECRET}\n")},
    "a name without a value": {"compose.yaml": saying("    environment: [HOST_SECRET]\n")},
    "a key without a value": {"compose.yaml": saying("    environment:\n      HOST_SECRET:\n")},
    "a build argument": {
        "compose.yaml": "services:\n  shop:\n    build: {context: ., args: [HOST_SECRET]}\n"
    },
    "a default that is unset": {"compose.yaml": saying("    environment: {A: '${HOST_SECRET-}'}\n")},
    "a default that is empty": {"compose.yaml": saying("    environment: {A: '${HOST_SECRET:-x}'}\n")},
    "one that must be set": {"compose.yaml": saying("    environment: {A: '${HOST_SECRET:?no}'}\n")},
    "one whether it is set": {"compose.yaml": saying("    environment: {A: '${HOST_SECRET:+yes}'}\n")},
    "one in another's default": {"compose.yaml": saying("    environment: {A: '${B:-${HOST_SECRET}}'}\n")},
    "an escaped name": {"compose.yaml": saying('    environment: {A: "${HOST\\x5fSECRET}"}\n')},
    "one by .env": {
        "compose.yaml": saying("    environment: {A: $B}\n"),
        ".env": "B=${HOST_SECRET}\n",
    },
    "one by .env for a secret": {
        "compose.yaml": saying("    secrets: [t]\nsecrets: {t: {environment: TOKEN}}\n"),
        ".env": "TOKEN=${HOST_SECRET}\n",
    },
    "one by an env file": {"compose.yaml": saying("    env_file: a.env\n"), "a.env": "B=$HOST_SECRET\n"},
    "a name in an env file": {"compose.yaml": saying("    env_file: a.env\n"), "a.env": "HOST_SECRET\n"},
    "one by a merge key": {
        "compose.yaml": "x-a: &a\n  environment: {A: $HOST_SECRET}\nservices:\n  shop:\n    <<: *a\n    build: .\n"
    },
    "one in a file of its own": {
        "compose.override.yaml": "services:\n  shop:\n    environment: {A: $HOST_SECRET}\n"
    },
    "an env file elsewhere": {"compose.yaml": saying("    env_file: ELSEWHERE/x.env\n")},
    "one above the project": {"compose.yaml": saying("    env_file: [{path: ../elsewhere/x.env}]\n")},
    "one at home": {"compose.yaml": saying("    env_file: ~/x.env\n")},
    "one that a variable names": {"compose.yaml": saying("    env_file: ${A:-ELSEWHERE/x.env}\n")},
    "one by an escaped key": {"compose.yaml": saying('    "env\\x5ffile": ELSEWHERE/x.env\n')},
    "one by a tagged key": {"compose.yaml": saying("    !!str env_file: ELSEWHERE/x.env\n")},
    "one by a binary key": {"compose.yaml": saying("    !!binary ZW52X2ZpbGU=: ELSEWHERE/x.env\n")},
    "one that must not be there": {
        "compose.yaml": saying("    env_file: [{path: ELSEWHERE/x.env, required: false}]\n")
    },
    "a label file": {"compose.yaml": saying("    label_file: ELSEWHERE/x.env\n")},
    "an env file by a merge key": {
        "compose.yaml": "x-a: &a {env_file: ELSEWHERE/x.env}\nservices:\n  shop:\n    <<: [*a]\n    build: .\n"
    },
    "a second document": {"compose.yaml": saying("---\nservices:\n  shop: {env_file: ELSEWHERE/x.env}\n")},
    "one behind a byte order mark": {"compose.yaml": "\ufeff" + saying("    env_file: ELSEWHERE/x.env\n")},
    "a reset": {"compose.yaml": saying("    env_file: !override [ELSEWHERE/x.env]\n")},
    "extends": {"compose.yaml": saying("    extends: {file: ELSEWHERE/x.yaml, service: x}\n")},
    "extends of a file inside": {
        "compose.yaml": saying("    extends: {file: x.yaml, service: x}\n"),
        "x.yaml": "services:\n  x:\n    environment: {A: $HOST_SECRET}\n",
    },
    "include": {"compose.yaml": f"include: [ELSEWHERE/x.yaml]\n{SHOP}"},
    "include of a file inside": {
        "compose.yaml": f"include:\n- path: x.yaml\n  env_file: ELSEWHERE/x.env\n{SHOP}",
        "x.yaml": "services:\n  x: {image: x, environment: {A: $LEAK}}\n",
    },
    "include by an escaped key": {"compose.yaml": f'"\\x69nclude": [ELSEWHERE/x.yaml]\n{SHOP}'},
    "a key of tomorrow": {"compose.yaml": f"imports: [ELSEWHERE/x.yaml]\n{SHOP}"},
    "COMPOSE_FILE": {".env": "COMPOSE_FILE=compose.yaml:ELSEWHERE/x.yaml\n"},
    "COMPOSE_FILE in quotes": {".env": 'export COMPOSE_FILE="compose.yaml:../elsewhere/x.yaml"\n'},
    "COMPOSE_FILE in a folder": {
        ".env": "COMPOSE_FILE=deploy/c.yaml\n",
        "deploy/c.yaml": "services:\n  shop:\n    build: ..\n    env_file: ../../elsewhere/x.env\n",
    },
    "UTF-16": {"compose.yaml": saying("    env_file: ELSEWHERE/x.env\n")},
}


@pytest.mark.parametrize("name", WAITS)
def test_what_of_the_host_a_person_did_not_let_in_waits_and_is_named(shop: Shop, name: str) -> None:
    shop.save(WAITS[name])
    if name == "UTF-16":
        path = shop.root / "compose.yaml"
        path.write_bytes(path.read_text().encode("utf-16"))
    said = shop.held()
    assert said.startswith("not applied: it would grant ")
    assert said.endswith("; `devctl up` applies it")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("a variable", "the variable HOST_SECRET from your environment"),
        ("an escaped name", "the variable HOST_SECRET from your environment"),
        ("one that must be set", "the variable HOST_SECRET from your environment"),
        ("one above the project", "the content of ../elsewhere/x.env"),
        ("one at home", "the content of ~/x.env"),
        ("include", "/elsewhere/x.yaml (`include`)"),
        ("include of a file inside", "the content of x.yaml (`include`)"),
        ("a second document", "the content of compose.yaml (it contains more than one document)"),
        ("a reset", "the content of compose.yaml (line 4 has the tag !override"),
        ("a key of tomorrow", "what `imports` brings"),
        ("COMPOSE_FILE", "/elsewhere/x.yaml"),
    ],
)
def test_it_is_named(shop: Shop, name: str, said: str) -> None:
    shop.save(WAITS[name])
    assert said in shop.held()


LINKS: dict[str, Callable[[Shop], None]] = {
    "the file": lambda shop: (shop.root / "a.env").symlink_to(shop.elsewhere / "x.env"),
    "a folder": lambda shop: (shop.root / "d").symlink_to(shop.elsewhere),
    ".env": lambda shop: (shop.root / ".env").symlink_to(shop.elsewhere / "x.env"),
    "compose.override.yaml": lambda shop: (shop.root / "compose.override.yaml").symlink_to(
        shop.elsewhere / "x.yaml"
    ),
}


@pytest.mark.parametrize("name", LINKS)
def test_a_link_out_of_the_project_waits(shop: Shop, name: str) -> None:
    LINKS[name](shop)
    shop.save({"compose.yaml": saying(f"    env_file: {'d/x.env' if name == 'a folder' else 'a.env'}\n")})
    assert "elsewhere/x." in shop.held()


def test_a_folder_above_a_link_is_the_one_of_the_name(shop: Shop) -> None:
    """`deep/../x.env` is x.env of the project, also where deep leads elsewhere: compose is given what was read."""
    (shop.elsewhere / "below").mkdir()
    (shop.root / "deep").symlink_to(shop.elsewhere / "below")
    shop.save({"compose.yaml": saying("    env_file: deep/../x.env\n"), "x.env": "A=mine\n"})
    assert shop.round().specs["shop"]["environment"] == {"A": "mine"}


def test_a_compose_file_that_nobody_could_read_to_the_end_is_nothing_to_apply(shop: Shop) -> None:
    shop.save({"compose.yaml": SHOP + "#" * 17_000_000})
    with pytest.raises(FilesError, match=r"compose\.yaml"):
        shop.round()


PLAIN = {
    "values": saying(
        "    environment: {A: b, B: 1.20, C: 0755, D: 'yes', E: yes, F: 1e3, G: 12:30, H: ~, I: -1}\n"
        "    ports: ['8081:8080', 9090:9091]\n    command: [sh, -c, 'echo \"a: b\" # c']\n"
    ),
    "anchors": "x-e: &e {A: b, B: c}\nx-f: &f\n  <<: *e\n  B: d\nservices:\n  shop:\n    build: .\n"
    "    environment:\n      <<: [*f, {A: x, C: y, D: z}]\n      C: e\n",
    "text": saying("    environment:\n      A: |\n        two\n          lines\n      B: >-\n        folded\n        text\n"),
    "odd characters": saying('    environment: {A: "\\x07\\u2028\\U0001F600é", B: "${C:-a\\"b}", D: "$$x"}\n'),
    "in-file extends": saying("    extends: base\n  base:\n    image: x\n    environment: {A: b}\n"),
    "an env file": saying("    env_file: [{path: a.env, required: true}, none.env]\n").replace(
        ", none.env", ", {path: none.env, required: false}"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PLAIN)
def test_what_grants_nothing_is_applied_as_a_person_would_apply_it(shop: Shop, name: str) -> None:
    shop.save({"compose.yaml": PLAIN[name], "a.env": "X=1\nY='a b'\n", ".env": "C=from .env\n"})
    assert shop.round().model == load(shop.box, shop.root).model


def test_compose_file_that_leads_elsewhere_has_two_env_files_as_compose_reads_them(shop: Shop) -> None:
    shop.save(
        {
            ".env": "COMPOSE_FILE=deploy/c.yaml\nCOMPOSE_PROJECT_NAME=other\nA=root\nC=root\n",
            "deploy/.env": "A=deploy\nB=deploy\nD=deploy$C\n",
            "deploy/c.yaml": "services:\n  shop:\n    build: ..\n    environment: {A: $A, B: $B, C: $C, D: $D}\n",
        }
    )
    project = shop.up()
    argv = ["docker", "compose", "config", "--format", "json"]
    said = json.loads(subprocess.run(argv, cwd=shop.root, check=True, capture_output=True).stdout)
    assert (project.name, project.specs["shop"]["environment"]) == (
        "other",
        said["services"]["shop"]["environment"],
    )
    assert (said["name"], shop.round().model) == ("other", project.model)
    shop.save({".env": "COMPOSE_FILE=deploy/c.yaml\nA=$HOST_SECRET\n"})
    assert "the variable HOST_SECRET" in shop.held()


@pytest.mark.parametrize("beside", [{}, {"deploy/.env": "A=deploy\n"}])
def test_compose_file_of_the_shell_needs_no_env_file(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, beside: Mapping[str, str]
) -> None:
    monkeypatch.setenv("COMPOSE_FILE", "deploy/c.yaml")
    shop.save(
        {"deploy/c.yaml": "services:\n  shop:\n    build: ..\n    environment: {A: '${A:-none}'}\n", **beside}
    )
    project = shop.up()
    assert project.specs["shop"]["environment"] == {"A": "deploy" if beside else "none"}
    assert shop.round().model == project.model


def test_two_env_files_do_not_expand_into_each_other_for_ever(shop: Shop) -> None:
    doubled = "".join(f"B{n}=$B{n - 1}$B{n - 1}\n" for n in range(1, 40))
    shop.save(
        {
            ".env": f"COMPOSE_FILE=deploy/c.yaml\nB0={'x' * 100}\n",
            "deploy/.env": doubled,
            "deploy/c.yaml": "services:\n  shop:\n    build: ..\n",
        }
    )
    with pytest.raises(FilesError, match="expand into each other"):
        shop.up()


def test_the_same_inputs_are_not_read_again_whatever_they_hold(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.save(
        {
            "compose.yaml": f"include: [more.yaml]\n{saying('    environment: {A: $HOST_SECRET}')}\n",
            "more.yaml": "services:\n  db:\n    image: db\n    env_file: ELSEWHERE/x.env\n",
        }
    )
    mine = shop.up()
    monkeypatch.setenv("HOST_SECRET", "of another shell")
    monkeypatch.setattr(ComposeCli, "config", None)
    monkeypatch.setattr(ComposeCli, "render", None)
    assert shop.round().model == mine.model
    shop.save({"more.yaml": "services:\n  db:\n    image: other\n"})
    assert "more.yaml (`include`)" in shop.held()


def test_a_variable_that_a_person_let_in_stays_where_it_was(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    two = "services:\n  shop:\n    build: .\n    environment: {A: '%s'}\n  db:\n    image: x\n    environment: {P: '%s'}\n"
    shop.save({"compose.yaml": two % ("b", "${HOST_SECRET:?no}")})
    shop.up()
    (source,) = shop.box.private.note(shop.root, Approved).sources.values()
    assert source.places == {("services", "db", "environment")}
    monkeypatch.setenv("HOST_SECRET", "of another shell")
    shop.save({"compose.yaml": two % ("c", "x-$HOST_SECRET")})
    assert shop.round().specs["db"]["environment"] == {"P": f"x-{SECRET}"}
    shop.save({"compose.yaml": two % ("$HOST_SECRET", "$HOST_SECRET")})
    assert "HOST_SECRET from your environment in services.shop.environment" in shop.held()
    shop.save({"compose.yaml": two % ("b", "$HOST_SECRET") + "    command: [$HOST_SECRET]\n"})
    assert "in services.db.command" in shop.held()


@pytest.mark.parametrize(
    "mention",
    [
        "# HOST_SECRET\n",
        "x-a: {A: $HOST_SECRET}\n",
        "x-a: HOST_SECRET\n",
    ],
)
def test_a_variable_that_was_only_mentioned_is_not_let_in(shop: Shop, mention: str) -> None:
    shop.save({"compose.yaml": mention + saying("    environment: {A: '${OTHER:-HOST_SECRET}'}\n")})
    shop.up()
    assert shop.box.private.note(shop.root, Approved).sources == {}
    shop.save({"compose.yaml": mention + saying("    environment: {A: $HOST_SECRET}\n")})
    assert "the variable HOST_SECRET" in shop.held()


def test_a_default_that_was_not_used_is_not_let_in(shop: Shop) -> None:
    shop.save({"compose.yaml": saying("    environment: {A: '${B:-$HOST_SECRET}'}\n"), ".env": "B=b\n"})
    shop.up()
    shop.save({".env": ""})
    assert "the variable HOST_SECRET" in shop.held()


def test_an_env_file_elsewhere_that_a_person_let_in_stays_where_it_was(shop: Shop) -> None:
    text = "services:\n  shop:\n    build: .\n    environment: {A: %s}\n  db:\n    image: x\n    env_file: ../elsewhere/x.env\n"
    shop.save({"compose.yaml": text % "b"})
    shop.up()
    shop.save({"compose.yaml": text % "c"})
    assert shop.round().specs["db"]["environment"] == {"LEAK": SECRET}
    shop.save({"compose.yaml": text % "b" + "    command: x\n" + "  web:\n    extends: db\n"})
    assert "elsewhere/x.env in services.web" in shop.held()
    shop.save({"compose.yaml": saying("    env_file: ../elsewhere/x.env\n")})
    assert "elsewhere/x.env in services.shop.environment" in shop.held()


def test_one_whose_values_are_all_overridden_is_not_let_in(shop: Shop) -> None:
    named = saying("    env_file: ../elsewhere/x.env\n")
    shop.save({"compose.yaml": f"{named}    environment: {{LEAK: mine}}\n"})
    shop.up()
    shop.save({"compose.yaml": named})
    assert "the content of ../elsewhere/x.env" in shop.held()


def test_a_link_that_a_person_let_in_continues(shop: Shop) -> None:
    (shop.root / ".env").symlink_to(shop.elsewhere / "x.env")
    shop.save({"compose.yaml": saying("    environment: {A: $LEAK}\n")})
    shop.up()
    shop.save({"compose.yaml": saying("    environment: {A: $LEAK, B: b}\n")})
    assert shop.round().specs["shop"]["environment"] == {"A": SECRET, "B": "b"}
    other = shop.elsewhere / "other.env"
    other.write_text(f"LEAK={SECRET}\n")
    (shop.root / ".env").unlink()
    (shop.root / ".env").symlink_to(other)
    assert f"the content of .env, a link to {other}" in shop.held()


def test_what_another_service_was_started_with_is_not_for_one_that_was_not_started(shop: Shop) -> None:
    two = saying(
        "    environment: {A: $HOST_SECRET}\n  api:\n    build: .\n    environment: {A: $HOST_SECRET}\n"
    )
    shop.save({"compose.yaml": two})
    shop.up("shop")
    shop.save({"compose.yaml": f"# changed\n{two}"})
    assert "HOST_SECRET from your environment in services.api.environment" in shop.held()


def test_what_was_looked_at_is_what_compose_reads(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A container rewrites and links everything between our look and compose's."""
    render = ComposeCli.render

    def late(self: ComposeCli, *args: object, **how: object) -> object:
        shop.save({"compose.yaml": saying(f"    environment: {{A: {SECRET}}}\n"), ".env": f"B={SECRET}\n"})
        (shop.root / "a.env").unlink(missing_ok=True)
        (shop.root / "a.env").symlink_to(shop.elsewhere / "x.env")
        return render(self, *args, **how)  # type: ignore[arg-type]

    shop.save({"compose.yaml": saying("    environment: {A: $B}\n    env_file: a.env\n"), ".env": "B=b\n"})
    shop.save({"a.env": "C=c\n"})
    monkeypatch.setattr(ComposeCli, "render", late)
    assert shop.round().specs["shop"]["environment"] == {"A": "b", "C": "c"}


@pytest.mark.parametrize(
    ("text", "said", "place"),
    [
        ("services:\n  shop:\n    build: .\n   x: [\n", "valid YAML", "compose.yaml:4:4"),
        ("services:\n  shop:\n    build: .\n    buidl: x\n", "buidl", "compose.yaml:4"),
        (
            saying("    env_file: none.env\n"),
            "the compose file needs none.env|the env file none.env does not exist",
            None,
        ),
    ],
)
def test_an_error_names_the_file_of_the_project(shop: Shop, text: str, said: str, place: str | None) -> None:
    shop.save({"compose.yaml": text})
    with pytest.raises(DevctlError, match=said) as told:
        shop.round()
    problem = told.value.problem
    assert "devctl-compose-" not in json.dumps(problem.as_json())
    assert place is None or problem.place == place


def test_an_error_says_nothing_of_the_host(shop: Shop) -> None:
    shop.save({"compose.yaml": saying("    environment: {A: '${NOBODY:?said $HOST_SECRET}'}\n")})
    with pytest.raises(FilesError) as told:
        shop.round()
    assert SECRET not in f"{told.value} {told.value.detail} {told.value.problem}"


@pytest.mark.parametrize("lent", ["environment: {P: $HOST_SECRET}", "env_file: ../elsewhere/x.env"])
@pytest.mark.parametrize(
    "asked", ["environment: {A: '${NOBODY:?said $HOST_SECRET $LEAK}'}", "ports: ['$HOST_SECRET$LEAK:80']"]
)
def test_nor_of_what_another_service_was_given(shop: Shop, lent: str, asked: str) -> None:
    text = "services:\n  shop:\n    build: .\n    %s\n  db:\n    image: x\n    %s\n"
    shop.save({"compose.yaml": text % ("init: true", lent)})
    shop.up()
    shop.save({"compose.yaml": text % (asked, lent)})
    with pytest.raises(FilesError) as told:
        shop.round()
    assert SECRET not in f"{told.value} {told.value.detail} {told.value.problem}"


def test_without_a_record_what_asks_for_nothing_of_the_host_is_read(shop: Shop) -> None:
    shop.world.private.pop((shop.root, Approved.file))
    assert shop.round().specs["shop"]["build"]
    shop.save({"compose.yaml": saying("    environment: {A: $HOST_SECRET}\n")})
    assert "HOST_SECRET" in shop.held()


def test_a_project_without_a_compose_file_takes_no_env_from_elsewhere(shop: Shop) -> None:
    (shop.root / "compose.yaml").unlink()
    shop.save({".env": "A=a\n"})
    shop.up()
    assert shop.round().specs["shop"]["environment"] == {"A": "a"}
    (shop.root / ".env").unlink()
    (shop.root / ".env").symlink_to(shop.elsewhere / "x.env")
    assert "the content of .env, a link to" in shop.held()
    shop.up()
    assert shop.round().specs["shop"]["environment"] == {"LEAK": SECRET}
