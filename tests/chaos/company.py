"""Others at the same time: a second devctl, plain compose, docker, git, another worktree of the repository."""

from __future__ import annotations

import shutil
import subprocess
from random import Random

from tests.chaos.faults import Done, fault
from tests.chaos.invariants import containers
from tests.chaos.kills import during
from tests.chaos.scene import COMMANDS, Scene, wait
from tests.engine.cli import DEVCTL, docker, leave_nothing, serves
from tests.engine.conftest import Started
from tests.helpers import build_tree
from tests.ports import free_port


def _quiet(here: Scene, *argv: str) -> int:
    return subprocess.run(argv, cwd=here.root, capture_output=True, stdin=subprocess.DEVNULL).returncode


@fault("two devctl at once")
def two_at_once(here: Scene, rng: Random) -> Done:
    """Each comes to an end that the contract knows."""
    second = rng.choice([c for c in COMMANDS if c.name != "down"])

    def strike(_here: Scene, _rng: Random, _child: subprocess.Popen[bytes]) -> bool:
        argv = [*DEVCTL, "--json", "-y", *second.words]
        code = _quiet(here, *argv)
        assert code in (0, 1, 2, 4), f"{second.name} beside another command: exit code {code}"
        return True

    done = during(here, rng, strike)
    return Done(done.during, f"{second.name} {done.what}", done.struck)


@fault("plain `docker compose` beside devctl")
def plain_compose(here: Scene, rng: Random) -> Done:
    words = rng.choice(
        (("stop",), ("kill", "app"), ("restart", "app"), ("rm", "-sf", "app"), ("down",), ("stop", "db"))
    )

    def strike(_here: Scene, _rng: Random, _child: subprocess.Popen[bytes]) -> bool:
        _quiet(here, "docker", "compose", *words)
        return True

    done = during(here, rng, strike)
    return Done(done.during, f"{' '.join(words)} {done.what}", done.struck)


@fault("the database is killed")
def database_is_killed(here: Scene, rng: Random) -> Done:
    def strike(_here: Scene, _rng: Random, _child: subprocess.Popen[bytes]) -> bool:
        return _quiet(here, "docker", "kill", f"{here.made.name}-db-1") == 0

    return during(here, rng, strike)


@fault("docker stops, kills, pauses or removes the service's container")
def container_is_changed(here: Scene, rng: Random) -> Done:
    here.bring(rng.choice(("dev", "prod")))
    words = rng.choice((("stop", "--time", "1"), ("kill",), ("pause",), ("rm", "--force")))
    mode, here.mode = here.mode, ""
    docker(*words, f"{here.made.name}-app-1")
    return Done(f"nothing, {mode}", words[0])


@fault("docker removes the image that runs")
def image_is_removed(here: Scene, rng: Random) -> Done:
    here.bring(rng.choice(("dev", "prod")))
    mode, here.mode = here.mode, ""
    image = docker("inspect", "--format", "{{.Config.Image}}", f"{here.made.name}-app-1")
    docker("image", "rm", "--force", image)
    return Done(f"nothing, {mode}", image.rpartition(":")[2])


@fault("git checkout of another branch, and back")
def checkout(here: Scene, rng: Random) -> Done:
    """The watcher sees go.mod change, and change again, at moments of its own round."""
    here.bring("dev")
    here.mode, greeting, moment = "", here.greeting, here.moment(rng, "rebuild")
    here.git("checkout", "--quiet", "-b", "other")
    build_tree(here.root, here.turn())
    here.git("commit", "--quiet", "--all", "--message", "another ledger")
    stays = rng.random() < 0.5
    wait(moment)
    if stays:
        here.git("checkout", "--quiet", "-B", "main")
    else:
        here.git("checkout", "--quiet", "main")
        here.greeting = greeting
    here.git("branch", "--quiet", "-D", "other")
    here.head = here.git("rev-parse", "HEAD")
    return Done("a round of the watcher", f"{'stays' if stays else 'back'} after {moment:.2f} s")


@fault("git rebase")
def rebase(here: Scene, rng: Random) -> Done:
    """Five commits are applied one after the other, each of which the watcher may see."""
    here.bring("dev")
    here.mode, moment = "", here.moment(rng, "rebuild")
    base = here.head
    here.git("checkout", "--quiet", "-b", "topic")
    build_tree(here.root, here.turn())
    here.git("commit", "--quiet", "--all", "--message", "another ledger")
    for number in range(4):
        build_tree(here.root, {f"note{number}.go": f"package main\n\nconst note{number} = {number}\n"})
        here.git("add", "--all")
        here.git("commit", "--quiet", "--message", f"note {number}")
    here.git("checkout", "--quiet", "main")
    build_tree(here.root, {"README": f"{base} {moment}\n"})
    here.git("add", "--all")
    here.git("commit", "--quiet", "--message", "a text")
    wait(moment)
    here.git("rebase", "--quiet", "main", "topic")
    for number in range(4):
        here.git("rm", "--quiet", f"note{number}.go")
    here.git("commit", "--quiet", "--message", "without notes")
    here.git("checkout", "--quiet", "-B", "main")
    here.git("branch", "--quiet", "-D", "topic")
    here.head = here.git("rev-parse", "HEAD")
    return Done("a round of the watcher", f"after {moment:.2f} s")


@fault("a second worktree of the repository comes up and goes")
def second_worktree(here: Scene, rng: Random) -> Done:
    """Each is a project of its own: what one does changes no container of the other."""
    here.bring("dev")
    there = Started(here.root.with_name(f"{here.root.name}t"), f"{here.made.name}t", free_port())
    before = sorted(containers(here))
    here.git("worktree", "add", "--quiet", "--detach", str(there.root))
    try:
        there.write({".env": f"PORT={there.port}\n"})
        there.devctl("-y", "up", "-d", *rng.choice((("--no-watch",), ())))
        serves(there.port, here.greeting)
        if rng.random() < 0.5:
            there.devctl("-y", "prod-preview")
        there.devctl("-y", "down", "--volumes")
        assert sorted(containers(here)) == before
    finally:
        leave_nothing(there.root, there.name)
        shutil.rmtree(there.root)
        here.git("worktree", "prune")
    return Done("nothing, dev", "up and down beside it")
