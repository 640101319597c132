"""What the scripts of the dev stage promise: a failed build leaves alone what runs, arguments are exact, a slow end has time."""

from __future__ import annotations

import os
import subprocess
import uuid
from pathlib import Path

import pytest

from devctl.domain.failures.dev_log import DevLog, Mark
from devctl.domain.project.log_lines import LogLines, log_mark
from tests.templates.dev_container import (
    SERVES,
    WITHIN,
    DevContainer,
    dev_container,
    is_alive,
    until,
)
from tests.templates.inline import SCRIPTS, TEMPLATES, script

MARK = log_mark("/home/me/shop", "app")
SLOW = SERVES.replace('trap "echo', "trap \"echo stopping >>'$LOG/ran'; sleep 0.5; echo")
DEAF = 'trap "" TERM INT\necho "start" >>"$LOG/ran"\nwhile :; do sleep 0.05; done\n'
WRITES = "date +%N >.new; mv .new page.html\n" + SERVES


@pytest.fixture
def container(tmp_path: Path) -> DevContainer:
    return dev_container(tmp_path)


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_dockerfile_writes_the_scripts_as_they_are(name: str) -> None:
    assert script(name) == (TEMPLATES / "dev-stage" / name).read_text(), "python -m tests.templates.inline"


def test_a_good_build_takes_the_place_of_the_program(container: DevContainer) -> None:
    with container.running():
        assert container.build() == 0
        container.starts(1)
        first = container.pid()
        container.write(main_go=f"{SERVES}# two\n")
        assert container.build() == 0
        container.starts(2)
        assert not is_alive(first) and container.ran("stopped") == 1
    assert container.ran("stopped") == 2 and (container.log / "air").read_text().endswith("post_cmd\n")


def test_a_failed_build_leaves_the_program_alone(container: DevContainer) -> None:
    with container.running():
        container.build()
        container.starts(1)
        first = container.pid()
        container.write(main_go="broken")
        assert container.build() != 0
        assert container.pid() == first and is_alive(first) and container.ran("stopped") == 0
        state = (container.air / "state").read_text()
        assert state.startswith("failed ") and len(state.splitlines()[0].split()) == 3
        assert "undefined: x" in state and "undefined: x" in container.said
        container.write(main_go=f"{SERVES}# fixed\n")
        assert container.build() == 0
        container.starts(2)
        assert (container.air / "state").read_text().startswith("ok ")


def test_a_container_that_starts_on_broken_code_recovers(container: DevContainer) -> None:
    container.write(main_go="broken")
    with container.running():
        assert container.build() != 0
        assert len((container.air / "state").read_text().splitlines()[0].split()) == 2, (
            "nothing runs meanwhile"
        )
        container.write(main_go=SERVES)
        assert container.build() == 0
        container.starts(1)


@pytest.mark.parametrize(
    "words", [[], ["serve", "--title", "a  b", "", "*", "$HOME", "it's", 'a "b"', "x\ny", "-n", "é😀", "\\"]]
)
def test_the_program_is_given_exactly_the_words_of_the_container(
    container: DevContainer, words: list[str]
) -> None:
    with container.running(*words):
        container.build()
        container.starts(1)
        until((container.log / "args").exists)
        assert (container.log / "args").read_text().split("\0")[:-1] == words


def test_a_program_that_stops_slowly_gets_its_time(container: DevContainer) -> None:
    container.write(main_go=SLOW)
    with container.running():
        container.build()
        container.starts(1)
        container.write(main_go=f"{SLOW}# two\n")
        container.build()
        container.starts(2)
        assert container.ran("stopped") == 1
    assert container.ran("stopped") == 2 and "killed" not in container.said


