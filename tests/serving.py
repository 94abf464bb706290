"""A server that answers what it is told to, and llama.cpp's own in a process of its own."""

import http.server
import json
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest


@dataclass
class Reply:
    """What a server sends back."""

    body: Any = ""
    """Text or bytes as they are; anything else as JSON."""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    pause: float = 0.0
    """Seconds before the second half of the body."""


def error(message: str, status: int = 400, **more: Any) -> Reply:
    return Reply({"error": {"message": message, **more}}, status)


def chat(content: Any, finish: str = "stop", model: str = "m", **message: Any) -> Reply:
    words = {"role": "assistant", "content": content, **message}
    choice = {"index": 0, "message": words, "finish_reason": finish}
    return Reply({"id": "1", "object": "chat.completion", "created": 0, "model": model, "choices": [choice]})


Answering = Callable[[dict[str, Any]], Reply]


@dataclass
class Served:
    """A running server."""

    url: str
    seen: list[dict[str, Any]]
    """Bodies that it was sent, with the key and the path."""


@contextmanager
def served(*replies: Reply | Answering) -> Iterator[Served]:
    """A server that answers each request with the next reply; the last one stays."""
    left, seen = list(replies), list[dict[str, Any]]()
    lock = threading.Lock()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with lock:
                seen.append(asked | {"key": self.headers["Authorization"], "path": self.path})
                reply = left.pop(0) if len(left) > 1 else left[0]
            reply = reply if isinstance(reply, Reply) else reply(asked)
            text = reply.body if isinstance(reply.body, str | bytes) else json.dumps(reply.body)
            data = text if isinstance(text, bytes) else text.encode()
            headers = {"Content-Type": "application/json", "Retry-After-Ms": "1", "Content-Length": str(len(data))}
            try:
                self.send_response(reply.status)
                for name, value in (headers | dict(reply.headers)).items():
                    self.send_header(name, value)
                self.end_headers()
                half = len(data) // 2 if reply.pause else len(data)
                self.wfile.write(data[:half])
                self.wfile.flush()
                over.wait(reply.pause)
                self.wfile.write(data[half:])
            except ConnectionError:
                pass  # whoever asked has gone

        def log_message(self, *_: Any) -> None:
            """Nothing on the screen."""

    over = threading.Event()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield Served(f"http://127.0.0.1:{server.server_port}/v1", seen)
    finally:
        over.set()
        server.shutdown()
        server.server_close()


LLAMA = """
import sys, time, xllamacpp
parameters = xllamacpp.CommonParams()
parameters.model.path, parameters.port, parameters.n_ctx, parameters.n_parallel = sys.argv[1], 0, int(sys.argv[2]), 2
if "embedding" in sys.argv:
    parameters.embedding, parameters.n_parallel = True, 1  # with two slots a vector depends on its company
    parameters.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
for each in (parameters.cpuparams, parameters.cpuparams_batch):
    each.n_threads = 1  # several would wait for each other, and for the tests beside them
server = xllamacpp.Server(parameters)  # which stops when nothing holds it
print(server.listening_address, flush=True)
time.sleep(600)
"""


@contextmanager
def llama(gguf: Path, context: int = 4096, *, embedding: bool = False) -> Iterator[str]:
    """llama.cpp's own server with a model's GGUF: its address. It answers in words, or in vectors."""
    mode = ["embedding"] if embedding else []
    server = subprocess.Popen(
        [sys.executable, "-c", LLAMA, str(gguf), str(context), *mode], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        assert server.stdout
        address = server.stdout.readline().decode().strip()
        _wait_until_ready(address)
        yield f"{address}/v1"
    finally:
        server.kill()
        server.communicate()


def _wait_until_ready(address: str) -> None:
    """It says 503 while it loads the model."""
    for _ in range(600):
        try:
            with urllib.request.urlopen(f"{address}/health", timeout=5):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.2)
    pytest.fail(f"no server at {address}")


def gguf() -> Path:
    """The built-in model's file, fetched where it is not there yet."""
    from llm4es.core.cache_folder import cache_dir
    from llm4es.models import resolve
    from llm4es.models.built_in import BUILT_IN

    resolve("smollm2-135m")
    return next(cache_dir().rglob(Path(BUILT_IN["smollm2-135m"].member).name))
