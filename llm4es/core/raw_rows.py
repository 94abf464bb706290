"""The schema of what is kept of raw events, beside those of ``schemas``, which stages hand to each other."""

import pyarrow as pa

RAW_ROWS = pa.schema(
    [
        ("dataset", pa.string()),
        ("entity_id", pa.string()),
        ("values_hash", pa.int64()),  # of the entity's raw events, in whatever order
        ("places_hash", pa.int64()),  # the same with the place of each in the files
    ]
)
"""What each entity's raw events held when they were last read: those that hold the same are not read again."""
