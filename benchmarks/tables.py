"""Real tables of event histories: what ``init`` chooses and doubts, and whether every text cell is the raw table's.

    python benchmarks/tables.py FILE ...

The check reads each file with pandas, every value a text, and looks for each line of the texts in it: the multiset of
what the texts show (numbers compared as decimals, dates as days) must be the multiset that the raw rows give.
"""

import sys
import tempfile
from collections import Counter
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from pathlib import Path

import pandas as pd
import pyarrow as pa

from llm4es.core.errors import Llm4esError
from llm4es.recipes import Recipe, load_recipe, locate, read_events
from llm4es.recipes.field_names import field_name
from llm4es.recipes.init import draft_recipe
from llm4es.serialize import serialize


def main() -> None:
    """Draft, read and compare each file."""
    for file in map(Path, sys.argv[1:]):
        with tempfile.TemporaryDirectory() as folder:
            try:
                draft = draft_recipe(file.absolute(), folder=file.absolute().parent)
                path = Path(folder, "r.toml")
                path.write_text(draft.toml, encoding="utf-8")
                recipe = load_recipe(path)
                source = locate(recipe, file.absolute().parent)
                options = recipe.texts.options()
                events = read_events(recipe, source, options)
                texts = pa.Table.from_batches(serialize(events, recipe, options))
            except Llm4esError as error:
                print(f"{file.name}: refused: {error}")
                continue
        cells, wrong, shown = compare(recipe, texts, raw_rows(file))
        time = recipe.events.time and f"{recipe.events.time.column} ({recipe.events.time.format})"
        print(f"{file.name}: {texts.num_rows} of {recipe.events.entity}, time {time}, item {recipe.item}, ", end="")
        print(f"amount {recipe.amount}: {cells} cells, {wrong} wrong{shown}")
        for doubt in draft.unsure:
            print(f"    unsure: {doubt}")


def raw_rows(file: Path) -> pd.DataFrame:
    """The raw table as texts, by pandas alone."""
    if file.suffix == ".json":
        return pd.read_json(file, dtype=False).astype(str)
    separator = "\t" if file.suffix in (".tsv", ".inter") else ","
    rows = pd.read_csv(file, dtype=str, keep_default_na=False, sep=separator)
    return rows.rename(columns=lambda name: name.partition(":")[0] if file.suffix == ".inter" else name)


def compare(recipe: Recipe, texts: pa.Table, rows: pd.DataFrame) -> tuple[int, int, str]:
    """How many cells were compared, how many are not in the raw table as often, and the first such."""
    fields = [field for field in recipe.text_fields() if field.derive is None]
    by_name = {name.strip().strip('"'): name for name in rows.columns}
    titles = [field.title for field in recipe.text_fields()]
    seen: Counter[tuple[str, str]] = Counter()
    for text in texts["text"].to_pylist():
        for line in text.splitlines()[1:]:
            values = dict(zip(titles, line.split(" | "), strict=True))
            seen.update((field.name, plain(values[field.title])) for field in fields)
    raw: Counter[tuple[str, str]] = Counter()
    for field in fields:
        name = (field.column or field.name).strip('"')
        if name not in by_name:  # an expression: numbers with words where there is none
            name = next(each for each in by_name if field_name(each, set()) == field.name)
        values = rows[by_name[name]].replace("NA", "") if name != field.column else rows[by_name[name]]
        raw.update((field.name, plain(value)) for value in values)
    wrong = seen - raw
    return seen.total(), wrong.total(), f", such as {next(iter(wrong))}" if wrong else ""


def plain(value: str) -> str:
    """A value as it is compared: numbers by their amount to four decimals, as the texts show them at most."""
    try:
        return str(Decimal(value).quantize(Decimal("1.0000"), ROUND_HALF_UP).normalize() + 0)
    except InvalidOperation:
        return " ".join(value.replace("\\", "").split())


if __name__ == "__main__":
    main()
