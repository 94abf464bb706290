"""Exports that other tools take: names, files, changes, scores; against the raw table, LightGBM and DuckDB."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from llm4es import Project
from llm4es.core.errors import OptionError, ProbeError
from llm4es.features.column_names import column_names
from llm4es.features.feature_set import FeatureSet
from llm4es_store.maintenance import vacuum

from . import lenders
from .heard import Heard
from .shell import Call


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lender's store with imported vectors, which every test takes a copy of."""
    folder = tmp_path_factory.mktemp("lender")
    project = lenders.project(folder)
    ids = [f"c{i:03}" for i in range(lenders.N)]
    numbers = np.random.default_rng(0).normal(size=(lenders.N, 3)).astype(np.float32)
    project.import_vectors(
        pd.DataFrame({"id": ids, "a": numbers[:, 0], "b": numbers[:, 1], "c": numbers[:, 2]}), "Coles-X"
    )
    return folder / "store"


@pytest.fixture
def lender(place: Path, made: Path, heard: Heard) -> Project:
    shutil.copytree(made, place / "store")
    return Project("lender", place / "store", observer=heard)


def fetched(query: str) -> list[Any]:
    """Rows of files, by a plain DuckDB."""
    with duckdb.connect() as connection:
        return connection.execute(query).fetchall()


def test_names_are_plain_and_each_once() -> None:
    def some(name: str, width: int, *columns: str) -> FeatureSet:
        return FeatureSet(name, ["a"], np.zeros((1, width)), columns=columns)

    found = column_names(
        [
            some("m@8 [128 tokens]", 2),
            some("m@8 [full]", 1),
            some("8B/model", 1),
            some("tfidf", 6, "A b", "a_b", "a-B", "日本", "", "x" * 300),
            some("big", 1001),
        ]
    )
    names = [each.name for each in found]
    assert names[:4] == ["m_k8_128_tokens_000", "m_k8_128_tokens_001", "m_k8_full_000", "f_8b_model_000"]
    assert len({*names}) == len(names)
    assert all(re.fullmatch("[a-z0-9_]+", name) for name in names)
    assert names[7:9] == ["tfidf_003", "tfidf_004"]  # nothing of 日本 can be said in them
    assert [each.column for each in found[4:9]] == ["A b", "a_b", "a-B", "日本", ""]
    assert names[-1] == "big_1000"


def test_columns_hold_what_they_say(lender: Project) -> None:
    done = lender.export(features="tfidf,aggregates,counts,Coles-X")
    table, events = done.to_pandas().set_index("entity_id"), lenders.events()
    shops = pd.crosstab(events["customer"], events["shop"])
    paid = events.groupby("customer")["paid"]
    for shop in ("food", "fuel", "toys"):
        assert table[f"tfidf_{shop}"].tolist() == shops[shop].tolist()
    np.testing.assert_allclose(table["aggregates_paid_sum"], paid.sum(), rtol=1e-5)
    np.testing.assert_allclose(table["aggregates_paid_mean"], paid.mean(), rtol=1e-5)
    most = events["shop"].value_counts().sort_index().idxmax()
    np.testing.assert_allclose(table[f"aggregates_paid_n_shop_{most}"], shops[most])
    np.testing.assert_allclose(table["aggregates_paid_n_shop_rarer"], shops.drop(columns=most).sum(axis=1))
    np.testing.assert_allclose(table["counts_events"], np.log1p(events.groupby("customer").size()), rtol=1e-6)
    assert done.about["columns"]["tfidf_food"] == {"features": "tfidf", "column": "food"}
    assert done.about["columns"]["coles_x_001"] == {"features": "Coles-X", "column": "1"}
    assert list(done.about["columns"]) == [*table.columns]


def test_boosters_take_the_columns(lender: Project) -> None:
    trees = pytest.importorskip("lightgbm")
    frame = lender.export(features="tfidf,aggregates,Coles-X").to_pandas().set_index("entity_id")
    booster = trees.train({"verbose": -1, "num_threads": 1}, trees.Dataset(frame, frame.iloc[:, 0]), 2)
    assert booster.feature_name() == [*frame.columns]


def test_a_file_has_its_names_beside_it(place: Path, lender: Project, llm4es: Call) -> None:
    words = ("export", "lender", "--store", place / "store", "--features", "Coles-X,counts", "--out")
    code, _, err = llm4es(*words, "all.parquet")
    assert code == 0
    assert "80 rows, 6 columns in all.parquet; what they stand for in all.parquet.columns.json" in err
    beside = json.loads((place / "all.parquet.columns.json").read_text())
    assert [*beside["columns"]] == pq.read_schema(place / "all.parquet").names[1:]
    assert beside["dataset"] == "lender"
    assert llm4es(*words[:-3], "--out", "x.csv")[0] == 2
    assert not (place / "x.csv").exists()


def test_only_who_has_changed(place: Path, heard: Heard) -> None:
    first = lenders.project(place, heard)
    version = first.export(features="tfidf").about["version"]
    run = first.sql("SELECT run_id FROM runs ORDER BY version DESC LIMIT 1").to_pylist()[0]["run_id"]
    assert len(first.export(features="tfidf,counts", since=version)) == 0
    grown = lenders.project(place, heard, events=lenders.events(lenders.N + 1, more={4: 2}))
    for since in (version, run):
        done = grown.export(features="tfidf,counts", since=since)
        assert done.to_arrow()["entity_id"].to_pylist() == ["c004", "c080"]
        assert (done.about["since"], done.about["gone"]) == (version, [])
    whole = {row["entity_id"]: row for row in grown.export(features="tfidf,counts")}
    assert [*done] == [whole["c004"], whole["c080"]]
    fewer = lenders.project(place, heard, events=lenders.events(lenders.N - 1))
    assert fewer.export(features="counts", since=done.about["version"]).about["gone"] == ["c079", "c080"]
    assert len(fewer.export(features="counts", since="1")) in (0, lenders.N - 1)
    with pytest.raises(OptionError, match=r"--since 999: no such version, the store has 1 to .*, or the id of a run"):
        fewer.export(features="counts", since=999)
    with pytest.raises(OptionError, match="--since 'yesterday' is neither a version nor a time"):
        fewer.export(features="counts", since="yesterday")


