"""The user's own .air.toml, translated for devctl's dev stage: what it says about building, starting and stopping applies there."""

from __future__ import annotations

import shlex
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devctl.domain.detect.air_start import air_start
from devctl.domain.plan.users_air import Translated, builds, duration, problems, translated
from devctl.domain.project.air_toml import users_air
from devctl.domain.project.model import ProgramStart, ServedPort, Service, SourceCode

PAGODA = """root = "."
tmp_dir = "tmp"

[build]
pre_cmd = ["go generate ./..."]
cmd = "go build -o ./tmp/pagoda ./cmd/pagoda"
bin = "./tmp/pagoda"
include_ext = ["go", "page"]
exclude_dir = ["tmp"]
exclude_regex = ["_gen\\\\.go$", "_test\\\\.go$"]
delay = 200
"""


def told(text: str, service: Service | None = None, *, path: str = ".air.toml", **how: Any) -> Translated:
    return translated(users_air(text, path), service or Service("shop"), source="/app", **how)


def build(said: Translated) -> dict[str, Any]:
    found = tomllib.loads(said.text)["build"]
    assert isinstance(found, dict)
    return found


def script(said: Translated) -> str:
    """What `devctl-build` runs by a shell."""
    words = shlex.split(build(said)["cmd"])
    assert words[:3] == ["devctl-build", "sh", "-c"]
    return words[3]


def test_the_users_commands_build_and_the_users_endings_trigger() -> None:
    said = told(PAGODA)
    assert "go generate ./..." in script(said).splitlines()[0]
    assert script(said).splitlines()[-1] == "go build -o ./tmp/pagoda ./cmd/pagoda"
    assert build(said)["include_ext"] == ["go", "page"]
    assert build(said)["exclude_regex"] == ["_gen\\.go$", "_test\\.go$"]
    assert (build(said)["exclude_dir"], build(said)["delay"]) == (["tmp"], 200)
    assert build(said)["entrypoint"] == ["true"], "devctl-run runs the program"
    assert said.command == ("/app/tmp/pagoda",)
    assert said.environment["DEVCTL_BINARY"] == "/app/tmp/pagoda"


@pytest.mark.parametrize(
    ("stops", "built"), [("", "made\n"), ("stop_on_error = true\n", "")], ids=["air goes on", "it is to stop"]
)
def test_where_a_command_before_the_build_fails_air_continues(tmp_path: Path, stops: str, built: str) -> None:
    said = told(f'[build]\n{stops}pre_cmd = ["exit 3"]\ncmd = "echo made >out"\n')
    done = subprocess.run(["sh", "-c", script(said)], cwd=tmp_path, capture_output=True, text=True)
    out = tmp_path / "out"
    assert (out.read_text() if out.exists() else "") == built
    assert (done.returncode == 0) == (built != "")


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ('[build]\nbin = "tmp/main"\nargs_bin = ["serve", "--port=8080"]', ("/app/tmp/main", "serve", "--port=8080")),
        ('[build]\nentrypoint = ["./tmp/api", "-v"]', ("/app/tmp/api", "-v")),
        ('[build]\nentrypoint = "./tmp/api"', ("/app/tmp/api",)),
        ('[build]\nfull_bin = "APP_ENV=dev ./tmp/main"', ("sh", "-c", "APP_ENV=dev ./tmp/main", "sh")),
        ('[build]\nargs_bin = ["--title \'a b\'"]', ("sh", "-c", "/app/tmp/main --title 'a b'", "sh")),
        ('[build]\nentrypoint = ["node", "run", "./tmp/main"]', ("node", "run", "./tmp/main")),
        ('[build]\nentrypoint = ["dlv", "exec", "./tmp/main", "--headless", "--", "-v"]', ("/app/tmp/main", "-v")),
        ('[build]\nfull_bin = "X=1 dlv exec --listen :2345 --headless ./tmp/main -- serve"', ("sh", "-c", "X=1 ./tmp/main serve", "sh")),  # noqa: E501
        ('root = "back"\n[build]\nbin = "tmp/main"', ("/app/back/tmp/main",)),
        ('tmp_dir = "/var/x"', ("/var/x/main",)),
    ],
)  # fmt: skip
def test_the_program_starts_as_air_would_start_it(text: str, command: tuple[str, ...]) -> None:
    assert told(text).command == command


def test_arguments_of_the_compose_file_are_kept_exactly() -> None:
    service = Service("shop", start=ProgramStart(args=("serve", "a  b", "*")))
    assert told('[build]\nbin = "tmp/x"\nargs_bin = ["other"]', service).command == (
        "/app/tmp/x", "serve", "a  b", "*",
    )  # fmt: skip
    full = told('[build]\nfull_bin = "A=1 ./tmp/x"', service).command
    assert full == ("sh", "-c", 'A=1 ./tmp/x "$@"', "sh", "serve", "a  b", "*")


