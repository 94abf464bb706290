"""What kind of file a raw table is, and how each is made one that DuckDB reads by itself."""

from .kind import FileKind
from .readable import Readable, readable

__all__ = ["FileKind", "Readable", "readable"]
