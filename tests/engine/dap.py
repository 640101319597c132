"""A client of the Debug Adapter Protocol (microsoft.github.io/debug-adapter-protocol), as far as an editor needs it to stop a
program and look."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from typing import Any

WITHIN = 120.0
Message = dict[str, Any]


class Client:
    """One connection; `attach` is a whole session up to the program that runs with these breakpoints."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=WITHIN)
        self._stream = self._socket.makefile("rb")
        self._number = 0
        self._heard: list[Message] = []

    def close(self) -> None:
        self._stream.close()
        self._socket.close()

    def attach(self, paths: Mapping[str, str], file: str, lines: list[int]) -> list[bool]:
        """`paths`: here → in the container. Returns which breakpoints were found in the program."""
        self.ask("initialize", {"adapterID": "go", "linesStartAt1": True, "pathFormat": "path"})
        mapped = [{"from": here, "to": there} for here, there in paths.items()]
        attached = self.send("attach", {"mode": "remote", "substitutePath": mapped})
        self.event("initialized")
        wanted = {"source": {"path": file}, "breakpoints": [{"line": line} for line in lines]}
        set_ = self.ask("setBreakpoints", wanted)
        self.ask("configurationDone", {})
        self.answer(attached)
        return [it["verified"] for it in set_["breakpoints"]]

    def stopped(self) -> tuple[Message, Message]:
        """The next stop: the frame on top, and its variables by name."""
        thread = self.event("stopped")["threadId"]
        frame = self.ask("stackTrace", {"threadId": thread, "levels": 1})["stackFrames"][0]
        found: Message = {}
        for scope in self.ask("scopes", {"frameId": frame["id"]})["scopes"]:
            told = self.ask("variables", {"variablesReference": scope["variablesReference"]})
            found |= {it["name"]: it["value"] for it in told["variables"]}
        return frame, found

    def go_on(self) -> None:
        self.ask("continue", {"threadId": 1})

    def leave(self, file: str) -> None:
        """Without the breakpoints: delve keeps them for the next client."""
        self.ask("setBreakpoints", {"source": {"path": file}, "breakpoints": []})
        self.ask("disconnect", {"terminateDebuggee": False})
        self.close()

    def ask(self, command: str, arguments: Message) -> Message:
        return self.answer(self.send(command, arguments))

    def send(self, command: str, arguments: Message) -> int:
        self._number += 1
        body = {"seq": self._number, "type": "request", "command": command, "arguments": arguments}
        text = json.dumps(body).encode()
        self._socket.sendall(b"Content-Length: %d\r\n\r\n%s" % (len(text), text))
        return self._number

    def answer(self, number: int) -> Message:
        while not (found := [it for it in self._heard if it.get("request_seq") == number]):
            self._heard.append(self._read())
        return self._taken(found[0])

    def event(self, name: str) -> Message:
        while not (found := [it for it in self._heard if it.get("event") == name]):
            self._heard.append(self._read())
        return self._taken(found[0])

    def _taken(self, message: Message) -> Message:
        self._heard.remove(message)
        assert message.get("success", True), message
        return dict(message.get("body") or {})

    def _read(self) -> Message:
        length = 0
        while (line := self._stream.readline().strip()) != b"":
            length = int(line.partition(b":")[2])
        assert length, "the debugger closed the connection"
        return dict(json.loads(self._stream.read(length)))
