"""A failed build is reported with the lines that matter, and places are the project's."""

from __future__ import annotations

import pytest

from devctl.domain.failures.build_output import LONGEST, failed_build, is_shown_as
from devctl.domain.failures.catalog import entries
from devctl.domain.failures.places import first_place, of_compiler, of_project, telling_line
from devctl.domain.project.model import Service, SourceCode
from tests.fakes import World

LONG = "\n".join(f"#7 {n}.100 step {n} of the long build" for n in range(60))
FAILED = f"""\
#6 [web build 3/5] COPY go.mod ./
#6 DONE 0.0s
#7 [web build 4/5] RUN make   all
{LONG}
#7 60.200 config: cannot find libfoo
#8 [web other 1/2] RUN sleep 9
#8 CANCELED
#7 ERROR: executor failed running [/bin/sh -c make all]: exit code: 3
------
 > [web build 4/5] RUN make all:
60.200 config: cannot find libfoo
------
time="2026-11-30T13:09:29Z" level=warning msg="COMPOSE_BAKE=false is deprecated"
failed to solve: executor failed running [/bin/sh -c make all]: exit code: 3
"""


def test_the_instruction_and_its_last_ten_lines() -> None:
    lines = failed_build(FAILED).text.splitlines()
    assert lines[0] == "RUN make all" and lines[-1] == "config: cannot find libfoo"
    assert len(lines) == 11 and len(set(lines)) == 11


def test_a_line_of_devctls_is_nothing_to_look_at() -> None:
    ours = FAILED.replace(
        "[web build 4/5] RUN make   all", "[web devctl-deps 4/4] RUN if [ -e /run ]; then x; fi"
    )
    assert failed_build(ours).text.splitlines() == failed_build(FAILED).text.splitlines()[1:]


def test_a_stage_of_the_users_without_a_name_is_theirs() -> None:
    theirs = FAILED.replace("[web build 4/5] RUN", "[web devctl-stage-1 4/5] RUN")
    assert failed_build(theirs).text == failed_build(FAILED).text


@pytest.mark.parametrize(
    ("original", "shown", "same"),
    [
        ("COPY  configs \\\n  /configs", "COPY configs /configs", True),
        ("COPY ${DIR:-a} /$TO/x", "COPY configs /configs/x", True),
        ("RUN make $TARGET", "RUN make $TARGET", True),
        ("COPY a* /b", "COPY aa /b", False),
        ("COPY ${DIR} /a", "COPY configs /b", False),
    ],
)
def test_an_instruction_is_known_by_how_the_builder_shows_it(
    original: str, shown: str, *, same: bool
) -> None:
    assert is_shown_as(original, shown) is same


def test_what_fails_in_no_step() -> None:
    wrong = "failed to solve: Dockerfile parse error line 3: unknown instruction: RUNN"
    assert failed_build(f'time="…" level=warning msg=x\n#1 [internal] load\n#1 DONE\n{wrong}\n').text == wrong


def test_a_build_whose_time_runs_out_shows_how_far_it_came() -> None:
    assert failed_build("#7 [web build 4/5] RUN make\n#7 1.1 one\n#7 9.1 two\n").text == "RUN make\none\ntwo"


def test_every_recorded_build_is_short_and_free_of_noise() -> None:
    recorded = [s.output for e in entries() for s in e.samples if s.asked == "build" and "\n#" in s.output]
    assert len(recorded) > 5
    for output in recorded:
        told = failed_build(output).text
        assert told, output
        assert len(told.splitlines()) <= 11
        assert not [w for w in ("CANCELED", "COMPOSE_BAKE", "------", "executor failed") if w in told], told


def _service(folder: str) -> Service:
    from msgspec.structs import replace

    from devctl.workflows.project.load import load

    world = World()
    return replace(load(world.box(), world.root).services[0], source=SourceCode(dir=folder))


