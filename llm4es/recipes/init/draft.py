"""A recipe for a table that nobody has described: looks at its columns and writes down what they seem to be.

In: a file of events and, perhaps, one of labels. Out: the text of a commented recipe, and what it is unsure of. Guesses
only from names and from the first rows; the recipe is for a human to read and mend.
"""

from dataclasses import dataclass
from pathlib import Path

from ..field_names import slug
from .column_profile import ColumnProfile, TableProfile, profile
from .draft_fields import draft_fields
from .draft_tasks import draft_tasks, no_tasks
from .guess import guess_entity, guess_time
from .toml import shown, toml_text


@dataclass(frozen=True)
class Draft:
    """A recipe to read and mend."""

    toml: str
    """The recipe, with comments."""

    unsure: tuple[str, ...]
    """What was guessed, in words."""


def draft_recipe(events: Path, labels: Path | None = None, folder: Path | None = None) -> Draft:
    """Write a first recipe for a table of events and one of labels.

    Parameters
    ----------
    events : Path
        CSV or Parquet, one row an event; the first 100,000 rows are looked at.
    labels : Path, optional
        CSV or Parquet, one row an entity: each column but the id becomes a task.
    folder : Path, optional
        Where the recipe will lie: paths below it are written relative to it. Default: the working directory.

    Returns
    -------
    Draft
        The TOML, and what was guessed.

    Raises
    ------
    DataError
        A file is missing, empty or unreadable, or no column repeats its values.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "visits.csv"
    >>> _ = file.write_text("user,at,shop\\n" + "u1,2024-01-01,tea\\nu2,2024-01-02,milk\\n" * 8)
    >>> draft = draft_recipe(file, folder=file.parent)
    >>> print(*draft.toml.splitlines()[1:5], sep="\\n")
    name = "visits"
    description = "Events of visits.csv"
    item = "shop"
    <BLANKLINE>
    >>> draft.unsure
    ()
    """
    table = profile(events)
    label_table = profile(labels) if labels else None
    unsure: list[str] = []
    entity = guess_entity(table, label_table, unsure)
    time = guess_time(table, entity, unsure)
    fields, item, amount = draft_fields(table, entity, time, unsure)
    tasks = draft_tasks(label_table, entity, table, unsure) if label_table else no_tasks()
    chosen = "".join(f"{key} = {toml_text(name)}\n" for key, name in (("item", item), ("amount", amount)) if name)
    tables = [_table("events", table, folder)] + ([_table("labels", label_table, folder)] if label_table else [])
    parts = [_head(events, table) + chosen, *tables, _events(entity, time), fields, tasks]
    return Draft("\n".join(parts), tuple(unsure))


def _head(events: Path, table: TableProfile) -> str:
    name = slug(events.name.split(".")[0]) or "events"
    return (
        f"# A first recipe for {events.name}, from its first {table.rows} rows: read it, and mend what is wrong.\n"
        f"name = {toml_text(name)}\ndescription = {toml_text(f'Events of {events.name}')}\n"
    )


def _table(name: str, table: TableProfile, folder: Path | None) -> str:
    """Where a table is and how it is read; only what is not usual."""
    full, base = table.path.absolute(), (folder or Path()).absolute()
    shown = full.relative_to(base) if full.is_relative_to(base) else full
    lines = [f"[tables.{name}]", f"path = {toml_text(shown.as_posix())}"]
    if table.shape.delimiter not in (None, ","):
        lines.append(f"delimiter = {toml_text(str(table.shape.delimiter))}")
    if table.shape.encoding not in (None, "utf-8"):
        lines.append(f"encoding = {toml_text(str(table.shape.encoding))}")
    return "\n".join(lines) + "\n"


def _events(entity: ColumnProfile, time: ColumnProfile | None) -> str:
    lines = [
        "[events]",
        f"entity = {toml_text(entity.sql)} # {entity.distinct} different values in the rows that were looked at",
    ]
    if time is None:
        lines.append("# no time: the order of the file is the order of events. Else, for instance:")
        lines.append(
            '# time = { from = "created" } or { from = "ts", format = "unix" } or { from = "d", format = "%d.%m.%y" }'
        )
    else:
        keys = "".join(f", {key} = {toml_text(value)}" for key, value in (time.time or {}).items())
        lines.append(f"time = {{ from = {toml_text(time.sql)}{keys} }} # such as {shown(time)}")
    return "\n".join(lines) + "\n"
