from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devctl.domain.go.deps_fingerprint import fingerprint, manifests

MOD = b"module x\n\ngo 1.26\n\nrequire (\n\ta.b/c v1.0.0\n\ta.b/d v1.0.0 // indirect\n)\n"


@pytest.mark.parametrize(
    ("path", "one", "other", "same"),
    [
        ("go.mod", MOD, b"// hello\nmodule x\nrequire a.b/d v1.0.0\nrequire a.b/c v1.0.0\ngo 1.26", True),
        ("go.mod", MOD, MOD.replace(b"a.b/c v1.0.0", b"a.b/c v1.0.1"), False),
        ("go.mod", MOD, MOD + b"replace a.b/c => ../c\n", False),
        ("go.mod", MOD, MOD.replace(b"1.26", b"1.25"), False),
        ("go.mod", b"broken {", b"broken { ", False),
        ("svc/go.sum", b"a v1 h1:x\nb v1 h1:y\n", b"\nb v1 h1:y\r\na v1 h1:x\na v1 h1:x", True),
        ("svc/go.sum", b"a v1 h1:x\n", b"a v1 h1:y\n", False),
        ("go.sum", b"", None, True),
        ("go.work", b"go 1.26\nuse ./a\nuse ./b\n", b"use (\n ./b\n ./a // x\n)\ngo 1.26\n", True),
        ("vendor/modules.txt", b"# a v1\n", b"# a v2\n", False),
        ("go.mod", MOD, None, False),
    ],
)
def test_what_changes_a_fingerprint(path: str, one: bytes, other: bytes | None, *, same: bool) -> None:
    assert (fingerprint({path: one}) == fingerprint({path: other})) is same


def test_the_path_counts_and_the_order_of_entries_does_not() -> None:
    assert fingerprint({"go.mod": MOD}) != fingerprint({"api/go.mod": MOD})
    assert fingerprint({"go.mod": MOD, "x": b"1"}) == fingerprint({"x": b"1", "go.mod": MOD})


@given(st.dictionaries(st.text(max_size=5), st.binary(min_size=1, max_size=10), max_size=4), st.data())
def test_other_files_count_by_their_bytes(entries: dict[str, bytes], data: st.DataObject) -> None:
    before = fingerprint(entries)
    for path in sorted(entries):
        changed = {**entries, path: data.draw(st.binary(min_size=1, max_size=10))}
        assert (fingerprint(changed) == before) == (changed == entries)


def _manifests(files: dict[str, str], folder: str, *, workspace: bool = True) -> set[str]:
    return set(manifests(folder, read=files.get, workspace=workspace))


def test_manifests_of_a_plain_module() -> None:
    assert _manifests({"go.mod": "module x\n"}, ".") == {"go.mod", "go.sum", "vendor/modules.txt"}


def test_manifests_follow_the_workspace_and_local_replacements() -> None:
    files = {
        "go.work": "go 1.26\nuse ./api\nuse ./lib\nreplace q.r/s => ./forks/s\n",
        "api/go.mod": "module x/api\nreplace x/common => ../common\nreplace y/out => ../../out\n",
        "lib/go.mod": "module x/lib\nreplace z/z => ./z\n",
    }
    assert _manifests(files, "api") == {
        *(
            "go.work",
            "go.work.sum",
            "vendor/modules.txt",
            "api/go.mod",
            "api/go.sum",
            "api/vendor/modules.txt",
        ),
        *("lib/go.mod", "lib/go.sum", "common/go.mod", "../out/go.mod", "lib/z/go.mod", "forks/s/go.mod"),
    }
    alone = _manifests(files, "api", workspace=False)
    assert alone == {"api/go.mod", "api/go.sum", "api/vendor/modules.txt", "common/go.mod", "../out/go.mod"}


def test_manifests_of_a_broken_module_are_still_named() -> None:
    assert "go.mod" in _manifests({"go.mod": "<<<<"}, ".")
