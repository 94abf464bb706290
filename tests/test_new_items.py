"""The protocol that learns from some items and is scored by others: nothing of the one reaches the other."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from llm4es import Project
from llm4es.core.errors import OptionError, ProbeError
from llm4es.features.halves import ItemSide
from llm4es.options import CompareOptions, ProbeOptions
from llm4es.project.feature_sources import all_feature_sources

from . import garden
from .garden import FEW, NEW, halved, items_of, opened, roc_auc
from .heard import Heard


@pytest.fixture
def heard() -> Heard:
    return Heard()


def test_words_tell_of_new_items_what_ids_do_not(place: Path, heard: Heard) -> None:
    project = opened(place, heard)
    project.probe("red", features="tfidf,words,words-aligned", **NEW)
    found = roc_auc(project)
    assert found["tfidf"] == 0.5
    assert found["words"] > 0.9
    assert found["words-aligned"] > 0.8
    project.probe("red", features="tfidf", **FEW)  # where the items are known, they tell it all
    assert project.compare("red", metric="roc_auc").to_pylist()[0]["value"] > 0.9


def test_no_event_of_an_item_learnt_from_reaches_a_scored_row(place: Path, heard: Heard) -> None:
    project = opened(place, heard)
    whole = next(s for s in all_feature_sources(project._context()) if s.name == "tfidf").load()
    place_of = {entity: row for row, entity in enumerate(whole.entity_ids)}
    halves = []
    for repeat in (0, 1):
        of = halved(project, "tfidf", repeat)
        learnt, scored = items_of(of[ItemSide.LEARNT]), items_of(of[ItemSide.SCORED])
        assert len(learnt) == len(scored) == garden.ITEMS // 2
        assert learnt.isdisjoint(scored)
        within = items_of(of[ItemSide.WITHIN_LEARNT]), items_of(of[ItemSide.WITHIN_SCORED])
        assert within[0].isdisjoint(within[1])
        assert within[0] | within[1] == learnt
        for features, items in ((of[ItemSide.LEARNT], learnt), (of[ItemSide.SCORED], scored)):
            for entity, row in zip(features.entity_ids, features.matrix.toarray(), strict=True):
                kept = whole.matrix[place_of[entity]].toarray()[0] * [item in items for item in range(garden.ITEMS)]
                assert row.tolist() == kept.tolist()
        halves.append(learnt)
    assert halves[0] != halves[1]  # each repeat has its own


@pytest.mark.parametrize("name", ["words", "words-aligned"])
def test_each_side_of_words_is_that_of_its_items(place: Path, heard: Heard, name: str) -> None:
    project = opened(place, heard)
    of, items = halved(project, name), halved(project, "tfidf")
    for each in (ItemSide.LEARNT, ItemSide.SCORED):
        assert of[each].entity_ids == items[each].entity_ids
        n = np.asarray(items[each].matrix.sum(axis=1)).ravel()  # each line is three words and two pairs
        assert np.asarray(of[each].matrix.sum(axis=1)).ravel().tolist() == (n * (5 if name == "words" else 1)).tolist()


def test_counts_and_the_rest_are_made_of_the_events_of_a_side(place: Path, heard: Heard) -> None:
    project = opened(place, heard)
    items = halved(project, "tfidf")
    for name in ("counts", "recency", "majority"):
        of = halved(project, name)
        for each in ItemSide:
            assert of[each].entity_ids == items[each].entity_ids
    n = np.asarray(items[ItemSide.SCORED].matrix.sum(axis=1)).ravel()
    np.testing.assert_allclose(np.expm1(halved(project, "counts")[ItemSide.SCORED].matrix[:, 0]), n)


def test_since_learns_from_what_was_sold_before(place: Path, heard: Heard) -> None:
    project = opened(place, heard)
    of = halved(project, "tfidf", repeat=1, since="2026-01-07")  # items are sold from the day of their number on
    codes = sorted(f"i{item}" for item in range(garden.ITEMS))
    assert {codes[column] for column in items_of(of[ItemSide.LEARNT])} == {f"i{item}" for item in range(6)}
    project.probe("red", features="words,counts", since="2026-01-07", **NEW)
    assert roc_auc(project, since="2026-01-07")["words"] > 0.9
    (name,) = {row["protocol"] for row in project.sql("SELECT protocol FROM probes").to_pylist()}
    assert name == "new-items, since 2026-01-07"
    with pytest.raises(ProbeError, match=r"nobody has events of the scored items.*give another --share or --since"):
        project.probe("red", features="words", since="2027-01-01", **NEW)
    for features in ("words", "vote(words, counts)"):
        with pytest.raises(ProbeError, match=r"nobody has events of the items learnt from: give another --share"):
            project.probe("red", features=features, since="2020-01-01", **NEW)


def test_share_and_item_are_anothers_probes(place: Path, heard: Heard) -> None:
    project = opened(place, heard)
    assert len(items_of(halved(project, "tfidf", share=0.25)[ItemSide.LEARNT])) == garden.ITEMS // 4
    shelves = halved(project, "tfidf", item="shelf")
    learnt = {int(sorted(f"i{i}" for i in range(garden.ITEMS))[c][1:]) % 4 for c in items_of(shelves[ItemSide.LEARNT])}
    assert len(learnt) == 2  # whole shelves
    project.probe("red", features="counts,words", **NEW)
    assert [each.computed for each in project.probe("red", features="counts", item="code", **NEW)] == [
        0
    ]  # the recipe's
    assert [each.computed for each in project.probe("red", features="counts,words", item="shelf", **NEW)] == [2]
    assert [each.computed for each in project.probe("red", features="counts,words", share=0.75, **NEW)] == [2]
    names = project.sql("SELECT DISTINCT protocol FROM probes ORDER BY 1").to_arrow()["protocol"].to_pylist()
    assert names == ["new-items", "new-items of shelf", "new-items, share 0.75"]
    assert len(roc_auc(project, item="shelf")) == len(roc_auc(project, share=0.75)) == len(roc_auc(project)) == 2
    assert len(roc_auc(project, item="code")) == 2


def test_a_second_probe_computes_nothing_and_other_events_all(place: Path, heard: Heard) -> None:
    project = opened(place, heard)
    asked: dict[str, Any] = {"features": "words,words-aligned,best(tfidf,words)", **NEW}
    assert [each.computed for each in project.probe("red", **asked)] == [3]
    before = project.compare("red", protocol="new-items").to_arrow()
    assert [each.computed for each in project.probe("red", **asked)] == [0]
    project.probe("red", features="words", **FEW)  # another protocol stands apart
    assert project.compare("red", protocol="new-items").to_arrow().equals(before)
    events = place / "garden" / "events.csv"
    events.write_text(events.read_text() + "c00,2026-01-20 10:00:00,blue thing 3,s3,i3\n")
    project.serialize()
    with pytest.raises(
        ProbeError, match=r"3 features stale.*run `llm4es probe garden --task red --protocol new-items "
    ):
        project.compare("red", protocol="new-items")
    assert [each.computed for each in project.probe("red", **asked)] == [3]


def test_the_same_everywhere(place: Path, heard: Heard) -> None:
    scores = []
    for folder in ("one", "two"):
        project = opened(place / folder, heard)
        project.probe("red", features="words,words-aligned", **NEW)
        query = "SELECT features, entity_id, repeat, y_score FROM predictions ORDER BY ALL"
        scores.append(project.sql(query).to_arrow())
    assert scores[0].equals(scores[1])


def test_permuted_labels_cannot_be_told(place: Path, heard: Heard) -> None:
    order = np.random.default_rng(3).permutation(garden.CUSTOMERS)
    project = opened(place, heard, labels=lambda customer: ("yes", "no")[int(order[customer]) % 2])
    project.probe("red", features="words,words-aligned,best(words,words-aligned)", **NEW)
    assert all(0.2 < value < 0.8 for value in roc_auc(project).values())


def test_what_only_items_learnt_from_say_is_of_no_use(place: Path, heard: Heard) -> None:
    """The label is the parity of the customer; whoever is learnt from tells it by a word of half the items alone."""
    project = opened(place, heard)
    of = halved(project, "tfidf")
    codes = sorted(f"i{item}" for item in range(garden.ITEMS))
    learnt = {codes[column] for column in items_of(of[ItemSide.LEARNT])}
    events = place / "garden" / "events.csv"
    header, *rows = events.read_text().splitlines()
    told = []
    for row in rows:
        customer, at, _, shelf, code = row.split(",")
        label = f"told{int(customer[1:]) % 2}" if code in learnt and customer != "once" else "untold"
        told.append(",".join([customer, at, label, shelf, code]))
    events.write_text("\n".join([header, *told]) + "\n")
    project.serialize()
    probing = NEW | {"repeats": 1}
    project.probe("red", features="words", **probing)
    assert roc_auc(project)["words"] == 0.5
    project.probe("red", features="words", **probing | {"protocol": "cv"})
    assert project.compare("red", metric="roc_auc").to_pylist()[0]["value"] == 1


def test_a_choice_inside_folds_is_made_on_new_items_too(place: Path, heard: Heard) -> None:
    project = opened(place, heard)
    project.probe("red", features="tfidf,words,best(tfidf,words),stack(tfidf,words),vote(tfidf,words)", **NEW)
    rows = {row["features"]: row for row in project.compare("red", protocol="new-items").to_pylist()}
    assert rows["best(tfidf, words)"]["chosen"] == f"words {FEW['folds'] * FEW['repeats']}"
    assert roc_auc(project)["best(tfidf, words)"] == roc_auc(project)["words"]
    assert roc_auc(project)["vote(tfidf, words)"] == roc_auc(project)["words"]  # tfidf has one opinion of all
    assert roc_auc(project)["stack(tfidf, words)"] > 0.9


def test_who_has_no_events_of_a_side_is_counted(place: Path, heard: Heard) -> None:
    project = opened(place, heard)
    project.probe("red", features="words,counts", **NEW | {"repeats": 4})
    sides = [[("once" in halved(project, "tfidf", repeat)[each].entity_ids) for repeat in range(4)]
             for each in (ItemSide.SCORED, ItemSide.LEARNT)]  # fmt: skip
    assert any(sides[0])
    assert any(sides[1])
    everybody = garden.CUSTOMERS + 1
    always = set.intersection(*(set(halved(project, "tfidf", r)[ItemSide.SCORED].entity_ids) for r in range(4)))
    fewest = min(len(halved(project, "tfidf", r)[ItemSide.LEARNT].entity_ids) for r in range(4))
    told = f"{everybody - len(always)} labelled entities have no events of the scored items in some repeat and are not"
    taught = f"scored; up to {everybody - fewest} a repeat have none of the items learnt from and teach nothing"
    assert f"red, words and 1 more: {told} {taught}" in heard.since()
    scored = project.sql("SELECT DISTINCT entity_id FROM predictions").to_arrow()["entity_id"].to_pylist()
    assert set(scored) == always
    assert "once" not in scored


def test_vectors_of_whole_histories_are_left_out(place: Path, heard: Heard, model: Path) -> None:
    project = opened(place, heard)
    project.embed(model=str(model), k=1, max_length=64)
    heard.since()
    project.probe("red", **NEW)
    assert "tinyllama@1 [64 tokens]: left out, a vector of a whole history knows the items of both" in heard.since()
    names = project.sql("SELECT DISTINCT features FROM probes ORDER BY 1").to_arrow()["features"].to_pylist()
    assert names == ["counts", "majority", "recency", "tfidf", "words", "words-aligned"]
    with pytest.raises(
        OptionError, match=r"'tinyllama@1 \[64 tokens\]': a vector of a whole.*embed garden --history ev"
    ):
        project.probe("red", features="tinyllama@1", **NEW)


def test_a_report_says_what_it_shows(place: Path, heard: Heard) -> None:
    project = opened(place, heard)
    project.probe("red", features="tfidf,words", **NEW)
    page = project.report(out=place / "page.html", protocol="new-items").read_text()
    assert "New items: every probe has learnt from events of some items" in page


def test_probes_of_fewer(place: Path, heard: Heard) -> None:
    project = opened(place, heard)
    project.probe("red", features="words", sizes="8,16", **NEW)
    rows = project.compare("red", protocol="new-items@8").to_pylist()
    assert [row["features"] for row in rows] == ["words"]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ({"item": "code"}, "--item code is of --protocol new-items: give that protocol, or leave it out"),
        ({"share": 0.3}, "--share 0.3 is of --protocol new-items: give that protocol, or leave it out"),
        ({"since": "2026-01-01"}, "--since 2026-01-01 is of --protocol new-items: give that protocol"),
        ({"protocol": "new-items", "share": 1}, "--share 1 is not between 0 and 1"),
        (
            {"protocol": "new-items", "share": 0.3, "since": "2026-01-01"},
            "--share 0.3 and --since 2026-01-01 both halve the items: give one",
        ),
        (
            {"protocol": "new-items", "train_as_of": "2026-01-01", "test_as_of": "2026-02-01"},
            "--protocol new-items and --train-as-of 2026-01-01: a probe is apart in items or in time",
        ),
    ],
)
def test_what_cannot_be_asked_for(words: dict[str, Any], line: str) -> None:
    for options in (ProbeOptions, CompareOptions):
        with pytest.raises(OptionError, match=line):
            options.of(**words)


def test_items_that_there_are_not(place: Path, heard: Heard, project: Project) -> None:
    with pytest.raises(OptionError, match=r"--item 'cod' is no field of 'garden': did you mean code\?"):
        opened(place, heard).probe("red", item="cod", **NEW)
    recipe = place / "shop" / "shop.toml"
    recipe.write_text(recipe.read_text().replace('item = "product"\n', ""))
    shop = Project(recipe, place / "shop-store", observer="silent")
    shop.serialize()
    with pytest.raises(OptionError, match=r"--protocol new-items needs an item.*give --item FIELD, one of product, am"):
        shop.probe("loyal", **NEW)
    assert shop.probe("loyal", features="words", item="product", **NEW)[0].computed == 1


def test_other_configurations_are_as_they_were() -> None:
    assert not {"item", "share", "since"} & set(ProbeOptions().fingerprint())
