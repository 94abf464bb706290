"""Fingerprints: short, stable names for configurations and contents.

In: values of plain Python types, or bytes. Out: lower-case hexadecimal text. Knows nothing of what it names.
SHA-256 over canonical JSON (sorted keys, no spaces, UTF-8): equal in every process, version and engine.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

_VALUES_AT_ONCE = 2**14
"""Of a column that are Python values at a time."""

CONFIG_ID_LENGTH = 12
"""Hexadecimal digits of a ``config_id``: 48 bits, for the thousands of configurations one store may hold."""


def canonical_json(value: Any) -> str:
    """``value`` as JSON text that is equal for equal values. Raises TypeError for what JSON cannot carry."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def text_hash(text: str) -> str:
    """SHA-256 of the UTF-8 text, 64 digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def columns_hash(name: str, table: "pa.Table") -> str:
    """``text_hash`` of the name and every column's values as ``canonical_json``, of which few lie in memory.

    Examples
    --------
    >>> import pyarrow as pa
    >>> table = pa.table({"film": ["Heat", None], "n": [1, 2]})
    >>> columns_hash("film", table) == text_hash(canonical_json(["film", [["Heat", None], [1, 2]]]))
    True
    """
    digest = hashlib.sha256(f"[{canonical_json(name)},[".encode())
    for number, column in enumerate(table.columns):
        digest.update(b",[" if number else b"[")
        for start in range(0, len(column), _VALUES_AT_ONCE):
            values = canonical_json(column.slice(start, _VALUES_AT_ONCE).to_pylist())[1:-1]
            digest.update(f"{',' if start else ''}{values}".encode())
        digest.update(b"]")
    digest.update(b"]]")
    return digest.hexdigest()


def config_id(config: Any) -> str:
    """The name of a configuration (plain types only): the first 12 digits of its SHA-256."""
    return text_hash(canonical_json(config))[:CONFIG_ID_LENGTH]


def file_hash(path: Path) -> str:
    """SHA-256 of a file's bytes, 64 digits, read in chunks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def combined_hash(pairs: Sequence[tuple[str, str]]) -> str:
    """One hash for an entity's (variant, text_hash) pairs, whatever their order; a single pair keeps its text_hash."""
    if len(pairs) == 1:
        return pairs[0][1]
    return text_hash("\n".join(f"{variant}={digest}" for variant, digest in sorted(pairs)))


def combined_hash_sql(variant: str = "variant", digest: str = "text_hash") -> str:
    """``combined_hash`` as an aggregate of DuckDB over the rows of an entity: two columns (SQL) to an expression.

    Examples
    --------
    >>> import duckdb
    >>> rows = "(VALUES ('e', 'raw', 'ab'), ('e', 'json', 'cd')) AS texts(entity_id, variant, text_hash)"
    >>> ((digest,),) = duckdb.sql(f"SELECT {combined_hash_sql()} FROM {rows} GROUP BY entity_id").fetchall()
    >>> digest == combined_hash([("raw", "ab"), ("json", "cd")])
    True
    """
    pairs = f"string_agg({variant} || '=' || {digest}, chr(10) ORDER BY {variant}, {digest})"
    return f"CASE WHEN count(*) = 1 THEN any_value({digest}) ELSE sha256({pairs}) END"
