"""Who was trained on by whatever made imported vectors, as its user declares it: ``import --seen``.

In: a context, a word or a file of ids. Out: rows of ``exposures`` under the vectors' name. Knows no vectors.
"""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from ..core.errors import DataError, OptionError, one_line
from ..core.sql import Scope, literal, where
from ..features.vector_columns import id_column
from ..options import ImportOptions
from .context import Context
from .import_versions import ImportVersion
from .seen import DECLARED

if TYPE_CHECKING:
    from ..recipes import Recipe

ALL, NONE = "all", "none"
_SHOWN = 5


def declare(context: Context, options: ImportOptions, version: ImportVersion, ids: Sequence[str]) -> None:
    """Keep who was seen; nothing is written where that is known already.

    What was declared of the version before holds for the next until it is said otherwise.

    Parameters
    ----------
    context : Context
        Store, who hears of it; a dry run only reads.
    options : ImportOptions
        The vectors' name, their dataset, and who was seen.
    version : ImportVersion
        What they are called.
    ids : sequence of str
        Who has a vector.

    Raises
    ------
    OptionError
        For a file that is not there, and where there is no split to take the train entities of.
    DataError
        For a file that cannot be read.

    Examples
    --------
    >>> from llm4es.project.import_versions import ImportVersion
    >>> options = ImportOptions.of(name="coles", dataset="shop", seen="all")
    >>> declare(context, options, ImportVersion("coles"), ["c0", "c1"])
    >>> context.store.sql("SELECT entity_id, role FROM exposures WHERE model = 'coles' ORDER BY 1").fetchall()
    [('c0', 'declared'), ('c1', 'declared')]
    """
    scope = {"model": version.name, "dataset": options.dataset}
    if options.seen is not None:
        seen = _declared(context, options, ids)
    elif version.before:
        seen = sorted(_seen(context, {**scope, "model": version.before}))
    else:
        return
    before = _seen(context, scope)
    if options.seen is not None or seen:
        context.observer.say(f"{version.name}: {len(seen)} entities are declared seen by what made the vectors")
    if context.dry_run or before == set(seen):
        return
    rows = pa.table({"entity_id": pa.array(seen, pa.string()), "role": pa.array([DECLARED] * len(seen), pa.string())})
    with context.run("import", {"model_name": version.name, "seen": options.seen}) as run:
        run.record.rows_in = run.record.rows_computed = len(seen)
        run.replace("exposures", scope, rows)


def _seen(context: Context, scope: Scope) -> set[str]:
    """Who was declared."""
    rows = context.store.sql(f"SELECT entity_id FROM exposures WHERE {where(scope)}").fetchall()
    return {entity for (entity,) in rows}


def _declared(context: Context, options: ImportOptions, ids: Sequence[str]) -> list[str]:
    """The ids, each once, sorted."""
    if options.seen == ALL:
        return sorted(ids)
    if options.seen == NONE:
        return []
    if options.seen == "train":
        return _train(context, options.dataset)
    found = _read(Path(str(options.seen)).expanduser(), options)
    query = f"SELECT DISTINCT entity_id FROM texts WHERE {where({'dataset': options.dataset})}"
    known = {*ids, *(entity for (entity,) in context.store.sql(query).fetchall())}
    unknown = [entity for entity in found if entity not in known]
    if unknown:
        more = f" and {len(unknown) - _SHOWN} more" if len(unknown) > _SHOWN else ""
        context.observer.warn(
            f"--seen {options.seen}: {len(unknown)} of {len(found)} ids are unknown in {options.dataset!r}: "
            f"{', '.join(unknown[:_SHOWN])}{more}; see that they are written as the dataset writes them"
        )
    return found


def _train(context: Context, dataset: str) -> list[str]:
    """The train entities of the dataset's default split."""
    recipe = _recipe(context, dataset)
    of_dataset = where({"dataset": dataset})
    names = [name for (name,) in context.store.sql(f"SELECT DISTINCT name FROM splits WHERE {of_dataset}").fetchall()]
    name = names[0] if recipe is None and len(names) == 1 else recipe and recipe.splits.default
    if name not in names:
        raise OptionError(
            f"--seen train: no split of {dataset!r} is in the store: run `llm4es serialize {dataset}` first"
        )
    query = f"SELECT entity_id FROM splits WHERE {of_dataset} AND name = {literal(str(name))} AND split = 'train'"
    return sorted(entity for (entity,) in context.store.sql(query).fetchall())


def _recipe(context: Context, dataset: str) -> "Recipe | None":
    """The dataset's recipe, where the store keeps it."""
    from ..recipes import recipe_from_json

    if context.given_recipe is not None:
        return context.given_recipe
    kept = context.store.recipe(dataset)
    return None if kept is None else recipe_from_json(kept["recipe"], None, origin=kept["origin"])


def _read(file: Path, options: ImportOptions) -> list[str]:
    """The ids of a file: of the column of ids, or where it has one column and no such name, of every line."""
    if not file.is_file():
        raise OptionError(f"--seen {options.seen!r} is no file: give a file of ids, all, train, or none")
    try:
        if file.suffix.lower() == ".parquet":
            import pyarrow.parquet as pq

            table = pq.read_table(file)
            column = table.column_names[0] if table.num_columns == 1 else id_column(table.schema, options)
            ids = table[column].cast(pa.string()).to_pylist()
        else:
            with file.open(encoding="utf-8-sig", newline="") as opened:
                ids = _of_lines(list(csv.reader(opened)), options)
    except (pa.ArrowException, OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"--seen {file} cannot be read ({one_line(error)}): give one id a line") from error
    found = sorted({entity for entity in ids if entity})
    if not found:
        raise DataError(f"--seen {file} holds no id: give one a line, or `--seen none`")
    return found


def _of_lines(lines: list[list[str]], options: ImportOptions) -> list[str]:
    """The first line is a header where it names the ids' column, or has several columns."""
    lines = [line for line in lines if line]
    if not lines:
        return []
    header = pa.schema([(name, pa.string()) for name in lines[0]])
    try:
        column = lines[0].index(id_column(header, options))
    except DataError:
        if len(lines[0]) > 1:
            raise
        return [line[0].strip() for line in lines]
    return [line[column].strip() for line in lines[1:] if len(line) > column]
