"""A container's settings for its debugger, and an editor's for where it is."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest
from msgspec.structs import replace

from devctl.domain.debug.debugging import DELVE, Debugging, read_label
from devctl.domain.debug.editors import EDITORS, Connection

CONNECTION = Connection('a"b&c', Debugging(2345), "/devctl/source")


@pytest.mark.parametrize("debugging", [Debugging(2345), Debugging(65535, waits=True)])
def test_a_label_is_read_as_it_was_written(debugging: Debugging) -> None:
    assert read_label(debugging.label) == debugging


@pytest.mark.parametrize("text", ["", "wait", "-1", "0", "1023", "65536", "²", "2345x"])
def test_a_label_that_somebody_else_wrote_says_nothing(text: str) -> None:
    assert read_label(text) is None


def test_the_newest_delve_is_tried_first() -> None:
    assert sorted(DELVE, reverse=True) == list(DELVE)


@pytest.mark.parametrize("folder", ["/src/${env:HOME}", "/src/\x1b[0m"])
def test_a_folder_that_an_editors_file_cannot_name_is_none_to_write(folder: str) -> None:
    assert CONNECTION.can_be_written and not replace(CONNECTION, mounted_at=folder).can_be_written


def test_an_editors_file_is_well_formed_whatever_a_service_is_called() -> None:
    vscode = json.loads(EDITORS["vscode"].whole(CONNECTION))["configurations"][0]
    assert vscode == json.loads(EDITORS["vscode"].part(CONNECTION))
    assert (vscode["request"], vscode["mode"], vscode["port"]) == ("attach", "remote", 2345)
    assert vscode["substitutePath"] == [{"from": "${workspaceFolder}", "to": "/devctl/source"}]
    (goland,) = ElementTree.fromstring(EDITORS["goland"].whole(CONNECTION))
    assert (goland.get("name"), goland.get("port")) == ('devctl debug a"b&c', "2345")
    nvim = EDITORS["nvim"].whole(CONNECTION)
    assert '"devctl debug a\\"b&c"' in nvim and 'to = "/devctl/source"' in nvim
