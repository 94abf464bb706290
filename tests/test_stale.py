"""Old figures never stand beside new ones: what was made of other labels, texts or entities is left out, and named."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from sklearn.metrics import roc_auc_score

from llm4es import Project
from llm4es.core.errors import Llm4esError, OptionError, ProbeError
from llm4es.project.feature_source_vectors import vectors

from . import shop
from .heard import Heard

CUSTOMERS = 20
QUICK: dict[str, Any] = {"folds": 2, "repeats": 1, "bootstrap": 20}


class Place:
    """A shop, its project, and what was said."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.heard = folder, Heard()
        shop.write(folder / "shop", CUSTOMERS)
        self.project = self.again()

    def again(self, **options: Any) -> Project:
        return Project(self.folder / "shop/shop.toml", self.folder / "store", observer=self.heard, **options)

    def label(self, **labels: str) -> None:
        """Other labels for some, none for those who have '' then, and the store brought up to date."""
        known = {f"c{i}": ["no", "yes"][i % 2] for i in range(CUSTOMERS)} | labels
        lines = [f"{customer},{label}" for customer, label in known.items() if label]
        (self.folder / "shop/customers.csv").write_text("\n".join(["customer,loyal", *lines]) + "\n")
        self.again().serialize()
        self.heard.since()

    def change(self, customer: int) -> None:
        """Another first product for one customer, and the store brought up to date."""
        labels = (self.folder / "shop/customers.csv").read_text()
        shop.write(self.folder / "shop", CUSTOMERS, {customer: "coffee"})
        (self.folder / "shop/customers.csv").write_text(labels)
        self.again().serialize()
        self.heard.since()


@pytest.fixture
def here(place: Path) -> Place:
    made = Place(place)
    made.project.serialize()
    made.heard.since()
    return made


def compared(project: Project, **options: Any) -> dict[str, Any]:
    return {row["features"]: row for row in project.compare("loyal", **options)}


def test_labels_that_changed_take_the_figures_along(here: Place) -> None:
    project = here.project
    project.probe("loyal", features="tfidf,counts", **QUICK)
    here.label(c0="yes", c1="no", c19="")
    project.probe("loyal", features="counts", **QUICK)
    here.heard.since()
    rows = compared(project)
    assert list(rows) == ["counts"]
    again = "`llm4es probe shop --task loyal --folds 2 --repeats 1 --bootstrap 20` recomputes them"
    assert here.heard.since() == f"loyal: 1 feature stale: tfidf: labels changed; {again}"
    assert rows["counts"]["n"] == CUSTOMERS - 1
    with pytest.raises(ProbeError, match="--reference 'tfidf' is stale: labels changed: run `llm4es probe shop --task"):
        compared(project, reference="tfidf")
    # what probe makes of it is what the labels of today say
    assert [outcome.computed for outcome in project.probe("loyal", features="tfidf,counts", **QUICK)] == [1]
    here.heard.since()
    rows = compared(project)
    assert set(rows) == {"tfidf", "counts"}
    assert not here.heard.since()
    predictions = project.sql("SELECT * FROM predictions WHERE features = 'tfidf' ORDER BY entity_id").to_pandas()
    assert dict(zip(predictions.entity_id, predictions.y_true, strict=True)) == {
        f"c{i}": {0: "yes", 1: "no"}.get(i, ["no", "yes"][i % 2]) for i in range(CUSTOMERS - 1)
    }
    folds = [part for _, part in predictions.groupby("fold")]
    pairs = [(part.y_true == "yes").sum() * (part.y_true == "no").sum() for part in folds]
    by_fold = [roc_auc_score(part.y_true == "yes", [score[1] for score in part.y_score]) for part in folds]
    auc = sum(pair * value for pair, value in zip(pairs, by_fold, strict=True)) / sum(pairs)
    assert rows["tfidf"]["value"] == pytest.approx(auc)


