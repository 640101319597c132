"""Who we are: the same words on one machine, others on a clone, in a container, and where nothing can be kept."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from devctl.adapters.doctor import processes as machine_processes
from devctl.adapters.system import identity
from devctl.adapters.system.identity import HomeIdentity
from devctl.domain.plan.engine_state import MACHINE_LABEL, TEMPORARY_LABEL


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    cards = tmp_path / "net"
    (cards / "eth0" / "device").mkdir(parents=True)
    (cards / "lo").mkdir()
    (cards / "eth0" / "address").write_text("02:00:00:00:00:01\n")
    monkeypatch.setattr(identity, "INTERFACES", cards)
    return tmp_path


def of_another_process(home: Path, what: str) -> str:
    """What a process that has exited since then says about `mine`."""
    script = (
        "import json; from pathlib import Path; from devctl.adapters.system import identity; "
        f"identity.INTERFACES = Path({str(home / 'net')!r}); mine = identity.HomeIdentity(); {what}"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return done.stdout


def test_the_words_stay_and_tell_nothing_of_each_other() -> None:
    one, again = HomeIdentity(), HomeIdentity()
    assert one.machine == again.machine and len(one.machine) == 32
    assert one.cache_scope(Path("/a")) == again.cache_scope(Path("/a")) != one.cache_scope(Path("/b"))
    assert one.machine not in one.cache_scope(Path("/a"))


def test_they_are_for_their_user_alone(home: Path) -> None:
    HomeIdentity().machine  # noqa: B018
    (file,) = (home / "state/devctl/machines").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600 and file.parent.stat().st_mode & 0o777 == 0o700
    assert set(json.loads(file.read_text())) == {"machine", "secret", "addresses"}


def test_a_clone_has_words_of_its_own_and_a_docking_station_makes_none(home: Path) -> None:
    first = HomeIdentity().machine
    docked = home / "net/eth1/device"
    docked.mkdir(parents=True)
    (docked.parent / "address").write_text("02:00:00:00:00:02\n")
    assert HomeIdentity().machine == first
    for card in ("eth0", "eth1"):
        (home / "net" / card / "address").write_text(f"06:00:00:00:00:{card[-1]}\n")
    clone = HomeIdentity()
    assert clone.machine not in ("", first) and HomeIdentity().machine == clone.machine


def test_another_machine_or_container_with_the_same_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = HomeIdentity().machine
    (home / "machine-id").write_text("another\n")
    with monkeypatch.context() as other:
        other.setattr(identity, "MACHINE_ID", home / "machine-id")
        assert HomeIdentity().machine != first
    inside = home / "proc/self/ns"
    inside.mkdir(parents=True)
    (inside / "pid").symlink_to("pid:[4026532999]")
    with monkeypatch.context() as other:
        other.setattr(identity, "PROC", home / "proc")
        assert HomeIdentity().machine != first
    assert HomeIdentity().machine == first


def test_where_nothing_can_be_kept_this_process_has_its_own(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(home / "file"))
    one = HomeIdentity()
    assert one.machine == one.machine != HomeIdentity().machine


def test_what_is_temporary_ends_with_its_process(home: Path) -> None:
    mine = HomeIdentity()
    labels = json.loads(of_another_process(home, "print(json.dumps(mine.temporary()))"))
    assert labels[MACHINE_LABEL] == mine.machine
    assert mine.ended(labels) and not mine.ended(mine.temporary())
    pid = mine.temporary()[TEMPORARY_LABEL].partition("-")[0]
    assert mine.ended({**labels, TEMPORARY_LABEL: f"{pid}-1"}), "the pid was given to another process since"
    assert not mine.ended({**labels, MACHINE_LABEL: "elsewhere"}) and not mine.ended(
        {MACHINE_LABEL: mine.machine}
    )


def test_folders_of_killed_processes_are_found(home: Path) -> None:
    of_another_process(home, "mine.note_folder(Path('/tmp/left'))")
    mine = HomeIdentity()
    mine.note_folder(home)
    assert mine.left_folders() == [Path("/tmp/left")], "this process still uses its own"
    mine.forget_folder(Path("/tmp/left"))
    assert mine.left_folders() == []


def test_watchers_of_another_user_or_namespace_are_not_seen(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def process(pid: str, mnt: str, pids: str = "pid:[1]") -> None:
        ns = home / "proc" / pid / "ns"
        ns.mkdir(parents=True)
        (ns / "mnt").symlink_to(mnt)
        (ns / "pid").symlink_to(pids)
        command = ["python", "-m", "devctl", "watch-daemon", "--project", f"/p{pid}"]
        (ns.parent / "cmdline").write_text("\0".join(command))

    for name in ("self", "10"):
        process(name, "mnt:[1]")
    process("11", "mnt:[2]")
    process("12", "mnt:[1]", "pid:[2]")
    for module in (identity, machine_processes):
        monkeypatch.setattr(module, "PROC", home / "proc")
    assert machine_processes.watchers() == {10: Path("/p10")}
    monkeypatch.setattr("os.geteuid", lambda: 4242)
    assert machine_processes.watchers() == {}
