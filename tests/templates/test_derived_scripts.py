"""What the scripts of a derived dev stage do with the files of an image, run by a shell below a folder of the test's own."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest
from msgspec import Struct

from tests.helpers import build_tree
from tests.templates.inline import TEMPLATES

OLD = time.time() - 3600


class Image(Struct):
    """`/devctl` of the image and its files are below `root`, `source` is the mounted source. A COPY is (target, source, how)."""

    root: Path
    source: Path
    copies: list[tuple[str, str, str]]

    @property
    def files(self) -> Path:
        return self.root / "image"

    def build(self, copied: dict[str, str], *, then: dict[str, str] | None = None) -> None:
        """`copied`: what the COPY lines put there, `then`: what later lines make of it."""
        below = self.files.relative_to("/")
        build_tree(self.root / "devctl/copied" / below, copied)
        build_tree(self.files, {**copied, **(then or {})})
        lines = ["\t".join((f"{self.files}{target}", source, how)) for target, source, how in self.copies]
        (self.root / "devctl/sources").write_text("".join(f"{line}\n" for line in lines))
        self.run("copies")
        for path in self.source.rglob("*"):
            os.utime(path, (OLD, OLD))

    def save(self, files: dict[str, str]) -> None:
        build_tree(self.source, files)

    def run(self, name: str, *words: str) -> str:
        text = (TEMPLATES / "derived" / name).read_text()
        text = text.replace("/tmp/devctl", f"{self.root}/state").replace("/devctl/", f"{self.root}/devctl/")
        env = {**os.environ, "DEVCTL_CONTEXT": str(self.source)}
        done = subprocess.run(
            ["sh", "-c", text, name, *words], env=env, capture_output=True, text=True, check=True
        )
        return done.stderr

    def read(self, path: str) -> str:
        return (self.files / path).read_text()


def image(tmp_path: Path, *copies: tuple[str, str, str]) -> Image:
    found = Image(tmp_path, tmp_path / "source", list(copies))
    found.source.mkdir()
    return found


@pytest.mark.parametrize("path", sorted((TEMPLATES / "derived").iterdir()), ids=lambda path: path.name)
def test_no_script_has_a_here_document(path: Path) -> None:
    """A builder would look for one in the RUN line that writes the script."""
    assert "<<" not in path.read_text().replace("<<<", "")


def test_what_is_saved_is_copied_and_the_rest_is_left_alone(tmp_path: Path) -> None:
    it = image(
        tmp_path, ("/srv/config", "config", ""), ("/etc/a b.txt", "a b.txt", ""), ("/opt/", "x/*.sh", "")
    )
    files = {"config/app.yaml": "one", "config/sub/b.yaml": "b", "a b.txt": "a", "x/run.sh": "#!/bin/sh\n"}
    it.save(files)
    it.build(
        {
            "srv/config/app.yaml": "one",
            "srv/config/sub/b.yaml": "b",
            "etc/a b.txt": "a",
            "opt/run.sh": "#!/bin/sh\n",
        }
    )
    assert (
        os.access(it.files / "opt/run.sh", os.X_OK)
        and (it.files / "srv/config").stat().st_mode & 0o777 == 0o777
    )
    assert it.run("refresh") == ""
    it.save(
        {
            "config/app.yaml": "two",
            "config/new/c.yaml": "c",
            "a b.txt": "aa",
            "x/run.sh": "#!/bin/sh\n:\n",
            "x/y.txt": "y",
        }
    )
    assert it.run("refresh") == ""
    assert [
        it.read(p) for p in ("srv/config/app.yaml", "srv/config/sub/b.yaml", "srv/config/new/c.yaml")
    ] == ["two", "b", "c"]
    assert (it.read("etc/a b.txt"), it.read("opt/run.sh")) == ("aa", "#!/bin/sh\n:\n")
    assert os.access(it.files / "opt/run.sh", os.X_OK), "its mode is that of the image"
    assert not (it.files / "opt/y.txt").exists()
    assert sorted(p.name for p in it.source.rglob("*")) == sorted(
        ["a b.txt", "app.yaml", "b.yaml", "c.yaml", "config", "new", "run.sh", "sub", "x", "y.txt"]
    )


def test_what_the_container_has_changed_stays_until_it_is_started_again(tmp_path: Path) -> None:
    it = image(tmp_path, ("/srv/", "app.yaml", ""))
    it.save({"app.yaml": "__HOST__"})
    it.build({"srv/app.yaml": "__HOST__"})
    (it.files / "srv/app.yaml").write_text("shop.local")
    assert it.run("refresh") == "" and it.read("srv/app.yaml") == "shop.local"
    it.save({"app.yaml": "__HOST__ two"})
    assert "stays as this container has changed it; `devctl restart` starts with app.yaml" in it.run(
        "refresh"
    )
    assert it.run("refresh", "start") == "" and it.read("srv/app.yaml") == "__HOST__ two"
    assert (it.source / "app.yaml").read_text() == "__HOST__ two"


def test_what_a_line_of_the_dockerfile_has_changed_is_only_made_by_it(tmp_path: Path) -> None:
    it = image(tmp_path, ("/srv/", "app.yaml", ""))
    it.save({"app.yaml": "a"})
    it.build({"srv/app.yaml": "a"}, then={"srv/app.yaml": "made of a"})
    it.save({"app.yaml": "b"})
    assert "`devctl rebuild` makes it again" in it.run("refresh", "start")
    assert it.read("srv/app.yaml") == "made of a"


def test_of_the_whole_context_nothing_comes_that_the_image_left_out(tmp_path: Path) -> None:
    it = image(tmp_path, ("/app/", ".", ""), ("/public", "web", "k"), ("/two/", "web", "p"))
    it.save({"main.go": "1", "data/x": "x", "web/a.css": "a", ".env": "SECRET=1"})
    it.build({"app/main.go": "1", "app/web/a.css": "a", "public/a.css": "a", "two/web/a.css": "a"})
    it.save({"main.go": "2", "data/x": "xx", "web/a.css": "b", "web/b.css": "new", ".env": "SECRET=2"})
    assert it.run("refresh") == ""
    found = {p.relative_to(it.files).as_posix(): p.read_text() for p in it.files.rglob("*") if p.is_file()}
    assert found == {
        "app/main.go": "2", "app/web/a.css": "b", "app/web/b.css": "new", "public/a.css": "b",
        "two/web/a.css": "b", "two/web/b.css": "new",
    }  # fmt: skip


def test_nothing_is_written_below_a_mount(tmp_path: Path) -> None:
    """`/dev/shm` is one in every container and on every machine."""
    place = Path("/dev/shm") / f"devctl-test-{tmp_path.name}"
    it = image(tmp_path)
    it.build({"x": ""})
    (tmp_path / "devctl/sources").write_text(f"{place}/\ta.txt\t\n")
    it.save({"a.txt": "a"})
    assert it.run("refresh") == "" and not place.exists()


def test_what_only_the_build_has_is_named_if_it_still_has_that_value(tmp_path: Path) -> None:
    (tmp_path / "devctl").mkdir()
    (tmp_path / "devctl/of-build").write_text("APP_ENV=ci\nURL=sqlite://build\nABSENT=\n")
    text = (TEMPLATES / "derived/unset").read_text().replace("/devctl/", f"{tmp_path}/devctl/")
    env = {"PATH": os.environ["PATH"], "APP_ENV": "ci", "URL": "postgres://db"}
    assert (
        subprocess.run(["sh", "-c", text], env=env, capture_output=True, text=True, check=True).stdout
        == "APP_ENV "
    )


def test_outside_a_container_the_reloader_is_a_program_like_others(tmp_path: Path) -> None:
    text = (TEMPLATES / "derived/reload").read_text().replace("/devctl/once", "echo once")
    words = ["sh", "-c", text, "reload", "cmd/app", "/usr/bin/app", "version"]
    env = {"PATH": os.environ["PATH"]}
    assert (
        subprocess.run(words, env=env, capture_output=True, text=True, check=True).stdout
        == "once cmd/app  version\n"
    )


def test_a_program_may_have_any_name(tmp_path: Path) -> None:
    path = tmp_path / "it's my app"
    text = (TEMPLATES / "derived/program").read_text().replace("exec /devctl/", "echo ")
    subprocess.run(["sh", "-c", text, "program", path, "reload", "cmd/app", path], check=True)
    found = subprocess.run([path, "a  b"], capture_output=True, text=True, check=True)
    assert found.stdout == f"reload cmd/app {path} a  b\n"


@pytest.mark.parametrize(
    ("user", "noted"), [("app", True), ("1000:1000", True), ("4242", False), ("nobody", False)]
)
def test_the_home_is_noted_beside_the_script_that_notes_it(tmp_path: Path, user: str, noted: bool) -> None:
    folder, devctl, passwd = tmp_path / "home", tmp_path / "devctl", tmp_path / "passwd"
    folder.mkdir()
    devctl.mkdir()
    passwd.write_text(
        f"root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\napp:x:1000:1000::{folder}:/bin/sh\n"
    )
    for template in (TEMPLATES / "derived").iterdir():  # as in the image
        (devctl / template.name).write_text(
            template.read_text().replace("/devctl/", f"{devctl}/").replace("/etc/passwd", str(passwd))
        )
    subprocess.run(["sh", devctl / "note-home", user], check=False)
    told = (devctl / "home").read_text() if (devctl / "home").exists() else None
    assert told == (f"{folder}\n" if noted else None)