def test_nothing_of_the_old_is_left_to_compare(here: Place) -> None:
    here.project.probe("loyal", features="tfidf,counts", **QUICK)
    here.change(3)
    with pytest.raises(ProbeError) as refused:
        here.project.compare("loyal")
    assert str(refused.value) == (
        "loyal: nothing to compare, 2 features stale: counts, tfidf: texts, events, vectors or splits changed: "
        "run `llm4es probe shop --task loyal --folds 2 --repeats 1 --bootstrap 20`"
    )
    assert here.project.probe("loyal", features="tfidf,counts", **QUICK)[0].computed == 2
    assert set(compared(here.project)) == {"tfidf", "counts"}


def test_a_part_of_the_entities_is_another_cohort(here: Place) -> None:
    here.project.probe("loyal", features="tfidf,counts", **QUICK)
    part = here.again(max_entities=12)
    part.probe("loyal", features="counts,majority", **QUICK)
    here.heard.since()
    rows = compared(here.project)  # a quick look takes nobody's place
    assert {name: row["n"] for name, row in rows.items()} == {"tfidf": CUSTOMERS, "counts": CUSTOMERS}
    assert here.heard.since() == (
        "loyal: majority was probed on --max-entities 12 and is not paired with these (everybody)"
    )
    rows = compared(part)
    assert {name: row["n"] for name, row in rows.items()} == {"counts": 12, "majority": 12}
    assert here.heard.since() == (
        "loyal: tfidf was probed on everybody and is not paired with these (--max-entities 12)"
    )
    assert here.project.probe("loyal", features="tfidf,counts", **QUICK)[0].computed == 0  # nothing was replaced
    assert part.probe("loyal", features="counts", **QUICK)[0].computed == 0
    assert here.again(max_entities=CUSTOMERS).probe("loyal", features="counts", **QUICK)[0].computed == 0  # everybody


def test_the_split_that_was_read_has_changed(here: Place) -> None:
    recipe = here.folder / "shop/shop.toml"
    split = '[splits]\ndefault = "half"\n[splits.columns.half]\ntable = "customers"\nentity = "customer"\n'
    for part in ("<", ">"):
        rule = f"if(substr(customer, 2)::INTEGER {part} 9.5, 'train', 'test')"
        recipe.write_text(f'{shop.RECIPE}{split}split = "{rule}"\n')
        project = here.again()
        project.serialize()
        if part == ">":
            with pytest.raises(ProbeError, match=r": counts: labels, texts, events, vectors or splits changed: .*half"):
                project.compare("loyal", protocol="half")
        project.probe("loyal", features="counts", protocol="half", **QUICK)
        scored = project.sql("SELECT entity_id FROM predictions").to_arrow()["entity_id"].to_pylist()
        assert sorted(scored) == sorted(f"c{i}" for i in range(CUSTOMERS) if (i < 9.5) == (part == ">"))


def test_vectors_of_other_texts_are_nowhere(here: Place, model: Path) -> None:
    project = here.project
    project.embed(model=str(model), k=(1, 2), layers="keep", max_length=64)
    project.probe("loyal", features="tinyllama@1,counts", **QUICK)
    here.change(3)
    name = "tinyllama@1 [64 tokens]"
    left_out = "vectors of 1 entities are stale and left out"
    with pytest.raises(ProbeError, match="nothing to compare, 2 features stale: counts, tinyllama@1"):
        project.compare("loyal")
    for features in (name, "tinyllama@layer1"):
        ids = project.export(features=features).to_arrow()["entity_id"].to_pylist()
        assert ids == sorted(f"c{i}" for i in range(CUSTOMERS) if i != 3)
        assert left_out in here.heard.since()
    near = project.similar("c0", features=name, n=CUSTOMERS)
    assert "c3" not in {row["entity_id"] for row in near}
    assert left_out in here.heard.since()
    ids, matrix = project.vectors("tinyllama", k=1)
    assert "c3" not in ids.to_pylist()
    assert len(ids) == len(matrix) == CUSTOMERS - 1
    assert left_out in here.heard.since()
    project.probe("loyal", features=[name, "counts"], **QUICK)
    assert "left out: 1 labelled entity without these features" in here.heard.since()
    assert {row["n"] for row in project.compare("loyal", common=True)} == {CUSTOMERS - 1}
    project.embed(model=str(model), k=(1, 2), layers="keep", max_length=64)
    here.heard.since()
    assert project.export(features=name).to_arrow().num_rows == CUSTOMERS
    assert not here.heard.since()


