"""Calls that serve, of frameworks and of the project's own code: `router.Run(addr)`, `NewServer(":8080")`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from devctl.adapters.go.values import first, text
from devctl.domain.detect.address import names_our_port
from devctl.domain.regex import regex

if TYPE_CHECKING:
    from tree_sitter import Node

# Modules whose `Run`, `Start` and `Listen` serve; without one of them these names mean something else.
_FRAMEWORKS = regex(
    r"gin-gonic/gin|labstack/echo|gofiber/fiber|kataras/iris|beego|cloudwego/hertz|go-kratos|gogf/gf|functions-framework-go"
)
_MAKERS = ("gin.", "echo.", "fiber.", "iris.")
_ROUTER = regex(
    r"^(?:r|g|e|router|engine|ginEngine|httpRouter|\w+\.(?:router|engine|gin))$|[rR]out\w*\([^()]*\)$|^g(?:http)?\.(?:Get)?Server\(\)$"
)
_TALKS = regex(r"Dial|Client|Connect|Conn\b|Request|\.(?:Get|Post|Do)$")
BEEGO = ("web", "beego")
GRPC = "google.golang.org/grpc"
# Calls that create a server or give it its address: with the import that they belong to, and the object they are called on.
_SERVER_MAKERS: dict[str, tuple[tuple[str, re.Pattern[str]], ...]] = {
    "NewServer": (
        ("grpc", regex(r"^google\.golang\.org/grpc$")),
        ("", regex(r"go-kratos/kratos/v\d+/transport/")),
    ),
    "MustNewServer": (("", regex(r"zeromicro/go-zero/(?:rest|zrpc|gateway)$")),),
    "Address": (("", regex(r"go-kratos/kratos/v\d+/transport/|go-micro\.dev/|asim/go-micro")),),
    "WithHostPorts": (("", regex(r"cloudwego/hertz/pkg/app/server$")),),
    "ResolveTCPAddr": (("net", regex(r"cloudwego/kitex/server$")),),
}


def is_framework(paths: Iterable[str]) -> bool:
    return any(_FRAMEWORKS.search(path) for path in paths)


def makes_no_server(name: str, receiver: str, imports: Iterable[str]) -> bool:
    """Whether a call has the name of one that creates a server, but is none without the framework that it belongs to."""
    makers = _SERVER_MAKERS.get(name)
    paths = tuple(imports)
    return makers is not None and not any(
        receiver == (called or receiver) and any(wanted.search(path) for path in paths)
        for called, wanted in makers
    )


def made_by_framework(made: str) -> bool:
    return any(word in made for word in _MAKERS)


def is_router(receiver: str, made: str) -> bool:
    """Whether `Run()` without an address is called on a router, even if another package created it."""
    return _ROUTER.search(receiver) is not None or _ROUTER.search(f"{made}()") is not None


def tells_address(argument: Node | None) -> bool:
    """Whether an expression looks like an address, whatever its value: `":" + port`, `cfg.ServerAddress`."""
    if argument is None:
        return False
    if argument.type == "binary_expression":
        return '":"' in text(argument)
    if argument.type == "call_expression":
        function, inner = (
            text(argument.child_by_field_name("function")),
            argument.child_by_field_name("arguments"),
        )
        given = text(first(inner))
        return (
            ":%" in given
            if function.endswith("Sprintf")
            else "JoinHostPort" in function or names_our_port(given)
        )
    return names_our_port(text(argument).rpartition(".")[2])


def run_without_address(receiver: str, made: str) -> tuple[str, tuple[str, ...]]:
    """Where `Run()` serves: at an address, or wherever the file shows that the framework looks. Gin and iris default to 8080."""
    if receiver in BEEGO:
        return "", ("conf/app.conf",)
    if re.search(r"^g(?:http)?\.(?:Get)?Server$", made):
        return "", tuple(f"{folder}config.yaml" for folder in ("", "config/", "manifest/config/"))
    return ":8080", ()


def talks(function: str) -> bool:
    """Whether a function of that name connects to an address instead of listening on it."""
    return _TALKS.search(function) is not None
