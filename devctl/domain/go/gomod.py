"""go.mod and go.work as data. The grammar is golang.org/x/mod/modfile's: lines, blocks, `//` comments, quoted words."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from dataclasses import dataclass

from devctl.domain.command.argv import shell_path
from devctl.domain.go.semver import version_key
from devctl.errors import FilesError

_TOKEN = re.compile(
    r"""(?P<space>[ \t\r]+)|(?P<comment>//.*)|(?P<mark>=>|[()\[\],])"""
    r"""|"(?P<quoted>(?:[^"\\]|\\.)*)"|`(?P<raw>[^`]*)`|(?P<word>(?:(?!//)[^\s()\[\],"`])+)"""
)
_GO = re.compile(r"[1-9]\d*\.(?:0|[1-9]\d*)(?:\.(?:0|[1-9]\d*))?(?:[a-z]+\d+)?")
_TOOLCHAIN = re.compile(r"default|(?:.*-)?go[1-9]\d*(?:\.\d+){0,2}(?:[a-z]+\d+)?(?:-.+)?")


@dataclass(frozen=True, slots=True)
class Require:
    path: str
    version: str


@dataclass(frozen=True, slots=True)
class Replace:
    """`old [version] => new [version]`; without a new version `new` is a folder."""

    old: str
    old_version: str
    new: str
    new_version: str

    @property
    def local(self) -> bool:
        return not self.new_version

    @property
    def text(self) -> str:
        left, right = f"{self.old} {self.old_version}".rstrip(), f"{self.new} {self.new_version}".rstrip()
        return f"{left} => {right}"


@dataclass(frozen=True, slots=True)
class GoMod:
    """A go.mod, or a go.work (`module` is "" then, and `uses` the folders of its members).

    `others` are directives that name neither a version of Go nor a requirement, as text: `exclude a v1`, `tool x`.
    """

    module: str = ""
    go: str = ""
    toolchain: str = ""
    requires: tuple[Require, ...] = ()
    replaces: tuple[Replace, ...] = ()
    uses: tuple[str, ...] = ()
    others: tuple[str, ...] = ()

    def versions(self) -> dict[str, str]:
        """Version by module path; the highest where a path is required twice, as Go chooses."""
        chosen: dict[str, str] = {}
        for item in self.requires:
            known = chosen.get(item.path)
            if known is None or version_key(item.version) > version_key(known):
                chosen[item.path] = item.version
        return chosen

    def meaning(self) -> tuple[object, ...]:
        """What Go builds by: equal for texts that differ in comments, order, layout or `// indirect` only."""
        return (
            self.module,
            self.go,
            self.toolchain,
            tuple(sorted(self.versions().items())),
            tuple(sorted({item.text for item in self.replaces})),
            tuple(sorted(set(self.uses))),
            tuple(sorted(set(self.others))),
        )


@dataclass(frozen=True, slots=True)
class _Line:
    """`words` without marks such as `(`; `=>` stays. `number` counts from 1."""

    number: int
    words: tuple[str, ...]


class _Broken(Exception):
    """What is wrong in the line that is being read."""


def parse_mod(text: str, *, path: str = "go.mod") -> GoMod:
    """The go.mod in `text`; raises FilesError `broken-go-mod` with `path:line`."""
    found = _parse(text, path, allowed=_MOD)
    if not found.module:
        raise _error(path, 1, "there is no `module` line")
    return found


def parse_work(text: str, *, path: str = "go.work") -> GoMod:
    """The go.work in `text`; raises FilesError `broken-go-work` with `path:line`."""
    return _parse(text, path, allowed=_WORK)


def _parse(text: str, path: str, *, allowed: frozenset[str]) -> GoMod:
    reader, block, opened = _Reader(), "", 0
    if text.startswith("\ufeff"):
        raise FilesError(
            f"{path} begins with a byte order mark, which Go refuses there",
            code=f"broken-{posixpath.basename(path).replace('.', '-')}",
            hint=f"save it as UTF-8 without BOM: sed -i '1s/^\\xef\\xbb\\xbf//' {shell_path(path)}",
            place=f"{path}:1",
        )
    for number, raw in enumerate(text.split("\n"), start=1):
        try:
            tokens = _tokens(raw)
            if not tokens:
                continue
            if block and tokens == [")"]:
                block = ""
                continue
            verb = block or tokens.pop(0)
            if verb not in allowed:
                raise _Broken(f"unknown directive `{verb}`")
            if not block and tokens == ["(", ")"]:
                continue
            if not block and tokens == ["("]:
                block, opened = verb, number
                continue
            reader.take(verb, _Line(number, _plain(verb, tokens)))
        except _Broken as wrong:
            raise _error(path, number, str(wrong)) from None
    if block:
        raise _error(path, opened, f"the block `{block} (` is never closed")
    return reader.result()


