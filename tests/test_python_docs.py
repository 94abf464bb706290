"""docs/python.md: every example runs, in order, and prints what the page shows.

The built-in model's place in the cache holds a model of random weights with as many layers, and MovieLens' place some
users' ratings: no example needs the network.
"""

import ast
import contextlib
import doctest
import io
import json
import random
import re
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoModelForCausalLM, LlamaConfig

import llm4es
from llm4es_cli.main import main

from . import shop, tiny

PAGE = (Path(__file__).parent.parent / "docs/python.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def built_in_model(cache: Path) -> None:
    """A small model in the cache where the built-in one lies: its 30 layers and 8192 tokens, one token a byte."""
    folder = cache / "models" / "smollm2-135m"
    config = LlamaConfig(
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=30,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=8192,
        **tiny.SIZES,
    )
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    tiny.byte_tokenizer().save_pretrained(folder)
    (folder / "made_from.json").write_text(json.dumps({"file": "tiny", "sha256": "0"}))


def movielens(cache: Path, users: int = 24, films: int = 12) -> None:
    """Ratings in the cache where those of MovieLens lie."""
    folder = cache / "data" / "movielens-100k" / "grouplens"
    folder.mkdir(parents=True)
    draw = random.Random(0)
    ratings = [(user, film) for user in range(1, users + 1) for film in draw.sample(range(1, films + 1), 4)]
    rows = [f"{user}\t{film}\t{draw.randint(1, 5)}\t{881250900 + n}" for n, (user, film) in enumerate(ratings)]
    genres = "|".join(["0"] * 18)
    (folder / "u.data").write_text("\n".join(rows) + "\n")
    titles = (f"{film}|Film {film} (1995)|01-Jan-1995||x|1|{genres}\n" for film in range(1, films + 1))
    (folder / "u.item").write_text("".join(titles), encoding="latin-1")
    people = (f"{user}|{20 + user}|{'MF'[user % 2]}|writer|85711\n" for user in range(1, users + 1))
    (folder / "u.user").write_text("".join(people))


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in: the shop's files, and a cache where nothing has to be fetched."""
    monkeypatch.setenv("LLM4ES_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("LLM4ES_STORE", raising=False)
    built_in_model(tmp_path / "cache")
    movielens(tmp_path / "cache")
    shop.write(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def printed(code: str, names: dict[str, Any]) -> str:
    """What a block prints, and then what its last line is, as a notebook shows it."""
    tree = ast.parse(code)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    with contextlib.redirect_stdout(io.StringIO()) as out:
        exec(compile(tree, "docs/python.md", "exec"), names)
        value = eval(ast.unparse(last), names) if last is not None else None
        out.write("" if value is None else repr(value))
    return out.getvalue()


def call(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", shlex.split(line))
    with pytest.raises(SystemExit) as ended, contextlib.redirect_stdout(io.StringIO()) as out:
        main()
    assert not ended.value.code
    assert out.getvalue()


def test_every_example_does_what_the_page_shows(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names: dict[str, Any] = {"__name__": "docs"}
    shown = ""
    compared = 0
    for language, text in BLOCKS:
        if language == "python":
            shown = printed(text, names)
        elif language == "sh":
            for line in text.splitlines():
                call(line, monkeypatch)
        else:
            assert language == "text"
            assert doctest.OutputChecker().check_output(text, shown, FLAGS), f"shown:\n{text}\nprinted:\n{shown}"
            compared += 1
    assert compared >= 15
    first = llm4es.Project("movielens-100k", store="llm4es-store")  # the page's first block, whose results it tells
    ids, vectors = first.vectors("smollm2-135m", k=8)
    assert (len(ids), vectors.shape, str(vectors.dtype)) == (24, (24, 32), "float32")
    assert first.store.sql("SELECT k, count(*) FROM embeddings GROUP BY k ORDER BY k").fetchall() == [
        (1, 24),
        (8, 24),
        (30, 24),
    ]
    assert {row["features"].partition(" ")[0] for row in first.compare("gender")} >= {"smollm2-135m@8", "tfidf"}
    assert "<table>" in first.compare("gender")._repr_html_()


def test_the_table_of_methods_is_of_methods_that_are_there() -> None:
    rows = re.findall(r"^\| (`\w+\(.*?) \|", PAGE, re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`(\w+)\(", row)}
    public = {name for name in dir(llm4es.Project) if not name.startswith("_")} - {"from_frame", "store", "recipe"}
    assert named == public
