"""How a vector that is kept in eight bits a number reads as a vector again.

In: nothing. Out: SQL over a table's columns. ``llm4es.embed.smaller_vectors`` writes the codes. A vector of half
precision is one of float32 with few digits, and is read as it is.
"""

import pyarrow as pa

CODED = ("vector", "codes", "scale")
"""Columns that a table of such vectors has. Of a row either ``vector`` is null or the other two are."""

DECODED = {"vector": "coalesce(vector, list_transform(codes::FLOAT[], lambda c: c * c * c * scale))"}
"""Column -> what the view shows in its place: of a code c, c * c * c * scale."""


def holds_codes(rows: pa.Table) -> bool:
    """Whether a vector is kept as codes, which llm4es 0.1 would read as null."""
    return "codes" in rows.column_names and rows["codes"].null_count < len(rows)
