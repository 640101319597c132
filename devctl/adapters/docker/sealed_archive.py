"""A file of images that tells whether it arrived whole: the digest of each of its parts is its last part.

It stays what `docker save` writes, and `docker load` reads it: a part that docker does not know is passed over.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path

from devctl.errors import FilesError

SEAL = "devctl-digests.json"
_CHUNK = 1 << 20


def seal(file: Path) -> None:
    """Add the digests of what is in the archive."""
    with tarfile.open(file) as archive:
        text = json.dumps(_digests(archive), indent=1, sort_keys=True).encode()
    with tarfile.open(file, "a") as archive:
        part = tarfile.TarInfo(SEAL)
        part.size, part.mode = len(text), 0o644
        archive.addfile(part, io.BytesIO(text))


def check(file: Path) -> bool:
    """Whether each part is what was sealed; False for an archive of `docker save`, which nobody sealed.

    Raises FilesError `archive-damaged` where a part is missing, cut or changed.
    """
    try:
        with tarfile.open(file) as archive:
            names = archive.getnames()
            if SEAL not in names:
                return False
            said = archive.extractfile(SEAL)
            wanted = json.loads(said.read()) if said is not None else {}
            found = _digests(archive)
    except (tarfile.TarError, OSError, ValueError, EOFError) as error:
        raise _damaged(file, str(error)) from None
    wrong = sorted(name for name in {*wanted, *found} if wanted.get(name) != found.get(name))
    if wrong:
        raise _damaged(file, wrong[0])
    return True


def _digests(archive: tarfile.TarFile) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in archive:
        source = archive.extractfile(part) if part.isfile() and part.name != SEAL else None
        if source is None:
            continue
        digest = hashlib.sha256()
        while data := source.read(_CHUNK):
            digest.update(data)
        found[part.name] = f"sha256:{digest.hexdigest()}"
    return found


def _damaged(file: Path, what: str) -> FilesError:
    return FilesError(
        f"{file} is incomplete: {what}",
        code="archive-damaged",
        hint=f"copy it again, or recreate it: devctl bases save {file.name}",
        place=str(file),
    )
