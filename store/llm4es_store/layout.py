"""What a store is on disk: its tables, their keys and partitions, and where they lie.

In: a root (a folder, or an object store's URI). Out: paths and table descriptions. Knows nothing of engines.

    ROOT/tables/<table>/              a Delta table a kind
    ROOT/tables/events/<dataset>/     events: a Delta table a dataset, since every dataset has fields of its own
    ROOT/models/<folder>/             weights of tuned models (safetensors)
    ROOT/raw/<dataset>/               raw files of datasets that were handed in as frames, as their recipes read them
    ROOT/running/<run>.lock           held by a run while it lives
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from llm4es.core import schemas
from llm4es.core.cache_folder import cache_dir
from llm4es.core.errors import StoreError
from llm4es.core.raw_rows import RAW_ROWS
from llm4es.core.tables import slug

FORMAT = 1
"""The store format this code writes. A store of a newer format is refused by name, an older one is migrated.

A table or a column that is new needs no new format: where a store lacks it, it reads as empty or null and is made by
the first write, and an older llm4es neither reads nor collects what it does not know (``recipes``, ``bins``,
``raw_rows``, ``ROOT/raw``). A new number is for rows that older code would misread.
"""

FORMAT_WITH_CODES = 2
"""The format that a store gets with its first vectors kept as codes: older code would read them as null."""

NOT_ENDED = "running"
"""Status of a run that has not said how it ended."""

SCHEME = "store"
"""What a query's connection calls the store's files by: ``store://tables/...``."""

RUNS = pa.schema(
    [
        ("version", pa.int64()),  # of the store: 1, 2, ... one a commit of this table
        ("committed_at", schemas.TIME),
        ("run_id", pa.string()),
        ("stage", pa.string()),
        ("dataset", pa.string()),
        ("started_at", schemas.TIME),
        ("seconds", pa.float64()),
        ("status", pa.string()),  # running, done, failed, interrupted, killed
        ("rows_in", pa.int64()),
        ("rows_computed", pa.int64()),
        ("rows_reused", pa.int64()),
        ("reasons", pa.string()),  # JSON: table -> why its rows were computed -> how many
        ("config", pa.string()),  # JSON
        ("versions", pa.string()),  # JSON: table -> version read and written
        ("snapshot", pa.string()),  # JSON: table -> version, for every table, when this row was committed
        ("message", pa.string()),  # the error of a run that failed, or the summary of one that did not
        ("code_version", pa.string()),
        ("host", pa.string()),  # JSON
        ("cost", pa.string()),  # JSON: how much work it was, and seconds until it began; null: nobody has counted
    ]
)


@dataclass(frozen=True)
class TableSpec:
    """One table: what its rows are, what makes them unique, and how its files are cut."""

    name: str
    schema: pa.Schema
    key: tuple[str, ...]
    """No two live rows agree in all of these. Equal weights of two names have one ``config_id``: the name is in it."""
    partition_by: tuple[str, ...] = ()
    """Columns whose values have folders of their own, so that a query for one reads only its files."""
    brought: pa.Schema = field(default_factory=lambda: pa.schema([]))
    """Columns that only some rows have: the table has them from the first such row on."""
    is_counted: bool = False
    """Whether a run's count of what it computed is in rows of it or, where it replaces them, in commits."""


def _kept(schema: pa.Schema) -> pa.Schema:
    """A stage's schema with the columns that the keeper adds."""
    return pa.schema([*schema, *schemas.KEPT_BY])


_SMALLER = pa.schema([("codes", pa.list_(pa.int8())), ("scale", pa.float32())])
"""What stands in the place of a vector of 'int8': see ``smaller_vectors``."""

