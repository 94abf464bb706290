"""Which settings differ from those of the newest run of the same step, for people: ``k 1,8 -> 16``.

In: the record of past runs, what a job would record. Out: words. Decides nothing: plans tell what is computed.
"""

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ..core.versions import version_of

if TYPE_CHECKING:
    from llm4es_store import Store

_NAMES = ("model_name", "task", "base_name")
"""What a run was about: only runs of the same model or task are compared."""


def difference(store: "Store", stage: str, dataset: str, record: Mapping[str, Any]) -> str:
    """What changed since the newest run of the step on the same thing; nothing where there was none."""
    past = store.record().select(["stage", "dataset", "config", "status", "rows_computed"]).to_pylist()
    for row in reversed(past):
        if row["status"] != "done" and not row["rows_computed"]:
            continue  # it was refused, or left nothing: no row was made with its settings
        config = json.loads(row["config"])
        same = all(_family(config.get(name)) == _family(record.get(name)) for name in _NAMES)
        if (row["stage"], row["dataset"]) == (stage, dataset) and same:
            return ", ".join(_changes(_settings(config), _settings(json.loads(json.dumps(record)))))
    return ""


def _family(name: Any) -> Any:
    """A model's name without its version: another one was asked for otherwise."""
    return version_of(name).family if isinstance(name, str) else name


def _settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a run, and the k that it was asked for."""
    options = dict(config.get("options") or {})
    return options | ({"k": config["k"]} if "k" in config else {})


def _changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for name in dict.fromkeys([*now, *before]):  # what is not given may not be there: --dims
        if before.get(name) != now.get(name):
            yield f"{name.replace('_', ' ')} {_word(before.get(name))} \u2192 {_word(now.get(name))}"


def _word(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(map(str, value)) or "none"
    return "none" if value is None else str(value)