def test_a_version_that_gc_dropped_is_one_line(place: Path) -> None:
    first = lenders.project(place)
    version = first.export(features="counts").about["version"]
    grown = lenders.project(place, events=lenders.events(more=dict.fromkeys(range(lenders.N), 1)))
    vacuum(grown.store, 0, False, "test")
    with pytest.raises(OptionError, match=f"--since {version}: what the store was then cannot be read any more"):
        grown.export(features="counts", since=version)


def test_folders_as_hive_has_them(place: Path, lender: Project, llm4es: Call) -> None:
    words = ("export", "lender", "--store", place / "store", "--features", "Coles-X,counts")
    parts = ("--layout", "long", "--partition-by", "model,k", "--out", place / "out")
    assert llm4es(*words, *parts)[0] == 0
    assert sorted(str(file.parent.relative_to(place / "out")) for file in (place / "out").rglob("*.parquet")) == [
        "model=coles_x/k=0",
        "model=counts/k=0",
    ]
    read = fetched(f"SELECT model, count(*) FROM read_parquet('{place}/out/**/*.parquet') GROUP BY ALL ORDER BY ALL")
    assert read == [("coles_x", 80), ("counts", 80)]
    assert json.loads((place / "out/_columns.json").read_text())["feature_sets"] == {
        "coles_x": "Coles-X",
        "counts": "counts",
    }
    assert llm4es(*words, *parts)[0] == 0  # the same folders once more: their rows are not doubled
    assert fetched(f"SELECT count(*) FROM read_parquet('{place}/out/**/*.parquet')") == [(160,)]
    assert llm4es(*words, "--partition-by", "date", "--out", place / "wide")[0] == 0
    wide = fetched(f"SELECT date, count(*) FROM read_parquet('{place}/wide/**/*.parquet') GROUP BY ALL")
    assert [n for _, n in wide] == [80]
    code, _, err = llm4es(*words, "--partition-by", "model", "--out", place / "never")
    assert code == 2
    assert "--partition-by model parts rows of single feature sets: give --layout long" in err
    (place / "mine").mkdir()
    (place / "mine/file").write_text("keep")
    code, _, err = llm4es(*words, *parts[:-1], place / "mine")
    assert code == 2
    assert "holds something else than an export in partitions" in err
    assert [file.name for file in (place / "mine").iterdir()] == ["file"]


def test_scores(lender: Project) -> None:
    with pytest.raises(ProbeError, match="no scores of 'lender': run `llm4es predict lender` first"):
        lender.export(scores=True)
    with pytest.raises(OptionError, match="--scores takes no --features"):
        lender.export(scores=True, features="counts")
    with pytest.raises(OptionError, match="--features is missing: name what to export"):
        lender.export()
    few: dict[str, Any] = {"folds": 3, "repeats": 1, "bootstrap": 20}
    lender.predict("plan", features="counts", **few)
    done = lender.export(scores=True, task="plan")
    first = next(iter(done))
    kept = lender.sql("SELECT score FROM scores ORDER BY entity_id LIMIT 1").to_pylist()[0]["score"]
    assert [first[f"score_{plan}"] for plan in ("basic", "gold", "silver")] == kept
    assert done.about["columns"]["score_gold"] == {"column": "gold"}
    assert len(done) == lenders.N
    version = done.about["version"]
    assert len(lender.export(scores=True, since=version)) == 0
    lender.predict("left", features="counts", **few)
    fresh = lender.export(scores=True, since=version)
    assert {row["task"] for row in fresh} == {"left"}
    assert len(fresh) == lenders.N


@pytest.mark.parametrize("layout", ["wide", "long"])
def test_a_few_entities_at_a_time_give_the_same(lender: Project, monkeypatch: pytest.MonkeyPatch, layout: str) -> None:
    asked = {"features": "tfidf,counts,majority,Coles-X", "layout": layout}
    whole = lender.export(**asked).to_arrow()
    monkeypatch.setattr("llm4es.project.export_blocks.MOST_ROWS", 7)
    parts = lender.export(**asked)
    assert max(batch.num_rows for batch in parts.reader(5)) == 5
    assert len(parts) == whole.num_rows
    assert parts.to_arrow().equals(whole)


def test_what_is_written_meanwhile_does_not_show(lender: Project) -> None:
    before = lender.export(features="Coles-X").to_arrow()
    rows = lender.export(features="Coles-X").reader(1)
    changed = before.to_pandas().head(70).rename(columns={"entity_id": "id"})  # ten are gone, one has another vector
    changed.iloc[0, 1] += 1
    lender.import_vectors(changed, "Coles-X")
    assert rows.read_all().equals(before)
    assert len(lender.export(features="Coles-X").to_arrow()) == 70


def test_words_have_one_vocabulary_whatever_the_block(lender: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llm4es.project.export_blocks.MOST_ROWS", 7)
    bought = lenders.events().groupby(["customer", "shop"]).size().unstack(fill_value=0)
    done = lender.export(features="counts,words").to_arrow()
    rows = done.select(["entity_id", "words_food", "words_fuel", "words_toys"]).to_pylist()
    assert {row.pop("entity_id"): [int(n) for n in row.values()] for row in rows} == {
        customer: bought.loc[customer, ["food", "fuel", "toys"]].tolist() for customer in bought.index
    }