def test_a_build_is_known_by_its_container_whatever_its_name(container: DevContainer) -> None:
    note, name = container.root / "note", "5f" * 32
    note.mkdir()
    mounted = f"812 790 8:1 /var/lib/docker/containers/{name}/hostname /etc/hostname rw,relatime - ext4 /dev/sda1 rw\n"
    (container.log.parent / "mountinfo").write_text(mounted)
    container.env |= {"DEVCTL_STATE": str(note / "build"), "HOSTNAME": "api"}
    with container.running():
        container.build()
        assert (note / "build").read_text() == f"ok {name}\n"


def test_a_build_counts_as_served_only_once_the_old_program_has_stopped(container: DevContainer) -> None:
    note, hold = container.root / "note", container.log / "hold-stop"
    note.mkdir()
    container.env |= {"DEVCTL_STATE": str(note / "build"), "HOSTNAME": "c1"}
    drains = SERVES.replace('trap "echo', f"trap \"while [ -e '{hold}' ]; do sleep 0.02; done; echo")
    container.write(main_go=drains)
    with container.running():
        container.build()
        container.starts(1)
        assert (note / "build").read_text() == "ok c1\n"
        hold.touch()
        container.write(main_go=f"{drains}# two\n")
        build = container.begin_build()
        until(lambda: (note / "build").read_text() == "starting c1\n")
        built = (note / "build.ok").stat().st_mtime_ns
        hold.unlink()
        assert build.wait(WITHIN) == 0
        container.starts(2)
        assert (note / "build").read_text() == "ok c1\n"
        assert (note / "build").stat().st_mtime_ns == built, "what was saved meanwhile is newer"
        container.write(main_go="broken")
        assert container.build() != 0 and (note / "build").read_text() == "failed c1\n"


def test_a_program_that_does_not_stop_is_killed_and_that_is_said(container: DevContainer) -> None:
    (container.root / "note").mkdir()
    container.env |= {"DEVCTL_STOP_TIMEOUT": "0.2", "DEVCTL_STATE": str(container.root / "note/build")}
    container.write(main_go=DEAF)
    with container.running():
        container.build()
        container.starts(1)
        first = container.pid()
        container.write(main_go=f"{DEAF}# two\n")
        container.build()
        container.starts(2)
        assert not is_alive(first)
        assert container.said.count("devctl: killed the program: it did not stop within 0.2 s") == 1
        assert not (container.root / "note/killed").exists()
    assert container.process is not None and container.process.returncode == 137
    assert (container.root / "note/killed").read_text() == "0.2\n"


def test_a_shell_in_front_of_the_program_does_not_cut_its_time(container: DevContainer) -> None:
    """The shell ends at once; what it started is waited for."""
    wrapped = f"sh -c '{SLOW.replace(chr(39), '')}' &\nwait\n"
    container.write(main_go=wrapped)
    with container.running():
        container.build()
        container.starts(1)
        container.write(main_go=f"{wrapped}# two\n")
        container.build()
        container.starts(2)
        assert container.ran("stopped") == 1


def test_who_asks_for_an_interrupt_has_it(container: DevContainer) -> None:
    container.env["DEVCTL_STOP_SIGNAL"] = "INT"
    heard = 'python3 -c \'import signal,sys,os\nopen(os.environ["LOG"]+"/ran","a").write("start\\n")\n'
    heard += 'signal.signal(signal.SIGINT,lambda *_:(open(os.environ["LOG"]+"/ran","a").write("int\\n"),sys.exit()))\n'
    heard += "signal.pause()'\n"
    container.write(main_go=f"exec {heard}")
    with container.running():
        container.build()
        container.starts(1)
        container.write(main_go=f"exec {heard}# two\n")
        container.build()
        container.starts(2)
        assert container.ran("int") == 1
        container.write(main_go="echo start >>$LOG/ran; exec sleep 60\n")
        container.build()
        container.starts(3)
    assert "killed" not in container.said, (
        "one that has not asked for INT, which it begins with ignored, ends too"
    )


