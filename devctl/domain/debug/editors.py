"""How an editor connects to a debugger: one configuration, and the file that it is read from."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from xml.sax.saxutils import quoteattr

from msgspec import Struct

from devctl.domain.debug.debugging import Debugging


class Connection(Struct, frozen=True):
    """`mounted_at`: where the container has the project's folder, which is the one opened in the editor."""

    service: str
    debugging: Debugging
    mounted_at: str

    @property
    def name(self) -> str:
        return f"devctl debug {self.service}"

    @property
    def can_be_written(self) -> bool:
        """VS Code substitutes variables (`${env:HOME}`), and JSON's escapes of unprintable characters differ from Lua's."""
        return "${" not in self.mounted_at and self.mounted_at.isprintable()


class Editor(Struct, frozen=True):
    """`path`: relative to the project; `part`: what to add to an existing file, `whole`: the file if there is none."""

    path: Callable[[Connection], str]
    part: Callable[[Connection], str]
    whole: Callable[[Connection], str]
    adds_to: str


def _vscode(target: Connection) -> dict[str, object]:
    return {
        "name": target.name,
        "type": "go",
        "request": "attach",
        "mode": "remote",
        "host": "127.0.0.1",
        "port": target.debugging.port,
        "substitutePath": [{"from": "${workspaceFolder}", "to": target.mounted_at}],
    }


def _launch_json(target: Connection) -> str:
    return json.dumps({"version": "0.2.0", "configurations": [_vscode(target)]}, indent=2) + "\n"


def _goland(target: Connection) -> str:
    """GoLand finds a module's files by their paths within it."""
    return (
        '<component name="ProjectRunConfigurationManager">\n'
        f'  <configuration default="false" name={quoteattr(target.name)} type="GoRemoteDebugConfigurationType"'
        f' factoryName="Go Remote" port="{target.debugging.port}">\n'
        '    <option name="disconnectOption" value="LEAVE" />\n'
        '    <method v="2" />\n'
        "  </configuration>\n"
        "</component>\n"
    )


def _nvim(target: Connection) -> str:
    """For nvim-dap. JSON strings are valid in Lua for the names that a service or a folder may have."""
    name, folder = _text(target.name), _text(target.mounted_at)
    return (
        'local dap = require("dap")\n'
        f'dap.adapters[{name}] = {{ type = "server", host = "127.0.0.1", port = {target.debugging.port} }}\n'
        "dap.configurations.go = dap.configurations.go or {}\n"
        "table.insert(dap.configurations.go, {\n"
        f'  name = {name}, type = {name}, request = "attach", mode = "remote",\n'
        f"  substitutePath = {{ {{ from = vim.fn.getcwd(), to = {folder} }} }},\n"
        "})\n"
    )


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


EDITORS: Mapping[str, Editor] = {
    "vscode": Editor(
        path=lambda target: ".vscode/launch.json",
        part=lambda target: json.dumps(_vscode(target), indent=2) + "\n",
        whole=_launch_json,
        adds_to="its `configurations`",
    ),
    "goland": Editor(
        path=lambda target: f".run/{target.name}.run.xml", part=_goland, whole=_goland, adds_to="it"
    ),
    "nvim": Editor(path=lambda target: ".nvim.lua", part=_nvim, whole=_nvim, adds_to="it"),
}
