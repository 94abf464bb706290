"""A large file's SHA-256, read once and remembered in the cache folder.

In: a file. Out: its hash. What was remembered holds while size, both times and inode are the same, and samples of the
bytes: images, archives and stores such as Nix put other weights under the same path, size and time of change.
"""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from ..core.cache_folder import cache_dir
from ..core.hashing import file_hash, text_hash

SAMPLES, SAMPLE_BYTES = 64, 4096
"""How many places of a file are looked at, evenly spread from its first byte to its last, and how long each is."""


def cached_hash(file: Path) -> str:
    """SHA-256 of a file, in full only where what is remembered of it does not hold."""
    path = file.resolve()
    seen = _seen(path)
    note = cache_dir() / "hashes" / f"{text_hash(str(path))[:32]}.json"
    try:
        remembered = json.loads(note.read_text())
        if {name: remembered[name] for name in seen} == seen:
            return str(remembered["sha256"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        pass  # not remembered, or not readable: hash it
    digest = file_hash(path)
    try:
        note.parent.mkdir(parents=True, exist_ok=True)
        part = note.with_suffix(f".{os.getpid()}.part")
        part.write_text(json.dumps({**seen, "sha256": digest}))
        part.replace(note)
    except OSError:
        pass  # a cache that cannot be written costs time, nothing else
    return digest


def _seen(file: Path) -> dict[str, Any]:
    """What a file shows without being read."""
    stat = file.stat()
    return {
        "size": stat.st_size,
        "mtime_ns": stat.st_mtime_ns,
        "ctime_ns": stat.st_ctime_ns,
        "inode": stat.st_ino,
        "samples": _samples(file, stat.st_size),
    }


def _samples(file: Path, size: int) -> str:
    """SHA-256 of some of a file's bytes; of all where it is short."""
    digest = hashlib.sha256()
    last = max(size - SAMPLE_BYTES, 0)
    with file.open("rb") as opened:
        for at in sorted({last * number // (SAMPLES - 1) for number in range(SAMPLES)}):
            opened.seek(at)
            digest.update(opened.read(SAMPLE_BYTES))
    return digest.hexdigest()
