"""The fields of a drafted recipe: what the texts show of an event, the item and the amount.

In: a table's profile. Out: blocks of TOML, and in words what is unsure about them.
"""

import re

from ..field_names import field_name
from .column_profile import ColumnProfile
from .table_profile import TableProfile
from .toml import block, shown, toml_text

OFTEN = 5
"""Rows a value that a column has on average where its values are worth counting."""


def draft_fields(
    table: TableProfile, entity: ColumnProfile, time: ColumnProfile | None, unsure: list[str]
) -> tuple[str, str | None, str | None]:
    """The fields in order, and which of them is the item and which the amount."""
    blocks = [
        "# What the texts show of an event, in this order. in_text = false keeps a column for SQL and baselines only."
    ]
    if time is not None:
        blocks.append(block(['name = "date"', 'derive = "date"']))
        blocks.append(block(['name = "weekday"', 'derive = "weekday"']))
        if time.has_clock:
            blocks.append(block(['name = "hour"', 'derive = "hour"']))
    items: list[tuple[bool, bool, int, str]] = []
    amount = None
    used = {"date", "weekday", "hour"} if time is not None else set()
    for column in table.columns:
        if column is entity or (time is not None and (column.name == time.name or column.clock)):
            continue
        name = field_name(column.name, used)
        used.add(name)
        lines = [f"name = {toml_text(name)}"] + ([f"from = {toml_text(column.sql)}"] if column.sql != name else [])
        if not re.fullmatch(r"[\w .-]+", column.name, re.ASCII):
            lines.append(f"header = {toml_text(' '.join(column.name.split()))}")
        if column.doubt and column.numeric:
            unsure.append(f"fields.{name}: {column.doubt}")
        if column.distinct <= 1:
            lines.append("in_text = false # always the same")
        elif column.is_amount:
            lines.append('type = "number"')
            lines += [f"decimals = {column.decimals}"] if column.decimals else []
            amount = amount or name
        elif (column.unique and not column.codes) or (column.is_id and column.distinct * OFTEN > column.rows):
            lines.append("in_text = false # hardly a value comes again: the number of something?")
            unsure.append(f"fields.{name}: hardly a value comes again, so it is not in the texts")
        elif column.missing > 0.95:
            lines.append(f"in_text = false # missing in {column.missing:.0%} of the rows")
        else:
            often = column.distinct * OFTEN <= column.rows
            items.append((often, not column.numeric or column.is_id, column.distinct, name))
            if column.numeric:
                unsure.append(
                    f"fields.{name}: numbers with {column.distinct} different values, taken as codes and not amounts"
                )
        blocks.append(block(lines, f"# such as {shown(column)}"))
    if time is None and not any("in_text = false" not in each for each in blocks[1:]):
        blocks[1] = re.sub(r"in_text = false.*\n", "", blocks[1])
        unsure.append("fields: none seems worth showing, so the first is shown: a text shows one field or more")
    item = max(items)[-1] if items else None
    if len(items) > 1:
        unsure.append(f"item: {item!r} has the most values that come again, and is what the TF-IDF baseline counts")
    return "\n".join(blocks), item, amount
