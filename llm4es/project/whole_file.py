"""A file that somebody asked for with ``--out``: whole, or as it was.

In: a path, bytes. Out: the file, or one line that says why there is none. Knows nothing of what is in it.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from ..core.errors import OptionError


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """A file to write to, which gets its name when all of it is written.

    Parameters
    ----------
    path : Path
        The file; one that is there is replaced.

    Yields
    ------
    IO of bytes
        What is written to it lies at ``path`` at the end.

    Raises
    ------
    OptionError
        Where it cannot be written; what was there before is left as it was.

    Examples
    --------
    >>> with whole_file(Path("notes.txt")) as file:
    ...     _ = file.write(b"tea")
    >>> Path("notes.txt").read_text()
    'tea'
    """
    check_place(path)
    path = path.resolve()  # a link stays one, and what it leads to is replaced
    try:
        handle, unfinished = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise OptionError(f"--out {path} cannot be written ({error.strerror}): choose another folder") from error
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        umask = os.umask(0)
        os.umask(umask)
        Path(unfinished).chmod(0o666 & ~umask)  # mkstemp makes private files
        Path(unfinished).replace(path)
    except OSError as error:
        raise OptionError(f"--out {path} cannot be written ({error.strerror}): make room, or choose another") from error
    finally:
        Path(unfinished).unlink(missing_ok=True)


def check_place(path: Path, *, replaced: bool = True) -> None:
    """Raise OptionError where no file can lie: a device would be replaced by one, and who reads a pipe wait on.

    ``replaced``: whether a file that is there may be.
    """
    try:
        is_taken = path.exists() and not path.is_file()
        is_folder, has_folder = path.is_dir(), path.parent.is_dir()
    except OSError as error:
        raise OptionError(f"--out {path} cannot be written ({error.strerror}): choose another") from error
    if is_folder:
        raise OptionError(f"--out {path} cannot be written (Is a directory): give the name of a file in it")
    if not replaced and path.exists() and not is_taken:
        raise OptionError(f"--out {path} is there already: give another name, or --force")
    if is_taken:
        raise OptionError(f"--out {path} cannot be written (it is no regular file): give the name of a file")
    if not has_folder:
        raise OptionError(f"--out {path} cannot be written (No such file or directory): choose another folder")