def _tokens(raw: str) -> list[str]:
    tokens: list[str] = []
    position = 0
    while position < len(raw):
        found = _TOKEN.match(raw, position)
        if found is None:
            raise _Broken("a quote is never closed")
        position = found.end()
        if found.lastgroup == "comment":
            return tokens
        if found.lastgroup == "quoted":
            tokens.append(re.sub(r"\\(.)", r"\1", found["quoted"]))
        elif found.lastgroup != "space":
            tokens.append(found[str(found.lastgroup)])
    return tokens


def _plain(verb: str, tokens: list[str]) -> tuple[str, ...]:
    if verb != "retract" and (wrong := next((t for t in tokens if t in ("(", ")", "[", "]", ",")), None)):
        raise _Broken(f"`{wrong}` does not belong here")
    return tuple(tokens)


class _Reader:
    """Collects directives; each method named `_<directive>` takes the words behind it."""

    def __init__(self) -> None:
        self.single: dict[str, str] = {}
        self.requires: list[Require] = []
        self.replaces: list[Replace] = []
        self.uses: list[str] = []
        self.others: list[str] = []

    def take(self, verb: str, line: _Line) -> None:
        handler: Callable[[_Line], None] | None = getattr(self, f"_{verb}", None)
        if handler is not None:
            handler(line)
        elif not line.words:
            raise _Broken(f"`{verb}` needs a value")
        else:
            self.others.append(f"{verb} {' '.join(line.words)}")

    def _module(self, line: _Line) -> None:
        self._once("module", line, usage="module example.com/path")

    def _go(self, line: _Line) -> None:
        self._once("go", line, usage="go 1.26")
        if not _GO.fullmatch(self.single["go"]):
            raise _Broken(f"`go {self.single['go']}` is not a Go version (like 1.26)")

    def _toolchain(self, line: _Line) -> None:
        self._once("toolchain", line, usage="toolchain go1.26.1")
        if not _TOOLCHAIN.fullmatch(self.single["toolchain"]):
            raise _Broken(f"`toolchain {self.single['toolchain']}` is not a toolchain (like go1.26.1)")

    def _require(self, line: _Line) -> None:
        if len(line.words) != 2:
            raise _Broken("usage: require module/path v1.2.3")
        self.requires.append(Require(line.words[0], line.words[1]))

    def _replace(self, line: _Line) -> None:
        words = line.words
        arrow = words.index("=>") if "=>" in words else 0
        left, right = words[:arrow], words[arrow + 1 :]
        if len(left) not in (1, 2) or len(right) not in (1, 2):
            raise _Broken("usage: replace module/path [v1.2.3] => other/module v1.4, or => ../folder")
        if len(right) == 1 and not right[0].startswith(("./", "../", "/")) and right[0] not in (".", ".."):
            raise _Broken(f"replacement `{right[0]}` without a version must be a folder (./ or ../)")
        self.replaces.append(
            Replace(left[0], left[1] if len(left) == 2 else "", right[0], right[1] if len(right) == 2 else "")
        )

    def _use(self, line: _Line) -> None:
        if len(line.words) != 1:
            raise _Broken("usage: use ./folder")
        self.uses.append(line.words[0])

    def _exclude(self, line: _Line) -> None:
        if len(line.words) != 2:
            raise _Broken("usage: exclude module/path v1.2.3")
        self.others.append(f"exclude {' '.join(line.words)}")

    def _once(self, verb: str, line: _Line, *, usage: str) -> None:
        if len(line.words) != 1 or not line.words[0]:
            raise _Broken(f"usage: {usage}")
        if verb in self.single:
            raise _Broken(f"a second `{verb}` line")
        self.single[verb] = line.words[0]

    def result(self) -> GoMod:
        return GoMod(
            **self.single,
            requires=tuple(self.requires),
            replaces=tuple(self.replaces),
            uses=tuple(self.uses),
            others=tuple(self.others),
        )


_COMMON = frozenset({"go", "toolchain", "godebug", "replace"})
_MOD = _COMMON | {"module", "require", "exclude", "retract", "tool", "ignore"}
_WORK = _COMMON | {"use"}


def _error(path: str, line: int, message: str) -> FilesError:
    kind = "go.work" if path.endswith(".work") else "go.mod"
    return FilesError(
        f"{path} is broken: {message}",
        code=f"broken-{kind.replace('.', '-')}",
        hint=f"fix line {line} of {path}; `{'go work' if kind == 'go.work' else 'go mod'} edit -fmt` shows what Go thinks",
        place=f"{path}:{line}",
    )


def sums_complete(mod: GoMod, sum_text: str) -> bool:
    """Whether go.sum holds the content hash of every required module: then nothing more is about to be written.

    A module that is replaced by a folder has none; one replaced by another module has that one's.
    """
    known = {tuple(line.split()[:2]) for line in sum_text.splitlines() if len(line.split()) == 3}
    for path, version in mod.versions().items():
        swap = next((r for r in mod.replaces if r.old == path and r.old_version in ("", version)), None)
        if swap is not None and swap.local:
            continue
        wanted = (swap.new, swap.new_version) if swap is not None else (path, version)
        if wanted not in known:
            return False
    return True
