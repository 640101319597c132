from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devctl.domain.go.gomod import GoMod, Replace, Require, parse_mod, parse_work, sums_complete
from devctl.domain.go.gomod_diff import changes
from devctl.domain.go.semver import version_key
from devctl.errors import FilesError

FULL = """// Deprecated: use v2
module "example.com/shop" // why

go 1.25.1
toolchain go1.26.2

godebug default=go1.21
require (
\tgithub.com/a/b v1.2.0
\t`github.com/c/d` v2.0.0+incompatible // indirect
\t// a comment of its own

\tgithub.com/e/f v0.0.0-20240102030405-abcdefabcdef // indirect; kept
)
require github.com/g/h v1.0.0
replace github.com/a/b => ../b
replace (
\tgithub.com/c/d v2.0.0+incompatible => github.com/fork/d/v2 v2.1.0
)
exclude github.com/g/h v0.9.0
retract [v0.1.0, v0.2.0] // a mistake
tool github.com/g/h/cmd/h
ignore ./node_modules
require ()
"""


def test_a_go_mod_with_everything() -> None:
    mod = parse_mod(FULL)
    assert (mod.module, mod.go, mod.toolchain) == ("example.com/shop", "1.25.1", "go1.26.2")
    assert mod.requires == (
        Require("github.com/a/b", "v1.2.0"),
        Require("github.com/c/d", "v2.0.0+incompatible"),
        Require("github.com/e/f", "v0.0.0-20240102030405-abcdefabcdef"),
        Require("github.com/g/h", "v1.0.0"),
    )
    assert mod.replaces == (
        Replace("github.com/a/b", "", "../b", ""),
        Replace("github.com/c/d", "v2.0.0+incompatible", "github.com/fork/d/v2", "v2.1.0"),
    )
    assert [r.local for r in mod.replaces] == [True, False]
    assert "tool github.com/g/h/cmd/h" in mod.others
    assert "exclude github.com/g/h v0.9.0" in mod.others


def test_a_go_work() -> None:
    work = parse_work("go 1.26\nuse (\n\t./api\n\t./worker // second\n)\nuse .\nreplace x.y/z => ./z\n")
    assert work.uses == ("./api", "./worker", ".")
    assert work.replaces[0].local


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 1, "no `module` line"),
        ("go 1.26\n", 1, "no `module` line"),
        ("module x\nthis is wrong\n", 2, "unknown directive `this`"),
        ("<<<<<<< HEAD\nmodule x\n", 1, "unknown directive"),
        ("module x\n\nrequire github.com/a/b\n", 3, "usage: require"),
        ("module x\nrequire (\n\ta.b/c v1.0.0\n", 2, "never closed"),
        ("module x\nrequire (\n\ta.b/c v1.0.0 extra\n)\n", 3, "usage: require"),
        ("module x\nmodule y\n", 2, "a second `module`"),
        ("module x\ngo one\n", 2, "not a Go version"),
        ("module x\ntoolchain 1.26\n", 2, "not a toolchain"),
        ("module x\nreplace a.b/c => d\n", 2, "must be a folder"),
        ("module x\nreplace a.b/c ../c\n", 2, "usage: replace"),
        ('module "x\n', 1, "never closed"),
        ("module x\nuse ./a\n", 2, "unknown directive `use`"),
        ("module x\n)\n", 2, "unknown directive"),
        ("module x\ntool\n", 2, "needs a value"),
        ("module x\nexclude a.b/c\n", 2, "usage: exclude"),
        ("module x\nrequire a.b/c (\n", 2, "does not belong"),
    ],
)
def test_a_broken_go_mod_is_named_with_its_line(text: str, line: int, words: str) -> None:
    with pytest.raises(FilesError, match=r"svc/go\.mod is broken") as caught:
        parse_mod(text, path="svc/go.mod")
    assert words in str(caught.value)
    assert caught.value.problem.place == f"svc/go.mod:{line}"
    assert (caught.value.code, int(caught.value.exit_code)) == ("broken-go-mod", 3)
    assert caught.value.problem.hint


def test_a_broken_go_work_has_its_own_code() -> None:
    with pytest.raises(FilesError) as caught:
        parse_work("use a b\n")
    assert (caught.value.code, caught.value.problem.place) == ("broken-go-work", "go.work:1")


OLD = """module x
go 1.25
require (
\ta.b/gone v1.0.0
\ta.b/up v1.9.0
\ta.b/down v1.3.0
\ta.b/same v1.0.0
\ta.b/pseudo v0.0.0-20200101000000-aaaaaaaaaaaa
)
replace a.b/up => ../up
"""
NEW = """module x
go 1.26
toolchain go1.26.1
require a.b/up v1.10.0
require a.b/same v1.0.0 // indirect
require a.b/down v1.3.0-rc.1
require a.b/new v1.0.0 // comment
require a.b/pseudo v0.0.0-20210101000000-aaaaaaaaaaaa
replace a.b/down => ../down
tool a.b/new/cmd
"""


