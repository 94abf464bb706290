"""Edges of bins against scikit-learn's quantiles, and values of every awkward kind."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.preprocessing import KBinsDiscretizer

from llm4es.options import SerializeOptions
from llm4es.recipes import load_recipe, locate, read_events, read_splits
from llm4es.recipes.bin_edges import BinEdges
from llm4es.serialize import serialize

from . import raw


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Path]:
    return raw.maker(tmp_path)


def fitted(path: Path, n: int | None = None) -> tuple[dict[str, tuple[float, ...]], int]:
    recipe = load_recipe(str(path))
    edges = BinEdges(recipe.counted_bins())
    read_events(recipe, locate(recipe), SerializeOptions(), n, edges).close()
    return edges.edges, edges.n_entities


def words(path: Path) -> dict[str, list[str]]:
    """Entity -> what its text says of each event."""
    recipe = load_recipe(str(path))
    edges = BinEdges(recipe.counted_bins())
    rows = read_events(recipe, locate(recipe), SerializeOptions(), edges=edges)
    texts = serialize(rows, recipe.with_edges(edges.edges), SerializeOptions())
    return {row["entity_id"]: row["text"].split("\n")[1:] for batch in texts for row in batch.to_pylist()}


@pytest.mark.parametrize("n_bins", [2, 5, 7])
def test_edges_are_quantiles_of_those_who_train(make: Callable[..., Path], n_bins: int) -> None:
    rng = np.random.default_rng(3)
    rows = [(f"u{user}", value) for user in range(40) for value in rng.lognormal(3, 1, 10).round(4)]
    csv = "user,x\n" + "".join(f"{user},{value}\n" for user, value in rows)
    path = make(csv, f'name = "x"\ntype = "number"\nbins = {n_bins}')
    recipe = load_recipe(str(path))
    splits = read_splits(recipe, read_events(recipe, locate(recipe), SerializeOptions()).read_all()["entity_id"])
    train = {row["entity_id"] for row in splits.to_pylist() if row["split"] == "train"}
    assert 20 < len(train) < 40
    edges, n_entities = fitted(path)
    assert n_entities == len(train)
    values = np.array([value for user, value in rows if user in train])
    peer = KBinsDiscretizer(n_bins, encode="ordinal", strategy="quantile", quantile_method="inverted_cdf").fit(
        values[:, None]
    )
    ours = np.searchsorted(edges["x"], values, side="right")
    counts = np.bincount(ours, minlength=n_bins)
    assert np.abs(counts - np.bincount(peer.transform(values[:, None])[:, 0].astype(int))).max() <= 1
    np.testing.assert_allclose(edges["x"], np.quantile(values, np.arange(1, n_bins) / n_bins), rtol=0.1)


@pytest.mark.parametrize(
    ("values", "field", "edges"),
    [
        ("0,0,0,0,0,0,1,2,3,4", 'type = "integer"\nbins = 5', (1.0, 3.0)),  # six of ten are 0: three words are left
        ("7,7,7,7", 'type = "integer"\nbins = 5', ()),
        ("1,2", 'type = "integer"\nbins = 5', (2.0,)),
        ("-3,-2,-1,1,2,3", 'type = "integer"\nbins = 3', (-1.0, 2.0)),
        (",,", 'type = "number"\nbins = 3', ()),
        (",1,,2,", 'type = "number"\nbins = 2', (2.0,)),
        ("0,1.718281828459045", 'type = "text"\nderive = "log"\nfrom = "x"\nbins = 2', (1.0,)),
    ],
)
def test_awkward_values(make: Callable[..., Path], values: str, field: str, edges: tuple[float, ...]) -> None:
    csv = "user,x\n" + "".join(f'a,"{value}"\n' for value in values.split(","))
    found, _ = fitted(
        make(csv, f'name = "y"\nfrom = "x"\n{field}'.replace('from = "x"\ntype = "text"', 'type = "text"'))
    )
    np.testing.assert_allclose(found["y"], edges)


def test_words_of_few_bins_of_missing_values_and_of_one(make: Callable[..., Path]) -> None:
    csv = "user,x\n" + "".join(f"a,{value}\n" for value in ["0", "0", "0", "", "5", "9"])
    settings = 'name = "x"\ntype = "number"\nbins = 5\nunit = "EUR"\nmissing = "unknown"'
    assert words(make(csv, settings)) == {"a": ["small", "small", "small", "unknown", "medium", "large"]}
    assert words(make("user,x\na,1\na,1\n", settings)) == {"a": ["medium", "medium"]}


def test_gaps_are_binned_as_the_events_have_them(make: Callable[..., Path]) -> None:
    days = [1, 2, 4, 8, 16]
    csv = "user,at\n" + "".join(f"{user},2024-01-{day:02}\n" for user in "ba" for day in days)
    path = make(csv, 'name = "gap"\nderive = "gap_days"\nbins = 4\nmissing = "first"', time='{ from = "at" }')
    assert fitted(path)[0] == {"gap": (2.0, 4.0, 8.0)}
    assert words(path)["a"] == ["first", "very small", "small", "large", "very large"]


def test_nobody_trains(make: Callable[..., Path]) -> None:
    path = make(
        "user,x\na,1\nb,2\n",
        'name = "x"\ntype = "number"\nbins = 2',
        more="[splits.hash]\ntest = 0.5\nvalidation = 0.5",
    )
    assert fitted(path) == ({"x": (2.0,)}, 2)


def test_a_sample_is_fitted_on_the_sample(make: Callable[..., Path]) -> None:
    csv = "user,x\n" + "".join(f"u{n},{n}\n" for n in range(100))
    path = make(csv, 'name = "x"\ntype = "number"\nbins = 2')
    some, n_some = fitted(path, 10)
    every, n_all = fitted(path)
    assert n_some < 11 < n_all < 100
    assert some != every


def test_numbers_that_are_not_finite_are_refused_as_without_bins(make: Callable[..., Path]) -> None:
    for value in ("nan", "inf"):
        with pytest.raises(Exception, match=f"row 1 has '{value}', which is not a finite number"):
            fitted(make(f"user,x\na,{value}\n", 'name = "x"\ntype = "number"\nbins = 2'))


def test_bins_of_a_text_are_refused_in_a_line(make: Callable[..., Path]) -> None:
    message: Any = r"mine.toml: fields.0: 'bins' is for fields of type 'integer' or 'number', and for logarithms"
    with pytest.raises(Exception, match=message) as caught:
        load_recipe(str(make("user,x\na,1\n", 'name = "x"\nbins = 2')))
    assert "\n" not in str(caught.value)
