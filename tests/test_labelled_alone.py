"""Baselines of the labelled alone: each row is what it is among everybody's; and why probes are made again."""

from pathlib import Path
from typing import Any

import numpy as np

from llm4es import Project
from llm4es.project.feature_source_baselines import baselines

from . import shop

LABELLED = "SELECT unnest(['c3', 'c7', 'c11', 'c20', 'c33', 'c50', 'nobody']) AS entity_id"

ITEM = 'item = "product"\namount = "amount"\ncategories = { product = 4 }'

QUICK: dict[str, Any] = {"folds": 2, "repeats": 1, "bootstrap": 20}


def test_rows_of_some_are_those_of_everybody(place: Path) -> None:
    recipe = shop.write(place / "shop", 60)
    text = recipe.read_text()
    amount = '[[fields]]\nname = "amount"\ntype = "number"\ndecimals = 2\n\n'
    product = '[[fields]]\nname = "product"\n\n'  # behind the amount, so that items come in another order than theirs
    recipe.write_text(text.replace(product + amount, amount + product).replace('item = "product"', ITEM))
    project = Project(recipe, place / "store", observer="silent")
    project.serialize()
    for source in baselines(project._context()):
        whole, some = source.load(), source.load(LABELLED)
        place_of = {entity: at for at, entity in enumerate(whole.entity_ids)}
        assert list(some.entity_ids) == ["c11", "c20", "c3", "c33", "c50", "c7"]
        rows = whole.matrix[[place_of[entity] for entity in some.entity_ids]]
        mine, theirs = (x.toarray() if hasattr(x, "toarray") else x for x in (some.matrix, rows))
        if source.name in ("words", "words-aligned"):  # columns that nobody of them has are left out
            used = theirs.any(axis=0)
            theirs = theirs[:, used]
        np.testing.assert_array_equal(mine, theirs, err_msg=source.name)
        if source.name == "words":
            assert list(some.columns) == [name for name, has in zip(whole.columns, used, strict=True) if has]
        if source.name == "words-aligned":  # the items' factors depend on their order
            everybodys, own = (each.blocks[0].kinds for each in (whole, some))
            assert everybodys is not None
            assert own is not None
            of_whole, of_some = (np.unique(c, return_inverse=True)[1] for c in (everybodys.items[used], own.items))
            np.testing.assert_array_equal(of_whole, of_some)


def test_nobody_labelled_is_said_by_whoever_reads_the_features(project: Project) -> None:
    project.serialize()
    (counts,) = [source for source in baselines(project._context()) if source.name == "counts"]
    assert len(counts.load("SELECT 'nobody' AS entity_id").entity_ids) == 20


def test_a_probe_is_made_again_for_changed_labels_and_says_so(project: Project, place: Path) -> None:
    project.serialize()
    project.probe("loyal", features="counts", **QUICK)
    labels = place / "shop/customers.csv"
    labels.write_text(labels.read_text().replace("c3,yes", "c3,no").replace("c4,no", "c4,yes"))
    project.serialize()
    (planned,) = project.probe("loyal", features="counts", dry_run=True, **QUICK)
    assert planned.reasons == {"labels changed": 1}
    labels.write_text("\n".join(labels.read_text().splitlines()[:-1]) + "\n")
    project.serialize()
    (done,) = project.probe("loyal", features="counts", **QUICK)
    assert done.reasons == {"labels changed": 1}
