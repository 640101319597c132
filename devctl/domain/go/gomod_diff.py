"""The differences between two versions of a go.mod or go.work, in words."""

from __future__ import annotations

from devctl.domain.command.events import Change
from devctl.domain.go.gomod import GoMod
from devctl.domain.go.semver import version_key


def changes(old: GoMod, new: GoMod) -> tuple[Change, ...]:
    """Every difference that matters to a build; comments, order and `// indirect` do not."""
    return (
        *_line("go", old.go, new.go),
        *_line("toolchain", old.toolchain, new.toolchain),
        *_requires(old.versions(), new.versions()),
        *_replaces(old, new),
        *_others(old, new),
    )


def _line(op: str, old: str, new: str) -> tuple[Change, ...]:
    if old == new:
        return ()
    text = f"{op} {old} → {new}" if old and new else f"+ {op} {new}" if new else f"- {op} {old}"
    return (Change("go" if op == "go" else "toolchain", op, text, old or None, new or None),)


def _requires(old: dict[str, str], new: dict[str, str]) -> list[Change]:
    found = []
    for path in sorted(old.keys() | new.keys()):
        before, after = old.get(path), new.get(path)
        if before == after:
            continue
        if before is None:
            found.append(Change("added", path, f"+ {path} {after}", None, after))
        elif after is None:
            found.append(Change("removed", path, f"- {path}", before, None))
        elif version_key(after) >= version_key(before):
            found.append(Change("upgraded", path, f"↑ {path} {before} → {after}", before, after))
        else:
            found.append(Change("downgraded", path, f"↓ {path} {before} → {after}", before, after))
    return found


def _replaces(old: GoMod, new: GoMod) -> list[Change]:
    before, after = ({(r.old, r.old_version): r for r in mod.replaces} for mod in (old, new))
    found = []
    for key in sorted(before.keys() | after.keys()):
        was, now = before.get(key), after.get(key)
        if was == now:
            continue
        text = f"replace {now.text}" if now else f"- replace {was.text if was else ''}"
        targets = (_target(was.text) if was else None, _target(now.text) if now else None)
        found.append(Change("replaced", key[0], text, *targets))
    return found


def _target(text: str) -> str:
    return text.split(" => ")[1]


def _others(old: GoMod, new: GoMod) -> list[Change]:
    before, after = (
        {f"module {mod.module}" if mod.module else "", *mod.others, *(f"use {u}" for u in mod.uses)} - {""}
        for mod in (old, new)
    )
    gone = [Change("other", _subject(text), f"- {text}", text, None) for text in sorted(before - after)]
    came = [Change("other", _subject(text), f"+ {text}", None, text) for text in sorted(after - before)]
    return gone + came


def _subject(text: str) -> str:
    return text.split()[1]
