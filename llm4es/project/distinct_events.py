"""How many of the events are distinct, where each is read on its own, and what makes them so.

In: the store after a serialization. Out: a sentence. Counts nothing itself.
"""

from ..recipes import FieldSpec, FieldType
from ..serialize.event_lines import event_fields
from .bins import fitted
from .context import Context
from .cutoffs import Cutoff
from .distinct_counts import DISTINCT_SHARE, EXACT, counts

HIGH = 0.3
"""Share of distinct events above which reading each once spares little."""


def say_distinct(context: Context, cutoff: Cutoff, preset: str) -> None:
    """One line: how many distinct events there are, and what to do where they are many.

    Parameters
    ----------
    context : Context
        Its dataset has texts.
    cutoff : Cutoff
        Of the raw texts: where the events end that are counted.
    preset : str
        Which fields the texts show.

    Examples
    --------
    >>> import logging, sys
    >>> from llm4es.project.observer import Logging
    >>> logging.basicConfig(stream=sys.stdout, format="%(message)s", level="INFO", force=True)
    >>> say_distinct(context.with_(observer=Logging()), context.cutoff, "raw")
    serialize: 90 distinct events of 90 (100 %), by amount above all (without it 5): bins = 5 or fewer decimals in ...
    """
    recipe = fitted(context.store, context.recipe)
    fields = event_fields(recipe, preset)
    total, distinct, without = counts(context, fields, cutoff)
    if not total:
        return
    share = f"{_shown(distinct, total)} distinct events of {total:,} ({100 * distinct / total:.3g} %)"
    once = ": embed --history events reads each once" if distinct <= DISTINCT_SHARE * total else ""
    remedy = _remedy(fields, without, total) if distinct > HIGH * total else ""
    between = "; distinct" if once else ","
    context.observer.say(f"serialize: {share}{once}{between + remedy if remedy else ''}")


def _remedy(fields: tuple[FieldSpec, ...], without: list[int], total: int) -> str:
    """What makes events distinct, and what lets them repeat."""
    worst = min(range(len(fields)), key=lambda at: without[at])
    field, others = fields[worst], [each.name for at, each in enumerate(fields) if at != worst]
    by = f" by {field.name} above all (without it {_shown(without[worst], total)})" if others else f" by {field.name}"
    fewer = ""
    if field.is_number and field.bins is None:
        rounded = " or fewer decimals" if field.type is FieldType.NUMBER and field.decimals != 0 else ""
        fewer = f"bins = 5{rounded} in its [[fields]], or "
    return f"{by}: {fewer}embed --history events --by {','.join(others) or 'FIELD'} lets them repeat"


def _shown(count: int, total: int) -> str:
    """A number of distinct events; three digits of an estimate."""
    return f"{count:,}" if total <= EXACT else f"about {int(float(f'{count:.3g}')):,}"
