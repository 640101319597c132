"""What `doctor --fix` does to a project's folder, once somebody agreed: owners, files, modules."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from devctl.adapters.doctor.tree import walk
from devctl.adapters.system import beneath
from devctl.adapters.system.regular_file import Unreadable
from devctl.domain.command.argv import docker, mount
from devctl.domain.doctor.facts import TreeFacts
from devctl.domain.failures import explain
from devctl.domain.go.module_gaps import ModuleGap
from devctl.domain.ports.toolbox import Finished, Processes
from devctl.errors import MachineError

LIMIT = 1_000_000
TAIL = 10
GO_WITHIN = 300.0
GO_SETTINGS = ("GOPROXY", "GOPRIVATE", "GONOPROXY", "GONOSUMDB", "GOSUMDB")


def set_owner(
    tree: TreeFacts, processes: Processes, *, image: str, root: bool, labels: Sequence[str] = ()
) -> str:
    """Links are changed, never followed. A user who is not root, but may use the engine, has a container do it.

    Devices, and files with a second name, which may be one outside of the project, stay as they are.
    """
    uid, gid = tree.owner
    if root:
        for entry in _foreign(tree):
            with contextlib.suppress(FileNotFoundError):
                beneath.give(entry, tree.owner)
    else:
        flags = [*labels, "--rm", "--network=none", "--user=0:0", "--entrypoint=find"]
        flags += [mount("bind", tree.root, "/devctl")]
        given = [
            "(",
            "-type",
            "d",
            "-o",
            "-type",
            "l",
            "-o",
            "-links",
            "1",
            "!",
            "-type",
            "b",
            "!",
            "-type",
            "c",
            ")",
        ]
        chown = ["/devctl", *given, "-exec", "chown", "-h", f"{uid}:{gid}", "{}", "+"]
        done = processes.run(docker("run", *flags, to=[image, *chown]), timeout=60)
        if not image or done.code != 0:
            raise MachineError(
                "the owner of files could not be changed",
                code="not-fixed",
                hint=f"sudo chown -hR {uid}:{gid} {shlex.quote(tree.root)}",
                detail=done.output.strip(),
            )
    left = sum(1 for _ in _foreign(tree))
    kept = f"; {left} devices and files with a second name (hard links) stay as they are" if left else ""
    return f"gave {max(tree.foreign_count - left, 0)} files to {uid}:{gid}{kept}"


def _foreign(tree: TreeFacts) -> Iterator[beneath.Entry]:
    return (entry for entry in walk(Path(tree.root), limit=LIMIT) if entry.facts.st_uid != tree.owner[0])


def rewrite(root: str, names: Iterable[str], change: Callable[[bytes], bytes]) -> None:
    for name in names:
        with _fixing(root, name) as path:
            beneath.rewrite(root, path, change)


def change_modes(root: str, names: Iterable[str], change: Callable[[int], int]) -> None:
    for name in names:
        with _fixing(root, name) as path:
            beneath.change_mode(root, path, change)


@contextlib.contextmanager
def _fixing(root: str, name: str) -> Iterator[Path]:
    """One file, which may no longer be what was looked at: then the other fixes go on."""
    try:
        yield Path(root, name)
    except (beneath.Unsafe, Unreadable, FileNotFoundError) as error:
        raise MachineError(
            f"{name} was not changed: {error.strerror}",
            code="not-fixed",
            hint=f"ls -l {shlex.quote(name)} shows what it is; make it a regular file of its own",
        ) from None


def complete_modules(
    tree: TreeFacts,
    gaps: Sequence[ModuleGap],
    processes: Processes,
    *,
    image: str,
    labels: Sequence[str] = (),
) -> str:
    uid, gid = tree.owner
    did: list[str] = []
    for gap in gaps:
        flags = [*labels, "--rm", "--init", "--pull=never", f"--user={uid}:{gid}"]
        flags += [
            f"--env={name}" for name in GO_SETTINGS
        ]  # as this shell has them; one that is not set stays so
        flags += [
            "--env=HOME=/tmp",
            "--env=GOPATH=/tmp/go",
            "--env=GOCACHE=/tmp/cache",
            "--env=GOFLAGS=",
        ]
        flags += [mount("bind", tree.root, "/devctl"), f"--workdir=/devctl/{gap.dir}"]
        done = processes.run(docker("run", *flags, to=[image, *gap.command]), timeout=GO_WITHIN)
        if done.code != 0:
            raise _not_completed(gap, done)
        did.append(f"{' '.join(gap.command)}, since {gap.text}")
    return "; ".join(did)


def _not_completed(gap: ModuleGap, done: Finished) -> MachineError:
    known = explain("build", done.output)
    return MachineError(
        f"`{' '.join(gap.command)}` failed in a container: {known.message if known else gap.text}",
        code="not-fixed",
        hint=known.hint if known else f"{' '.join(gap.command)} shows why",
        detail="\n".join(done.output.strip().splitlines()[-TAIL:]),
    )


def own_cache(
    volume: str, processes: Processes, *, owner: tuple[int, int], image: str, labels: Sequence[str] = ()
) -> str:
    flags = [*labels, "--rm", "--network=none", "--pull=never", "--user=0:0", "--entrypoint=chown"]
    flags += [mount("volume", volume, "/cache")]
    chown = docker("run", *flags, to=[image, "-hR", f"{owner[0]}:{owner[1]}", "/cache"])
    done = processes.run(chown, timeout=GO_WITHIN)
    if done.code != 0:
        raise MachineError(
            f"the owner of the build cache {volume} could not be changed",
            code="not-fixed",
            hint=f"docker volume rm {volume}",
            detail=done.output.strip(),
        )
    return f"gave the build cache {volume} to {owner[0]}:{owner[1]}"
