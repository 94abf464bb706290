"""Probing and comparing from the command line: depths from kept layers, leaks, sizes, costs, and bad words."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from llm4es.core.errors import OptionError, ProbeError
from llm4es.models import load as loading
from llm4es_store import Store

from . import shop, tiny
from .shell import invoke

CUSTOMERS = 30
FEW = ("--folds", "3", "--repeats", "1")


class Place:
    """A store with texts, vectors of a model and of one tuned from it, the base's layers kept."""

    def __init__(self, folder: Path) -> None:
        self.store, self.recipe = folder / "store", shop.write(folder / "shop", CUSTOMERS)

    def __call__(self, command: str, *words: object) -> tuple[str, str]:
        done = invoke(command, self.recipe, *words, "--store", self.store)
        return done.stdout, done.stderr

    def rows(self, command: str, *words: object) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self(command, *words, "--format", "json")[0])
        return found


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    folder = tmp_path_factory.mktemp("probe")
    here, base = Place(folder), tiny.save(folder / "base")
    here("serialize")
    here("finetune", "--model", base, "--steps", "1", "--max-length", "64", "--texts", "raw", "--name", "tuned")
    here("embed", "--model", "tuned", "--k", "1", "--max-length", "64")
    here("embed", "--model", base, "--k", "1", "--max-length", "64", "--layers", "keep")
    return here


@pytest.fixture
def no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise AssertionError("a probe needs no model")

    monkeypatch.setattr(loading, "load_model", refused)


@pytest.mark.usefixtures("no_model")
def test_depths_and_layers_are_made_from_what_is_kept(place: Place) -> None:
    done = place.rows("probe", *FEW, "--k", "2,all", "--layers", "all", "--dry-run")
    depth = max(row[0] for row in Store(place.store).sql("SELECT DISTINCT layer FROM layers").fetchall())
    # tuned has one depth, its deepest; the base has k = 2, all of its layers, and each layer alone
    vectors = 1 + len({2, depth}) + depth
    assert done[0]["rows"] == vectors + len(("tfidf", "words", "words-aligned", "counts", "recency", "majority"))
    place("probe", *FEW, "--k", "2", "--layers", "1,2")
    names = {name for (name,) in Store(place.store).sql("SELECT DISTINCT features FROM probes").fetchall()}
    assert {"base@2 [64 tokens]", "base@layer1 [64 tokens]", "base@layer2 [64 tokens]", "tfidf"} <= names


@pytest.mark.usefixtures("no_model")
def test_a_depth_from_kept_layers_is_their_mean(place: Place, tmp_path: Path) -> None:
    out = tmp_path / "vectors.json"
    place("export", "--features", "base@2", "--layout", "long", "--out", out)
    exported = {row["entity_id"]: row["vector"] for row in json.loads(out.read_text())}
    last: dict[str, list[list[float]]] = {}
    for entity, vector in (
        Store(place.store)
        .sql("SELECT entity_id, vector FROM layers WHERE layer > (SELECT max(layer) - 2 FROM layers)")
        .fetchall()
    ):
        last.setdefault(entity, []).append(vector)
    assert len(exported) == len(last) == CUSTOMERS
    for entity, vectors in last.items():
        assert exported[entity] == pytest.approx(np.mean(vectors, axis=0).tolist(), abs=1e-6)


def test_seen_entities_are_warned_of_whatever_is_probed_last(place: Place) -> None:
    _, said = place("probe", *FEW, "--features", "tuned@1,majority")
    seen = Store(place.store).sql("SELECT count(*) FROM exposures").fetchall()[0][0]
    assert f"warning: {seen} of {CUSTOMERS} scored entities were seen in tuning" in said
    rows = {row["features"]: row for row in place.rows("compare", "--common")}
    assert (rows["tuned@1 [64 tokens]"]["n_seen"], rows["majority"]["n_seen"]) == (seen, 0)
    unseen = place.rows("compare", "--common", "--unseen-only")
    assert {row["n"] for row in unseen} == {CUSTOMERS - seen}


