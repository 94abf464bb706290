"""What baselines count, in a drafted recipe: the item, the amount and the categories, and what else they could be.

In: the choice, and the fields' names. Out: lines of TOML above every table, and in words what is unsure about them.
"""

from collections.abc import Mapping, Sequence

from .column_profile import ColumnProfile
from .counted import Counted
from .toml import toml_text

MOST_OTHERS = 4
"""Other columns that are named beside the one that was chosen."""


def draft_counted(counted: Counted, named: Mapping[str, ColumnProfile], unsure: list[str]) -> str:
    """The keys ``item`` and ``amount``, and the table of categories."""
    fields = {column.name: name for name, column in named.items()}
    items, amounts = ([fields[name] for name in names] for names in (counted.items, counted.amounts))
    lines = [
        _line("item", items, "what an event is about: TF-IDF counts it", unsure),
        _line("amount", amounts, "what aggregates add up", unsure),
    ]
    if not counted.categories:
        return "".join(lines) + "# no categories: no column has few values that come again with several users\n"
    lines.append("\n[categories] # what aggregates group by: codes kept of each, one a value and one for all others\n")
    for column, codes in counted.categories.items():
        name = fields[column]
        lines.append(f"{name} = {codes} # {named[name].distinct} values in the rows that were looked at\n")
    return "".join(lines)


def _line(key: str, names: Sequence[str], what: str, unsure: list[str]) -> str:
    """The chosen field, and the others in a comment and among the doubts."""
    if not names:
        return f"# no {key}: no column seems to be {what.partition(':')[0]}; name one\n"
    others = names[1 : 1 + MOST_OTHERS]
    if others:
        could = " or ".join(map(repr, others))
        unsure.append(f"{key}: {names[0]!r} is taken for {what}, and it could be {could}")
    comment = f" # {what}" + (f". It could be {', '.join(map(repr, others))}" if others else "")
    return f"{key} = {toml_text(names[0])}{comment}\n"
