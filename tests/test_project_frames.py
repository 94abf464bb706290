"""Frames as datasets: ``Project.from_frame`` and ``llm4es.encode``, and wrong input in a line each."""

import shutil
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from typer.testing import CliRunner

import llm4es
from llm4es import Project
from llm4es.core.errors import DataError, Llm4esError, ModelError, OptionError, RecipeError, StoreError
from llm4es_cli.main import app
from llm4es_store import Store

from . import tiny


def bank(n: int = 12) -> pd.DataFrame:
    """Payments of ``n`` customers, mixed up, with an index that says nothing and a column that nobody needs."""
    rows = [
        {"customer": f"c{c}", "at": pd.Timestamp("2026-01-01") + pd.Timedelta(days=3 * v + c),
         "mcc": "xyz"[(c + v) % 3],
         "amount": c + v / 4, "note": None}
        for c in range(n) for v in range(2 + c % 3)
    ]  # fmt: skip
    return pd.DataFrame(rows).sample(frac=1, random_state=0).set_index(pd.Index(range(100, 100 + len(rows))))


def labels(n: int = 12) -> pd.DataFrame:
    return pd.DataFrame({"customer": [f"c{c}" for c in range(n)], "churn": [c % 2 for c in range(n)]})


@pytest.mark.parametrize("kind", [pd.DataFrame, pl.from_pandas, pa.Table.from_pandas, "duckdb"])
def test_frames_of_any_kind_give_the_same_dataset(place: Path, kind: Any) -> None:
    events = bank()
    frame = duckdb.from_df(events) if kind == "duckdb" else kind(events)
    made = Project.from_frame(
        frame, name="bank", entity="customer", time="at", fields=["mcc", "amount"], labels=labels(),
        tasks={"churn": "binary"}, store=place / "store", observer="silent",
    )  # fmt: skip
    assert made.serialize().computed == 12
    ((text,),) = made.store.sql("SELECT text FROM texts WHERE entity_id = 'c0'").fetchall()
    assert text.splitlines() == ["Mcc | Amount", "x | 0", "y | 0.25"]
    assert made.store.sql("SELECT label, count(*) FROM labels GROUP BY 1 ORDER BY 1").fetchall() == [("0", 6), ("1", 6)]


@pytest.mark.parametrize(
    ("ids", "back"),
    [
        (pa.array([10, 9, 10, 2]), [2, 9, 10]),
        (pa.array([10, 9, 10, 2], pa.uint16()), [2, 9, 10]),
        (pa.array([10.0, 9.0, 10.0, 2.0]), [2.0, 9.0, 10.0]),
        (pa.array([True, False, True, True]), [False, True]),
        (pa.array(["10", "9", "10", "2"]).dictionary_encode(), ["10", "2", "9"]),
    ],
)
def test_encode_gives_ids_back_in_their_own_type(ids: pa.Array, back: list[Any], model: Path) -> None:
    events = pa.table({"customer": ids, "mcc": ["tea", "milk", "rice", "salt"]})
    options: dict[str, Any] = {"entity": "customer", "model": str(model), "k": 1, "observer": "silent"}
    vectors = llm4es.encode(events, **options)
    assert vectors["entity_id"].to_pylist() == back
    as_texts = events.set_column(0, "customer", ids.cast(pa.string()))
    of_texts = {row["entity_id"]: row["vector"] for row in llm4es.encode(as_texts, **options).to_pylist()}
    wanted = [of_texts[text] for text in pa.array(back, vectors["entity_id"].type).cast(pa.string()).to_pylist()]
    np.testing.assert_allclose(vectors["vector"].to_pylist(), wanted, atol=1e-5)
    frame = events.to_pandas()
    assert len(frame.merge(llm4es.encode(frame, **options), left_on="customer", right_on="entity_id")) == 4


def test_a_task_is_known_by_the_column_it_was_made_of(place: Path) -> None:
    churn = labels().rename(columns={"churn": "will churn?"})
    project = Project.from_frame(
        bank(), name="bank", entity="customer", time="at", labels=churn, store=place / "store", observer="silent"
    )
    project.serialize()
    options: dict[str, Any] = {"features": "counts", "folds": 2, "repeats": 1, "bootstrap": 20}
    (first,) = project.probe("will churn?", **options)
    assert (first.what, first.computed) == ("will_churn", 1)
    (again,) = project.probe("will_churn", **options)
    assert again.computed == 0
    refused(lambda: project.probe("will stay?"), OptionError, "'will stay?' is none of 'bank''s: there are will_churn")


def test_a_task_that_two_columns_could_mean_is_asked_for_by_its_own_name(place: Path) -> None:
    churn = labels().rename(columns={"churn": "will churn?"})
    twice = churn.assign(**{"will churn!": churn["will churn?"]})
    project = Project.from_frame(
        bank(), name="bank", entity="customer", time="at", labels=twice, store=place / "store", observer="silent"
    )
    project.serialize()
    refused(lambda: project.probe("will churn!"), OptionError, "there are will_churn, will_churn_")


