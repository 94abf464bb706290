"""Sources whose probes are combined: ``vote(A, B)``, ``stack(A, B)``, ``best(A, B)``, and what patterns stand for.

In: what was typed, and what there is. Out: one source. Knows no probe.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import reduce
from operator import or_
from typing import Any

from ..core.errors import OptionError
from ..core.hashing import canonical_json, text_hash
from ..features.expressions import Combination, Expression, combined_name, fitting, parse_expression
from .feature_source import FeatureSource, Load, total_width

Find = Callable[[str], FeatureSource]
"""A name that combines nothing -> its source."""


def expanded(texts: Iterable[str], found: Mapping[str, FeatureSource]) -> list[str]:
    """Names, and in the place of each pattern the names that it stands for.

    Parameters
    ----------
    texts : iterable of str
        As ``--features`` has them.
    found : mapping of str to FeatureSource
        Name -> what there is.

    Returns
    -------
    list of str
        Each once.

    Raises
    ------
    OptionError
        For a pattern that fits nothing.

    Examples
    --------
    >>> there = {name: FeatureSource(name, "h", load=list) for name in ("m@4", "m@8", "tfidf")}
    >>> expanded(["tfidf", "m@*", "best(m@*, tfidf)"], there)
    ['tfidf', 'm@4', 'm@8', 'best(m@*, tfidf)']
    """
    return list(dict.fromkeys(name for text in texts for name in _names(parse_expression(text), found)))


def combined(tree: Expression, found: Mapping[str, FeatureSource], find: Find) -> FeatureSource:
    """The source of a combination.

    Parameters
    ----------
    tree : Expression
        As ``parse_expression`` reads it.
    found : mapping of str to FeatureSource
        Name -> what there is.
    find : function of str
        The source of a name that combines nothing.

    Returns
    -------
    FeatureSource
        Named with one space after commas; patterns stay in the name, and what they stand for is in ``source_hash``.

    Raises
    ------
    OptionError
        For parts that are not there, and where fewer than two are left.

    Examples
    --------
    >>> there = {name: FeatureSource(name, "h", load=list) for name in ("m@4", "m@8", "tfidf")}
    >>> source = combined(parse_expression("best(m@*,tfidf)"), there, there.__getitem__)
    >>> source.name, [part.name for part in source.parts]
    ('best(m@*, tfidf)', ['m@4', 'm@8', 'tfidf'])
    """
    if tree.how is None:
        return find(tree.text)
    parts: dict[str, FeatureSource] = {}
    shown = []
    for part in tree.parts:
        sources = [combined(part, found, find)] if not part.is_pattern else list(map(find, _names(part, found)))
        twice = [source.name for source in sources if source.name in parts and not part.is_pattern]
        if twice and not any(other.is_pattern for other in tree.parts):
            raise OptionError(f"--features {tree.text!r} names {twice[0]} twice: name each part once")
        parts |= {source.name: source for source in sources}
        shown.append(part.text if part.is_pattern else sources[0].name)
    name = combined_name(tree.how, shown)
    if len(parts) < 2:
        raise OptionError(
            f"--features {name!r} stands for {next(iter(parts))} alone: there is nothing to combine; "
            "embed more, such as other --k, or name it without"
        )
    return _source(tree.how, name, list(parts.values()))


def _names(tree: Expression, found: Mapping[str, FeatureSource]) -> list[str]:
    """What a name stands for: itself, or of a pattern what is embedded; where nothing is, what kept layers give."""
    if not tree.is_pattern:
        return [tree.text]
    there = [source for source in found.values() if source.n_live != 0 and not source.lacking]
    for sources in ([source for source in there if source.embedded], there):
        if fit := fitting(tree.text, _fitted(tree.text, sources)):
            return fit
    gone = [found[name] for name in fitting(tree.text, found) if name in found]
    if why := next((source.lacking for source in gone if source.lacking), "all are stale" if gone else ""):
        raise OptionError(f"--features {tree.text!r}: {why}")
    raise OptionError(f"--features {tree.text!r} fits nothing in the store: there are {', '.join(found)}")


def _fitted(pattern: str, sources: Iterable[FeatureSource]) -> list[str]:
    """The names that a pattern is held against: without versions, of the newest ones, unless it says ``@v``."""
    if "@v" in pattern:
        return list(dict.fromkeys(name for source in sources for name in (source.name, *source.aliases)))
    return [next(iter(source.aliases), source.name) for source in sources if source.is_newest]


def _source(how: Combination, name: str, parts: Sequence[FeatureSource]) -> FeatureSource:
    """Several sources as one whose rows are all of theirs."""
    origins = {origin.name: origin for part in parts for origin in part.origins}.values()
    refused = _refused(name, parts[0].leaves[0].name)
    entities = dict.fromkeys(part.entities for part in parts if part.entities is not None)
    return FeatureSource(
        name=name,
        content=lambda: text_hash(canonical_json([how, *([part.name, part.source_hash] for part in parts)])),
        load=refused,
        width=lambda: total_width(list(origins)),
        tokens=None if any(origin.tokens is None for origin in origins) else int(sum(_once(origins, "tokens"))),
        seconds=sum(_once(origins, "seconds")) or None,
        n_live=min((part.n_live for part in parts if part.n_live is not None), default=None),
        n_stale=max(part.n_stale for part in parts),
        lacking=next((part.lacking for part in parts if part.lacking), ""),
        earlier=None if None in (part.earlier for part in parts) else refused,
        seen=reduce(or_, (part.seen for part in parts)),
        entities=" INTERSECT ".join(entities) or None,
        how=how,
        parts=tuple(parts),
    )


def _refused(name: str, part: str) -> Load:
    """OptionError where rows are asked for: probes are combined, not vectors."""

    def load(among: str | None = None) -> Any:
        raise OptionError(
            f"--features {name!r} are probes that are combined, and have no vectors: name a part, such as {part!r}"
        )

    return load


def _once(origins: Iterable[FeatureSource], cost: str) -> list[float]:
    """What each configuration has cost: all depths of one pass together."""
    paid: dict[str, float] = {}
    for origin in origins:
        key = origin.config_id or origin.name
        paid[key] = max(paid.get(key, 0), getattr(origin, cost) or 0)
    return list(paid.values())
