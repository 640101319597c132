"""Bind mounts of a file that does not exist: the engine creates a folder there, and the next error is a riddle."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from devctl.domain.project.compose_model import Spec

# While nothing exists there, it cannot be known whether a name means a file. These extensions and names are files by
# convention; `conf.d`, `data.v2` and `.cache` are folders, and for anything not in the list the engine still creates a folder,
# as the compose file implies.
_ENDINGS = frozenset(
    "conf cfg cnf ini json json5 jsonc yaml yml toml env xml properties hcl cue lua pem key crt cert cer csr pub p12 pfx jks asc"
    " gpg sql sh bash py js ts go tmpl tpl html css txt md csv tsv log db sqlite sqlite3 lock sock so jar war wasm sum mod".split()
)
_NAMES = frozenset(
    "Caddyfile Makefile Dockerfile Procfile Corefile Vagrantfile Jenkinsfile LICENSE .env .netrc .npmrc .pgpass .my.cnf .htpasswd"
    " .gitconfig .git-credentials .bashrc .profile .dockerignore .gitignore .vimrc htpasswd authorized_keys known_hosts id_rsa"
    " id_ed25519 passwd hosts krb5.conf".split()
)
DATA = ("/var/lib/", "/data", "/bitnami/")
"""Where images keep their data."""
# If the engine runs in a virtual machine, these belong to that machine.
_OF_THE_ENGINE = ("/var/", "/run/", "/dev/", "/proc/", "/sys/", "/etc/", "/lib/", "/usr/")


def named_files(spec: Spec, *, root: str) -> Iterator[tuple[str, str]]:
    """Source and target of each bind mount of a resolved service that means a file."""
    for volume in spec.get("volumes") or []:
        source, target = str(volume.get("source") or ""), str(volume.get("target") or "")
        inside = source.startswith(f"{root}/")
        if volume.get("type") != "bind" or (source.startswith(_OF_THE_ENGINE) and not inside):
            continue
        if means_file(source) or means_file(target):
            yield source, target


def means_file(path: str) -> bool:
    name = posixpath.basename(path)
    stem, dot, ending = name.rpartition(".")
    return name in _NAMES or name.startswith(".env.") or bool(stem and dot and ending.lower() in _ENDINGS)