TABLES = {
    spec.name: spec
    for spec in (
        TableSpec("runs", RUNS, ("version",)),
        TableSpec("recipes", _kept(schemas.RECIPES), ("dataset",)),
        TableSpec("bins", _kept(schemas.BINS), ("dataset", "field", "config_id")),
        TableSpec("raw_rows", _kept(RAW_ROWS), ("dataset", "entity_id"), ("dataset",)),
        TableSpec(
            "texts",
            _kept(schemas.TEXTS),
            ("dataset", "entity_id", "variant", "config_id"),
            ("dataset", "variant"),
            is_counted=True,
        ),
        TableSpec(
            "embeddings",
            _kept(schemas.EMBEDDINGS),
            ("dataset", "entity_id", "model", "k", "config_id"),
            ("dataset", "model", "k"),
            _SMALLER,
            is_counted=True,
        ),
        TableSpec(
            "layers",
            _kept(schemas.LAYERS),
            ("dataset", "entity_id", "model", "layer", "config_id"),
            ("dataset", "model"),
            _SMALLER,
        ),
        TableSpec(
            "event_vectors",
            _kept(schemas.EVENT_VECTORS),
            ("event_hash", "model", "layer", "config_id"),
            ("model",),
            _SMALLER,
        ),
        TableSpec("event_fits", _kept(schemas.EVENT_FITS), ("dataset", "model", "k", "config_id"), ("dataset",)),
        TableSpec("canaries", _kept(schemas.CANARIES), ("model", "fingerprint", "text")),
        TableSpec("labels", _kept(schemas.LABELS), ("dataset", "entity_id", "task", "as_of"), ("dataset",)),
        TableSpec("splits", _kept(schemas.SPLITS), ("dataset", "entity_id", "name"), ("dataset",)),
        TableSpec("models", _kept(schemas.MODELS), ("model",), is_counted=True),
        TableSpec("exposures", _kept(schemas.EXPOSURES), ("model", "dataset", "entity_id"), ("dataset",)),
        TableSpec(
            "probes",
            _kept(schemas.PROBES),
            ("dataset", "task", "features", "metric", "config_id"),
            ("dataset",),
            is_counted=True,
        ),
        TableSpec(
            "predictions",
            _kept(schemas.PREDICTIONS),
            ("dataset", "task", "features", "entity_id", "repeat", "config_id"),
            ("dataset",),
        ),
        TableSpec(
            "predictors",
            _kept(schemas.PREDICTORS),
            ("dataset", "task", "features", "model_version", "config_id"),
            ("dataset",),
        ),
        TableSpec(
            "scores",
            _kept(schemas.SCORES),
            ("dataset", "entity_id", "task", "features", "config_id"),
            ("dataset", "task"),
            is_counted=True,
        ),
    )
}

_REFUSED_IN_ROOT = re.compile(r"[\[\]^|]|%[0-9A-Fa-f]{2}")
_PARTITIONS = {column for spec in TABLES.values() for column in spec.partition_by}


@dataclass(frozen=True)
class StoreLayout:
    """Paths below one root. ``root`` is an absolute folder, or a URI such as ``s3://bucket/prefix``."""

    root: str

    @classmethod
    def at(cls, root: str | Path) -> "StoreLayout":
        """Check a root and make it absolute. Raises StoreError for characters that Delta readers get wrong."""
        text = str(root)
        if "://" not in text:
            try:
                text = str(Path(text).expanduser().resolve())
                Path(text).exists()
            except OSError as error:
                raise StoreError(f"store path {text[:60]!r}...: {error.strerror}: choose another folder") from error
        if found := _REFUSED_IN_ROOT.search(text):
            raise StoreError(
                f"store path {text!r} holds {found.group()!r}, which Delta readers misread: choose another folder"
            )
        for part in text.split("/"):
            if part.partition("=")[0] in _PARTITIONS and "=" in part:
                raise StoreError(
                    f"store path {text!r} holds {part!r}, which reads as a partition: choose another folder"
                )
        return cls(text.rstrip("/"))

    @property
    def is_remote(self) -> bool:
        """Whether the root is an object store and not a folder."""
        return "://" in self.root

    def table(self, name: str) -> str:
        """Where a table lies. ``name`` is a key of TABLES, or ``events/<dataset>``."""
        return f"{self.root}/tables/{name}"

    def in_sandbox(self, path: str) -> str:
        """What a query's connection calls a file or folder of the store."""
        return f"{SCHEME}://{path.removeprefix(f'{self.root}/')}"

    def folder(self, name: str) -> Path:
        """A local folder for what is no table: ``models``, ``raw`` or ``running``. A remote store has it in the cache.

        ``models`` and ``raw`` hold a folder a model and a folder a dataset. Of a remote store these are copies: see
        ``Catalog.remote_folders``.
        """
        return (cache_dir() / "stores" / slug(self.root) if self.is_remote else Path(self.root)) / name
