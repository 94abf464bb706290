"""A recipe for a table that nobody has described: looks at its columns and writes down what they seem to be.

In: a file of events and, perhaps, one of labels. Out: the text of a commented recipe, and what it is unsure of. Guesses
only from names and from the first rows; the recipe is for a human to read and mend.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from ..field_names import slug
from .choices import Choices, OpenGuess, chosen, doubts, with_item
from .column_profile import ColumnProfile
from .counted import choose
from .draft_counted import draft_counted
from .draft_fields import draft_fields, named_columns
from .draft_tasks import draft_tasks, no_tasks
from .guess import guess_entity, guess_time
from .repetition import repetitions
from .table_profile import TableProfile, profile
from .toml import shown, toml_text


@dataclass(frozen=True)
class Draft:
    """A recipe to read and mend."""

    toml: str
    """The recipe, with comments."""

    unsure: tuple[str, ...]
    """What was guessed, in words."""

    doubts: tuple[OpenGuess, ...] = ()
    """What of it is worth asking."""

    base: Path = Path()
    """The folder that paths in it are relative to."""

    def data(self, folder: Path | None = None) -> tuple[str, ...]:
        """What commands have to say of the files where the recipe lies in ``folder``, default: the working directory.

        Examples
        --------
        >>> Draft("", (), base=Path("/there")).data(Path("/here"))
        ('--data', '/there')
        """
        return () if self.base == (folder or Path()).absolute() else ("--data", str(self.base))


def draft_recipe(
    events: Path,
    labels: Path | None = None,
    folder: Path | None = None,
    *,
    table: str | None = None,
    label_table: str | None = None,
    choices: Choices | None = None,
) -> Draft:
    """Write a first recipe for a table of events and one of labels.

    Parameters
    ----------
    events : Path
        One row an event: a file of any kind that is read, a folder, or a glob.
    labels : Path, optional
        The same, one row an entity: each column but the id becomes a task.
    folder : Path, optional
        Where the recipe will lie: paths below it are written relative to it. Default: the working directory.
    table, label_table : str, optional
        The table of a database, or the sheet of an Excel file, where there are several.
    choices : Choices, optional
        Columns that are not to be guessed; None: all are.

    Returns
    -------
    Draft
        The TOML, and what was guessed.

    Raises
    ------
    DataError
        A file is missing, empty or unreadable, no column repeats its values, or one that was chosen is not there.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "visits.csv"
    >>> _ = file.write_text("user,at,shop\\n" + "u1,2024-01-01,tea\\nu2,2024-01-02,milk\\n" * 8)
    >>> draft = draft_recipe(file, folder=file.parent)
    >>> print(*draft.toml.splitlines()[1:5], sep="\\n")
    name = "visits"
    description = "Events of visits.csv"
    item = "shop" # what an event is about: TF-IDF counts it
    # no amount: no column seems to be what aggregates add up; name one
    >>> draft.unsure
    ()
    """
    rows = profile(events, table)
    label_rows = profile(labels, label_table, what="the table of labels") if labels else None
    unsure = [f"tables.events.{doubt}" for doubt in rows.doubts]
    unsure += [f"tables.labels.{doubt}" for doubt in (label_rows.doubts if label_rows else ())]
    said = choices or Choices()
    entity = chosen(said.entity, rows.columns, "entity") if said.entity else guess_entity(rows, label_rows, unsure)
    time = guess_time(rows, entity, unsure, said.time)
    repeated = repetitions(rows.seen, entity.name)
    columns = [column for column in rows.columns if column is not entity and not _is_time(column, time)]
    parts = [] if time is None else ["date", "weekday", "hour"] if time.has_clock else ["date", "weekday"]
    named, counted = named_columns(columns, parts), with_item(choose(columns, repeated), columns, said.item)
    fields = draft_fields(named, entity, parts, counted, repeated, unsure)
    baselines = draft_counted(counted, named, unsure)
    predicted, tasks = draft_tasks(label_rows, entity, rows, unsure, said.label) if label_rows else ([], no_tasks())
    base = _base([rows, *([label_rows] if label_rows else [])], folder)
    tables = [_table("events", rows, base)] + ([_table("labels", label_rows, base)] if label_rows else [])
    elsewhere = bool(Draft("", (), base=base).data(folder))
    if elsewhere:
        unsure.append(f"data: the files are not below the recipe's folder: read it with --data {base}")
    note = f"# Its files lie elsewhere: read it with --data {' '.join(str(base).split())}\n" if elsewhere else ""
    blocks = [
        _head(rows) + note + baselines,
        *tables,
        _events(entity, time),
        *_left_out(entity, time, unsure),
        fields,
        tasks,
    ]
    asked = doubts(unsure, rows.columns, entity, time, counted.items, predicted)
    return Draft("\n".join(blocks), tuple(unsure), asked, base)


def _is_time(column: ColumnProfile, time: ColumnProfile | None) -> bool:
    """Whether a column is the events' time, a part of it, or the hours that stand beside its days."""
    return time is not None and (column.name in {time.name, *time.beside} or bool(column.clock))


def _left_out(entity: ColumnProfile, time: ColumnProfile | None, unsure: list[str]) -> list[str]:
    """What a recipe says where rows are nobody's, or of no time: such rows are left out, and counted."""
    nobody = round(entity.missing * entity.rows)
    if nobody:
        unsure.append(
            f"events.entity: {entity.name!r} is missing in some {nobody} of {entity.rows} rows: they are left out"
        )
    if not nobody and (time is None or not (time.unreadable or time.missing)):
        return []
    return ['[texts]\non_bad_row = "skip" # rows without an id or a time are left out; else they are refused\n']


def _head(table: TableProfile) -> str:
    name = slug(table.name.split(".")[0]) or "events"
    return (
        f"# A first recipe for {table.name}, from all over its {table.rows} rows: read it, and mend what is wrong.\n"
        f"name = {toml_text(name)}\ndescription = {toml_text(f'Events of {table.name}')}\n"
    )


def _base(tables: list[TableProfile], folder: Path | None) -> Path:
    """The folder that all files lie below: the recipe's, else the deepest that they share."""
    paths = [Path(os.path.normpath(path.absolute())) for table in tables for path in table.patterns]
    own = (folder or Path()).absolute()
    if all(path.is_relative_to(own) for path in paths):
        return own
    return Path(os.path.commonpath([path.parent for path in paths]))


def _table(name: str, table: TableProfile, base: Path) -> str:
    """Where a table is and how it is read; only what is not usual."""
    paths = [Path(os.path.normpath(path.absolute())) for path in table.patterns]
    paths = [path.relative_to(base) if path.is_relative_to(base) else path for path in paths]
    said = table.spec.model_dump(mode="json", exclude_defaults=True) | {"path": [path.as_posix() for path in paths]}
    lines = [f"[tables.{name}]"] + [f"# unsure: {doubt}" for doubt in table.doubts]
    lines += [f"{key} = {_toml(value)}" for key, value in said.items()]
    return "\n".join(lines) + "\n"


def _toml(value: str | list[str]) -> str:
    """A text, or a list of texts; one of one is written as a text."""
    if isinstance(value, str):
        return toml_text(value)
    return toml_text(value[0]) if len(value) == 1 else f"[{', '.join(map(toml_text, value))}]"


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
