"""Only `beneath` opens files of a project: all other code that opens something by its path is listed here, with what that is."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.helpers import syntax_nodes

ROOT = Path(__file__).parents[2] / "devctl"
BY_PATH = {
    "__main__.py": "closed streams",
    "adapters/docker/cli_config.py": "the user's configuration of docker",
    "adapters/docker/compose.py": "compose files and env files, which compose reads too",
    "adapters/docker/layer_notes.py": "a folder in the state home",
    "adapters/docker/layers.py": "a tar that the engine sends, never a file",
    "adapters/docker/tar_stream.py": "a tar that the engine sends, never a file",
    "adapters/docker/image_store.py": "the archive whose place the caller typed",
    "adapters/docker/recipe_folder.py": "a folder in the state home",
    "adapters/doctor/installer.py": "programs of this machine",
    "adapters/doctor/kernel.py": "/proc and /etc",
    "adapters/doctor/machine.py": "the user's configuration of docker",
    "adapters/doctor/processes.py": "/proc",
    "adapters/project_files/yaml_positions.py": "compose files, which compose reads too",
    "adapters/stand_ins/assemble.py": "the cache home, and what the machine's packages hold",
    "adapters/stand_ins/fetch.py": "the cache home, and what the machine's packages hold",
    "adapters/stand_ins/layer.py": "the cache home, and what the machine's packages hold",
    "adapters/stand_ins/trees.py": "the cache home, and what the machine's packages hold",
    "adapters/system/beneath.py": "each name in the open folder above it",
    "adapters/system/files.py": "the lock of the project's folder; /proc; temporary folders",
    "adapters/system/host.py": "reports in the state home",
    "adapters/system/identity.py": "the state home, /proc and /sys",
    "adapters/system/left_over.py": "/proc",
    "adapters/system/private_state.py": "the state home",
    "adapters/system/process.py": "open files that a child is given",
    "adapters/system/regular_file.py": "files of the machine; the walk, which knows each folder again",
    "adapters/system/state_folder.py": "each name in the open folder above it",
    "adapters/project_files/shipped_templates.py": "files of devctl itself",
    "domain/failures/catalog.py": "files of devctl itself",
}
CALLS = frozenset(
    "open read_text read_bytes write_text write_bytes mkdir makedirs touch unlink rmdir rename replace_file chmod chown "
    "symlink_to hardlink_to readlink link truncate rmtree copyfile copy2 copystat copytree move".split()
)
PORTS = ("files", "beneath", "tree", "_images", "archive", "layer", "self", "")
"""By whom such a call goes by another way: the port, the open folder, an archive, a function that is imported."""


def opens_by_path(path: Path) -> bool:
    for node in syntax_nodes(path):
        if isinstance(node, ast.ImportFrom) and node.module == "devctl.adapters.system.regular_file":
            followed = "read_bytes" in {alias.name for alias in node.names}
            if followed:
                return True
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if name in CALLS:
                base = ast.unparse(node.func.value) if isinstance(node.func, ast.Attribute) else ""
                if base.rpartition(".")[2] not in PORTS:
                    return True
            if name == "open" and isinstance(node.func, ast.Name):
                return True
    return False


def test_who_opens_by_path_is_known() -> None:
    found = {str(path.relative_to(ROOT)) for path in ROOT.rglob("*.py") if opens_by_path(path)}
    assert found - set(BY_PATH) == set()
