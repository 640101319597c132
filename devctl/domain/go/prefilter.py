"""Which Go files are worth parsing: cheap tests on bytes, so that a large repository costs milliseconds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache

from devctl.domain.regex import regex

# Imports, and the words without which a file with such an import says nothing of interest.
_BY_IMPORT: tuple[tuple[re.Pattern[str], tuple[bytes, ...]], ...] = (
    (
        regex(
            r"^net/http$|gin-gonic|labstack/echo|gofiber/|go-chi/|gorilla/mux|httprouter|fasthttp|connectrpc|kataras/iris"
            r"|beego|cloudwego/hertz|go-kratos|bunrouter|alexedwards/flow|huma"
        ),
        (
            b"Listen",
            b".Run(",
            b".Start(",
            b"Serve(",
            b"Addr",
            b'("/',
            b'("GET ',
            b"LoadHTML",
            b"Static",
            b'Dir("',
        ),
    ),
    (regex(r"^(?:net|crypto/tls)$"), (b"Listen",)),
    (regex(r"^google\.golang\.org/grpc$"), (b"NewServer(", b"Serve(")),
    (
        regex(r"zeromicro/go-zero/|go-micro|cloudwego/kitex"),
        (b"MustNewServer(", b"Address(", b"ResolveTCPAddr("),
    ),
    (
        regex(r"^os$|^io/ioutil$"),
        (b"Getenv(", b"LookupEnv(", b'ReadFile("', b'Open("', b'DirFS("', b'ReadDir("'),
    ),
    (regex(r"^(?:html|text)/template$"), (b'ParseGlob("', b'ParseFiles("')),
    (regex(r"golang-migrate/migrate"), (b"file://",)),
    (regex(r"cleanenv|/ini(?:\.v1)?$"), (b'ReadConfig("', b'ini.Load("')),
    (regex(r"godotenv"), (b"godotenv.",)),
    (
        regex(r"spf13/viper|koanf|godotenv"),
        (b'Path("', b'Provider("', b'ConfigName("', b'File("', b'Default("', b'Load("'),
    ),
)
_ANYWHERE = (b'env:"', b'envconfig:"', b'efault:"', b'nv("', b'nvOr("', b'ADDR": ', b'PORT": ')
_SERVING = (b".Run(", b".Start(", b".Listen(")
_GIVEN_ADDRESS = regex(rb'\w\("(?:0\.0\.0\.0)?:\d{2,5}"')
_FLAGS = regex(r"^flag$|spf13/(?:pflag|cobra)|urfave/cli|kingpin|alecthomas/kong|peterbourgon/ff")
_FLAG_WORD = regex(
    rb'"[^"\n]{0,200}?(?:port|addr|listen|bind|conf)[^"\n]{0,200}"|\.(?:ya?ml|toml|json|ini)"', re.IGNORECASE
)
# `DefaultPort = 8080`, `"server.port": "8080"`, from the word on: lower-case, and only tried where the word occurs.
_PORT_WORDS = (b"port", b"addr", b"listen")
_GIVEN = regex(rb"""(?:(?:port|addr)\w{0,99}[ \t]*=|\w{1,99}"[ \t]*:)[ \t]*["`]?[\w.]{0,99}:?\d{4,5}\b""")
_PORT_WORD = regex(rb"port|addr", re.IGNORECASE)


@cache
def _needles(path: str) -> tuple[bytes, ...]:
    return tuple(word for pattern, words in _BY_IMPORT if pattern.search(path) for word in words)


def worth_parsing(source: bytes, imports: Iterable[str], *, main: bool, framework: bool = False) -> bool:
    """Whether a file may listen, route, read the environment, or open a file by name.

    `framework`: the module requires one, so a router may be run far from where it is created. A file is also read if it names
    a port (in a main package) or assigns one: another file may listen on that constant.
    """
    wanted = dict.fromkeys(word for path in imports for word in _needles(path))
    if any(word in source for word in (*wanted, *_ANYWHERE)):
        return True
    if framework and any(word in source for word in _SERVING):
        return True
    if (b'(":' in source or b'("0.0' in source) and _GIVEN_ADDRESS.search(source):
        return True
    if any(_FLAGS.search(path) for path in imports) and _FLAG_WORD.search(source):
        return True
    return _PORT_WORD.search(source) is not None if main else _gives_a_port(source.lower())


def _gives_a_port(source: bytes) -> bool:
    for word in _PORT_WORDS:
        at = source.find(word)
        while at >= 0:
            if _GIVEN.match(source, at):
                return True
            at = source.find(word, at + 1)
    return False


def reachable(starts: Iterable[str], imports: Mapping[str, Iterable[str]]) -> frozenset[str]:
    """Packages (by import path) that `starts` are built from, as far as `imports` knows them."""
    seen: set[str] = set()
    waiting = list(starts)
    while waiting:
        path = waiting.pop()
        if path not in seen and path in imports:
            seen.add(path)
            waiting += imports[path]
    return frozenset(seen)