def test_a_program_that_ends_by_itself_is_told_and_starts_at_the_next_save(container: DevContainer) -> None:
    ends = 'echo "start" >>"$LOG/ran"\nexit 3\n'
    container.write(main_go=ends)
    with container.running():
        container.build()
        until(lambda: "devctl: the program exited with code 3" in container.said)
        container.build()
        container.starts(2)


def test_saves_in_quick_succession_end_on_the_last_and_one_program(container: DevContainer) -> None:
    (container.log / "hold").touch()
    with container.running():
        builds = []
        for number in range(5):
            container.write(main_go=f"{SERVES}# {number}\n")
            builds.append(container.begin_build())
        until((container.log / "go").exists)
        (container.log / "hold").unlink()
        assert [build.wait(WITHIN) for build in builds] == [0] * 5
        until(lambda: "# 4" in (container.air / "main").read_text())
        assert len((container.log / "go").read_text().splitlines()) <= 3, "those that wait are one build"
        until(lambda: container.ran("start") - container.ran("stopped") == 1)


def test_a_build_of_devctls_asking_is_that_of_the_last_save(container: DevContainer) -> None:
    with container.running():
        container.write(main_go="broken")
        container.build()
        container.write(main_go=SERVES)
        (container.air / "again").touch()
        until(container.noticed)
        container.starts(1)


def test_the_same_binary_is_not_a_reason_to_start_again(container: DevContainer) -> None:
    with container.running():
        container.build()
        container.starts(1)
        first = container.pid()
        container.write(other_go="// a comment\n")
        assert container.build() == 0
        assert container.pid() == first and "devctl: build unchanged" in container.said


def test_but_a_file_that_it_reads_at_its_start_is(container: DevContainer) -> None:
    with container.running():
        container.build()
        container.starts(1)
        container.write(page_html="<p>")
        container.build()
        container.starts(2)


def test_two_quick_saves_of_such_a_file_are_both_served(container: DevContainer) -> None:
    """The second one comes just after the start that the first one caused, as if the program had written the file at it."""
    container.write(main_go="dd if=/dev/zero of=$LOG/data bs=4096 count=4 2>/dev/null\n" + SERVES)
    with container.running():
        container.build()
        container.starts(1)
        until((container.air / "settled").exists)
        for number in (2, 3):
            container.write(page_html=f"{number}")
            container.build()
            container.starts(number)


def test_what_the_program_writes_at_its_start_does_not_start_it_for_ever(container: DevContainer) -> None:
    container.write(main_go=WRITES)
    with container.running():
        container.build()
        container.starts(1)
        container.builds_while_changed("page.html")
        assert container.ran("start") == 2
        assert container.said.count("./page.html") == 1
        container.write(main_go=f"{WRITES}# two\n")
        container.build()
        container.starts(3)
        container.builds_while_changed("page.html")
        assert container.ran("start") == 3


@pytest.mark.parametrize("name", ["main.go", "page.html"])
def test_somebody_who_saves_again_and_again_is_served_each_time(container: DevContainer, name: str) -> None:
    """Each save at once after the start, as a script does it: the program itself has written nothing."""
    quiet = "exec sleep 300\n"
    container.write(main_go=quiet)
    with container.running():
        container.build()
        for number in range(6):
            text = f"{quiet}# {number}\n" if name == "main.go" else f"<p>{number}"
            (container.root / name).write_text(text)
            container.build()
            assert container.said.count("devctl: restarted") == number + 1


def test_nor_what_is_compiled_in_and_written_at_each_start(container: DevContainer) -> None:
    """The binary differs each time; an edited Go file is served anyway."""
    container.write(main_go='date "+# %N" >.new; mv .new embedded.html\n' + SERVES)
    with container.running():
        container.build()
        container.starts(1)
        container.builds_while_changed("embedded.html")
        assert container.ran("start") == 5
        assert "./embedded.html" in container.said
        container.write(main_go=f"{(container.root / 'main.go').read_text()}# two\n")
        container.build()
        container.starts(6)
        container.builds_while_changed("embedded.html")
        assert container.ran("start") == 6


