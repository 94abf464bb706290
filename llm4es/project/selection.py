"""Which texts and which entities a step works on, asked of the store.

In: a store, a dataset, what the user chose. Out: SQL conditions over the views, and the configurations behind them.
Knows no model. The newest serialization of a dataset is the one that later steps read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..core.errors import StoreError
from ..core.hashing import combined_hash_sql
from ..core.sample import sample_order
from ..core.sql import literal
from .cutoffs import NEWEST, Which, cutoff_of
from .recorded import last_run, runs_of

if TYPE_CHECKING:
    from llm4es_store import Store

RAW = "raw"
ALL = "all"

WHOM = "max_entities"
"""Key of a run's record: how many entities were asked for; None: all."""


@dataclass(frozen=True)
class Texts:
    """The texts that a step reads: (variant, configuration) pairs of one dataset.

    Examples
    --------
    >>> Texts("shop", (("raw", "c1"),)).condition
    "dataset = 'shop' AND (variant, config_id) IN (('raw', 'c1'))"
    """

    dataset: str
    pairs: tuple[tuple[str, str], ...]

    @property
    def condition(self) -> str:
        """As a condition on the view ``texts``."""
        pairs = ", ".join(f"({literal(variant)}, {literal(config)})" for variant, config in self.pairs)
        return f"dataset = {literal(self.dataset)} AND (variant, config_id) IN ({pairs})"

    def hashes_sql(self, entities: str) -> str:
        """SELECT of (entity_id, source_hash): the same hash as ``core.hashing.combined_hash`` of the texts.

        Parameters
        ----------
        entities : str
            SELECT of ``entity_id``, as ``entities_sql`` makes it.

        Returns
        -------
        str
            SQL, sorted by entity.
        """
        if len(self.pairs) == 1:  # one text an entity needs no grouping, and everybody's raw text no list of entities
            ((variant, config),) = self.pairs
            everybody = variant == RAW and entities == entities_sql(self.dataset, config, None)
            chosen = "" if everybody else f" AND entity_id IN ({entities})"
            return f"""SELECT entity_id, text_hash AS source_hash FROM texts
                WHERE {self.condition}{chosen} ORDER BY entity_id"""
        return f"""SELECT entity_id, {combined_hash_sql()} AS source_hash FROM texts
            WHERE {self.condition} AND entity_id IN ({entities}) GROUP BY entity_id ORDER BY entity_id"""


def choose_texts(store: "Store", dataset: str, wanted: Sequence[str], which: Which = NEWEST) -> Texts:
    """The texts of the newest serialization: raw ones, named variants, or ('all',) for everything made from them.

    Parameters
    ----------
    store : Store
        Where they are.
    dataset : str
        Whose.
    wanted : sequence of str
        Variants, or 'all'.
    which : Which
        Of several cut-offs.

    Returns
    -------
    Texts
        Each variant with its configuration.

    Raises
    ------
    StoreError
        Where there are none yet, and for a variant that is not there.

    Examples
    --------
    >>> [variant for variant, config_id in choose_texts(project.store, "shop", ["all"]).pairs]
    ['raw']
    >>> choose_texts(project.store, "shop", ["json"])
    Traceback (most recent call last):
    llm4es.core.errors.StoreError: no texts 'json' of 'shop': there are raw, or make more with `llm4es enrich`
    """
    known = {RAW: cutoff_of(store, dataset, which).config_id}
    for run in runs_of(store, dataset, "enrich"):
        if run.config["base"] == known[RAW]:
            known |= dict.fromkeys(run.config["variants"], str(run.config["config_id"]))
    unknown = [variant for variant in wanted if variant not in known and variant != ALL]
    if unknown:
        raise StoreError(
            f"no texts {unknown[0]!r} of {dataset!r}: there are {', '.join(known)}, or make more with `llm4es enrich`"
        )
    chosen = known if ALL in wanted else {variant: known[variant] for variant in wanted}
    return Texts(dataset, tuple(sorted(chosen.items())))


def entities_sql(dataset: str, raw_config: str, max_entities: int | None) -> str:
    """SELECT of entity_id: all that have a raw text, or the first N (with a label first, then by a hash of the id).

    Parameters
    ----------
    dataset : str
        Whose.
    raw_config : str
        Configuration of the raw texts.
    max_entities : int or None
        N; None: all.

    Returns
    -------
    str
        SQL.

    Examples
    --------
    >>> query = entities_sql("shop", raw_config(project.store, "shop"), 3)
    >>> len(project.store.sql(query).fetchall())
    3
    """
    of_dataset = f"dataset = {literal(dataset)}"
    query = f"SELECT entity_id FROM texts WHERE {of_dataset} AND variant = 'raw' AND config_id = {literal(raw_config)}"
    if max_entities is not None:
        labelled = f"entity_id IN (SELECT entity_id FROM labels WHERE {of_dataset})"
        query += f" ORDER BY {sample_order(labelled)} LIMIT {int(max_entities)}"
    return query


def n_texts(store: "Store", dataset: str, raw_configs: Sequence[str], max_entities: int | None) -> int:
    """How many raw texts there are.

    Parameters
    ----------
    store : Store
        Where they are.
    dataset : str
        Whose.
    raw_configs : sequence of str
        Configurations of the raw texts, one or more.
    max_entities : int or None
        At most so many of each; None: all.

    Returns
    -------
    int
        Of all configurations together.

    Examples
    --------
    >>> n_texts(project.store, "shop", [raw_config(project.store, "shop")], 3)
    3
    """
    texts = " UNION ALL ".join(
        f"(SELECT count(*) AS n FROM ({entities_sql(dataset, config, max_entities)}))" for config in raw_configs
    )
    return int(store.sql(f"SELECT sum(n) FROM ({texts})").fetchall()[0][0])


def raw_config(store: "Store", dataset: str, which: Which = NEWEST) -> str:
    """The config_id of the raw texts of the newest serialization.

    Parameters
    ----------
    store : Store
        Where it is.
    dataset : str
        Whose.
    which : Which
        Of several cut-offs.

    Returns
    -------
    str
        12 hexadecimal digits.

    Raises
    ------
    StoreError
        Where there is none.

    Examples
    --------
    >>> len(raw_config(project.store, "shop"))
    12
    """
    return cutoff_of(store, dataset, which).config_id


def preset(store: "Store", dataset: str) -> str:
    """The text preset of the newest serialization.

    Parameters
    ----------
    store : Store
        Where it is.
    dataset : str
        Whose.

    Returns
    -------
    str
        Its name; 'raw' where there is no serialization.

    Examples
    --------
    >>> preset(project.store, "shop")
    'raw'
    """
    run = last_run(store, "serialize", dataset)
    return RAW if run is None else str(run.config["options"]["preset"])