def test_texts_of_an_earlier_serialization_age_with_the_files(here: Place, model: Path) -> None:
    short = here.again()
    short.serialize(max_events=2)
    short.embed(model=str(model), k=1, max_length=64)
    here.project.serialize()
    here.project.embed(model=str(model), k=1, max_length=64)
    names = [row["features"] for row in here.project.export(features="tinyllama@1 [64 tokens]", layout="long")]
    assert len(names) == CUSTOMERS  # of the same files: the short texts are as true as the long ones
    here.change(3)
    here.project.embed(model=str(model), k=1, max_length=64)
    here.heard.since()
    sources = vectors(here.project._context())
    assert [source.name.partition(" #")[0] for source in sources] == ["tinyllama@1 [64 tokens]"] * 2
    ids = [source.load().entity_ids for source in sources]
    assert [len(found) for found in ids] == [CUSTOMERS - 1, CUSTOMERS]
    assert "c3" not in ids[0]


def test_a_store_without_its_events_says_so_in_a_line(here: Place) -> None:
    here.project.probe("loyal", features="counts", **QUICK)
    shutil.rmtree(here.folder / "store/tables/events")
    lost = Project("shop", here.folder / "store", observer=here.heard)
    for read in (lost.probe, lost.compare):
        with pytest.raises(Llm4esError, match=r"^table events/shop is damaged: its log is gone[^\n]+$"):
            read("loyal")


def test_rewritten_texts_are_as_old_as_what_they_rewrite(here: Place, model: Path) -> None:
    project = here.project
    project.enrich(by="rules", variants=1)
    project.embed(model=str(model), k=1, max_length=64, texts="all")
    here.change(3)
    (source,) = vectors(project._context())
    assert (source.n_live, source.n_stale) == (CUSTOMERS - 1, 1)
    project.embed(model=str(model), k=1, max_length=64, texts="all")  # of a new raw text and of an old rewriting
    (source,) = vectors(project._context())
    assert (source.n_live, source.n_stale) == (CUSTOMERS - 1, 1)
    project.enrich(by="rules", variants=1)
    project.embed(model=str(model), k=1, max_length=64, texts="all")
    (source,) = vectors(project._context())
    assert (source.n_live, source.n_stale) == (CUSTOMERS, 0)


def test_the_remedy_of_features_whose_texts_changed_reads_the_texts_first(here: Place, model: Path) -> None:
    project, name = here.project, "tinyllama@1 [64 tokens, all]"
    project.enrich(by="rules", variants=1)
    project.embed(model=str(model), k=1, max_length=64, texts="all")
    project.probe("loyal", features=[name, "counts"], **QUICK)
    project.enrich(by="rules", variants=2)
    here.heard.since()
    assert set(compared(project)) == {"counts"}
    probe = "`llm4es probe shop --task loyal --folds 2 --repeats 1 --bootstrap 20`"
    anew = f"`llm4es embed` (after `enrich`, where it reads enriched texts) and then {probe}"
    why = "vectors were made of texts that have changed"
    assert here.heard.since() == f"loyal: 1 feature stale: {name}: {why}; {anew} recomputes them"
    with pytest.raises(ProbeError) as refused:
        compared(project, reference=name)
    assert str(refused.value) == f"--reference {name!r} is stale: {why}: run {anew}"
    project.embed(model=str(model), k=1, max_length=64, texts="all")
    project.probe("loyal", features=name, **QUICK)
    assert set(compared(project)) == {name, "counts"}


def test_ptls_is_everybody_s_split_or_none(here: Place) -> None:
    with pytest.raises(OptionError, match="--max-entities 12 and --protocol ptls: the published split is one of every"):
        here.again(max_entities=12).probe("loyal", features="counts", protocol="ptls")
    few = Project(here.folder / "shop/shop.toml", here.folder / "few", observer=here.heard, max_entities=12)
    few.serialize()
    few.probe("loyal", features="counts", protocol="ptls", dry_run=True)
    assert "only 12 entities were serialized (--max-entities): ptls is not the published split" in here.heard.since()