def test_what_air_init_writes_is_not_a_choice() -> None:
    said = told(
        '[build]\ndelay = 1000\nkill_delay = "0s"\nexclude_dir = ["assets", "tmp", "vendor", "testdata"]\n'
    )
    assert build(said)["delay"] == 20 and "assets" not in build(said)["exclude_dir"]
    assert "DEVCTL_STOP_TIMEOUT" not in said.environment


def test_how_it_stops_is_what_the_file_says() -> None:
    said = told('[build]\nsend_interrupt = true\nkill_delay = "1m30s"\nstop_on_error = true\nrerun = true\n')
    assert said.environment["DEVCTL_STOP_SIGNAL"] == "INT"
    assert said.environment["DEVCTL_STOP_TIMEOUT"] == "90"
    assert said.environment["DEVCTL_STOP_ON_ERROR"] == "1"
    assert said.environment["DEVCTL_RERUN"] == "0.5"
    assert told("[build]\nkill_delay = 500\n").environment["DEVCTL_STOP_TIMEOUT"] == "0.5"


def test_the_rest_is_airs_as_it_stands() -> None:
    text = (
        'env_files = [".env"]\n[build]\npoll = true\ninclude_dir = ["cmd"]\n[proxy]\nenabled = true\nproxy_port = 9090\n'
        'app_port = 9005\n[[build.rules]]\nname = "css"\ncmd = "make css"\ninclude_ext = ["scss"]\n'
    )
    said = told(text)
    values = tomllib.loads(said.text)
    assert values["proxy"] == {"enabled": True, "proxy_port": 9090, "app_port": 9005}
    assert values["build"]["rules"] == [{"name": "css", "cmd": "make css", "include_ext": ["scss"]}]
    assert values["build"]["poll"] is True and values["build"]["include_dir"] == ["cmd"]
    assert said.environment["DEVCTL_AIR_ENV"] == "1"
    service = Service("shop", air=users_air(text, ".air.toml"), serve=ServedPort(port=9090))
    assert (service.port_in("dev"), service.port_in("prod")) == (9090, 9005)


def test_what_is_embedded_is_watched_and_data_is_not() -> None:
    said = told(PAGODA, watched=["*.rego", "web/VERSION"], unwatched=["pgdata"])
    assert build(said)["include_ext"] == ["go", "page", "rego"]
    assert build(said)["include_file"] == ["web/VERSION"] and "pgdata" in build(said)["exclude_dir"]


def test_a_file_in_a_folder_is_run_there() -> None:
    said = told(PAGODA, path="svc/.config/air.toml", unwatched=["svc/pgdata"])
    assert said.environment["DEVCTL_SOURCE"] == said.environment["DEVCTL_WORKDIR"] == "/app/svc"
    assert said.command == ("/app/svc/tmp/pagoda",) and "pgdata" in build(said)["exclude_dir"]


@pytest.mark.parametrize(
    ("cmd", "alone", "expected"),
    [
        ("go build -o tmp/x ./cmd/api", False, True),
        ("go build ./cmd/api", False, True),
        ("go build -o tmp/x cmd/api/main.go", False, True),
        ("go build -o tmp/x ./cmd/worker", False, False),
        ("go build -o tmp/x", False, False),
        ("make build", False, False),
        ("make build", True, True),
    ],
)
def test_a_command_that_builds_another_service_is_not_taken(cmd: str, alone: bool, expected: bool) -> None:
    air = users_air(f"[build]\ncmd = '{cmd}'\n", ".air.toml")
    assert builds(air, Service("api", source=SourceCode(main="./cmd/api")), alone=alone) is expected


def test_paths_of_windows_are_named_with_line_and_fix() -> None:
    text = 'root = "."\n[build]\ncmd = "go build -o .\\\\tmp\\\\main.exe ."\nbin = "tmp\\\\main.exe"\n'
    found = list(problems(users_air(text, ".air.toml")))
    assert [(p.place, p.hint) for p in found] == [
        (".air.toml:4", 'bin = "./tmp/main.exe"'),
        (".air.toml:3", 'cmd = "go build -o ./tmp/main.exe ."'),
    ]
    said = told(text)
    assert said.command is None and "/tmp/air/main" in build(said)["cmd"], "our own build runs meanwhile"


def test_a_program_whose_name_ends_as_on_windows_is_built_and_started_as_it_says() -> None:
    text = '[build]\ncmd = "go build -o ./tmp/main.exe ."\nbin = "tmp/main.exe"\nfull_bin = "tmp/main.exe"\n'
    assert list(problems(users_air(text, ".air.toml"))) == []
    said = told(text)
    assert "./tmp/main.exe" in build(said)["cmd"] and said.environment["DEVCTL_BINARY"] == "/app/tmp/main.exe"


