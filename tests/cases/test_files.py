"""Files by place, and files with invisible bytes in them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable

import pytest

from tests.cases.steps import edit, inspect
from tests.engine.cli import get, serves, until
from tests.engine.conftest import Started

pytestmark = pytest.mark.engine

MARK = "\ufeff"


def test_files_that_are_looked_for_beside_the_program(case: Callable[[str], Started]) -> None:
    satchel = case("files_beside_the_program")
    satchel.devctl("up", "-d")
    assert get(satchel.port) == "satchel brings one, code one\n"
    edit(satchel, "main.go", "code one", "code two")
    serves(satchel.port, "satchel brings one, code two")
    edit(satchel, "assets/banner.txt", "one", "two")
    (satchel.root / "main.go").touch()
    serves(satchel.port, "satchel brings two, code two")

    for base in ((), ("--base", "scratch")):
        satchel.devctl("prod-preview", *base)
        assert get(satchel.port) == "satchel brings two, code two\n"


def test_a_byte_order_mark(case: Callable[[str], Started]) -> None:
    quill = case("byte_order_mark")
    module, main = (quill.root / name for name in ("go.mod", "main.go"))
    for file, mark in ((module, ""), (main, MARK)):  # as an editor on Windows saves them
        file.write_bytes((mark + file.read_text().replace("\n", "\r\n")).encode())
    quill.devctl("up", "-d")
    assert get(quill.port) == "quill writes one\n"
    container = inspect(quill, "quill", "{{.Id}}")
    edit(quill, "page.txt", "one", "two")
    serves(quill.port, "quill writes two")

    edit(quill, "go.mod", "\r\n", "\n")  # line endings alone
    edit(quill, "page.txt", "two", "three")
    serves(quill.port, "quill writes three")

    edit(quill, "go.mod", "module", f"{MARK}module")
    until(lambda: bool(quill.devctl("logs").named("deps.failed")))
    told = quill.devctl("logs").named("deps.failed")  # on a busy machine it is tried, and told, once more
    assert {"byte order mark" in failed["message"] for failed in told} == {True}, told
    assert get(quill.port) == "quill writes three\n"
    edit(quill, "page.txt", "three", "four")
    status = quill.devctl("status")
    assert status.result["serving"]["state"] == "old", status.show
    assert [w["place"] for w in status.warnings] == ["go.mod:1"], status.show
    assert get(quill.port) == "quill writes three\n"
    assert not quill.devctl("logs").named("deps.changed")
    assert inspect(quill, "quill", "{{.Id}}") == container  # nothing was recreated in all this

    quill.devctl("down")
    refused = quill.devctl("up", "-d", code=3).error
    assert (refused["code"], refused["place"]) == ("broken-go-mod", "go.mod:1")
    cure = refused["hint"].partition(": ")[2]
    subprocess.run(["sh", "-c", cure], cwd=quill.root, check=True)
    quill.devctl("up", "-d")
    assert get(quill.port) == "quill writes four\n"


def test_a_dev_stage_made_for_root_and_a_developer_who_is_not(case: Callable[[str], Started]) -> None:
    """Go's cache is in the home of root, and a volume covers the folder that air builds in."""
    finch = case("dev_stage_of_root")
    for path in (finch.root, *finch.root.rglob("*")):
        os.chown(path, 4321, 4321)
    finch.devctl("up", "-d", "--timeout", "240")
    assert get(finch.port) == "finch sings one\n"
    assert inspect(finch, "finch", "{{.Config.User}}") == "4321:4321"
    edit(finch, "main.go", "one", "two")
    serves(finch.port, "finch sings two")
