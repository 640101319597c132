"""What `doctor --fix` does in a project's folder, after consent: owners, files, modules."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from devctl.adapters.docker.differences import Differences
from devctl.adapters.doctor.tree import walk
from devctl.adapters.system import beneath
from devctl.adapters.system.border import bordered
from devctl.adapters.system.identity import HomeIdentity
from devctl.adapters.system.identity import flags as labels_of
from devctl.adapters.system.regular_file import Unreadable
from devctl.domain.command.argv import docker, mount
from devctl.domain.doctor.facts import TreeFacts
from devctl.domain.failures import explain
from devctl.domain.go.module_gaps import ModuleGap
from devctl.domain.ports.identity import Identity
from devctl.domain.ports.toolbox import Finished, Processes
from devctl.errors import MachineError

LIMIT = 1_000_000
TAIL = 10
WITHIN = 300.0
# Taken from this shell; one that is not set stays unset.
GO_SETTINGS = "GOPROXY GOPRIVATE GONOPROXY GONOSUMDB GOSUMDB".split()
GO_SETTINGS += ["HOME=/tmp", "GOPATH=/tmp/go", "GOCACHE=/tmp/cache", "GOFLAGS="]
_MAY_BE_GIVEN_AWAY = "( -type d -o -type l -o -links 1 ! -type b ! -type c )".split()


@bordered()
class FolderFixes:
    """The `Installer` methods for the project's folder. `root`: whether this user is root."""

    def __init__(self, processes: Processes, identity: Identity | None = None, *, root: bool) -> None:
        self._processes = processes
        self._identity = identity or HomeIdentity()
        self._root = root

    def set_owner(self, tree: TreeFacts, *, image: str) -> str:
        """Links are changed, never followed. A user who is not root, but may use the engine, lets a container do it.

        Devices, and files with hard links, one of which may be outside the project, are left unchanged.
        """
        uid, gid = tree.owner
        inside = Differences(self._processes).user_for(tree.owner)
        if self._root:
            for entry in _foreign(tree):
                with contextlib.suppress(FileNotFoundError):
                    beneath.give(entry, tree.owner)
        else:
            others = ["!", "-uid", inside.partition(":")[0]]
            find = ["/devctl", *others, *_MAY_BE_GIVEN_AWAY, "-exec", "chown", "-h", inside, "{}", "+"]
            bound = mount("bind", tree.root, "/devctl")
            done = self._in_container(image, find, "--network=none", "--user=0:0", "--entrypoint=find", bound)
            if not image or done.code != 0:
                raise MachineError(
                    "the owner of files could not be changed",
                    code="not-fixed",
                    hint=f"sudo chown -hR {uid}:{gid} {shlex.quote(tree.root)}",
                    detail=done.output.strip(),
                )
        left = sum(1 for _ in _foreign(tree))
        kept = f"; {left} devices and files with hard links were left unchanged" if left else ""
        return f"changed the owner of {max(tree.foreign_count - left, 0)} files to {uid}:{gid}{kept}"

    def rewrite(self, root: str, names: Iterable[str], change: Callable[[bytes], bytes]) -> None:
        for name in names:
            with _fixing(root, name) as path:
                beneath.rewrite(root, path, change)

    def change_modes(self, root: str, names: Iterable[str], change: Callable[[int], int]) -> None:
        for name in names:
            with _fixing(root, name) as path:
                beneath.change_mode(root, path, change)

    def complete_modules(self, tree: TreeFacts, gaps: Sequence[ModuleGap], *, image: str) -> str:
        did, user = list[str](), Differences(self._processes).user_for(tree.owner)
        for gap in gaps:
            flags = [f"--user={user}", f"--workdir=/devctl/{gap.dir}"]
            flags += [f"--env={setting}" for setting in GO_SETTINGS]
            done = self._in_container(image, gap.command, *flags, mount("bind", tree.root, "/devctl"))
            if done.code != 0:
                raise _not_completed(gap, done)
            did.append(f"{' '.join(gap.command)}, since {gap.text}")
        return "; ".join(did)

    def own_cache(self, volume: str, *, owner: tuple[int, int], image: str) -> str:
        how = ("--network=none", "--user=0:0", "--entrypoint=chown", mount("volume", volume, "/cache"))
        done = self._in_container(
            image, ["-hR", Differences(self._processes).user_for(owner), "/cache"], *how
        )
        if done.code != 0:
            raise MachineError(
                f"the owner of the build cache {volume} could not be changed",
                code="not-fixed",
                hint=f"devctl down && docker volume rm {volume}",
                detail=done.output.strip(),
            )
        return f"changed the owner of the build cache {volume} to {owner[0]}:{owner[1]}"

    def _in_container(self, image: str, words: Sequence[str], *flags: str) -> Finished:
        how = [*labels_of(self._identity), "--rm", "--init", "--pull=never", *flags]
        return self._processes.run(docker("run", *how, to=[image, *words]), timeout=WITHIN)


def _foreign(tree: TreeFacts) -> Iterator[beneath.Entry]:
    return (entry for entry in walk(Path(tree.root), limit=LIMIT) if entry.facts.st_uid != tree.owner[0])


@contextlib.contextmanager
def _fixing(root: str, name: str) -> Iterator[Path]:
    """One file, which may have changed since it was checked: then the other fixes continue."""
    try:
        yield Path(root, name)
    except (beneath.Unsafe, Unreadable, FileNotFoundError) as error:
        raise MachineError(
            f"{name} was not changed: {error.strerror}",
            code="not-fixed",
            hint=f"ls -l {shlex.quote(name)} shows what it is; replace it with a regular file",
        ) from None


def _not_completed(gap: ModuleGap, done: Finished) -> MachineError:
    known = explain("build", done.output)
    return MachineError(
        f"`{' '.join(gap.command)}` failed in a container: {known.message if known else gap.text}",
        code="not-fixed",
        hint=known.hint if known else f"{' '.join(gap.command)} shows why",
        detail="\n".join(done.output.strip().splitlines()[-TAIL:]),
    )
