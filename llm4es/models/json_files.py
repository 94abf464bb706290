"""JSON files of a model's folder.

In: a file. Out: the object or array in it, or an error in one line. Knows no setting.
"""

import json
from pathlib import Path
from typing import Any

from ..core.errors import ModelError, one_line


def read_object(file: Path) -> dict[str, Any]:
    """The JSON object in a file."""
    read: dict[str, Any] = _read(file, dict, "object")
    return read


def read_array(file: Path) -> list[Any]:
    """The JSON array in a file."""
    read: list[Any] = _read(file, list, "array")
    return read


def _read(file: Path, kind: type, name: str) -> Any:
    try:
        read = json.loads(file.read_text(encoding="utf-8"), parse_constant=str)  # Infinity: Mamba 2's steps
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"cannot read {file} ({one_line(error)}): fetch the model again") from error
    if not isinstance(read, kind):
        raise ModelError(f"{file} holds no JSON {name}: fetch the model again")
    return read