def test_changes_in_words() -> None:
    found = changes(parse_mod(OLD), parse_mod(NEW))
    assert [c.text for c in found] == [
        "go 1.25 → 1.26",
        "+ toolchain go1.26.1",
        "↓ a.b/down v1.3.0 → v1.3.0-rc.1",
        "- a.b/gone",
        "+ a.b/new v1.0.0",
        "↑ a.b/pseudo v0.0.0-20200101000000-aaaaaaaaaaaa → v0.0.0-20210101000000-aaaaaaaaaaaa",
        "↑ a.b/up v1.9.0 → v1.10.0",
        "replace a.b/down => ../down",
        "- replace a.b/up => ../up",
        "+ tool a.b/new/cmd",
    ]
    assert [c.op for c in found] == [
        *(
            "go",
            "toolchain",
            "downgraded",
            "removed",
            "added",
            "upgraded",
            "upgraded",
            "replaced",
            "replaced",
            "other",
        )
    ]
    assert (found[2].from_, found[2].to) == ("v1.3.0", "v1.3.0-rc.1")


@pytest.mark.parametrize(
    "versions",
    [
        "v0.0.0-20200101000000-aaaaaaaaaaaa v0.0.0-20210101000000-aaaaaaaaaaaa v0.1.0 v0.1.1-0.20220101000000-aaaaaaaaaaaa v0.1.1",
        "v1.0.0-alpha v1.0.0-alpha.1 v1.0.0-alpha.beta v1.0.0-beta.2 v1.0.0-beta.11 v1.0.0-rc.1 v1.0.0 v1.2.0 v1.10.0",
        "master v0.0.0 v2.0.0+incompatible v2.0.1+incompatible",
    ],
)
def test_versions_are_ordered_as_go_orders_them(versions: str) -> None:
    ordered = versions.split()
    shuffled = ordered[1::2] + ordered[::2]
    assert sorted(shuffled, key=version_key) == ordered


SUM = """github.com/a/b v1.0.0 h1:xxx=
github.com/a/b v1.0.0/go.mod h1:yyy=
github.com/c/d v1.0.0/go.mod h1:zzz=
"""


@pytest.mark.parametrize(
    ("body", "complete"),
    [
        ("", True),
        ("require github.com/a/b v1.0.0", True),
        ("require github.com/a/b v1.0.1", False),
        ("require github.com/c/d v1.0.0", False),
        ("require github.com/c/d v1.0.0\nreplace github.com/c/d => ../d", True),
        ("require github.com/c/d v1.0.0\nreplace github.com/c/d => github.com/a/b v1.0.0", True),
        ("require github.com/c/d v1.0.0\nreplace github.com/c/d v0.9.0 => ../d", False),
    ],
)
def test_whether_go_sum_is_complete(body: str, *, complete: bool) -> None:
    assert sums_complete(parse_mod(f"module x\n{body}\n"), SUM) is complete


_WORD = st.from_regex(r"[a-z][a-z0-9]{0,6}", fullmatch=True)
_PATH = st.builds(lambda a, b: f"{a}.com/{b}", _WORD, _WORD)
_VERSION = st.builds(lambda a, b, c: f"v{a}.{b}.{c}", *[st.integers(0, 30)] * 3)
_REQUIRES = st.dictionaries(_PATH, _VERSION, max_size=6)
_NOISE = st.sampled_from(["", " // indirect", "   // why", "\t"])


@given(_REQUIRES, st.data())
def test_how_a_go_mod_is_written_does_not_matter(requires: dict[str, str], data: st.DataObject) -> None:
    block = "".join(f"\t{p} {v}{data.draw(_NOISE)}\n" for p, v in requires.items())
    order = data.draw(st.permutations(sorted(requires)))
    lines = "".join(f"\n// note\nrequire {p} {requires[p]}{data.draw(_NOISE)}\r\n" for p in order)
    one, other = parse_mod(f"module x\nrequire (\n{block})\n"), parse_mod(f"module x\n{lines}")
    assert one.versions() == requires
    assert one.meaning() == other.meaning()
    assert changes(one, other) == ()


@given(_REQUIRES, _REQUIRES)
def test_changes_lead_from_the_old_to_the_new(old: dict[str, str], new: dict[str, str]) -> None:
    before, after = (GoMod("x", requires=tuple(Require(p, v) for p, v in r.items())) for r in (old, new))
    result = dict(old)
    for change in changes(before, after):
        if change.to is None:
            del result[change.module]
        else:
            result[change.module] = change.to
    assert result == new


@given(st.text(max_size=200))
def test_any_text_is_parsed_or_refused_with_a_line(text: str) -> None:
    try:
        parse_mod(text)
    except FilesError as error:
        line = int(str(error.problem.place).rpartition(":")[2])
        assert 1 <= line <= text.count("\n") + 1


@pytest.mark.parametrize(("parse", "path"), [(parse_mod, "go.mod"), (parse_work, "svc/go.work")])
def test_a_byte_order_mark_is_refused_as_go_does(parse: Callable[..., object], path: str) -> None:
    with pytest.raises(FilesError) as raised:
        parse("\ufeffmodule example.com/a\n", path=path)
    problem = raised.value.problem
    assert (problem.code, problem.place) == (
        f"broken-{path.rpartition('/')[2].replace('.', '-')}",
        f"{path}:1",
    )
    assert path in problem.hint
