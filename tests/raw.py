"""Raw files and small recipes for the tests that read them."""

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa

from llm4es.options import SerializeOptions
from llm4es.recipes import load_recipe, locate, read_events

ALL = SerializeOptions()

GROUPLENS = {
    "u.data": "2\t1\t5\t881250949\n1\t3\t3\t881250950\n2\t2\t1\t881250900\n1\t2\t4\t881250950\n",
    "u.item": "1|Toy Story (1995)|01-Jan-1995||http://x|0|0|0|1|1|1|0|0|0|0|0|0|0|0|0|0|0|0|0\n"
    "2|Misérables, Les (1995)|01-Jan-1995||http://x|0|0|0|0|0|0|0|0|1|0|0|0|1|0|0|0|0|0|0\n"
    "3|unknown||||1|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0\n",
    "u.user": "1|24|M|technician|85711\n2|53|F|other|94043\n3|29|M|writer|32067\n",
}
RECBOLE = {
    "ml-100k.inter": "user_id:token\titem_id:token\trating:float\ttimestamp:float\n" + GROUPLENS["u.data"],
    "ml-100k.item": "item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq\n"
    "1\tToy Story\t1995\tAnimation Children's Comedy\n2\tMisérables, Les\t1995\tDrama Musical\n"
    "3\tunkonwn\tunkonwn\tunknown\n",
    "ml-100k.user": "user_id:token\tage:token\tgender:token\toccupation:token\tzip_code:token\n"
    + GROUPLENS["u.user"].replace("|", "\t"),
}


def write(folder: Path, files: dict[str, str]) -> Path:
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name).write_bytes(text.encode("latin-1" if name == "u.item" else "utf-8"))
    return folder


def events(
    recipe: Path | str, data: Path | None = None, options: SerializeOptions = ALL, n: int | None = None
) -> pa.Table:
    loaded = load_recipe(str(recipe))
    return read_events(loaded, locate(loaded, data), options, n).read_all()


def maker(folder: Path) -> Callable[..., Path]:
    """Writes a small recipe and its CSV; keyword ``more`` is put behind the fields."""

    def make(csv: str, fields: str = 'name = "what"', entity: str = "user", time: str = "", more: str = "") -> Path:
        (folder / "events.csv").write_text(csv, encoding="utf-8")
        time = f"time = {time}" if time else ""
        recipe = folder / "mine.toml"
        recipe.write_text(
            f'name = "mine"\n[tables.events]\npath = "events.csv"\n[events]\nentity = "{entity}"\n{time}\n'
            f"[[fields]]\n{fields}\n{more}\n",
            encoding="utf-8",
        )
        return recipe

    return make