def test_generated_code_does_not_build_for_ever(container: DevContainer) -> None:
    """Where nothing leaves it out of what is watched: the build that writes it is an event, and so the next build."""
    generate = 'sleep 0.05; echo "// $(cat home.page)" >home_gen.go; echo >>"$LOG/generated"; exec go build -o "$0" .'
    command = ("sh", "-c", generate, str(container.air / "main"))
    container.write(home_page="one")

    def generated() -> int:
        return len((container.log / "generated").read_text().splitlines())

    with container.running():
        for _ in range(8):
            assert container.build(*command) == 0
        assert generated() <= 4
        before = generated()
        container.write(home_page="two")
        assert container.build(*command) == 0
        assert generated() == before + 1 and "two" in (container.root / "home_gen.go").read_text()
        container.write(main_go=f"{SERVES}# two\n")
        assert container.build(*command) == 0
        container.starts(3)  # the page may be read at the start, too


def test_a_log_that_is_held_open_is_the_programs_own(container: DevContainer) -> None:
    container.write(main_go="exec 3>>app.html; echo hello >&3\n" + SERVES)
    with container.running():
        container.build()
        container.starts(1)
        with (container.root / "app.html").open("a") as log:
            log.write("x")
        container.build()
        assert container.ran("start") == 1


def test_air_that_cannot_start_ends_the_container_with_its_code(container: DevContainer) -> None:
    (container.log / "air-dies").touch()
    with container.running():
        assert container.process is not None
        assert container.process.wait(WITHIN) == 3


TALKS = """#!/bin/sh
trap "exit 0" TERM
echo start >>"$LOG/ran"
env | grep DEVCTL_ >>"$LOG/env"
while :; do
  printf "building...\\nhalf "; sleep 0.001
  printf "\\033[1mline\\033[0m\\n"
done
"""


def test_with_a_mark_all_but_the_programs_lines_has_it(container: DevContainer) -> None:
    """The program writes half lines, and what looks like a line of air's, while builds print long ones."""
    container.env["DEVCTL_MARK"] = MARK
    long = "x" * 5000
    container.write(main_go=TALKS)
    with container.running():
        container.build()
        container.starts(1)
        for number in range(4):
            container.write(main_go="broken" if number % 2 else f"{TALKS}# {number}\n")
            container.build(
                "sh", "-c", f"echo {long} >&2; printf no-end; exec go build -o {container.air}/main ."
            )
    lines = LogLines(MARK)
    said = [each for line in container.said.split("\n") for each in lines.read("", f"{line}\n")]
    own = {each.text for each in said if each.program}
    whole, cut = {"building...", "half \x1b[1mline\x1b[0m"}, {"", "half ", "half building..."}
    # Its shell says that a sleep was terminated.
    assert whole <= own and {text.replace("Terminated", "") for text in own} <= whole | cut
    told = [each.text for each in said if not each.program]
    assert told.count(long) == 4 and told.count("no-end") == 2
    words = [text for text in told if text.startswith("devctl: ")]
    assert [text.split(" ")[2] for text in words if "build" in text] == [
        word for end in ("ok", "ok", "failed", "ok", "failed") for word in ("start", end)
    ]
    assert [text.endswith(" serves") for text in words if " failed " in text] == [True, True]
    assert "DEVCTL_MARK" not in (container.log / "env").read_text(), "a program that prints what it is given"


def test_an_air_that_ends_says_so_last(container: DevContainer) -> None:
    container.env["DEVCTL_MARK"] = MARK
    (container.log / "air-dies").touch()
    with container.running():
        assert container.process is not None and container.process.wait(WITHIN) == 3
        words = ("the container started", "air exited with code 3")
        assert container.said == "".join(f"{MARK} devctl: {said}\n" for said in words)


