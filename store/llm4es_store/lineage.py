"""Where a run's inputs came from.

In: the rows of the view ``runs``. Out: the runs that wrote what a run read, back to the raw files. Knows no stage.

A run's configuration names what it was made from: the ``config_id`` of the rows, the name of the model. Where it names
none of those that wrote a table, all that did so for the dataset are told. Every run is told once, however many ways
lead to it: a year of reruns is a list, not a tree.
"""

import json
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_PICKED_BY_NAME = {"models", "exposures"}
"""Tables of which a run reads no row unless its configuration names it."""


@dataclass(frozen=True)
class _Known:
    """What a row of ``runs`` says, taken out of its JSON once."""

    row: Mapping[str, Any]
    config: Mapping[str, Any]
    words: frozenset[str]
    """Every text in the configuration."""
    read: Mapping[str, int]
    written: Mapping[str, int]

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "_Known":
        config, versions = json.loads(row["config"]), json.loads(row["versions"])
        sides = ({t: v[side] for t, v in versions.items() if v[side] is not None} for side in ("read", "written"))
        return cls(row, config, frozenset(_texts(config)), *sides)

    def names(self, other: "_Known") -> bool:
        """Whether this run's configuration names the other's rows or model."""
        return bool(self.words & {other.config.get("config_id"), other.config.get("model_name")})

    def continues(self, other: "_Known") -> bool:
        """Whether both made rows of one kind: one goes on where the other ended, and is not made from it."""
        keys = [word for word in ("config_id", "model_name") if word in self.config]
        same = any(self.config[word] == other.config.get(word) for word in keys)
        return bool(self.row["stage"] == other.row["stage"] and same)


def lineage(runs: Sequence[Mapping[str, Any]], run: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The runs that a run was made from, nearest first.

    Parameters
    ----------
    runs : sequence of mapping
        Rows of the view ``runs``.
    run : mapping
        One of them.

    Returns
    -------
    list of dict
        A dict a run: ``run_id``, ``stage``, ``source`` (SHA-256 of raw files, or None), ``tables`` of its that were
        read, ``read_by`` whom (run ids).

    Examples
    --------
    >>> import pyarrow as pa
    >>> from llm4es_store import Store
    >>> from llm4es_store.lineage import lineage
    >>> store = Store("example-lineage", create=True)
    >>> with store.run("serialize", "shop", {"source": "5fc0"}, "0.1") as first:
    ...     first.replace("labels", {"dataset": "shop"}, pa.table({"entity_id": ["c1"], "task": ["loyal"]}))
    1
    >>> with store.run("probe", "shop", {}, "0.1") as second:
    ...     second.reads(["labels"])
    >>> runs = store.sql("SELECT * FROM runs ORDER BY version").to_arrow_table().to_pylist()
    >>> [(source["stage"], source["source"], source["tables"]) for source in lineage(runs, runs[-1])]
    [('serialize', '5fc0', ['labels'])]
    """
    known = [_Known.of(row) for row in runs]
    sources: dict[str, dict[str, Any]] = {}
    readers = deque([_Known.of(run)])
    while readers:
        reader = readers.popleft()
        for table, version in reader.read.items():
            for writer in _writers(known, reader, table, version):
                run_id = writer.row["run_id"]
                if run_id == run["run_id"]:
                    continue
                if run_id not in sources:
                    readers.append(writer)
                    source = writer.config.get("source")
                    sources[run_id] = {"run_id": run_id, "stage": writer.row["stage"], "source": source}
                    sources[run_id] |= {"tables": [], "read_by": []}
                for column, value in (("tables", table), ("read_by", reader.row["run_id"])):
                    if value not in sources[run_id][column]:
                        sources[run_id][column].append(value)
    return list(sources.values())


def _writers(known: Sequence[_Known], reader: _Known, table: str, version: int) -> Iterator[_Known]:
    """The runs that wrote what ``reader`` read of ``table`` at ``version``."""
    writers = [
        other
        for other in known
        if other.row["dataset"] == reader.row["dataset"]
        and other.written.get(table, version + 1) <= version
        and not reader.continues(other)
    ]
    named = [other for other in writers if reader.names(other)]
    only_named = table in reader.written or table in _PICKED_BY_NAME  # what it wrote itself it read to go on from
    yield from named if named or only_named else writers


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield from {value, value.partition("+")[0].partition("#")[0]}  # a quantised space belongs to its model
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
