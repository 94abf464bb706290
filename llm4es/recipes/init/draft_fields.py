"""The fields of a drafted recipe: what the texts show of an event.

In: a table's profile, and what baselines count. Out: blocks of TOML, and in words what is unsure about them.
"""

import re
from collections.abc import Mapping

from ..field_names import field_name
from .column_profile import ColumnProfile
from .counted import OFTEN, Counted, is_measured, is_somebodys_own
from .repetition import Repetition
from .toml import block, shown, toml_text

MANY = 20
"""Different values of a number above which hardly an event comes again."""

_BINS = "# bins = 5 # written as very small to very large: events repeat, and embed --history events reads each once"


def draft_fields(
    named: Mapping[str, ColumnProfile],
    entity: ColumnProfile,
    parts: list[str],
    counted: Counted,
    repeated: Mapping[str, Repetition],
    unsure: list[str],
) -> str:
    """The fields in order: the ``parts`` of the time, then a column each, by the name of its field."""
    blocks = [
        "# What the texts show of an event, in this order. in_text = false keeps a column for SQL and baselines only."
    ]
    blocks += [block([f'name = "{part}"', f'derive = "{part}"']) for part in parts]
    for name, column in named.items():
        source = column.written if is_measured(column) else column.sql
        lines = [f"name = {toml_text(name)}"] + ([f"from = {toml_text(source)}"] if source != name else [])
        if not re.fullmatch(r"[\w .-]+", column.name, re.ASCII):
            lines.append(f"header = {toml_text(' '.join(column.name.split()))}")
        if column.doubt and column.time is None:
            unsure.append(f"fields.{name}: {column.doubt}")
        if column.distinct <= 1:
            lines.append("in_text = false # always the same")
        elif not is_measured(column) and _is_a_number_of_something(column, counted, repeated):
            lines.append("in_text = false # hardly a value comes again: the number of something?")
            unsure.append(f"fields.{name}: hardly a value comes again, so it is not in the texts")
        elif repeated[column.name].rising and not column.decimals:
            lines.append("in_text = false # rises from row to row: it counts them")
        elif is_measured(column):
            lines.append('type = "number"')
            lines += [f'decimal_mark = "{column.mark}" # numbers as people write them'] if column.mark else []
            lines += [f"decimals = {column.decimals}"] if column.decimals else []
            lines += [f"unit = {toml_text(column.unit)}"] if column.unit else []
            lines += [_BINS] if column.distinct > MANY else []
        elif column.missing > 0.95:
            lines.append(f"in_text = false # missing in {column.missing:.0%} of the rows")
        elif column.numeric:
            unsure.append(
                f"fields.{name}: numbers with {column.distinct} different values, taken as codes and not amounts"
            )
        blocks.append(block(lines, f"# such as {shown(column)}"))
    if len(blocks) == 1:
        blocks.append(block([f"name = {toml_text(field_name(entity.name, set()))}", f"from = {toml_text(entity.sql)}"]))
        unsure.append(f"fields: there is no column beside {entity.name!r}, so it is what the texts show")
    if not parts and not any("in_text = false" not in each for each in blocks[1:]):
        blocks[1] = re.sub(r"in_text = false.*\n", "", blocks[1])
        unsure.append("fields: none seems worth showing, so the first is shown: a text shows one field or more")
    return "\n".join(blocks)


def named_columns(columns: list[ColumnProfile], parts: list[str]) -> dict[str, ColumnProfile]:
    """The name of each column's field."""
    used, named = set(parts), {}
    for column in columns:
        name = field_name(column.name, used)
        used.add(name)
        named[name] = column
    return named


def _is_a_number_of_something(column: ColumnProfile, counted: Counted, repeated: Mapping[str, Repetition]) -> bool:
    """Whether an id says nothing to a reader: of one user alone, or seldom seen and not what events are about."""
    if column.unique and not column.codes:
        return True
    if not column.is_id:
        return False
    if is_somebodys_own(column, repeated[column.name]):
        return True
    return column.distinct * OFTEN > column.rows and column.name not in counted.items[:1]
