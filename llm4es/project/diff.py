"""The step ``diff``: what changed between two versions, two models, or two k.

In: a store, two sides. Out: rows of ``probe.difference.DIFFERENCE``. Writes nothing.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from ..core.errors import OptionError, nearest
from ..core.sql import where
from ..core.tasks import BASELINE_NAMES
from ..features.expressions import is_combined
from ..options import DiffOptions
from .context import Context
from .diff_probes import Probed, probe_differences
from .feature_source_vectors import readable
from .result import Result
from .short_vectors import with_dims
from .space_versions import with_versions
from .vectors import stale_entities

if TYPE_CHECKING:
    from llm4es_store import Store

    from ..features.feature_set import FeatureSet

POINT = r"\d+|\d{4}-\d\d-\d\d[^:]*(?::\d\d.*)?"
"""A version or a time, as it is typed."""
_SIDE = re.compile(rf"(?:(?P<alone>{POINT})|(?P<name>.*?)(?::(?P<at>{POINT}))?)")

_EMBEDDINGS = """SELECT model, k, config_id, any_value(pooling) AS pooling, any_value(texts) AS texts,
    any_value(history) AS history, any_value(max_length) AS max_length,
    any_value(stored_as) AS stored_as, any_value(reading) AS reading, any_value(aligned_to) AS aligned_to,
    count(*) AS entities
    FROM embeddings WHERE {scope} GROUP BY model, k, config_id ORDER BY model, k, min(run_id)"""

_TEXTS = """SELECT if(variant = 'raw', 'texts', 'enriched texts') AS kind, entity_id,
    string_agg(concat_ws(' ', variant, config_id, text_hash), ',' ORDER BY variant, config_id) AS content
    FROM texts WHERE {scope} GROUP BY ALL"""


@dataclass(frozen=True)
class Side:
    """One of the two things compared."""

    name: str | None
    """Features as `llm4es compare` shows them; None: all there are."""
    at: str | None
    """Version or time; None: now."""


def diff(store: "Store", a: str, b: str, dataset: str | None, options: DiffOptions) -> Result:
    """What changed between two versions, two models or two k.

    Parameters
    ----------
    store : Store
        Where both are.
    a, b : str
        A version, a time, features, or ``FEATURES:VERSION``.
    dataset : str or None
        Whose; None: the only dataset there is.
    options : DiffOptions
        How many neighbours are compared, of how many entities.

    Returns
    -------
    Result
        Rows of ``probe.difference.DIFFERENCE``.

    Raises
    ------
    OptionError
        For a side that is neither a version nor features, and where there is nothing to compare.

    Examples
    --------
    >>> from llm4es.options import DiffOptions
    >>> rows = diff(project.store, "model@1 [64 tokens]", "model@4 [64 tokens]", "shop", DiffOptions())
    >>> rows.to_arrow()["measure"].to_pylist()[:2]
    ['entities before', 'entities after']
    """
    chosen = dataset or only_dataset(store)
    tables = list(_differences(store, chosen, side(a), side(b), options.n, options.sample))
    if not tables:
        raise OptionError(f"no texts and no vectors of {chosen!r} at {a} or at {b}: see `llm4es runs`")
    return Result(pa.concat_tables(tables))


def side(text: str) -> Side:
    """``12``, ``2026-11-20``, ``m@8`` or ``m@8:12``.

    Parameters
    ----------
    text : str
        As it is typed.

    Returns
    -------
    Side
        Features, and when.

    Raises
    ------
    OptionError
        For text that is neither.

    Examples
    --------
    >>> side("m@8:12")
    Side(name='m@8', at='12')
    >>> side("12")
    Side(name=None, at='12')
    """
    found = _SIDE.fullmatch(text)
    if found is None or not text:
        raise OptionError(f"{text!r} is neither a version nor features: give 12, smollm2-135m@8, or smollm2-135m@8:12")
    return Side(None if found["alone"] else found["name"], found["alone"] or found["at"])


def _differences(store: "Store", dataset: str, a: Side, b: Side, n: int, sample: int) -> Iterator[pa.Table]:
    from ..probe.difference import difference, left_out, only_one

    before, after = _spaces(store, dataset, a, b), _spaces(store, dataset, b, a)
    if a.name is None and b.name is None:
        yield from _texts(store, dataset, a, b)
        pairs = [(label, label) for label in dict.fromkeys([*before, *after])]
    else:  # a version beside features means the same features then
        pairs = [(_known(a.name or b.name, before), _known(b.name or a.name, after))]
    for first, second in pairs:
        if first not in before or second not in after:
            rows, where_ = (after[second], "after") if first not in before else (before[first], "before")
            yield only_one(first, rows["entities"], where_)
            continue
        loaded, probed = [], []
        for of, label, row in ((a, first, before[first]), (b, second, after[second])):
            features, stale = _load(store, dataset, of, label, row)
            if stale:
                yield left_out(label, stale, "before" if of is a else "after")
            loaded.append(features)
            probed.append(Probed(store, dataset, row["then"], of.at, row, frozenset(features.entity_ids)))
        yield difference(*loaded, n=n, sample=sample)
        yield from probe_differences(*probed)


def _texts(store: "Store", dataset: str, a: Side, b: Side) -> Iterator[pa.Table]:
    """Whose texts changed, the raw ones and those made from them."""
    from ..probe.difference import content_difference

    query = _TEXTS.format(scope=where({"dataset": dataset}))
    found: list[dict[str, dict[str, str]]] = []
    for of in (a, b):
        contents: dict[str, dict[str, str]] = {}
        for kind, entity, content in store.sql(query, at=of.at).fetchall():
            contents.setdefault(kind, {})[entity] = content
        found.append(contents)
    for kind in sorted({*found[0], *found[1]}, reverse=True):  # the raw ones first
        yield content_difference(kind, found[0].get(kind, {}), found[1].get(kind, {}))


def _spaces(store: "Store", dataset: str, of: Side, other: Side) -> dict[str, dict[str, Any]]:
    """Readable name -> what it stands for, of every embedding at that point; versions are named alike on both sides."""
    query = _EMBEDDINGS.format(scope=where({"dataset": dataset}))
    rows, beside = (store.sql(query, at=side.at).to_arrow_table().to_pylist() for side in (of, other))
    rows = with_dims(store, dataset, rows)
    then = readable(with_versions(store, rows))  # as probes of that time have it
    rows = [row | {"then": name} for row, name in zip(with_versions(store, rows, beside), then, strict=True)]
    return dict(zip(readable(rows), rows, strict=True))


def _known(name: str | None, spaces: dict[str, dict[str, Any]]) -> str:
    if name not in spaces:
        aliases = {alias + of.removeprefix(row["shown"]): of for of, row in spaces.items() for alias in row["aliases"]}
        if name in aliases:
            return aliases[name]
        short = sorted(
            {of for shown, of in [*aliases.items(), *zip(spaces, spaces, strict=True)] if _short(shown) == name}
        )
        if len(short) == 1:
            return short[0]
        if short:
            raise OptionError(f"{name!r} may be {' or '.join(short)}: give one of them as it stands here")
        if is_combined(str(name)) or name in BASELINE_NAMES:
            raise OptionError(
                f"{name!r} has no vectors that are kept: `llm4es compare --reference` sets probes of it beside others"
            )
        raise OptionError(f"no features {name!r}: {nearest(name, list(spaces))}")
    return str(name)


def _short(name: str) -> str:
    """A readable name without what tells settings apart: ``m@8`` of ``m@8 [events]``."""
    return name.partition(" [")[0]


def _load(store: "Store", dataset: str, of: Side, label: str, row: dict[str, Any]) -> "tuple[FeatureSet, int]":
    """The vectors of one side, and how many of now are left out since their texts have changed."""
    from ..features.feature_set import FeatureSet

    model, k, made = row["model"], row["k"], row["config_id"]
    ids, matrix = store.matrix(dataset, model=model, k=k, config_id=made, at=of.at)
    stale = [] if of.at is not None else stale_entities(Context(dataset, store), model, k, made)
    if stale:
        kept = pc.invert(pc.is_in(ids, pa.array(stale, ids.type)))
        ids, matrix = ids.filter(kept), matrix[kept.to_numpy(zero_copy_only=False)]
    return FeatureSet(name=label, entity_ids=ids.to_pylist(), matrix=matrix, model=model, k=k, source_hash=made), len(
        stale
    )


def only_dataset(store: "Store") -> str:
    """The dataset that the store is about.

    Parameters
    ----------
    store : Store
        With texts or vectors.

    Returns
    -------
    str
        Its name.

    Raises
    ------
    OptionError
        Where there is none, or several.

    Examples
    --------
    >>> only_dataset(project.store)
    'shop'
    """
    query = "SELECT dataset FROM embeddings UNION SELECT dataset FROM texts ORDER BY 1"
    names = [name for (name,) in store.sql(query).fetchall()]
    if len(names) != 1:
        raise OptionError(
            f"the store has texts or vectors of {len(names)} datasets: "
            f"choose one of {', '.join(names) or 'none'} with --dataset"
        )
    return str(names[0])
