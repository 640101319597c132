"""A real PostgreSQL as an image, made of Debian's packages on the machine: no registry has to be asked.

It is made once and kept under a fixed tag, as the bases are.
"""

from __future__ import annotations

import io
import re
import subprocess
import tarfile
import tempfile
from pathlib import Path

from tests.engine.debian import run, unpacked

IMAGE = "devctl-tests/postgres:debian-1"
USER = 999
# What the packages' own scripts would have made; of /bin/sh postgres needs no more than busybox has.
ENTRYPOINT = """\
#!/bin/sh
set -e
export PATH=$(echo /usr/lib/postgresql/*/bin):/bin
[ -s /data/PG_VERSION ] || initdb -D /data -U shop --auth=trust --encoding=UTF8 --locale=C >/dev/null
[ $# -gt 0 ] || set -- postgres -D /data -k /tmp -c listen_addresses='*' -c 'shared_buffers=16MB'
grep -q 0.0.0.0/0 /data/pg_hba.conf || echo 'host all all 0.0.0.0/0 trust' >>/data/pg_hba.conf
exec "$@"
"""
TEXTS = {
    "etc/passwd": f"root:x:0:0::/root:/bin/sh\npostgres:x:{USER}:{USER}::/data:/bin/sh\n",
    "etc/group": f"root:x:0:\npostgres:x:{USER}:\n",
    "entrypoint": ENTRYPOINT,
}
APPLETS = ("sh", "echo", "grep", "cat", "ls")
_WANTED = re.compile(
    r"lib(?!perl|db5|semanage|selinux|sepol|z3|pam-mod)|postgresql-\d|postgresql-client-\d|tzdata$|zlib1g$"
)
_UNUSED = re.compile(r"usr/share/(doc|man|locale|lintian|bug)/|usr/lib/llvm|.*(libLLVM|\.a$|/bitcode/)")
CHANGES = (
    'ENTRYPOINT ["/entrypoint"]',
    f"USER {USER}:{USER}",
    "EXPOSE 5432",
    "ENV PATH=/bin",
    "LABEL dev.devctl.assembled=true",
)


def postgres_image() -> str:
    """The image's name; it is there afterwards."""
    if subprocess.run(["docker", "image", "inspect", IMAGE], capture_output=True).returncode != 0:
        with tempfile.TemporaryDirectory() as made:
            folder = Path(made)
            root = unpacked(folder, ("postgresql",), _WANTED, "busybox-static")
            archive = folder / "image.tar"
            _write(archive, root)
            changes = [word for line in CHANGES for word in ("--change", line)]
            run("docker", "import", *changes, str(archive), IMAGE)
    return IMAGE


def _write(archive: Path, root: Path) -> None:
    with tarfile.open(archive, "w") as tar:
        for path in sorted(root.rglob("*")):
            name = str(path.relative_to(root))
            if not _UNUSED.match(name):
                tar.add(path, name, recursive=False, filter=_owned_by_root)
        for applet in APPLETS:
            _add(tar, f"bin/{applet}", link="busybox")
        for name, text in TEXTS.items():
            _add(tar, name, text=text)
        for name, mode, owner in (("data", 0o700, USER), ("tmp", 0o1777, 0), ("lib64", 0o755, 0)):
            if not (root / name).exists():
                _add(tar, name, mode=mode, owner=owner)


def _owned_by_root(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry


def _add(
    tar: tarfile.TarFile, name: str, *, text: str = "", link: str = "", mode: int = 0o755, owner: int = 0
) -> None:
    entry = tarfile.TarInfo(name)
    entry.mode, entry.uid, entry.gid = mode, owner, owner
    entry.type = tarfile.SYMTYPE if link else tarfile.REGTYPE if text else tarfile.DIRTYPE
    entry.linkname, data = link, text.encode()
    entry.size = len(data)
    tar.addfile(entry, io.BytesIO(data))
