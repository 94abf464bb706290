"""Fingerprints: short, stable names for configurations and contents.

In: values of plain Python types, or bytes. Out: lower-case hexadecimal text. Knows nothing of what it names.
SHA-256 over canonical JSON (sorted keys, no spaces, UTF-8): equal in every process, version and engine.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

CONFIG_ID_LENGTH = 12
"""Hexadecimal digits of a ``config_id``: 48 bits, for the thousands of configurations one store may hold."""


def canonical_json(value: Any) -> str:
    """``value`` as JSON text that is equal for equal values. Raises TypeError for what JSON cannot carry."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def text_hash(text: str) -> str:
    """SHA-256 of the UTF-8 text, 64 digits."""
    return hashlib.sha256(text.encode()).hexdigest()


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