@pytest.mark.parametrize(("folder", "place"), [(".", "db/db.go:3:23"), ("svc", "svc/db/db.go:3:23")])
def test_the_compiler_counts_from_go_mod_and_we_from_the_project(folder: str, place: str) -> None:
    service = _service(folder)
    said = of_compiler("# example.com/x/db\ndb/db.go:3:23: cannot use x\n\t./other.go:4: y", service)
    assert first_place(said) == place
    assert of_compiler("./main.go:1:2: x", service).startswith(f"{place.partition('db/')[0]}main.go:1:2")


def test_a_place_in_the_container_is_one_of_the_project() -> None:
    service = _service(".")
    log = f"at {service.mounted_at}/cmd/api/main.go:12 +0x1d in {service.mounted_at}/data"
    assert of_project(log, service) == f"at cmd/api/main.go:12 +0x1d in {service.mounted_at}/data"


COMPILES_NOT = """\
#0 building with "default" instance using docker driver

#6 [app internal] load build context
#6 transferring context: 1.46kB done
#6 DONE 0.0s

#7 [app build 3/4] COPY . .
#7 CANCELED

#8 [app build 4/4] RUN go build -o /out/app .
#8 0.439 # example.com/app
#8 0.439 ./lite.go:5:6: edition redeclared in this block
#8 0.439 	./full.go:5:6: other declaration of edition
#8 ERROR: executor failed running [/bin/sh -c go build -o /out/app .]: exit code: 1
------
 > [app build 4/4] RUN go build -o /out/app .:
0.439 # example.com/app
0.439 ./lite.go:5:6: edition redeclared in this block
------
time="2026-11-30T13:11:17Z" level=warning msg="COMPOSE_BAKE=false is deprecated, support for internal compose builder"
failed to solve: executor failed running [/bin/sh -c go build -o /out/app .]: exit code: 1
"""
UNREADABLE = """\
#1 [app internal] load .dockerignore
#1 transferring context: 2B done
#1 DONE 0.0s

time="2026-11-30T13:01:32Z" level=warning msg="COMPOSE_BAKE=false is deprecated"
failed to solve: dockerfile parse error line 8: unknown instruction: SET
"""


def test_the_lines_of_the_step_that_failed_each_once() -> None:
    assert failed_build(COMPILES_NOT).text.splitlines() == [
        "RUN go build -o /out/app .",
        "# example.com/app",
        "./lite.go:5:6: edition redeclared in this block",
        "\t./full.go:5:6: other declaration of edition",
    ]


def test_the_error_itself_where_the_step_printed_nothing() -> None:
    output = '#5 [build 2/3] COPY words.txt .\n#5 ERROR: "/words.txt": not found\n------\nfailed to solve: not found\n'
    assert failed_build(output).text.splitlines() == [
        "COPY words.txt .",
        '"/words.txt": not found',
    ]


def test_where_no_step_failed_what_is_not_progress() -> None:
    assert failed_build(UNREADABLE).text == (
        "failed to solve: dockerfile parse error line 8: unknown instruction: SET"
    )


def test_what_says_nothing_is_shown_as_it_is_and_a_long_line_is_cut() -> None:
    assert failed_build("#1 DONE 0.0s").text == "#1 DONE 0.0s"
    assert len(failed_build("x" * 5000).text) <= LONGEST


@pytest.mark.parametrize(
    ("said", "line"),
    [
        (
            "starting build\n# example.com/shop\nmain.go:7:2: undefined: x\nmain.go:9:1: y\n",
            "main.go:7:2: undefined: x",
        ),
        ("# example.com/shop\ncmd/api/main.go:3: syntax error\n", "cmd/api/main.go:3: syntax error"),
        ("go: updates to go.mod needed\nmore\n", "go: updates to go.mod needed"),
        ("", ""),
    ],
)
def test_the_line_that_says_what_is_wrong(said: str, line: str) -> None:
    assert telling_line(said) == line
