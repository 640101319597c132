"""Projects as nobody would write them on purpose: good files with random damage, and whatever else a folder may contain."""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path

from hypothesis import strategies as st

# Each module that declares a note, so that `Note` knows it.
import devctl.domain.size.growth
import devctl.workflows.preview.known_images  # noqa: F401
from devctl.domain.project.state_folder import FolderNote

GO_MODS = (
    "module example.com/shop\n\ngo 1.26\n",
    "module example.com/redis // a comment\n\ngo 1.13\n\nrequire (\n\texample.com/a v1.0.0\n\texample.com/b v0.0.0-20200101000000-abcdefabcdef // indirect\n)\n",
    'module "example.com/quoted"\n\ngo 1.99\ntoolchain go1.99.1\n\nreplace example.com/a => ../a\n\nreplace example.com/b v1.0.0 => example.com/c v1.1.0\n',
    "module shop\n\nretract [v1.0.0, v1.9.9]\nexclude example.com/x v1.2.3\ntool example.com/x/cmd\n",
)
GO_WORKS = ("go 1.26\n\nuse (\n\t.\n\t./missing\n)\n", "go 1.26\nuse ./svc\nreplace example.com/a => ./a\n")
MAINS = (
    'package main\n\nimport "net/http"\n\nfunc main() {\n\thttp.HandleFunc("/healthz", nil)\n\thttp.ListenAndServe(":8080", nil)\n}\n',
    'package main\n\nimport (\n\t"embed"\n\t"net/http"\n\t"os"\n)\n\n//go:embed web/* *.txt\nvar files embed.FS\n\n'
    'func main() {\n\tport := os.Getenv("PORT")\n\tif port == "" {\n\t\tpanic("PORT")\n\t}\n\thttp.ListenAndServe(":"+port, nil)\n}\n',
    'package main\n\nimport "C"\n\nfunc main() { select {} }\n',
    "//go:build ignore\n\npackage main\n\nfunc main() {}\n",
)
DOCKERFILES = (
    "FROM golang:1.26-alpine AS build\nWORKDIR /src\nCOPY go.mod go.sum ./\nRUN go mod download\nCOPY . .\n"
    'RUN go build -o /server .\n\nFROM alpine AS runner\nCOPY --from=build /server /server\nENTRYPOINT ["/server"]\n',
    'ARG V\nARG GO=1.22\nFROM golang:${GO} AS dev\nRUN go install github.com/cosmtrek/air@v1.40\nCMD ["air", "-c", ".air.toml"]\n'
    "FROM alpine:${V} AS run\nFROM golang:1.22@sha256:0123 AS build\nRUN go build -o /app ./cmd/api\nFROM gcr.io/distroless/static\n"
    "COPY --from=build /app /app\nCMD /app serve\n",
    "# syntax=docker/dockerfile:1\n# escape=`\nFROM --platform=$BUILDPLATFORM golang AS a\nRUN <<EOF\ngo build\nEOF\nFROM scratch\nCOPY --from=0 / /\n",
    'FROM ${BASE:-golang}\nUSER 1000:1000\nHEALTHCHECK CMD wget -q localhost\nVOLUME /data\nEXPOSE 8080-8090/tcp\nONBUILD RUN x\nSHELL ["sh"]\n',
)
AIR_TOMLS = (
    'root = "."\ntmp_dir = "tmp"\n[build]\ncmd = "go build -o ./tmp/main ./cmd/api"\nbin = "tmp/main"\nargs_bin = ["serve"]\n',
    'root = "/elsewhere"\n[build]\nfull_bin = "APP=1 ./tmp/main \'a b\'"\n',
)
ENVS = (
    "PORT=9000\nDB=postgres://u:p@db/x\n",
    "COMPOSE_FILE=deploy/a.yml:b.yml\nCOMPOSE_PATH_SEPARATOR=,\nV=\n",
    "A=\"open\nexport B='x'\n=x\nC\n",
)
CONFIGS = (
    "version: 1\nname: shop\nservices:\n  api:\n    port: 8080\n    probe: /healthz\n",
    "go: 1.20\nwatch: {also: [config, /etc/hosts, '..', ''], poll: always}\nprod: {base: scratch, writable: [/tmp], budget: 12MB}\n",
    "services: {api: {dir: svc, main: ./cmd/api, args: [serve, 'a b'], env: {A: 1}, build: {tags: [x], ldflags: '-X a=b'}, files: [web]}}\n",
    "bases: {mirror: 'localhost:5000', golang: golang, alpine: 'alpine@sha256:0123'}\nunknown: 1\n",
)
COMPOSES = (
    "services:\n  api:\n    build: .\n    ports: ['8080:8080']\n    environment: {A: '${A:-x}'}\n    depends_on: [db]\n  db:\n    image: postgres:16\n",
    "services:\n  api:\n    build: {context: ., dockerfile: Dockerfile, target: dev, args: {V: ''}}\n    working_dir: app\n    command: go run . --x 'a b'\n"
    "    volumes: ['.:/app', 'data:/data']\n",
    "services:\n  redis: {image: 'redis:7'}\n  api: {image: 'example/shop:1', profiles: [a]}\n  b: {build: {context: ./svc, dockerfile: ../x/Dockerfile.dev}}\n",
    "x: &a [1, 2]\nservices:\n  api:\n    build: /elsewhere\n    ports: ['1-3:1-3', 9]\n    entrypoint: ['sh', '-c', '$$X']\n    nonsense: 1\n",
)
TEXTS: dict[str, tuple[str, ...]] = {
    "go.mod": GO_MODS,
    "go.sum": ("example.com/a v1.0.0 h1:x=\n",),
    "go.work": GO_WORKS,
    "main.go": MAINS,
    "cmd/api/main.go": MAINS,
    "svc/go.mod": GO_MODS,
    "svc/main.go": MAINS,
    "Dockerfile": DOCKERFILES,
    "svc/Dockerfile": DOCKERFILES,
    "x/Dockerfile.dev": DOCKERFILES,
    ".air.toml": AIR_TOMLS,
    ".env": ENVS,
    ".env.example": ENVS,
    "devctl.yaml": CONFIGS,
    "compose.yaml": COMPOSES,
    "compose.override.yaml": COMPOSES,
    "docker-compose.dev.yml": COMPOSES,
    "deploy/compose.yaml": COMPOSES,
    ".dockerignore": ("node_modules\n!x\n**/*.md\n", "*\n"),
    "vendor/modules.txt": ("# example.com/a v1.0.0\n## explicit\nexample.com/a\n",),
    "config.yaml": ("server:\n  port: 8080\n",),
    "web/index.html": ("<html>\n",),
    "web/package.json": ('{"scripts": {"build": "vite build"}}\n',),
}
NOTES = ("{}\n", "[]\n", '{"old": {"api": {"container": "x", "reason": "y"}}, "failed": {"api": 1}, "arrive": "x"}\n',
    '{"version": "1", "project": "shop", "inputs": {"go.mod": []}, "variables": {"A": null}, "state": {"api": 0}, "probes": {"api": "http://x"}}\n',
)  # fmt: skip
"""JSON of the right shape, of a wrong one, and of none."""
TEXTS |= {f".devctl/{kind.file}": NOTES for kind in FolderNote.__subclasses__()}
SOUND: dict[str, str] = {
    "go.mod": GO_MODS[0],
    "main.go": MAINS[0],
    "Dockerfile": DOCKERFILES[0],
    "compose.yaml": COMPOSES[0],
    "devctl.yaml": CONFIGS[0],
    ".env": ENVS[0],
}
"""One project that is as it should be."""
LIKELY = ("go.mod", "main.go", "Dockerfile", "compose.yaml", "devctl.yaml", ".env")
ODD_WORDS = (
    "", "''", "${V}", "${V:?x}", "$(x)", "-x", "--help", "..", "/", "~", "a b", "*", "[", "{", "&a", "*a", "<<", "\t", "é", "%s",
    "0", "-1", "99999999999999999999", "1e9", "null", "true", "latest", "golang:1.19", "alpine@sha256:12", "a:b:c", "\u2028", "\ufeff",
)  # fmt: skip
ODD_NAMES = (
    b"a\nb",
    b"-rf",
    b"\xff\xfe",
    b"x" * 255,
    b"a b",
    b"$HOME",
    b"*.go",
    b"\x1b[31m.go",
    "é.go".encode(),
    b"go.mod.d",
)
KINDS = (
    "loop",
    "broken-link",
    "link-out",
    "dev-zero",
    "fifo",
    "folder",
    "closed",
    "closed-folder",
    "huge",
    "socket",
)


