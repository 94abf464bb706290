"""The learning curve that a report draws from a store, and the class that a task calls positive."""

from pathlib import Path
from typing import Any

import pytest
from sklearn.metrics import average_precision_score

from llm4es import Project
from llm4es.project.report_learning import learning_curves

from . import shop
from .heard import Heard

CUSTOMERS = 20
QUICK: dict[str, Any] = {"features": "tfidf,counts", "repeats": 1, "bootstrap": 20}


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    return shop.write(tmp_path / "shop", CUSTOMERS)


def project(recipe: Path) -> Project:
    return Project(recipe, recipe.parents[1] / "store", observer=Heard())


def test_a_curve_is_of_one_configuration_and_ends_at_everybody(recipe: Path) -> None:
    here = project(recipe)
    here.serialize()
    here.probe("loyal", folds=5, sizes="8,12", **QUICK)  # of other folds: no point of the line
    here.probe("loyal", folds=2, sizes="4,6", **QUICK)
    assert len(learning_curves(here._context(), ["loyal"], "cv")) == 0  # nobody knows what it would end at
    here.probe("loyal", folds=2, **QUICK)
    rows = learning_curves(here._context(), ["loyal"], "cv").to_pylist()
    for features in ("tfidf", "counts"):
        mine = [row for row in rows if (row["features"], row["metric"]) == (features, "roc_auc")]
        assert sorted(row["trained"] for row in mine) == [4, 6, CUSTOMERS // 2]
        (compared,) = (row for row in here.compare("loyal") if row["features"] == features)
        assert next(row["value"] for row in mine if row["trained"] == CUSTOMERS // 2) == compared["value"]


def test_average_precision_is_of_the_class_that_the_task_names(recipe: Path) -> None:
    here = project(recipe)
    here.serialize()
    here.probe("loyal", folds=2, **QUICK)
    text = recipe.read_text()
    recipe.write_text(text.replace('kind = "binary"', 'kind = "binary"\npositive = "no"'))
    turned = project(recipe)
    (outcome,) = turned.probe("loyal", folds=2, **QUICK)
    assert outcome.computed == 2  # made for another question
    (row,) = (row for row in turned.compare("loyal", metric="average_precision") if row["features"] == "counts")
    assert row["positive"] == "no"
    newest = "(SELECT max_by(config_id, run_id) FROM probes)"
    scored = turned.sql(f"SELECT * FROM predictions WHERE features = 'counts' AND config_id = {newest}").to_pylist()
    by_fold = [[one for one in scored if one["fold"] == fold] for fold in (0, 1)]
    right = [average_precision_score([o["y_true"] == "no" for o in f], [o["y_score"][0] for o in f]) for f in by_fold]
    assert row["value"] == pytest.approx(sum(right) / 2)
    kept = turned.sql(
        "SELECT value FROM probes WHERE metric = 'average_precision' AND features = 'counts' ORDER BY run_id"
    )
    assert kept.to_pylist()[-1]["value"] == pytest.approx(row["value"])