def test_a_project_of_a_frame_goes_on_from_the_command_line_by_its_name(place: Path, model: Path) -> None:
    store = place / "store"
    made = Project.from_frame(
        bank(), name="bank", entity="customer", time="at", labels=labels(), store=store, observer="silent"
    )
    made.serialize()
    words = f"run bank --store {store} --model {model} --max-length 64 --k 1 --finetune none -q".split()
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    compared = CliRunner().invoke(app, ["compare", "bank", "--store", str(store), "-q", "--format", "csv"])
    assert "tinyllama@1" in compared.stdout
    moved = place / "moved"
    shutil.move(store, moved)  # the frames go along with the store
    again = Project("bank", moved, observer="silent")
    assert again.serialize().computed == 0
    assert again.serialize(max_events=1).computed == 12


@pytest.mark.parametrize("option", [{"engine": "openai"}, {"store_as": "int8"}, {"layers": "keep"}])
def test_encode_takes_no_option_of_what_is_kept_or_asked_of_a_server(option: dict[str, str]) -> None:
    with pytest.raises(OptionError, match=f"encode takes no {next(iter(option))}: .* give it to Project.embed"):
        llm4es.encode(bank(), entity="customer", model="nowhere", **option)


def test_encode_is_a_frame_in_and_a_frame_out(place: Path, model: Path) -> None:
    options: dict[str, Any] = {"entity": "customer", "time": "at", "model": str(model), "k": 2, "observer": "silent"}
    vectors = llm4es.encode(bank(), **options)
    assert isinstance(vectors, pd.DataFrame)
    assert list(vectors.columns) == ["entity_id", "vector"]
    assert isinstance(llm4es.encode(pl.from_pandas(bank()), **options), pl.DataFrame)
    assert {path.name for path in place.iterdir()} <= {"cache"}
    made = Project.from_frame(
        bank(), name="bank", entity="customer", time="at", store=place / "store", observer="silent"
    )
    made.serialize()
    made.embed(model=str(model), k=2, max_length=256)
    ids, matrix = made.vectors("tinyllama", k=2)
    assert vectors["entity_id"].tolist() == ids.to_pylist()
    np.testing.assert_allclose(np.stack(vectors["vector"].tolist()), matrix, atol=1e-5)


def test_frames_that_are_refused_leave_those_of_yesterday(place: Path) -> None:
    store, good = place / "store", bank()

    def project(events: pd.DataFrame) -> Project:
        return Project.from_frame(
            events, name="bank", entity="customer", time="at", labels=labels(), store=store, observer="silent"
        )

    project(good).serialize()
    files = {path: path.read_bytes() for path in (store / "raw").rglob("*.parquet")}
    assert len(files) == 2
    for column, value in (("customer", None), ("customer", ""), ("at", pd.NaT), ("amount", float("inf"))):
        bad = good.assign(**{column: [value, *good[column][1:]]})
        refused(lambda bad=bad: project(bad), DataError, f"(1 of {len(good)} rows)")
        assert {path: path.read_bytes() for path in (store / "raw").rglob("*.parquet")} == files
    assert Project("bank", store, observer="silent").serialize().reused == 12


def refused(call: Any, kind: type[Llm4esError], message: str) -> None:
    with pytest.raises(kind) as error:
        call()
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_bad_input_is_one_line_each(project: Project, place: Path, model: Path) -> None:
    refused(lambda: Project("movilens-100k"), RecipeError, "did you mean movielens-100k")
    refused(lambda: project.embed(model=str(model)), StoreError, "run `llm4es serialize shop` first")
    assert not (place / "store").exists()
    project.serialize()
    refused(lambda: Project("shpo", place / "store"), RecipeError, "did you mean shop")
    refused(
        lambda: project.embed(model=str(model), histry="full"),
        OptionError,
        "no option 'histry'; did you mean 'history'?",
    )
    refused(lambda: project.embed(model=str(model), history="ful"), OptionError, "did you mean 'full'?")
    refused(lambda: project.embed(model=str(model), k="many"), OptionError, "--k 'many'")
    refused(lambda: project.compare("loyal"), Llm4esError, "run `llm4es probe shop --task loyal` first")
    refused(lambda: project.compare("loyl"), OptionError, "there are loyal")
    refused(lambda: project.vectors("tinyllama", k=1), StoreError, "no vectors of 'tinyllama' in 'shop': embed first")
    project.embed(model=str(model), k=1, max_length=64)
    refused(lambda: project.vectors("tinylama", k=1), StoreError, "did you mean tinyllama?")
    refused(lambda: project.vectors("tinyllama", k=2), StoreError, "there are k 1")
    refused(lambda: project.vectors("tinyllama", k="many"), OptionError, "--k 'many'")
    refused(lambda: project.finetune(str(model), name="tinyllama", steps=1), OptionError, "own name: choose another")
    refused(lambda: project.finetune(str(model), name="smollm2-135m", steps=1), OptionError, "another model's")
    refused(lambda: project.finetune(str(model), name="../x", steps=1), OptionError, "cannot name a model")
    refused(
        lambda: Project(place / "shop/shop.toml", place / "shop").serialize(),
        StoreError,
        "is not a store and not empty",
    )
    frame = bank()
    refused(lambda: Project.from_frame(frame, name="bank", entity="costumer", store=place / "s"), DataError, "customer")
    twice = pd.concat([labels(), pd.DataFrame({"customer": ["c0"], "churn": [1]})])
    refused(
        lambda: Project.from_frame(frame, name="bank", entity="customer", labels=twice, store=place / "s").serialize(),
        DataError, "c0",
    )  # fmt: skip
    refused(lambda: project.sql("DROP TABLE texts"), StoreError, "read-only")


