"""A recipe as a whole: its parts, and that they fit each other.

In: plain values read from a TOML. Out: a frozen recipe, or a validation error that names the key. Knows no file system
and no data: whether a column exists is seen only when the raw files are read.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from pydantic import Field, model_validator
from pydantic.json_schema import SkipJsonSchema

from ...core.errors import RecipeError
from ...core.hashing import canonical_json, text_hash
from .base import Name, Slug, Strict
from .defaults import Defaults
from .events import Events
from .fields import FieldSpec, Names, Preset
from .files import FileLayout, RawTable
from .tasks import Splits, Task


class Recipe(Strict):
    """All that is said about one dataset."""

    name: Slug
    description: str = ""
    layouts: dict[str, FileLayout] = Field(default={})
    tables: dict[Name, RawTable] = Field(default={})
    """Short for a single layout."""
    events: Events
    fields: tuple[FieldSpec, ...] = Field(min_length=1)
    presets: dict[Name, Preset] = Field(default={})
    texts: Defaults = Defaults()
    tasks: dict[Name, Task] = Field(default={})
    splits: Splits = Splits()
    item: str | None = None
    """Field that says what an event is about: the words of the TF-IDF baseline."""
    amount: str | None = None
    """Field of numbers that aggregate baselines add up."""
    categories: dict[Name, int] = Field(default={})
    """Categorical fields of aggregate baselines, and the number of codes kept of each."""
    folder: SkipJsonSchema[Path | None] = Field(default=None, exclude=True)
    """Folder that the paths are relative to: where the recipe was read, no part of what it says. None: built in."""
    origin: SkipJsonSchema[str | None] = Field(default=None, exclude=True)
    """The file that it was read from, or 'frame'; no part of what it says either. None: built in."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        known = [field.name for field in self.fields]
        if len(set(known)) < len(known):
            raise ValueError(f"field {next(n for n in known if known.count(n) > 1)!r} is there twice")
        named = [("item", self.item), ("amount", self.amount), *(("categories", name) for name in self.categories)]
        named += [("texts.by", name) for name in self.texts.by]
        named += [("events.key", name) for name in self.events.key if name != "event_time"]
        named += [(f"presets.{name}", field) for name, preset in self.presets.items() for field in preset.fields]
        for key, field in named:
            if field is not None and field not in known:
                raise ValueError(f"{key} names {field!r}, which is no field: there are {', '.join(known)}")
        if self.texts.preset not in ("raw", *self.presets):
            raise ValueError(f"texts.preset {self.texts.preset!r} is none of {', '.join(['raw', *self.presets])}")
        if self.texts.preset == "raw" and not self.text_fields():
            raise ValueError(
                "fields: every field has in_text = false, and a text shows one or more: leave it out of one"
            )
        if self.splits.default not in self.splits.names:
            raise ValueError(f"splits.default {self.splits.default!r} is none of {', '.join(self.splits.names)}")
        if self.splits.ptls and self.splits.ptls.task not in self.tasks:
            raise ValueError(f"splits.ptls.task {self.splits.ptls.task!r} is no task")
        if bool(self.layouts) == bool(self.tables):
            raise ValueError("give either 'tables', or 'layouts' where the same data comes in several shapes")
        return self._tables_known()

    def _tables_known(self) -> Self:
        needed = {self.events.table, *(join.table for join in self.events.joins)}
        needed |= {task.table for task in self.tasks.values()}
        needed |= {field.names.table for field in self.fields if isinstance(field.names, Names)}
        needed |= {split.table for split in self.splits.columns.values()}
        for name, layout in self.all_layouts.items():
            if missing := needed - set(layout.tables):
                raise ValueError(f"layout {name!r} has no table {sorted(missing)[0]!r}, which the recipe reads")
        return self

    @property
    def all_layouts(self) -> dict[str, FileLayout]:
        """The layouts by name; a recipe with plain ``tables`` has one called 'files'."""
        return self.layouts or {"files": FileLayout(tables=self.tables)}

    def text_fields(self, preset: str = "raw") -> tuple[FieldSpec, ...]:
        """The fields of a text, in order.

        Parameters
        ----------
        preset : str, default 'raw'
            'raw' (every field with ``in_text``), or one of ``presets``.

        Raises
        ------
        RecipeError
            There is no such preset.

        Examples
        --------
        >>> from llm4es.recipes import load_recipe
        >>> [field.title for field in load_recipe("movielens-100k").text_fields()]
        ['Title', 'Year', 'Genres', 'Rating', 'Date']
        """
        by_name = {field.name: field for field in self.fields}
        if preset in self.presets:
            return tuple(by_name[name] for name in self.presets[preset].fields)
        if preset != "raw":
            known = ", ".join(["raw", *(name for name in self.presets if name != "raw")])
            raise RecipeError(f"recipe {self.name!r} has no text preset {preset!r}: there are {known}")
        shown = tuple(field for field in self.fields if field.in_text)
        if not shown and self.presets:
            raise RecipeError(f"preset 'raw' of recipe {self.name!r} shows no field: choose {', '.join(self.presets)}")
        return shown

    def counted_bins(self) -> list[FieldSpec]:
        """The fields with a number of bins, whose edges have to be fitted; hidden ones too.

        Examples
        --------
        >>> from llm4es.recipes import load_recipe
        >>> load_recipe("rosbank").counted_bins()
        []
        """
        return [field for field in self.fields if isinstance(field.bins, int)]

    def with_edges(self, edges: Mapping[str, Sequence[float]]) -> Self:
        """The recipe that the pure stages read: of each field named in ``edges``, these in place of its bins' number.

        Examples
        --------
        >>> from llm4es.recipes import recipe_from_frame
        >>> shop = {"user": ["a"], "amount": [1.5]}
        >>> recipe = recipe_from_frame("shop", shop, entity="user", fields=[{"name": "amount", "bins": 3}])
        >>> recipe.with_edges({"amount": [5.0, 20.0]}).fields[0].bins
        (5.0, 20.0)
        """
        fields = (
            field.model_copy(update={"bins": tuple(edges[field.name])}) if field.name in edges else field
            for field in self.fields
        )
        return self.model_copy(update={"fields": tuple(fields)}) if edges else self

    def fingerprint(self, preset: str = "raw") -> dict[str, Any]:
        """What changes the texts besides the data, as plain values."""
        fields = [
            field.model_dump(mode="json", by_alias=True, exclude={"paraphrase"}) for field in self.text_fields(preset)
        ]
        return {"recipe": self.name, "fields": fields}

    def content_hash(self) -> str:
        """SHA-256 over all that the recipe says, 64 digits; where it lies is no part of it.

        Examples
        --------
        >>> from llm4es.recipes import load_recipe
        >>> load_recipe("age").content_hash()[:12]
        'd314cf423412'
        """
        return text_hash(canonical_json(self.model_dump(mode="json")))

    def serialized_hash(self) -> str:
        """SHA-256 over all that ``serialize`` makes rows from, 64 digits: not by what single events are read later.

        Examples
        --------
        >>> from llm4es.recipes import load_recipe
        >>> recipe = load_recipe("movielens-100k")
        >>> recipe.texts.by, recipe.serialized_hash() == recipe.content_hash()
        (('title', 'genres', 'rating'), False)
        """
        return text_hash(canonical_json(self.model_dump(mode="json", exclude={"texts": {"by"}})))

    def to_json(self) -> str:
        """The recipe as JSON text, in the order of its keys: ``recipe_from_json`` reads the same recipe from it."""
        return self.model_dump_json(by_alias=True)