class Entry:
    """`kind`: `text` with its content, or one of KINDS."""

    def __init__(self, path: bytes, kind: str, content: bytes = b"") -> None:
        self.path, self.kind, self.content = path, kind, content

    def __repr__(self) -> str:
        return f"Entry({self.path!r}, {self.kind!r}, {self.content[:400]!r})"


def _damage(text: bytes, how: str, at: int, word: bytes) -> bytes:
    lines = text.split(b"\n")
    line = at % len(lines)
    words = lines[line].split(b" ")
    match how:
        case "drop":
            del lines[line]
        case "twice":
            lines.insert(line, lines[line])
        case "word":
            words[at % len(words)] = word
            lines[line] = b" ".join(words)
        case "value":
            key, colon, _ = lines[line].partition(b":")
            lines[line] = key + (colon or b"=") + b" " + word
        case "indent":
            lines[line] = b"  " + lines[line]
        case "cut":
            return text[: at % (len(text) + 1)]
        case "nul":
            lines[line] += b"\0"
        case "bytes":
            lines[line] += b"\xff\xfe"
        case "bom":
            return b"\xef\xbb\xbf" + text
        case "crlf":
            return text.replace(b"\n", b"\r\n")
        case "utf16":
            return text.decode(errors="replace").encode("utf-16")
        case "deep":
            lines[line] = b"x: " + b"[" * 3000
        case "deeper":
            return b"\n".join(b" " * n + b"a:" for n in range(500))
        case "bomb":
            names = "abcdefghi"
            bomb = ["a: &a [x, x, x, x, x, x, x, x, x]"]
            bomb += [f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]" for a, b in pairwise(names)]
            return "\n".join(bomb).encode() + b"\n" + text
        case "long":
            lines[line] += b"x" * 100_000
    return b"\n".join(lines)


