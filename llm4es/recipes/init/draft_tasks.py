"""The tasks of a drafted recipe: a column of the labels each.

In: the profiles of labels and events. Out: blocks of TOML, and in words what is unsure about them.
"""

from ...core.tasks import Kind
from ..field_names import field_name
from .choices import chosen
from .column_profile import ColumnProfile
from .table_profile import TableProfile
from .toml import shown, toml_text

MANY_CLASSES = 20
"""Different labels above which numbers are a regression, and texts no classes."""


def draft_tasks(
    labels: TableProfile, entity: ColumnProfile, table: TableProfile, unsure: list[str], only: str | None = None
) -> tuple[list[str], str]:
    """The columns that are labels, and a task for each; ``only``: for that one."""
    key = next((column for column in labels.columns if column.name == entity.name), None)
    if key is None:
        key = max(labels.columns, key=lambda column: (len(column.values & entity.values), column.distinct))
        unsure.append(f"tasks: labels are matched by their column {key.name!r} with the events' {entity.name!r}")
    if not key.values & entity.values:
        unsure.append(f"tasks: none of the first ids in {labels.path.name} is among the first ids of the events")
    dated = next((column for column in labels.columns if column is not key and column.time is not None), None)
    if dated is not None:
        unsure.append(
            f"tasks: {dated.name!r} in {labels.path.name} may say when each label is of: see as_of in the recipe"
        )
    blocks = ["# What is to be predicted for an entity."]
    used, found = set[str](), list[str]()
    able = [column for column in labels.columns if column not in (key, dated) and column.distinct >= 2]
    for column in [chosen(only, able, "label")] if only else able:
        if not column.numeric and column.distinct > MANY_CLASSES:
            unsure.append(f"tasks: {column.name!r} has {column.distinct} different texts, too many for classes")
            continue
        found.append(column.name)
        kind = _kind(column)
        name = field_name(column.name, used)
        used.add(name)
        lines = [f"[tasks.{name}]", f'kind = "{kind.value}"', 'table = "labels"']
        lines += [f"entity = {toml_text(key.sql)}", f"label = {toml_text(column.sql)} # such as {shown(column)}"]
        if column.name in {each.name for each in table.columns}:
            lines.append(f"uses = [{toml_text(column.name)}]")
            unsure.append(f"tasks.{name}: the events have a column {column.name!r} too, which may give the label away")
        if kind is not Kind.BINARY:
            unsure.append(f"tasks.{name}: taken as {kind.value}, from {column.distinct} different values")
        if torn := _torn(labels, key, column):
            what = "keep" if dated is None else "say in as_of when each is of, or keep"
            unsure.append(f"tasks.{name}: {torn}: {what} one of them in {labels.path.name}")
        if dated is not None:
            lines.append(f"# as_of = {_time(dated)} # labels are dated: read a user's events before that time only")
        blocks.append("\n".join(lines) + "\n")
    if not found:
        unsure.append(f"tasks: {labels.path.name} has no column with two values or more besides the id")
    return found, "\n".join(blocks) if found else no_tasks(key.sql)


def _torn(labels: TableProfile, key: ColumnProfile, column: ColumnProfile) -> str:
    """What there is to say where entities have several labels; '' where they do not."""
    rows = labels.seen.select([key.name, column.name]).drop_null().group_by(key.name)
    several = rows.aggregate([(column.name, "count_distinct")])[f"{column.name}_count_distinct"].to_pylist()
    torn = sum(n > 1 for n in several)
    return f"{torn} of {len(several)} entities have several different {column.name!r}" if torn else ""


def _kind(column: ColumnProfile) -> Kind:
    if column.distinct == 2:
        return Kind.BINARY
    return Kind.REGRESSION if column.numeric and column.distinct > MANY_CLASSES else Kind.MULTICLASS


def _time(column: ColumnProfile) -> str:
    """The value of ``as_of``."""
    keys = [f"{key} = {toml_text(value)}" for key, value in (column.time or {}).items()]
    return f"{{ {', '.join([f'from = {toml_text(column.sql)}', *keys])} }}"


def no_tasks(key: str | None = None) -> str:
    """How a task is written, for who has none; ``key``: the ids of the labels that are given, which hold no classes."""
    why, table = "No labels were given; with a file of them", '# [tables.labels]\n# path = "labels.csv"\n'
    if key is not None:
        why, table = "The labels hold none; with a column of two values or more", ""
    return (
        f"# What is to be predicted for an entity. {why}, for instance:\n{table}"
        '# [tasks.left]\n# kind = "binary"\n# table = "labels"\n'
        f'# entity = {toml_text(key or "user_id")}\n# label = "left"\n'
    )