def test_what_features_cost_stands_beside_them(place: Place) -> None:
    place("probe", *FEW, "--features", "base@1+tfidf,tfidf,base@1")
    rows = {row["features"]: row for row in place.rows("compare", "--reference", "tfidf")}
    alone, both, bag = rows["base@1 [64 tokens]"], rows["base@1 [64 tokens]+tfidf"], rows["tfidf"]
    assert bag["dimensions"] == len(shop.PRODUCTS)
    assert bag["tokens"] == 0
    assert both["dimensions"] == alone["dimensions"] + bag["dimensions"]
    ((tokens,),) = Store(place.store).sql("SELECT sum(n_tokens) FROM embeddings WHERE model = 'base'").fetchall()
    assert alone["tokens"] == both["tokens"] == tokens
    assert alone["seconds"] > 0


def test_probes_are_compared_one_kind_at_a_time(place: Place) -> None:
    place("probe", *FEW, "--features", "tfidf,majority")
    place("probe", *FEW, "--features", "tfidf", "--probe", "knn")
    assert [(row["features"], row["probe"]) for row in place.rows("compare")] == [("tfidf", "knn")]
    found = place.rows("compare", "--probe", "logistic", "--common")
    assert {row["probe"] for row in found} == {"logistic"}
    assert {"tfidf", "majority"} <= {row["features"] for row in found}
    with pytest.raises(ProbeError, match=r"no probes of 'loyal' by protocol 'ptls' by probe 'mlp' in the store: run"):
        place("compare", "--probe", "mlp", "--protocol", "ptls")


def test_sizes_are_kept_apart_and_sum_to_a_curve(place: Place) -> None:
    done = place.rows("probe", *FEW, "--features", "tfidf", "--sizes", "6,12")
    assert [row["computed"] for row in done] == [1, 1]
    found = Store(place.store).sql("SELECT DISTINCT protocol FROM probes WHERE protocol LIKE 'cv@%' ORDER BY 1")
    assert found.fetchall() == [("cv@12",), ("cv@6",)]


def test_who_is_missing_is_counted(place: Place, tmp_path: Path) -> None:
    vectors = tmp_path / "few.csv"
    lines = [f"c{i},{i % 3},{i % 5}" for i in range(20)] + ["nobody,1,2"]
    vectors.write_text("\n".join(["entity_id,a,b", *lines]) + "\n")
    invoke("import", vectors, "--name", "few", "--dataset", "shop", "--store", place.store)
    _, said = place("probe", *FEW, "--features", "few,tfidf")
    assert "loyal, few: left out: 10 labelled entities without these features" in said
    with pytest.raises(ProbeError, match=r"on different entities .* or cut to the common ones with --common"):
        place("compare")
    _, said = place("compare", "--common")
    assert "warning: loyal: the feature sets were probed on 20 to 30 entities" in said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--features", "base@9"), r"--features 'base@9' is not in the store: there are "),
        (("--features", "base@x"), r"--features 'base@x' cannot be read: give embedding:MODEL@K"),
        (("--features", "tfidf", "--k", "1"), r"--features names the depths already: leave out --k and --layers"),
        (("--k", "77"), r"--k 77 is neither embedded nor can it be made from kept layers: there are 1, 2"),
        (("--layers", "77"), r"--layers 77 is not kept: give numbers from 1 to \d+, or all"),
        (("--layers", "first"), r"--layers 'first' is no number of layers: give 1 or more, or 'all'"),
        (("--sizes", "0"), r"--sizes 0 is below 2: give 2 or more"),
        (("--task", "age"), r"--task 'age' is none of 'shop''s: there are loyal"),
        (("--task", "loyl"), r"--task 'loyl' is none of 'shop''s: there are loyal; did you mean 'loyal'\?"),
        (("--features", "tfdif"), r"--features 'tfdif' is not in the store: there are .*; did you mean 'tfidf'\?"),
        (("--protocol", "year"), r"--protocol 'year' is unknown: choose one of cv, holdout, ptls"),
        (("--probe", "forest"), r"--probe 'forest' is unknown: choose one of logistic"),
        (("--folds", "20"), r"class '\w+' has 15 members for 20 folds: give more labels, or fewer folds: llm4es probe"),
        (("--sizes", "29"), r"--sizes 29 is more than the \d+ entities that a fit is trained on: give less"),
    ],
)
def test_bad_words(place: Place, words: tuple[str, ...], message: str) -> None:
    with pytest.raises((OptionError, ProbeError), match=message):
        place("probe", *FEW[2:], *(() if "--folds" in words else FEW[:2]), *words)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--protocol", "cvv"), r"--protocol 'cvv' is unknown: choose one of cv, holdout, .*; did you mean 'cv'\?"),
        (("--probe", "logistics"), r"--probe 'logistics' is unknown: choose one of .*; did you mean 'logistic'\?"),
        (("--metric", "roc"), r"--metric 'roc' was not computed: choose one of .*; did you mean 'roc_auc'\?"),
        (
            ("--reference", "tfdf", "--common"),
            r"--reference 'tfdf' was not probed: choose one of .*; did you mean 'tfidf'\?",
        ),
    ],
)
def test_names_near_what_can_be_compared(place: Place, words: tuple[str, ...], message: str) -> None:
    place("probe", *FEW, "--features", "tfidf,majority")
    with pytest.raises(ProbeError, match=message):
        place("compare", *words)


