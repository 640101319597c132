"""A module proxy with a password, as companies have them: https on this machine, one module, basic authentication."""

from __future__ import annotations

import base64
import hashlib
import io
import ssl
import subprocess
import threading
import uuid
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from msgspec import Struct, field

# A name of its own each time: builds keep the modules that they have fetched once.
MODULE, VERSION = f"corp.example/{uuid.uuid4().hex}/secret", "v1.0.0"
_FILES = {
    "go.mod": f"module {MODULE}\n\ngo 1.21\n",
    "secret.go": 'package secret\n\nfunc Hello() string { return "hello from a private module" }\n',
}


class Proxy(Struct, frozen=True):
    """`served`: paths that were asked for with the password. `certificate`: the file that a client must trust."""

    url: str
    certificate: Path
    served: list[str] = field(default_factory=list)


@contextmanager
def private_proxy(folder: Path, host: str, *, password: str) -> Iterator[Proxy]:
    """On an address that builds reach; `folder` takes key and certificate."""
    key, certificate = folder / "key.pem", folder / "ca.pem"
    make = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    make += ["-days", "2", "-subj", f"/CN={host}", "-addext", f"subjectAltName=IP:{host}"]
    subprocess.run(
        [*make, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True, timeout=60
    )
    wanted = "Basic " + base64.b64encode(f"ci:{password}".encode()).decode()
    served: list[str] = []
    contents = _contents()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = self.headers.get("Authorization") == wanted
            body = contents.get(self.path)
            self.send_response(200 if known and body is not None else 404 if known else 401)
            self.end_headers()
            if known and body is not None:
                served.append(self.path)
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer((host, 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield Proxy(f"https://{host}:{server.server_port}", certificate, served)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def go_sum() -> str:
    return go_sum_of(MODULE, VERSION, _FILES)


def go_sum_of(module: str, version: str, files: dict[str, str]) -> str:
    """The lines of go.sum for a module with these files."""
    lines = [
        f"{hashlib.sha256(text.encode()).hexdigest()}  {module}@{version}/{name}\n"
        for name, text in sorted(files.items())
    ]
    mod = f"{hashlib.sha256(files['go.mod'].encode()).hexdigest()}  go.mod\n"
    return f"{module} {version} {_h1(''.join(lines))}\n{module} {version}/go.mod {_h1(mod)}\n"


def _h1(text: str) -> str:
    return "h1:" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _contents() -> dict[str, bytes]:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, text in _FILES.items():
            archive.writestr(f"{MODULE}@{VERSION}/{name}", text)
    at = f"/{MODULE}/@v"
    return {
        f"{at}/list": f"{VERSION}\n".encode(),
        f"{at}/{VERSION}.info": f'{{"Version": "{VERSION}"}}'.encode(),
        f"{at}/{VERSION}.mod": _FILES["go.mod"].encode(),
        f"{at}/{VERSION}.zip": packed.getvalue(),
    }