@pytest.mark.parametrize("mark", ["", MARK])
def test_another_program_of_the_image_says_its_first_build_alone(tmp_path: Path, mark: str) -> None:
    """`command: sh -c "migrate up && serve"`: anyone who waits for the service has to know that something is compiling."""
    name = f"devctl-test-{uuid.uuid4().hex}"  # all programs of a container are in one folder
    package = tmp_path / "cmd" / name
    package.mkdir(parents=True)
    (package / "go").write_text(
        '#!/bin/sh\nprintf \'#!/bin/sh\\necho migrated $1\\n\' >"$4" && chmod 755 "$4"\n'
    )
    (package / "go").chmod(0o755)
    once = TEMPLATES / "derived/once"
    env = {"DEVCTL_CONTEXT": str(tmp_path), "PATH": f"{package}:{os.environ['PATH']}", "DEVCTL_MARK": mark}
    built = Path("/tmp/devctl") / name
    try:
        first, again = (
            subprocess.run(
                ["sh", str(once), f"cmd/{name}", "", "up"],
                env=env,
                capture_output=True,
                text=True,
                check=True,
            )
            for _ in range(2)
        )
    finally:
        built.unlink(missing_ok=True)
    assert (first.stdout, again.stdout) == ("migrated up\n", "migrated up\n")
    log = DevLog(mark)
    heard = [each for line in first.stderr.splitlines() for each in log.hear("stderr", f"{line}\n")]
    assert [each.kind for each in heard if isinstance(each, Mark)] == ["helper.building", "helper.built"]
    assert again.stderr == "" and len(first.stderr.splitlines()) == 2


def build_words(container: DevContainer) -> tuple[str, ...]:
    return ("go", "build", "-o", str(container.air / "main"), ".")


def begun(container: DevContainer, code: str) -> Path:
    """A program that was built beside, and when that began."""
    built = container.log.parent / "built"
    built.write_text("#!/bin/sh\n" + code)
    built.chmod(0o755)
    up = Path("/proc/uptime").read_text().split()[0]
    Path(f"{built}.began").write_text(up.replace(".", "") + "0\n")
    return built


def test_what_was_built_for_a_changed_go_mod_is_served_without_another_build(container: DevContainer) -> None:
    with container.running():
        container.build()
        container.starts(1)
        built = begun(container, f"{SERVES}# with the new modules\n")
        compiled = (container.log / "go").read_text()
        assert container.begin_build("--built", str(built), *build_words(container)).wait(WITHIN) == 0
        container.starts(2)
        assert "# with the new modules" in (container.air / "main").read_text()
        assert (container.log / "go").read_text() == compiled and built.exists()
        assert (container.air / "state").read_text().startswith("ok ")
        assert container.build("--built", str(built), *build_words(container)) == 0
        assert container.ran("start") == 2, "it is no newer than what runs"


def test_but_not_in_the_place_of_a_later_save(container: DevContainer) -> None:
    with container.running():
        container.build()
        container.starts(1)
        built = begun(container, f"{SERVES}# older\n")
        container.write(main_go=f"{SERVES}# newer\n")
        (container.log / "hold").touch()
        saved = container.begin_build()
        until((container.air / "lock").is_symlink)
        assert container.build("--built", str(built), *build_words(container)) == 0
        (container.log / "hold").unlink()
        assert saved.wait(WITHIN) == 0
        container.starts(2)
        assert container.build("--built", str(built), *build_words(container)) == 0
        assert container.ran("start") == 2 and "# newer" in (container.air / "main").read_text()


def test_nor_where_the_build_is_a_command_of_somebody_elses(container: DevContainer) -> None:
    with container.running():
        container.build("sh", "-c", f"cp main.go {container.air}/main; chmod 0755 {container.air}/main")
        built = begun(container, f"{SERVES}# with the new modules\n")
        assert container.build("--built", str(built), "sh", "-c", "false") == 0
        assert "# with the new modules" not in (container.air / "main").read_text()
