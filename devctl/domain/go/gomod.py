"""go.mod and go.work as data. The grammar is golang.org/x/mod/modfile's: lines, blocks, `//` comments, quoted words."""

from __future__ import annotations

import re
from collections import defaultdict

from msgspec import Struct

from devctl.domain.command.argv import shell_path
from devctl.domain.go.semver import version_key
from devctl.domain.regex import regex
from devctl.errors import FilesError

_TOKEN = regex(
    r"""(?P<space>[ \t\r]+)|(?P<comment>//.*)|(?P<mark>=>|[()\[\],])"""
    r"""|"(?P<quoted>(?:[^"\\]|\\.)*)"|`(?P<raw>[^`]*)`|(?P<word>(?:(?!//)[^\s()\[\],"`])+)"""
)
_GO = regex(r"[1-9]\d*\.(?:0|[1-9]\d*)(?:\.(?:0|[1-9]\d*))?(?:[a-z]+\d+)?")
_TOOLCHAIN = regex(r"default|(?:.*-)?go[1-9]\d*(?:\.\d+){0,2}(?:[a-z]+\d+)?(?:-.+)?")


class Require(Struct, frozen=True):
    path: str
    version: str


class Replace(Struct, frozen=True):
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


class GoMod(Struct, frozen=True):
    """A go.mod, or a go.work (then `module` is "", and `uses` has the folders of its members).

    `others` are directives that name neither a Go version nor a requirement, as text: `exclude a v1`, `tool x`.
    """

    module: str = ""
    go: str = ""
    toolchain: str = ""
    requires: tuple[Require, ...] = ()
    replaces: tuple[Replace, ...] = ()
    uses: tuple[str, ...] = ()
    others: tuple[str, ...] = ()

    def versions(self) -> dict[str, str]:
        """Version by module path; the highest if a path is required twice, as Go chooses."""
        chosen: dict[str, str] = {}
        for item in self.requires:
            known = chosen.get(item.path)
            if known is None or version_key(item.version) > version_key(known):
                chosen[item.path] = item.version
        return chosen

    def built(self, path: str, version: str) -> tuple[str, str] | None:
        """The module that Go uses for a required one, after `replace`; None for a folder, which go.sum does not cover."""
        swap = next((r for r in self.replaces if r.old == path and r.old_version in ("", version)), None)
        if swap is None:
            return path, version
        return None if swap.local else (swap.new, swap.new_version)

    def meaning(self) -> tuple[object, ...]:
        """What Go builds from: equal for texts that differ only in comments, order, layout or `// indirect`."""
        return (
            self.module,
            self.go,
            self.toolchain,
            tuple(sorted(self.versions().items())),
            tuple(sorted({item.text for item in self.replaces})),
            tuple(sorted(set(self.uses))),
            tuple(sorted(set(self.others))),
        )


class _Broken(Exception):
    """What is wrong with the line being read."""


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
    if text.startswith("\ufeff"):
        hint = f"save it as UTF-8 without BOM: sed -i '1s/^\\xef\\xbb\\xbf//' {shell_path(path)}"
        raise _error(path, 1, "it begins with a byte order mark, which Go refuses there", hint)
    found: dict[str, list[list[str]]] = defaultdict(list)
    replaces: list[Replace] = []
    block, opened = "", 0
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
            _check(verb, tokens, again=verb in found)
            replaces += [_replacement(tokens)] if verb == "replace" else []
            found[verb].append(tokens)
        except _Broken as wrong:
            raise _error(path, number, str(wrong)) from None
    if block:
        raise _error(path, opened, f"the block `{block} (` is never closed")
    return GoMod(
        **{verb: found[verb][0][0] for verb in _ONCE if verb in found},
        requires=tuple(Require(*words) for words in found["require"]),
        replaces=tuple(replaces),
        uses=tuple(words[0] for words in found["use"]),
        others=tuple(f"{verb} {' '.join(words)}" for verb in sorted(_OTHERS) for words in found[verb]),
    )


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


def _check(verb: str, words: list[str], *, again: bool) -> None:
    if verb != "retract" and (wrong := next((w for w in words if w in ("(", ")", "[", "]", ",")), None)):
        raise _Broken(f"`{wrong}` does not belong here")
    usage = _USAGE.get(verb, "")
    if usage and (len(words) != len(usage.split()) or not all(words)):
        raise _Broken(f"usage: {verb} {usage}")
    if not words:
        raise _Broken(f"`{verb}` needs a value")
    form = _ONCE.get(verb)
    if form is not None and again:
        raise _Broken(f"a second `{verb}` line")
    if form is not None and not form.fullmatch(words[0]):
        kind = "Go version" if verb == "go" else verb
        raise _Broken(f"`{verb} {words[0]}` is not a {kind} (like {usage})")


def _replacement(words: list[str]) -> Replace:
    arrow = words.index("=>") if "=>" in words else 0
    left, right = words[:arrow], words[arrow + 1 :]
    if len(left) not in (1, 2) or len(right) not in (1, 2):
        raise _Broken("usage: replace module/path [v1.2.3] => other/module v1.4, or => ../folder")
    if len(right) == 1 and not right[0].startswith(("./", "../", "/")) and right[0] not in (".", ".."):
        raise _Broken(f"replacement `{right[0]}` without a version must be a folder (./ or ../)")
    return Replace(left[0], "".join(left[1:]), right[0], "".join(right[1:]))


_ONCE = {"module": regex(r".*"), "go": _GO, "toolchain": _TOOLCHAIN}
_USAGE = {
    "module": "example.com/path",
    "go": "1.26",
    "toolchain": "go1.26.1",
    "require": "module/path v1.2.3",
    "exclude": "module/path v1.2.3",
    "use": "./folder",
}
_OTHERS = frozenset({"exclude", "godebug", "retract", "tool", "ignore"})
_COMMON = frozenset({"go", "toolchain", "godebug", "replace"})
_MOD = _COMMON | {"module", "require", "exclude", "retract", "tool", "ignore"}
_WORK = _COMMON | {"use"}


def _error(path: str, line: int, message: str, hint: str = "") -> FilesError:
    kind, command = ("work", "go work") if path.endswith(".work") else ("mod", "go mod")
    return FilesError(
        f"{path} is broken: {message}",
        code=f"broken-go-{kind}",
        hint=hint or f"fix line {line} of {path}; `{command} edit -fmt` shows what Go thinks",
        place=f"{path}:{line}",
    )


def sums_complete(mod: GoMod, sum_text: str) -> bool:
    """Whether go.sum has the content hash of every required module: then nothing more is about to be written."""
    known = {tuple(line.split()[:2]) for line in sum_text.splitlines() if len(line.split()) == 3}
    built = (mod.built(path, version) for path, version in mod.versions().items())
    return all(module is None or module in known for module in built)
