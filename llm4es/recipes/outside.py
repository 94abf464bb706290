"""Files stay below the folder of their recipe, or the one of ``--data``: a recipe may come from anyone.

In: what a recipe says of its files, and the folder. Out: nothing, or a RecipeError. A path is judged before anything is
looked for, so that no message tells what lies there; what was found is judged again, by where its links lead.
"""

import os
from pathlib import Path

from ..core.errors import RecipeError
from .model import FileLayout


def refuse_outside(layout: FileLayout, folder: Path) -> None:
    """Refuse a path or glob that leads out of the folder: an absolute one, ``~``, ``..``."""
    base = Path(os.path.normpath(folder.absolute()))
    for table, spec in layout.tables.items():
        for pattern in spec.path:
            if not Path(os.path.normpath(base / Path(pattern).expanduser())).is_relative_to(base):
                raise RecipeError(_words(table, pattern, folder))


def refuse_link(table: str, path: Path, folder: Path) -> None:
    """Refuse a file whose links lead out of the folder."""
    if not path.resolve().is_relative_to(folder.resolve()):
        raise RecipeError(_words(table, path.name, folder))


def _words(table: str, path: str, folder: Path) -> str:
    return (
        f"tables.{table}.path {path!r} leads out of {folder}, the folder of the raw files: move the file there, "
        "give the folder that holds all of them with --data, or say --allow-outside if the recipe is to be trusted"
    )