HOWS = (
    "drop", "twice", "word", "value", "indent", "cut", "nul", "bytes", "bom", "crlf", "utf16", "deep", "deeper", "bomb", "long",
)  # fmt: skip


@st.composite
def entries(draw: st.DrawFn, name: str) -> Entry:
    kind = (
        draw(st.sampled_from(("text",) * 14 + KINDS))
        if name != "go.mod"
        else draw(st.sampled_from(("text",) * 40 + KINDS))
    )
    text = draw(st.sampled_from(TEXTS[name])).encode()
    for _ in range(draw(st.sampled_from((0, 0, 0, 1, 1, 2, 3)))):
        word = draw(st.sampled_from(ODD_WORDS)).encode()
        text = _damage(text, draw(st.sampled_from(HOWS)), draw(st.integers(0, 400)), word)
    return Entry(name.encode(), kind, text)


@st.composite
def sound_trees(draw: st.DrawFn) -> tuple[Entry, ...]:
    """What `up` and its like can make something of, with at most one thing that is odd."""
    left_out = draw(st.sets(st.sampled_from(("Dockerfile", "compose.yaml", "devctl.yaml", ".env"))))
    made = [
        Entry(name.encode(), "text", text.encode()) for name, text in SOUND.items() if name not in left_out
    ]
    if draw(st.booleans()):
        made.append(draw(entries(draw(st.sampled_from(sorted(set(TEXTS) - set(SOUND)))))))
    return tuple(made)


@st.composite
def trees(draw: st.DrawFn) -> tuple[Entry, ...]:
    if draw(st.booleans()):
        return draw(sound_trees())
    likely = [
        name for name in LIKELY if draw(st.integers(0, 9)) < (9 if name in ("go.mod", "main.go") else 5)
    ]
    others = draw(st.lists(st.sampled_from(sorted(set(TEXTS) - set(LIKELY))), unique=True, max_size=4))
    made = [draw(entries(name)) for name in (*likely, *others)]
    if draw(st.integers(0, 4)) == 0:
        folder = draw(st.sampled_from((b"", b"svc/", b"web/", b".devctl/")))
        odd = draw(st.sampled_from(ODD_NAMES))
        made.append(
            Entry(folder + odd, draw(st.sampled_from(("text", *KINDS))), draw(st.binary(max_size=20)))
        )
    if draw(st.integers(0, 12)) == 0:
        made.insert(0, Entry(b".devctl", draw(st.sampled_from(("text", *KINDS)))))
    return tuple(made)


def write(root: Path, tree: tuple[Entry, ...], *, outside: Path) -> None:
    """What cannot coexist with what is there already is left out."""
    for entry in tree:
        path = os.path.join(os.fsencode(root), entry.path)
        try:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            _make(path, entry, os.fsencode(outside))
        except (FileExistsError, NotADirectoryError, PermissionError, IsADirectoryError):
            continue
        except OSError as error:
            if error.errno not in (
                36,
                40,
                None,
            ):  # a name too long (of a socket: without a number), a link in the way
                raise


def _make(path: bytes, entry: Entry, outside: bytes) -> None:
    match entry.kind:
        case "loop":
            os.symlink(os.path.basename(path), path)
        case "broken-link":
            os.symlink(b"not-there", path)
        case "link-out":
            os.symlink(os.path.join(outside, b"kept"), path)
        case "dev-zero":
            os.symlink(b"/dev/zero", path)
        case "fifo":
            os.mkfifo(path)
        case "folder":
            os.makedirs(os.path.join(path, b"inner"))
        case "closed-folder":
            os.mkdir(path, 0o000)
        case "socket":
            import socket

            with socket.socket(socket.AF_UNIX) as made:
                made.bind(path)
        case "huge":
            handle = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL)
            os.write(handle, entry.content)
            os.truncate(handle, 1 << 36)
            os.close(handle)
        case _:
            handle = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL)
            os.write(handle, entry.content)
            os.close(handle)
            if entry.kind == "closed":
                os.chmod(path, 0o000)
