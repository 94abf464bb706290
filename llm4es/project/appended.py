"""What has come to a source that only grows since it was last read, told by its files or by a watermark.

In: a context, the raw files, the record of the serialization that is asked for. Out: the files and rows that are new,
or the reason why all have to be read. Reads no event. Knows no text.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from ..core.errors import StoreError
from ..core.hashing import canonical_json, text_hash
from ..core.sql import identifier, literal
from ..recipes import Recipe, Source
from ..recipes.model import Mode, Names
from .bins import unfitted
from .context import Context
from .lost_since import lost_since
from .recorded import PastRun, runs_of

if TYPE_CHECKING:
    from ..recipes.watermark import Watermark

GROWN = "grown"
"""What the record calls how far a growing source was read."""

_SAME = ("config_id", "cutoffs", "whole_recipe", "layout")
"""What has to be asked for as before: else every text is another."""


@dataclass(frozen=True)
class NewRows:
    """What is to be read of a source that has grown."""

    source: Source
    """With the new files alone, or the rows beyond the watermark."""

    since: int
    """Version of the store whose events they complete."""

    nothing: bool
    """Whether there are none."""


@dataclass(frozen=True)
class Growth:
    """How far a growing source goes."""

    others: str
    """Hash of the other tables that events depend on."""

    now: "Watermark | None" = None
    """How far its rows go; None: new rows come in new files."""

    read: "Watermark | None" = None
    """How far they were read."""

    known: int = 0
    """Rows up to that."""

    @property
    def recorded(self) -> dict[str, Any]:
        """What the record keeps for the next reading."""
        return {"others": self.others, **({"watermark": asdict(self.now)} if self.now else {})}


def growth(context: Context, source: Source, own: bool) -> Growth | None:
    """How far the source goes, where it is one that only grows.

    Parameters
    ----------
    context : Context
        Its recipe says how the source grows.
    source : Source
        The raw files.
    own : bool
        Whether texts end at cut-offs that the tables of labels say.

    Returns
    -------
    Growth or None
        None where every row is read each time.

    Raises
    ------
    DataError
        For a watermark that is not there, or has values that are missing, or neither times nor numbers.

    Examples
    --------
    >>> from llm4es.recipes import locate
    >>> growth(context, locate(context.recipe), own=False) is None
    True
    """
    recipe = context.recipe
    if recipe.events.mode is not Mode.APPEND:
        return None
    tables = sorted(_tables(recipe, own) & set(source.contents))
    others = text_hash(canonical_json({table: source.contents[table] for table in tables}))
    if recipe.events.watermark is None:
        return Growth(others)
    from ..recipes.watermark import Watermark, watermark  # heavy

    done = _done(runs_of(context.store, context.dataset, "serialize"))
    kept = done.config.get(GROWN, {}).get("watermark") if done else None
    read = Watermark(**kept) if kept else None
    now, known = watermark(recipe, source, read)
    return Growth(others, now, read, known)


def _tables(recipe: Recipe, own: bool) -> set[str]:
    """Tables besides that of the events whose change changes events, or where texts end."""
    named = {field.names.table for field in recipe.fields if isinstance(field.names, Names)}
    ends = {task.table for task in recipe.tasks.values() if task.as_of is not None} if own else set()
    return {join.table for join in recipe.events.joins} | named | ends


def new_rows(context: Context, source: Source, record: Mapping[str, Any], grown: Growth) -> NewRows | None:
    """What no serialization has read yet; None: all has to be read, and why is said.

    Parameters
    ----------
    context : Context
        Recipe, store, and who hears of it.
    source : Source
        The raw files.
    record : mapping
        Of the serialization that is asked for.
    grown : Growth
        How far the source goes.

    Returns
    -------
    NewRows or None
        None without a word where the source was never read to its end as one that grows.
    """
    now = _version(context, "")  # before the record is read: who begins from here on is not in it
    runs = runs_of(context.store, context.dataset, "serialize")
    last = _done(runs)
    if last is None or GROWN not in last.config:
        return None
    why = _other(context, last, record, grown)
    table = context.recipe.events.table
    found = why or (_beyond(table, context, source, last, grown) if grown.now else _files(table, source, last))
    if isinstance(found, Source):
        since = now if runs[-1] is last else _version(context, f"WHERE run_id = {literal(last.run_id)}")
        if since is not None and _is_there(context, since):
            return NewRows(found, since, nothing=not found.files[table])
        found = "the reading before came to no end, and what was there before it is not kept any more"
    context.observer.say(f"serialize: every row of {context.dataset} is read: {found}")
    return None


def _done(runs: Sequence[PastRun]) -> PastRun | None:
    """The newest run that came to its end."""
    return next((run for run in reversed(runs) if run.status == "done"), None)


def _other(context: Context, last: PastRun, record: Mapping[str, Any], grown: Growth) -> str:
    """Why the rows that were read do not do for what is asked for now; '' where they do."""
    if changed := [key for key in _SAME if last.config.get(key) != record[key]]:
        return "other texts are asked for" if "config_id" in changed else "the recipe, or where texts end, has changed"
    if context.max_entities is not None or last.config.get("max_entities") is not None:
        return "of a sample (--max-entities) it cannot be told who is new"
    if last.config[GROWN]["others"] != grown.others:
        return "a table that the events are joined to, or that says where texts end, has changed"
    if unfitted(context.store, context.recipe):
        return "the edges of bins have to be found"
    if lost := lost_since(context, last):
        return f"of {' and '.join(lost)} something was lost"
    return ""


def _files(table: str, source: Source, last: PastRun) -> Source | str:
    """The source with its new files alone, or why that does not do."""
    read = last.config["events_files"]
    new, left = [], Counter(read)
    for path, content in zip(source.files[table], source.contents[table], strict=True):
        if left[content] > 0:
            left[content] -= 1
        else:
            new.append(path)
    gone = [name for name, content in zip(last.config["files"][table], read, strict=True) if left[content] > 0]
    if gone:
        here = {path.name: path.stat().st_size for path in source.files[table]}
        what = [f"{name} is now {here[name]:,} bytes" if name in here else f"{name} is gone" for name in gone]
        return f"of {len(read)} files that were read {len(gone)} have changed ({what[0]})"
    before = tuple(path for path in source.files[table] if path not in new)
    return replace(source, files={**source.files, table: tuple(new)}, before={table: before}, partial=True)


def _beyond(table: str, context: Context, source: Source, last: PastRun, grown: Growth) -> Source | str:
    """The source with its rows beyond the watermark, or why that does not do."""
    column, read, now = str(context.recipe.events.watermark), grown.read, grown.now
    if read is None or now is None:
        return "it was read by its files, not by a watermark"
    if now.kind != read.kind:
        return f"{column!r} held {read.kind}s, and holds {now.kind}s now"
    if grown.known != read.rows:
        more = grown.known - read.rows
        how = f"{more} rows more" if more > 0 else f"{-more} rows fewer"
        return f"up to {column} {read.value} there are {how} than were read: some came late, or are gone"
    files = source.files[table] if now.rows > grown.known else ()
    beyond = {table: now.upto(column, read)}
    return replace(source, files={**source.files, table: files}, beyond=beyond, partial=True)


def upto_now(source: Source, recipe: Recipe, grown: Growth | None) -> Source:
    """The source without rows that are written while it is read: they are left for the next time.

    Parameters
    ----------
    source : Source
        The raw files.
    recipe : Recipe
        What they are.
    grown : Growth or None
        How far they go; None: they are no growing ones.

    Returns
    -------
    Source
        The same files.

    Examples
    --------
    >>> from llm4es.recipes import locate
    >>> source = locate(context.recipe)
    >>> upto_now(source, context.recipe, None) is source
    True
    """
    if grown is None or grown.now is None:
        return source
    return replace(source, beyond={recipe.events.table: grown.now.upto(str(recipe.events.watermark))})


def _version(context: Context, which: str) -> int | None:
    """The newest version of the store that the record of some runs names."""
    ((version,),) = context.store.sql(f"SELECT max(version) FROM runs {which}").fetchall()
    return None if version is None else int(version)


def _is_there(context: Context, version: int) -> bool:
    """Whether the events as of a version of the store can still be read."""
    view = identifier(context.store.events_view(context.dataset))
    try:
        context.store.sql(f"SELECT count(position), max(entity_id) FROM {view}", at=version).fetchall()
    except StoreError:
        return False
    return True
