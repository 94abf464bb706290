"""Which probes of a dataset no longer hold, and what is typed to make them anew.

In: a context, what mends vectors. Out: rows for ``status``. Writes nothing, fits nothing.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from ..core.errors import Llm4esError, one_line
from ..core.sql import where
from .again import THEN, UntoldError, line, untold
from .context import Context
from .cutoffs import keys, two_times
from .evidence import GONE, only_live
from .feature_source import FeatureSource
from .feature_sources import all_feature_sources, named
from .mends import AS_THEY_ARE, Mends, Row
from .new_items import under_protocol
from .probe_again import probe_again, record_of

Probed = tuple[str, str, str]
"""Configuration, protocol as rows bear it, features."""


def probe_mends(context: Context, cuts: Sequence[Mends]) -> Iterator[Row]:
    """A row for the probes of each task, of histories that end as its texts do, or of two times.

    Parameters
    ----------
    context : Context
        Recipe and store.
    cuts : sequence of Mends
        What makes vectors anew.

    Yields
    ------
    tuple
        What, name, how many hold, state, and the commands that make the others anew, or why there are none.
    """
    query = f"SELECT * FROM probes WHERE {where({'dataset': context.dataset})} ORDER BY task"
    probes, ends = context.store.sql(query).to_arrow_table(), keys(context.store, context.dataset)
    for task in pc.unique(probes["task"]).to_pylist():
        name = f"{context.dataset} {task}"
        try:
            end = context.of_task(task).cutoff.key
            there = [made for made, key in ends.items() if key == end or two_times(key) != (None, None)]
            beside = pc.is_in(probes["config_id"], pa.array(there, pa.string()))
            rows = probes.filter(pc.and_(pc.equal(probes["task"], task), beside))
            live = _probed(only_live(context, rows))
        except Llm4esError as why:
            yield "probes", name, None, one_line(why), ""
            continue
        if not len(rows):
            yield "probes", name, None, "of histories that end at other times", ""
            continue
        own = next((each for each in cuts if each.context.cutoff == context.of_task(task).cutoff), cuts[0])
        dead, whys = _probed(rows) - live, list[str]()
        lines = _lines(own, task, dead, _probed(rows), whys)
        state = f"{len(dead)} of what is no more" if dead else AS_THEY_ARE
        lacking = "; ".join(dict.fromkeys(whys))
        state += f" ({lacking})" if lacking and lines else ""
        yield "probes", name, len(live), state, THEN.join(lines) or lacking


def _probed(probes: pa.Table) -> set[Probed]:
    return set(zip(*(probes[column].to_pylist() for column in ("config_id", "protocol", "features")), strict=True))


def _lines(mends: Mends, task: str, dead: Collection[Probed], probed: Collection[Probed], whys: list[str]) -> list[str]:
    """The commands, those of vectors first; why there is none for a probe is added to ``whys``."""
    context, vectors, probes = mends.context, list[str](), list[str]()
    for made, protocol in sorted({(made, protocol) for made, protocol, _ in dead}):
        with untold(whys):
            config, ready, first = record_of(context, made), list[str](), list[str]()
            times = two_times(config.get("as_of", ""))
            of = under_protocol(context.at(*times), protocol).of_task(task)
            there = {each.name: each for each in all_feature_sources(of.with_(max_entities=config.get("max_entities")))}
            for features in sorted(name for config_id, _, name in dead if config_id == made):
                with untold(whys, f"{features}: "):
                    first += _vectors(mends, features, there, one_time=times == (None, None))
                    ready.append(features)
            if ready:
                also = [name for config_id, _, name in probed if config_id == made]
                probes.append(line(probe_again(context, config, ready, there, also), mends.root))
                vectors += first
    return list(dict.fromkeys(vectors + probes))


def _vectors(mends: Mends, features: str, there: Mapping[str, FeatureSource], *, one_time: bool) -> list[str]:
    """The commands that bring the vectors up to date that features are made of. Raises UntoldError."""
    try:
        source = named(features, there)
    except Llm4esError:
        raise UntoldError(GONE) from None
    if source.name != features:
        raise UntoldError(f"its name stands for {source.name} now")
    unread = dict.fromkeys(each.config_id for each in source.origins if each.n_stale)
    if unread and not one_time:
        raise UntoldError("vectors of two times have to be made at each of them")
    return [command for made in unread for command in mends.embed(made)]
