"""Which vectors were cut to their first dimensions, or asked for by which prompt, for names that tell them from others.

In: a store's record of runs, rows that stand for vectors. Out: the rows, with ``dims`` and ``asked``. Knows no vectors:
a row of the store says how long its vector is, not whether it was longer.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .recorded import runs_of

if TYPE_CHECKING:
    from llm4es_store import Store


ASKED = "asked"
"""Key of a run's record: the name of the prompt about histories."""


def with_dims(store: "Store", dataset: str, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows, each with the ``dims`` that its configuration was cut to and the name of what was ``asked``, or None.

    Parameters
    ----------
    store : Store
        Whose record is read.
    dataset : str
        Whose vectors.
    rows : sequence of dict
        Each with ``config_id``.

    Returns
    -------
    list of dict
        As many rows, in their order.

    Examples
    --------
    >>> with_dims(project.store, "shop", [{"config_id": "c1"}])
    [{'config_id': 'c1', 'dims': None, 'asked': None}]
    """
    configs = [run.config for run in runs_of(store, dataset, "embed")]
    dims = {config.get("config_id"): config.get("options", {}).get("dims") for config in configs}
    asked = {config.get("config_id"): config.get(ASKED) for config in configs}
    return [row | {"dims": dims.get(row["config_id"]), "asked": asked.get(row["config_id"])} for row in rows]
