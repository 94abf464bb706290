"""Rewritings of an earlier run with other settings: who has them is not new, and refusals among them were none.

In: a store, the raw texts' configuration. Out: a configuration, a number. Until 0.1 a text that a server had refused to
rewrite was stored as a rewriting that a rule wrote.
"""

from typing import TYPE_CHECKING

import pyarrow as pa

from ..core.sql import literal, where
from ..enrich.recheck import REFUSED
from ..options import EnrichBy
from .recorded import last_run

if TYPE_CHECKING:
    from llm4es_store import Store


def rewritten_before(store: "Store", dataset: str, base: str, config_id: str) -> str | None:
    """The configuration of the newest enrichment, where a model wrote it of the same texts with other settings.

    Parameters
    ----------
    store : Store
        Whose record is read.
    dataset : str
        Whose texts.
    base : str
        Configuration of the raw texts.
    config_id : str
        The configuration of the rows that are wanted.

    Returns
    -------
    str or None
        Another configuration.

    Examples
    --------
    >>> rewritten_before(project.store, "shop", "c1", "c2") is None
    True
    """
    run = last_run(store, "enrich", dataset)
    if run is None or run.config["base"] != base or run.config["options"].get("by") != EnrichBy.LLM:
        return None
    made = str(run.config["config_id"])
    return None if made == config_id else made


def refused_before(store: "Store", dataset: str, config_id: str, todo: pa.Table) -> int:
    """How many of the texts that are planned stand for refusals of a server in an earlier configuration.

    Parameters
    ----------
    store : Store
        Where they are.
    dataset : str
        Whose.
    config_id : str
        The earlier one.
    todo : pyarrow.Table
        Columns ``entity_id`` and ``variant``: what is asked for now.

    Returns
    -------
    int
        Texts.

    Examples
    --------
    >>> todo = pa.table({"entity_id": ["c0"], "variant": ["llm_table"]})
    >>> refused_before(project.store, "shop", "c1", todo)
    0
    """
    of_them = f"{where({'dataset': dataset, 'config_id': config_id})} AND note LIKE {literal(f'%{REFUSED}%')}"
    query = f"SELECT count(*) FROM texts SEMI JOIN todo USING (entity_id, variant) WHERE {of_them}"
    with store.connect() as connection:
        connection.register("todo", todo)
        ((count,),) = connection.sql(query).fetchall()
    return int(count)