def test_a_model_s_name_with_a_typo_is_answered_by_names_near_it(project: Project, place: Path) -> None:
    project.serialize()
    tiny.save(place / "tinyllama")
    refused(lambda: project.embed(model="smolm2-135m"), ModelError, "smollm2-135m")
    refused(lambda: project.embed(model="tinylama"), ModelError, "tinyllama")


def test_a_store_of_a_newer_version_is_refused_by_name(
    project: Project, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llm4es_store.layout.FORMAT", 99)
    Store(place / "store", create=True)
    monkeypatch.undo()
    refused(project.serialize, StoreError, "has format 99")


def test_frames_and_recipe_of_a_dataset_change_together(place: Path) -> None:
    columns: dict[str, Any] = {"name": "bank", "entity": "customer", "time": "at", "store": place / "store"}
    first = Project.from_frame(bank(), fields=["mcc"], observer="silent", **columns)
    assert Project("bank", place / "store", observer="silent").recipe == first.recipe  # known before anything else
    first.serialize()
    Project.from_frame(bank().rename(columns={"mcc": "code"}), fields=["code"], observer="silent", **columns)
    by_name = Project("bank", place / "store", observer="silent")
    assert by_name.serialize().computed == 12
    bad = bank()
    bad.loc[bad.index[0], "customer"] = None
    with pytest.raises(DataError):
        Project.from_frame(bad, fields=["code"], observer="silent", **columns)
    assert Project("bank", place / "store", observer="silent").serialize().computed == 0


def test_frames_never_take_over_a_dataset_of_files(project: Project, place: Path) -> None:
    project.serialize()
    with pytest.raises(RecipeError, match=r"dataset 'shop' comes from .*shop\.toml: give the frame another name"):
        Project.from_frame(bank(), name="shop", entity="customer", store=place / "store")
    assert project.serialize().computed == 0


def test_data_without_a_recipe_say_what_is_missing(place: Path) -> None:
    frame = pd.DataFrame({"id": ["a", "b"], "x": [0.0, 1.0]})
    frame.to_parquet(place / "vectors.parquet")
    words = f"import {place}/vectors.parquet --name coles --dataset nope --store {place}/store -q".split()
    assert CliRunner().invoke(app, words).exit_code == 0
    with pytest.raises(RecipeError, match="the store holds data of 'nope' and no recipe of it"):
        Project("nope", place / "store")


def test_a_store_stays_where_it_was_named(project: Project, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = Project(place / "shop/shop.toml", "store", observer="silent")
    elsewhere = place / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert here.serialize().computed == 20
    assert (place / "store").is_dir()
    assert list(elsewhere.iterdir()) == []


def test_events_follow_the_names_of_fields(project: Project, place: Path) -> None:
    """Names there and back, with values in the same order: the events say what the texts say, and nobody's vanish."""
    project.serialize()
    path, columns = place / "shop" / "shop.toml", "SELECT * FROM events_shop ORDER BY entity_id, position"
    before, raw = path.read_text(), project.sql(columns).to_arrow()
    renamed = before.replace('name = "product"', 'name = "bought"\nfrom = "product"')
    path.write_text(renamed.replace('item = "product"', 'item = "bought"'))
    with pytest.raises(OptionError, match="events of 15 more entities: serialize all of them"):
        Project(path, place / "store", max_entities=5, observer="silent").serialize()
    Project(path, place / "store", observer="silent").serialize()
    assert project.sql("SELECT count(bought) AS n FROM events_shop").to_arrow()["n"].to_pylist() == [90]
    path.write_text(before)
    again = Project(path, place / "store", observer="silent")
    again.serialize()
    assert again.sql(columns).to_arrow()["product"].to_pylist() == raw["product"].to_pylist()
