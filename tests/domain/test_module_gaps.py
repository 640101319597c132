"""What go.mod, go.sum, vendor/ and the imports lack of one another; what Go would build is no gap."""

from __future__ import annotations

import pytest

from devctl.domain.module_gaps import ModuleGap, module_gap

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
def test_what_go_finds_is_no_gap(imports: tuple[str, ...]) -> None:
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