def test_a_refused_probe_is_not_what_settings_are_compared_with(place: Place) -> None:
    place("probe", *FEW, "--features", "counts")
    with pytest.raises(ProbeError, match="for 1000 folds"):
        place("probe", "--features", "counts", "--folds", "1000", "--repeats", "1")
    done = place.rows("probe", "--features", "counts", "--folds", "4", "--repeats", "1", "--dry-run")
    assert "folds 3 \u2192 4" in done[0]["why"]


def test_a_label_that_the_texts_show_is_warned_of(tmp_path: Path) -> None:
    here = Place(tmp_path)
    here.recipe.write_text(
        shop.RECIPE
        + """
[tasks.drinks]
kind = "binary"
table = "events"
entity = "customer"
label = "CASE WHEN amount IS NOT NULL AND right(customer, 1) < '5' THEN 'yes' ELSE 'no' END"
"""
    )
    here("serialize")
    _, said = here("probe", *FEW, "--features", "tfidf")
    assert "the label of task 'drinks' is made from amount, which the texts show" in said
    assert "the label of task 'loyal' is made from" not in said


def test_features_that_cannot_carry_a_task_keep_no_others_from_it(place: Place, tmp_path: Path) -> None:
    vectors = tmp_path / "three.csv"
    vectors.write_text("entity_id,a\nc1,1\nc3,2\nc5,3\n")
    invoke("import", vectors, "--name", "three", "--dataset", "shop", "--store", place.store)
    out, said = place("probe", *FEW, "--seed", "5", "--format", "json")
    assert "warning: three is left out of loyal: task 'loyal' has one label only, 'yes', among 3 entities" in said
    (stage,) = json.loads(out)
    assert stage["computed"] == stage["rows"] - 1
    invoke("import", vectors, "--name", "again", "--dataset", "shop", "--store", place.store)
    _, said = place("probe", *FEW, "--seed", "6")
    first = next(line for line in said.splitlines() if " left out of loyal" in line)  # one cause, one line
    assert "and 1 more are left out of loyal: task 'loyal' has one label only, 'yes'" in first
    assert said.count("left out of loyal") == 1
    with pytest.raises(ProbeError, match="one label only, 'yes', among 3 entities: a probe needs two"):
        place("probe", *FEW, "--features", "three")