def test_what_stands_for_windows_alone_is_not_a_problem() -> None:
    assert list(problems(users_air('[build.windows]\nbin = "tmp\\\\main.exe"\n', ".air.toml"))) == []


def test_what_holds_for_linux_is_taken() -> None:
    assert told('[build]\nbin = "a/x"\n[build.linux]\nbin = "b/x"\n').command == ("/app/b/x",)


@pytest.mark.parametrize(("text", "seconds"), [("1m30s", 90.0), ("500ms", 0.5), ("10s", 10.0), ("x", 0.0), ("", 0.0)])  # fmt: skip
def test_durations_are_gos(text: str, seconds: float) -> None:
    assert duration(text) == seconds


SCALARS = st.booleans() | st.integers(-(2**40), 2**40) | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)  # fmt: skip
KEYS = st.text("abc_- é", min_size=1, max_size=4)
TABLES = st.recursive(
    st.dictionaries(KEYS, SCALARS | st.lists(SCALARS, max_size=3), max_size=3),
    lambda inner: st.dictionaries(KEYS, inner | st.lists(inner, min_size=1, max_size=2), max_size=3),
    max_leaves=5,
)


@given(TABLES)
def test_any_settings_come_through(values: dict[str, Any]) -> None:
    from devctl.domain.plan.users_air import as_toml

    assert tomllib.loads(as_toml(values)) == values


@pytest.mark.parametrize(
    ("said", "calls"),
    [
        ('cmd = "make build"', True), ('cmd = "cd web && make"', True), ('pre_cmd = ["go generate ./...", "make gen"]', True),
        ('cmd = "go build -o tmp/make ."', False), ('cmd = "cmake ."', False), ('cmd = "go run ./make build"', False),
        ('[build.linux]\ncmd = "make linux"', True),
    ],
)  # fmt: skip
def test_a_makefile_wants_the_image_that_has_make(said: str, calls: bool) -> None:
    air = users_air(f"[build]\n{said}\n", ".air.toml")
    assert air.calls_make is calls
    assert Service("shop", air=air).needs_debian is calls


@pytest.mark.parametrize(
    "text",
    [
        "[build]\nargs_bin = 5",
        '[build]\nargs_bin = "--port 1"',
        "[build]\npre_cmd = 5",
        "[build]\ninclude_ext = 5",
        "[build.linux]\ninclude_file = [[1]]",
        f"[build]\nkill_delay = 1{'0' * 400}",
        f"[build]\nrerun = true\nrerun_delay = 1{'0' * 400}",
        f"x = {'[' * 5000}{']' * 5000}",
        f"[{'.'.join(['a'] * 5000)}]\nb = 1",
        f"x = {'[' * 100}{']' * 100}",
    ],
)
def test_what_air_would_refuse_is_refused_and_nothing_else_comes_of_it(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a list of strings|too large|too deeply"):
        users_air(text, ".air.toml")


def test_quotes_that_only_seem_to_fit_set_nothing() -> None:
    air = users_air('[build]\nfull_bin = \'A="x\\" y" "prog\'', ".air.toml")
    assert air_start(air).args == () and air_start(air).variables == {}


def test_a_key_is_placed_in_the_table_whose_word_counts() -> None:
    lines = [
        '[proxy]', 'full_bin = "x"', 'cmd = "x"', '[build]', '# full_bin = "x"', 'cmd = "go build -o ./tmp/main ."',
        'full_bin = "PORT=9001 ./tmp/main"', 'args_bin = ["--level", "debug"]', '[build.windows]', 'full_bin = "x"',
        '[ build.linux ]', 'args_bin = ["--level", "warn"]',
    ]  # fmt: skip
    air = users_air("\n".join(lines), ".air.toml")
    start = air_start(air)
    assert (start.args, start.place) == (("--level", "warn"), ".air.toml:12")
    assert (start.variables, start.set_at) == ({"PORT": "9001"}, ".air.toml:7")
    assert (start.built_at, air.place("delay")) == (".air.toml:6", ".air.toml")


@pytest.mark.parametrize(
    ("said", "command"),
    [
        ('bin = "./tmp/main"', ("/app/tmp/main",)),
        ('full_bin = "A=1 exec ./tmp/main x"', ("sh", "-c", "A=1 /d/devctl-debug ./tmp/main x", "sh")),
        ('full_bin = "dlv exec ./tmp/main -- x"', ("sh", "-c", "/d/devctl-debug ./tmp/main x", "sh")),
        ('full_bin = "cd tmp && ./main"', ("sh", "-c", "cd tmp && ./main", "sh")),
        ('args_bin = ["$X"]', ("sh", "-c", "/d/devctl-debug /app/tmp/main $X", "sh")),
    ],
)
def test_a_plain_line_starts_its_program_under_the_debugger(said: str, command: tuple[str, ...]) -> None:
    assert told(f"[build]\n{said}\n", under="/d/devctl-debug").command == command
