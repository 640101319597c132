"""Mismatches between go.mod, go.sum, vendor/ and the imports; what Go would build is not a gap."""

from __future__ import annotations

import pytest

from devctl.domain.go.gomod import parse_mod, parse_work
from devctl.domain.go.module_gaps import ModuleGap, module_gap, workspace_gap

MOD = """module example.com/shop

go 1.26

require (
	github.com/google/uuid v1.6.0
	golang.org/x/mod v0.30.0 // indirect
)
"""
SUM = """github.com/google/uuid v1.6.0 h1:a=
github.com/google/uuid v1.6.0/go.mod h1:b=
golang.org/x/mod v0.30.0/go.mod h1:c=
"""
VENDOR = """# github.com/google/uuid v1.6.0
## explicit
github.com/google/uuid
# golang.org/x/mod v0.30.0
## explicit; go 1.24.0
"""
LOCAL = MOD + "\nreplace github.com/google/uuid => ../uuid\n"
OTHER = MOD + "\nreplace github.com/google/uuid => github.com/fork/uuid v1.0.0\n"


def gap(
    mod: str = MOD, *, sums: str = SUM, vendor: str | None = None, imports: tuple[str, ...] = ()
) -> ModuleGap | None:
    return module_gap(".", mod, sum_text=sums, vendor_text=vendor, imports=imports)


@pytest.mark.parametrize(
    "imports",
    [
        ("fmt", "net/http", "C", "embed"),
        ("example.com/shop", "example.com/shop/internal/web"),
        ("github.com/google/uuid", "golang.org/x/mod/semver"),
    ],
)
def test_what_go_finds_is_not_a_gap(imports: tuple[str, ...]) -> None:
    assert gap(imports=imports) is None


@pytest.mark.parametrize(
    "name", ["github.com/google/uuidx", "example.com/shopping", "golang.org/x/text/width"]
)
def test_an_import_that_no_module_has(name: str) -> None:
    found = gap(imports=("fmt", name))
    assert found == ModuleGap(".", "require", name)
    assert found.command == ("go", "mod", "tidy")
    assert found.text == f"go.mod names no module for the import {name}"


def test_a_checksum_that_is_missing() -> None:
    found = gap(sums=SUM.replace("golang.org/x/mod v0.30.0", "golang.org/x/mod v0.29.0"))
    assert found == ModuleGap(".", "sum", "golang.org/x/mod")
    assert gap(sums="") == ModuleGap(".", "sum", "github.com/google/uuid")


def test_a_replaced_module_needs_the_checksum_of_the_other() -> None:
    assert gap(LOCAL, sums="golang.org/x/mod v0.30.0/go.mod h1:c=\n") is None
    assert gap(OTHER) == ModuleGap(".", "sum", "github.com/google/uuid")
    assert gap(OTHER, sums=f"{SUM}github.com/fork/uuid v1.0.0 h1:d=\n") is None


def test_vendor_must_say_what_go_mod_says_and_then_no_checksum_is_asked_for() -> None:
    assert gap(vendor=VENDOR, sums="") is None
    old = VENDOR.replace("uuid v1.6.0", "uuid v1.5.0")
    found = gap(vendor=old)
    assert found == ModuleGap(".", "vendor", "github.com/google/uuid")
    assert found.command == ("go", "mod", "vendor")
    replaced = VENDOR.replace("uuid v1.6.0", "uuid v1.6.0 => ../uuid")
    assert gap(LOCAL, vendor=replaced) is None


def test_a_go_mod_that_cannot_be_read_is_told_elsewhere() -> None:
    assert gap("nonsense\n") is None


def test_a_module_below_the_project_is_named_by_its_folder() -> None:
    found = module_gap("api", MOD, sum_text="", vendor_text=None, imports=())
    assert found is not None and found.text == "api/go.sum has no checksum of github.com/google/uuid"


WORK = "go 1.26\n\nuse (\n\t./api\n\t./lib\n)\n"
LIB = "module example.com/lib\n\ngo 1.26\n\nrequire github.com/google/uuid v1.6.0\n"
API = "module example.com/api\n\ngo 1.26\n\nrequire example.com/lib v0.0.0\n"


def in_workspace(
    *, sums: str = SUM, vendor: str | None = None, work: str = WORK, **imports: tuple[str, ...]
) -> ModuleGap | None:
    members = {"api": parse_mod(API), "lib": parse_mod(LIB)}
    return workspace_gap(
        parse_work(work), members, folder=".", sum_text=sums, vendor_text=vendor, imports=imports
    )


def test_members_of_a_workspace_see_each_other_and_what_any_requires() -> None:
    assert in_workspace(api=("example.com/lib/deep", "github.com/google/uuid"), lib=("fmt",)) is None
    assert (
        in_workspace(work=f"{WORK}\nreplace golang.org/x/mod => ./mod\n", lib=("golang.org/x/mod/semver",))
        is None
    )


def test_an_import_that_no_member_has_is_got_where_it_stands() -> None:
    found = in_workspace(api=("golang.org/x/mod/semver",), lib=("github.com/google/uuid",))
    assert found == ModuleGap("api", "require", "golang.org/x/mod/semver", workspace=True)
    assert found.command == ("go", "get", "golang.org/x/mod/semver")
    assert found.text == "api/go.mod names no module for the import golang.org/x/mod/semver"
    assert in_workspace(api=("-toolexec=./evil.sh",)) is None


def test_the_checksums_of_a_workspace_may_stand_in_any_of_its_files() -> None:
    found = in_workspace(sums="")
    assert found == ModuleGap("lib", "sum", "github.com/google/uuid", workspace=True)
    assert found.command == ("go", "list", "-deps", "./...")
    assert found.text == "no go.sum of the workspace has a checksum of github.com/google/uuid"


def test_the_vendor_folder_of_a_workspace() -> None:
    vendor = "## workspace\n# github.com/google/uuid v1.6.0\n## explicit\n"
    assert in_workspace(vendor=vendor, sums="") is None
    found = in_workspace(vendor=vendor.replace("v1.6.0", "v1.5.0"))
    assert found == ModuleGap(".", "vendor", "github.com/google/uuid", workspace=True)
    assert found.command == ("go", "work", "vendor")
