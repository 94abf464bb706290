"""What a recipe makes of its files, before any store is there: some texts, their tokens, and what a run will cost.

In: a recipe's text, where its files are. Out: texts and figures. Reads a sample of the entities; writes nothing.
"""

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..core.errors import StoreError
from ..options import DEFAULT_MODEL, MAX_LENGTH, STEP_PRESETS, LoadOptions
from .costs import FAR_LONGER, about
from .rough_costs import TUNING, rough_rate, tokens_a_second
from .text_table import folded

SHOWN, SAMPLE, LINES = 3, 100, 5
"""Texts that are shown, entities whose tokens are counted, and lines of a text that are shown."""

_STEP = 2048
"""Tokens of a step of tuning."""

_SHAPE = {"layers": 30, "dim": 576, "load_in": "none"}
"""Of the model that a run reads with where none is named."""


@dataclass(frozen=True)
class Preview:
    """What a run will read."""

    texts: tuple[tuple[str, str, int, int], ...]
    """Entity, text, events, tokens."""
    n_entities: int
    tokens: int
    """That a run reads of the newest of each history, by the model and by the tuned one, and in tuning."""
    counted: bool
    """By the model's own tokenizer; False: estimated from the texts' length, as it is not on this machine yet."""
    seconds: float | None
    """By this machine's own record, else roughly; None: nothing tells it."""
    rough: bool
    """Whether there is no such record."""

    def lines(self, recipe: str, width: int) -> list[str]:
        """The preview for people, in ``width`` columns; ``recipe`` is what a run is called with."""
        rough = "" if self.counted else "about "
        found = [f"preview: {len(self.texts)} of {self.n_entities:,} entities, as a model will read them"]
        for entity, text, events, tokens in self.texts:
            rows = text.splitlines()
            more = ["  ..."] * (len(rows) > LINES)
            found += ["", f"{entity}: {events:,} event{'s' * (events != 1)}, {rough}{tokens:,} tokens"]
            found += [f"  {line}" for row in rows[:LINES] for line in folded(row, width - 2)] + more
        took = "no record of this machine's speed here yet: `llm4es doctor` tries it"
        why = ", rough: `llm4es doctor` tries this machine's speed" * self.rough
        took = took if self.seconds is None else f"{about(self.seconds)}{why}"
        cost = (
            f"a run that reads the newest of each history takes about {self.tokens:,} tokens ({took}); where events "
            f"repeat, each distinct one is read once, which is less or up to about {FAR_LONGER} times as much: "
        )
        return [*found, "", *folded(f"{cost}`llm4es run {recipe} --dry-run` tells it", width)]


def preview(toml: str, folder: Path, store: str) -> Preview:
    """Look at what a recipe makes of its files.

    Parameters
    ----------
    toml : str
        The recipe.
    folder : Path
        Where its files are.
    store : str
        Where a store is, or will be: its record of runs says how fast this machine reads.

    Returns
    -------
    Preview
        Of the recipe's first entities.

    Raises
    ------
    RecipeError, DataError
        The recipe or its files cannot be read: what a run would say.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "visits.csv").write_text("user,shop\\nu1,tea\\nu1,milk\\nu2,tea\\n")
    >>> toml = 'name = "v"\\ntables.events.path = "visits.csv"\\nevents.entity = "user"\\nfields = [{ name = "shop" }]'
    >>> seen = preview(toml, folder, "nowhere")
    >>> [(entity, text, events) for entity, text, events, _ in seen.texts], seen.n_entities
    ([('u1', 'Shop\\ntea\\nmilk', 2), ('u2', 'Shop\\ntea', 1)], 2)
    """
    from ..recipes import entity_ids, locate, read_events
    from ..recipes.load import checked
    from ..serialize import serialize

    recipe = checked(tomllib.loads(toml), "the recipe", toml, folder)
    source, options = locate(recipe), recipe.texts.options()
    n_entities = len(entity_ids(recipe, source, options))
    count, counted = _tokenizer()
    read = read_events(recipe, source, options, min(SAMPLE, n_entities))
    rows = [row for batch in serialize(read, recipe, options) for row in batch.to_pylist()]
    sizes = [count(row["text"]) for row in rows]
    once = round(sum(min(size, MAX_LENGTH) for size in sizes) / max(1, len(sizes)) * n_entities)
    tuning = STEP_PRESETS["tiny_run"] * _STEP
    speed, rough = _speed(store)
    return Preview(
        tuple((r["entity_id"], r["text"], r["n_events"], n) for r, n in zip(rows[:SHOWN], sizes, strict=False)),
        n_entities,
        2 * once + tuning,
        counted,
        None if speed is None else (2 * once + TUNING * tuning) / speed,
        rough,
    )


def _tokenizer() -> tuple[Callable[[str], int], bool]:
    """What counts tokens, and whether it is the model's own: nothing is fetched for a preview."""
    from ..core.cache_folder import cache_dir

    file = cache_dir() / "models" / DEFAULT_MODEL / "tokenizer.json"
    if file.is_file():
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(file))
        return lambda text: len(tokenizer.encode(text).ids), True
    from ..embed.estimated_tokens import estimated_tokens

    return lambda text: len(estimated_tokens(text).starts), False


def _speed(store: str) -> tuple[float | None, bool]:
    """Tokens a second, and whether that is rough."""
    from llm4es_store import Store

    from ..models.devices import device_name, number_format

    try:
        recorded = tokens_a_second(Store(store))
    except StoreError:
        recorded = None
    if recorded is not None:
        return recorded, False
    here = {"dtype": number_format(LoadOptions()), "device": device_name(LoadOptions())}
    return rough_rate(None, {**_SHAPE, **here}), True
