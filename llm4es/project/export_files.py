"""Exports on disk: a file or folders of Parquet, and beside it a JSON that says what each column stands for.

In: an export, a path. Out: whole files, or none. Knows no store and no command.
"""

import json
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.errors import OptionError
from .result_file import FileFormat, write
from .whole_file import whole_file

if TYPE_CHECKING:
    from .exported import Exported

_BESIDE = "_columns.json"
"""In a folder of partitions: readers of Hive's layout leave out what begins with an underscore."""

ROWS_AT_ONCE = 10_000


def write_export(
    exported: "Exported", out: Path, format_: FileFormat | None, *, spreadsheet_safe: bool = False
) -> Path:
    """Write an export, and what its columns stand for.

    Parameters
    ----------
    exported : Exported
        As ``Project.export`` gives it.
    out : Path
        A file; with partitions a folder, where partitions that are written take the place of those of before.
    format_ : FileFormat or None
        Of a file; None: Parquet.
    spreadsheet_safe : bool, default False
        Of CSV.

    Returns
    -------
    Path
        The JSON: ``FILE.columns.json``, or ``_columns.json`` in the folder.

    Raises OptionError where it cannot be written, and for a folder of other things.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from llm4es.project.exported import Exported
    >>> write_export(Exported(pa.table({"entity_id": ["a"]}), {"dataset": "shop"}), Path("out.csv"), FileFormat.CSV)
    PosixPath('out.csv.columns.json')
    """
    about = json.dumps(exported.about, indent=1, ensure_ascii=False) + "\n"
    if exported.partition_by:
        return _partitions(exported, out, about)
    kind = format_ or FileFormat.PARQUET
    write(exported.reader(ROWS_AT_ONCE), out, kind, spreadsheet_safe=spreadsheet_safe)
    beside = out.with_name(f"{out.name}.columns.json")
    with whole_file(beside) as file:
        file.write(about.encode())
    return beside


def _partitions(exported: "Exported", out: Path, about: str) -> Path:
    """Everything is written beside the folder, then moved into it."""
    import pyarrow as pa
    import pyarrow.dataset as ds

    if out.exists() and (not out.is_dir() or (any(out.iterdir()) and not (out / _BESIDE).is_file())):
        raise OptionError(f"--out {out} holds something else than an export in partitions: choose another folder")
    rows = exported.reader(ROWS_AT_ONCE)
    parts = ds.partitioning(pa.schema([rows.schema.field(name) for name in exported.partition_by]), flavor="hive")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as folder:
            ds.write_dataset(
                rows, folder, format="parquet", partitioning=parts, existing_data_behavior="overwrite_or_ignore",
                file_options=ds.ParquetFileFormat().make_write_options(compression="zstd"), max_partitions=100_000,
                use_threads=False,  # rows stay in their order
            )  # fmt: skip
            out.mkdir(exist_ok=True)
            (out / _BESIDE).write_text(about, encoding="utf-8")
            for leaf in sorted({file.parent for file in Path(folder).rglob("*.parquet")}):
                place = out / leaf.relative_to(folder)
                shutil.rmtree(place, ignore_errors=True)
                place.parent.mkdir(parents=True, exist_ok=True)
                leaf.rename(place)
    except OSError as error:
        raise OptionError(f"--out {out} cannot be written ({error.strerror}): make room, or choose another") from error
    return out / _BESIDE
