"""JSON files of a model's folder.

In: a file. Out: the object in it, or an error in one line. Knows no setting.
"""

import json
from pathlib import Path
from typing import Any

from ..core.errors import ModelError, one_line


def read_object(file: Path) -> dict[str, Any]:
    """The JSON object in a file."""
    try:
        read = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"cannot read {file} ({one_line(error)}): fetch the model again") from error
    if not isinstance(read, dict):
        raise ModelError(f"{file} holds no JSON object: fetch the model again")
    return read
