"""What can be wrong with a Delta table, in one line; and a race that another writer has won.

In: what the Delta library and the operating system raise. Out: StoreError, ConflictError. Knows no rows.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError, DeltaError

from llm4es.core.errors import StoreError

from .damage import in_words, one_line, table_name
from .log import REMEDY, entry_path, is_empty


class ConflictError(Exception):
    """Another writer committed in the same scope first: read again what is there."""


def refuse_unreadable(handle: DeltaTable, path: str) -> None:
    """Refuse tables whose rows DuckDB's Parquet reader would read wrongly (nulls, deleted rows)."""
    features = set(handle.protocol().reader_features or [])
    mapping = handle.metadata().configuration.get("delta.columnMapping.mode", "none")
    if features & {"deletionVectors", "columnMapping"} or mapping != "none":
        raise StoreError(
            f"table {path} was written with Delta features that cannot be read here ({sorted(features) or mapping}): "
            "rewrite it without deletion vectors and column mapping"
        )


def refuse_empty_entry(path: str, version: int) -> None:
    """Refuse a log that ends in an empty file: the library takes it for a commit that changed nothing."""
    if "://" not in path and is_empty(path, version):
        raise StoreError(
            f"table {table_name(path)} is damaged: its log's _delta_log/{entry_path(path, version).name} is empty, "
            f"which is what a power cut leaves: {REMEDY}"
        )


@contextmanager
def known_errors(path: str) -> Iterator[None]:
    """Turn what delta-rs and the operating system raise into one line; a lost race becomes ConflictError."""
    try:
        yield
    except CommitFailedError as error:
        raise ConflictError(str(error)) from error
    except (DeltaError, OSError) as error:
        raise StoreError(in_words(path, error)) from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # pyo3's panic is no Exception
            raise
        raise StoreError(f"table {path}: the Delta library failed: {one_line(error)}") from error
