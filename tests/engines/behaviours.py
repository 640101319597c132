"""What devctl does on one engine, tried out there: run in the engine's network, since published ports are in it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

from msgspec import Struct, field
from msgspec import json as as_json

from tests.engine.cli import DEVCTL, Result, devctl, docker, port_of, serves
from tests.engines.kinds import KINDS, Kind
from tests.ports import free_port

CAUSED = ("level=warning", "level=warn ", "WARN[", "deprecated")
"""How docker, compose and buildx mark a warning in their output."""


WRITES_AT_START = """
func init() {
	if err := os.WriteFile("started", nil, 0o600); err != nil {
		panic(err)
	}
}
"""
"""Works in the mounted source, and not in a read-only image."""


KEPT = "devctl-engines:kept"
ENGINES_OWN = ("etc/mtab",)
"""Links that an engine puts into each container."""


DEMO_WITHIN = 1000.0
"""Seconds: a new engine builds the reloader first."""


class Shown(Struct, frozen=True):
    """Whether a behaviour holds, and what was measured or went wrong."""

    holds: bool
    detail: str


class Tried(Struct):
    """The behaviours of one engine; `versions`: of engine, compose and buildx, as they say themselves."""

    versions: dict[str, str] = field(default_factory=dict)
    shown: dict[str, Shown] = field(default_factory=dict)


class Bench(Struct):
    """One project on one engine, and every command that it was given."""

    kind: Kind
    root: Path
    ran: list[Result] = field(default_factory=list)
    port: int = 0

    def devctl(
        self, *words: str, code: int | None = 0, cwd: Path | None = None, timeout: float = 300
    ) -> Result:
        done = devctl("-y", *words, cwd=cwd or self.root, code=code, timeout=timeout)
        self.ran.append(done)
        return done

    def container(self) -> str:
        return str(self.devctl("status").result["services"][0]["container"])

    def demo(self) -> str:
        done = self.devctl("demo", cwd=self.root.parent, timeout=DEMO_WITHIN)
        assert {step["status"] for step in done.result["steps"]} == {"ok"}, done.show
        return f"{sum(step['ms'] for step in done.result['steps']) / 1000:.0f} s"

    def up(self) -> str:
        self.devctl("new", str(self.root), cwd=self.root.parent)
        (self.root / ".env").write_text(f"HOST_PORT={free_port()}\n")
        for path in (self.root, *self.root.rglob("*")):
            os.chown(path, self.kind.owner, self.kind.owner)
        done = self.devctl("up", "-d")
        self.port = port_of(done)
        serves(self.port, "Hello from Go")
        return f"{done.result['ready_ms'] / 1000:.1f} s"

    def recreates_nothing(self) -> str:
        before = self.container()
        self.devctl("up", "-d")
        assert self.container() == before, "the container is another one"
        return "same container"

    def builds_the_same(self) -> str:
        ref, before = self._image()
        self.devctl("down")
        docker("tag", ref, KEPT)  # podman removes what an image was built from with its last name
        docker("image", "rm", ref)
        self.devctl("up", "-d")
        docker("image", "rm", KEPT)
        assert self._image() == (ref, before), f"{before} before, {self._image()[1]} now"
        return before

    def _image(self) -> tuple[str, str]:
        """Its name, and what must not change: the id, or the layers where the engine writes labels in any order."""
        ref = str(self.devctl("status").result["services"][0]["image"])
        shown = "{{.Id}}" if self.kind.orders_labels else "{{.RootFS.Layers}}"
        return ref, docker("image", "inspect", "--format", shown, ref)

    def sizes(self) -> str:
        rows = self.devctl("size").result["rows"]
        for row in rows:
            assert row["size_bytes"] == _content(row["ref"]), f"{row}; exported: {_content(row['ref'])}"
        listed = self.devctl("bases").result["bases"]
        for base in (b for b in listed if b["present"]):
            assert base["size_bytes"] == _content(base["ref"]), f"{base}; exported: {_content(base['ref'])}"
        return ", ".join(f"{row['base']} {row['size_bytes'] / 1e6:.2f} MB" for row in rows)

    def owned(self) -> str:
        self.devctl("exec", "app", "--", "touch", "made-inside")
        made = (self.root / "made-inside").stat()
        assert made.st_uid == self.kind.owner, f"belongs to {made.st_uid}"
        (self.root / "made-inside").unlink()
        return f"to uid {made.st_uid}, the owner of the folder"

    def low_port(self) -> str:
        dotenv = self.root / ".env"
        text = dotenv.read_text()
        self.devctl("down")
        dotenv.write_text("HOST_PORT=80\n")
        try:
            if self.kind.user:
                refused = self.devctl("up", "-d", code=4)
                assert refused.error["code"] == "port-privileged", refused.show
                return str(refused.error["message"])
            self.devctl("up", "-d")
            serves(80, "Hello from Go")
            return "served on port 80"
        finally:
            dotenv.write_text(text)

    def rolls_back(self) -> str:
        main = self.root / "main.go"
        text = main.read_text()
        main.write_text(f"{text}\n{WRITES_AT_START}")
        try:
            self.devctl("up", "-d")
            began = time.monotonic()
            failed = self.devctl("prod-preview", code=1)
            took = time.monotonic() - began
            assert failed.named("switch") or "read-only" in failed.show, failed.show
            assert self.devctl("status").result["mode"] == "dev"
            serves(self.port, "Hello from Go")
        finally:
            main.write_text(text)
        return f"dev serves again after {took:.0f} s"

    def heals(self) -> str:
        self.devctl("down")
        argv = [*DEVCTL, "--json", "-y", "up", "-d"]
        killed = subprocess.Popen(argv, cwd=self.root, stdout=subprocess.PIPE, text=True)
        assert killed.stdout is not None
        for line in killed.stdout:
            told = json.loads(line)
            if told.get("name") == "step.started" and told.get("step") in ("build", "start", "recreate"):
                break
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        self.devctl("up", "-d")
        serves(self.port, "Hello from Go")
        state = self.devctl("status").result
        assert (state["mode"], state["serving"]["state"]) == ("dev", "current"), state
        return f"killed at `{told.get('step', 'nothing')}`; the next up serves"

    def no_warnings(self) -> str:
        told = [w["message"] for done in self.ran for w in done.warnings]
        lines = [str(e.get("line", "")) for done in self.ran for e in done.events if e["name"] == "log"]
        told += [line for line in lines if any(mark in line for mark in CAUSED)]
        assert not told, "; ".join(dict.fromkeys(told))
        return f"{len(self.ran)} commands"


NEAR: dict[str, Callable[[Bench], str]] = {
    "`devctl demo` passes: up, save, go.mod, preview, back": Bench.demo,
    "`up` of a new project": Bench.up,
    "a second `up` recreates nothing": Bench.recreates_nothing,
    "a cached build gives the same image, with podman the same layers": Bench.builds_the_same,
    "image sizes are the contents of the layers": Bench.sizes,
    "files written in the container belong to the right user": Bench.owned,
    "a port below 1024 is published; rootless, it is refused with a hint": Bench.low_port,
    "a preview that fails rolls back": Bench.rolls_back,
    "`kill -9` of devctl during `up` heals": Bench.heals,
    "no warning": Bench.no_warnings,
}


def refused(bench: Bench) -> str:
    bench.devctl("new", str(bench.root), cwd=bench.root.parent)
    before = docker("image", "ls", "--quiet")
    began = time.monotonic()
    done = bench.devctl("up", "-d", code=4)
    took = time.monotonic() - began
    assert done.error["code"] == "engine-sees-no-files", done.show
    assert docker("image", "ls", "--quiet") == before, "something was built"
    return f"{done.error['message']} ({took:.1f} s)"


FAR: dict[str, Callable[[Bench], str]] = {
    "`up` says that the project is not there, before it builds": refused
}


def _content(ref: str) -> int:
    """Bytes in the files and links of an image, as a container of it is exported."""
    made = docker("create", ref, "devctl-reads-only")
    try:
        sent = subprocess.run(["docker", "export", made], capture_output=True, check=True).stdout
    finally:
        docker("rm", made)
    with tarfile.open(fileobj=BytesIO(sent)) as archive:
        return sum(_bytes(entry) for entry in archive if entry.name not in ENGINES_OWN)


def _bytes(entry: tarfile.TarInfo) -> int:
    return len(os.fsencode(entry.linkname)) if entry.issym() else entry.size if entry.isfile() else 0


def tried(kind: Kind, work: Path) -> Tried:
    done = Tried(versions())
    bench = Bench(kind, work / "projects" / "shop")
    bench.root.parent.mkdir(exist_ok=True)
    bench.root.parent.chmod(0o755)
    try:
        for name, behaviour in (NEAR if kind.sees_files else FAR).items():
            began = time.monotonic()
            try:
                done.shown[name] = Shown(True, behaviour(bench))
            except (AssertionError, OSError, subprocess.SubprocessError, LookupError) as error:
                done.shown[name] = Shown(False, str(error))
            print(
                f"  {time.monotonic() - began:5.1f} s  {name}: {done.shown[name]}",
                file=sys.stderr,
                flush=True,
            )
    finally:
        if bench.root.exists():
            bench.devctl("down", "--volumes", code=None)
            images = docker("image", "ls", "--quiet", "--filter", "label=dev.devctl.project=shop").split()
            subprocess.run(["docker", "image", "rm", "--force", *dict.fromkeys(images)], capture_output=True)
    return done


def versions() -> dict[str, str]:
    server: Any = json.loads(docker("version", "--format", "{{json .Server}}"))
    info: Any = json.loads(docker("info", "--format", "{{json .}}"))
    found = {
        "engine": server["Version"],
        "API": server["ApiVersion"],
        "store": info["Driver"],
        "compose": docker("compose", "version", "--short").removeprefix("v"),
    }
    buildx = subprocess.run(["docker", "buildx", "version"], capture_output=True, text=True)
    return found | ({"buildx": buildx.stdout.split()[1]} if buildx.returncode == 0 else {})


if __name__ == "__main__":
    name, work, answer = sys.argv[1:]
    kind = next(kind for kind in KINDS if kind.name == name)
    Path(answer).write_bytes(as_json.encode(tried(kind, Path(work))))
