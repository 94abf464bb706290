"""A wheel and a server to fetch from, without a network."""

import hashlib
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

MEMBERS = ("demo/data/a.txt", "demo/b.bin")
METADATA = "Metadata-Version: 2.1\nName: llm4es-demo\nVersion: 1.0\n"
MD5 = "md5:827ccb0eea8a706c4c34a16891f84e7b"
"""Of 12345, what the server serves."""


def sha256(file: Path) -> str:
    return "sha256:" + hashlib.sha256(file.read_bytes()).hexdigest()


def build_wheel(folder: Path) -> Path:
    folder.mkdir()
    wheel = folder / "llm4es_demo-1.0-py3-none-any.whl"
    info = "llm4es_demo-1.0.dist-info"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("demo/data/a.txt", "alpha\n" * 100)
        out.writestr("demo/b.bin", bytes(range(256)))
        out.writestr(f"{info}/METADATA", METADATA)
        out.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        out.writestr(f"{info}/RECORD", "")
    return wheel


def names(folder: Path) -> list[str]:
    """What a user sees: all but the lock."""
    return sorted(path.name for path in folder.iterdir() if not path.name.endswith(".lock"))


@contextmanager
def serving() -> Iterator[str]:
    """The address of a server that has the file ``data.zip`` and no other."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = self.path == "/data.zip"
            self.send_response(200 if found else 404)
            self.send_header("Content-Length", "5")
            self.end_headers()
            self.wfile.write(b"12345")

        def log_message(self, *_: Any) -> None:
            pass

    served = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=served.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{served.server_port}"
    finally:
        served.shutdown()
        thread.join()
        served.server_close()
