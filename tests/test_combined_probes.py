"""``--features vote(...)``, ``stack(...)``, ``best(...)`` and patterns, as users give them and the store keeps them."""

import shutil
import sys
import threading
from importlib.abc import MetaPathFinder
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from llm4es import Project
from llm4es.core.errors import OptionError, ProbeError
from llm4es.probe import probe as pure

from . import drifting, shop
from .heard import Heard

FEW: dict[str, Any] = {"folds": 3, "repeats": 2, "bootstrap": 20}
CUSTOMERS = 24


class Shop:
    """A shop, its project, and what was said."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.heard = folder, Heard()
        self.project = Project(folder / "shop/shop.toml", folder / "store", observer=self.heard)

    def bring(self, name: str, x: Any, customers: range = range(CUSTOMERS)) -> None:
        """Vectors made elsewhere."""
        columns = {f"x{i}": np.asarray(x, dtype=float)[:, i] for i in range(np.shape(x)[1])}
        self.project.import_vectors(pa.table({"id": [f"c{i}" for i in customers], **columns}), name=name)

    def probe(self, features: str, **options: Any) -> list[tuple[str, int]]:
        self.heard.since()
        return [
            (outcome.what, outcome.computed)
            for outcome in self.project.probe("loyal", features=features, **FEW | options)
        ]

    def scores(self, features: str) -> Any:
        """(entities and repeats,) of the second class."""
        query = f"SELECT y_score[2] FROM predictions WHERE features = '{features}' ORDER BY repeat, entity_id"
        return np.array([p for (p,) in self.project.store.sql(query).fetchall()])

    def chosen(self, features: str) -> str | None:
        query = f"SELECT DISTINCT chosen FROM probes WHERE features = '{features}'"
        ((found,),) = self.project.store.sql(query).fetchall()
        return found  # type: ignore[no-any-return]

    def features(self) -> set[str]:
        return {name for (name,) in self.project.store.sql("SELECT DISTINCT features FROM probes").fetchall()}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop with texts, and vectors that tell much, something and nothing."""
    folder = tmp_path_factory.mktemp("combined")
    shop.write(folder / "shop", CUSTOMERS)
    here = Shop(folder)
    here.project.serialize()
    side = np.arange(CUSTOMERS)[:, None] % 2
    noise = np.random.default_rng(0).normal(size=(3, CUSTOMERS, 2))
    here.bring("good", noise[0] + 4 * side)
    here.bring("noise", noise[1])
    here.bring("other", noise[2] + 2 * side)
    return folder


@pytest.fixture
def here(made: Path, place: Path) -> Shop:
    """A copy of it."""
    shutil.copytree(made, place / "here")
    return Shop(place / "here")


def test_a_vote_is_made_of_kept_predictions_and_its_parts_are_probed_first(
    here: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert here.probe("vote(good,  other)") == [("loyal", 3)]
    pair = np.clip([here.scores("good"), here.scores("other")], 1e-6, 1 - 1e-6)
    odds = np.log(pair / (1 - pair)).mean(axis=0)
    np.testing.assert_allclose(here.scores("vote(good, other)"), 1 / (1 + np.exp(-odds)), atol=1e-12)
    assert here.probe("vote(good, other)") == [("loyal", 0)]
    assert here.probe("noise") == [("loyal", 1)]

    def refused(*_: object, **__: object) -> None:
        raise AssertionError("a vote fits nothing")

    from llm4es.probe.fold_work import FoldWork

    monkeypatch.setattr(FoldWork, "scores", refused)
    assert here.probe("vote(good, noise)") == [("loyal", 1)]
    assert here.probe("vote(other, noise)", dry_run=True) == [("loyal", 1)]


def test_the_best_is_chosen_without_a_row_of_each_candidate(here: Shop) -> None:
    assert here.probe("best(noise, good, vote(good, other))") == [("loyal", 1)]
    name = "best(noise, good, vote(good, other))"
    assert here.features() == {name}
    assert here.chosen(name) == "good 6"
    assert f"loyal, {name}: chosen in so many folds: good 6" in here.heard.since()
    here.probe("good")
    np.testing.assert_array_equal(here.scores(name), here.scores("good"))


def test_pandas_is_whole_before_fits_of_several_blocks_begin_side_by_side(
    here: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    importers: list[threading.Thread] = []

    class Finder(MetaPathFinder):
        def find_spec(self, name: str, path: object, target: object = None) -> None:
            if name == "pandas":
                importers.append(threading.current_thread())
                raise ModuleNotFoundError("not here", name=name)

    monkeypatch.delitem(sys.modules, "pandas", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Finder(), *sys.meta_path])
    assert here.probe("good+other", workers=2) == [("loyal", 1)]
    assert importers[0] is threading.current_thread()
    assert len({*importers}) > 1  # scikit-learn asks in the fits' threads


def test_a_pattern_stands_for_what_is_there(here: Shop) -> None:
    here.bring("good2", np.arange(CUSTOMERS * 2).reshape(-1, 2) % 7)
    assert here.probe("good*") == [("loyal", 2)]
    assert here.features() == {"good", "good2"}
    assert here.probe("best(good*, noise)") == [("loyal", 1)]
    assert here.probe("best(good*,noise)") == [("loyal", 0)]
    here.bring("good3", np.arange(CUSTOMERS * 2).reshape(-1, 2) % 5)  # a candidate more: chosen again
    here.heard.since()
    here.project.compare("loyal")
    assert "1 feature stale: best(good*, noise): texts, events, vectors or splits changed" in here.heard.since()
    assert here.probe("best(good*, noise)") == [("loyal", 1)]
    with pytest.raises(OptionError, match=r"--features 'nothing\*' fits nothing in the store: there are good, good2,"):
        here.probe("best(nothing*, good)")
    with pytest.raises(OptionError, match=r"--features 'best\(noise\*\)' stands for noise alone: there is nothing to"):
        here.probe("best(noise*)")


def test_parts_that_change_take_the_combination_along(here: Shop) -> None:
    here.probe("vote(good, other),best(noise, other),stack(good, noise),tfidf")
    here.bring("other", np.ones((CUSTOMERS, 2)) * np.arange(CUSTOMERS)[:, None])
    here.heard.since()
    rows = {row["features"] for row in here.project.compare("loyal")}
    assert rows == {"good", "noise", "stack(good, noise)", "tfidf"}
    assert "3 features stale: best(noise, other), other, vote(good, other)" in here.heard.since()
    assert here.probe("vote(good, other),best(noise, other)") == [("loyal", 3)]


def test_what_was_chosen_on_others_is_not_optimistic(here: Shop) -> None:
    here.probe("good,other,noise,best(noise, good, other),vote(good, other)")
    rows = {row["features"]: row for row in here.project.compare("loyal").to_pylist()}
    assert rows["best(noise, good, other)"]["best_of"] is None
    assert rows["best(noise, good, other)"]["chosen"] == "good 6"
    assert {row["best_of"] for row in rows.values()} == {None, 4}
    against = here.project.compare("loyal", reference="vote(good,other)").to_pylist()
    assert {row["reference"] for row in against} == {"vote(good, other)"}
    table = str(here.project.compare("loyal"))
    assert "best(noise, good, other): chosen in so many folds: good 6" in table
    assert "best of 4: " in table


def test_different_entities_are_counted(here: Shop) -> None:
    here.bring("few", np.arange(40).reshape(20, 2) % 7, range(20))
    here.probe("vote(good, few),best(few, good)")
    said = here.heard.since()
    assert f"loyal, vote(good, few): 20 entities have all parts and are scored ({CUSTOMERS - 20} lack few)" in said
    rows = {row["features"]: row["n"] for row in here.project.compare("loyal", common=True)}
    assert set(rows.values()) == {20}
    assert here.probe("vote(good, few),best(few, good)") == [("loyal", 0)]


def test_the_tasks_own_metric_decides(here: Shop) -> None:
    here.probe("best(noise, good)")
    recipe = here.folder / "shop/shop.toml"
    recipe.write_text(recipe.read_text() + 'metric = "log_loss"\n')
    here.project = Project(recipe, here.folder / "store", observer=here.heard)
    here.project.serialize()
    assert here.probe("best(noise, good)") == [("loyal", 1)]


def test_what_is_looked_at_twice_is_paid_once() -> None:
    from llm4es.project.feature_source import FeatureSource, joined
    from llm4es.project.feature_sources import named

    there = {
        name: FeatureSource(name, name, load=list, width=4, tokens=100, seconds=2.0, config_id="c1")  # type: ignore[arg-type]
        for name in ("m@4", "m@8")
    } | {"tfidf": FeatureSource("tfidf", "h", load=list, width=7, tokens=0)}  # type: ignore[arg-type]
    best = named("best(m@4, m@8, m@8+tfidf, vote(m@8, tfidf))", there)
    assert (best.dimensions, best.tokens, best.seconds) == (15, 100, 2.0)
    assert [leaf.name for leaf in best.leaves] == ["m@4", "m@8", "m@8+tfidf", "tfidf"]
    assert joined([there["m@8"], there["tfidf"]]).leaves[0].name == "m@8+tfidf"


def test_a_pattern_of_what_cannot_be_probed_says_why() -> None:
    from llm4es.project.combined_sources import expanded
    from llm4es.project.feature_source import FeatureSource

    there = {"m@8": FeatureSource("m@8", "h", load=list, lacking="no such vectors of earlier histories")}  # type: ignore[arg-type]
    with pytest.raises(OptionError, match=r"--features 'm@\*': no such vectors of earlier histories"):
        expanded(["m@*"], there)
    there["m@4"] = FeatureSource("m@4", "h", load=list)  # type: ignore[arg-type]
    assert expanded(["m@*"], there) == ["m@4"]


def test_probes_have_no_vectors(here: Shop) -> None:
    said = r"are probes that are combined, and have no vectors: name a part, such as 'good'"
    with pytest.raises(OptionError, match=said):
        here.project.export(features="vote(good, other)")
    with pytest.raises(OptionError, match=said):
        here.project.similar("c1", features="vote(good, other)")
    here.probe("vote(good, other)")
    page = here.folder / "report.html"
    here.project.report(out=page)
    assert "vote(good, other)" in page.read_text()


@pytest.mark.parametrize(
    ("features", "line"),
    [
        ("best(tfidf)", r"--features 'best\(tfidf\)' has one part: give tfidf, or several parted by commas"),
        ("vote(tfidf", r"--features 'vote\(tfidf' lacks a '\)': close what vote\( opens"),
        ("vote()", r"--features 'vote\(\)' has no parts: give several parted by commas"),
        ("vote(tfidf, tfidf)", r"--features 'vote\(tfidf, tfidf\)' names tfidf twice: name each part once"),
        ("vote(tfidf, counts)+majority", r"joins vote\(\.\.\.\): features are joined by '\+' first"),
        ("tfidf+vote(tfidf, counts)", r"joins vote\(\.\.\.\): features are joined by '\+' first"),
        ("best(best(tfidf, counts), majority)", r"holds 'best\(tfidf, counts\)': name its parts in the outer best\("),
        ("vote(tfidf, nothing)", r"--features 'nothing' is not in the store: there are "),
        ("vote(tfidf, counts) x", r"has 'x' behind vote\(\.\.\.\)"),
    ],
)
def test_bad_words(here: Shop, features: str, line: str) -> None:
    with pytest.raises((OptionError, ProbeError), match=line):
        here.probe(features)


def test_two_times(place: Path) -> None:
    project = Project(drifting.write(place / "service", drifting.RECIPE), place / "store", observer="silent")
    project.serialize(as_of="2024-03-01")
    project.serialize(as_of="2024-05-01")
    times: dict[str, Any] = {"train_as_of": "2024-03-01", "test_as_of": "2024-05-01"}
    options: dict[str, Any] = {"folds": 3, "repeats": 1, "bootstrap": 20} | times
    features = "vote(recency, counts),best(counts, recency),stack(recency, counts)"
    assert project.probe("left", features=features, **options)[0].computed == 5
    assert project.probe("left", features=features, **options)[0].computed == 0
    assert len(project.compare("left", **times)) == 5


def test_learning_curves_and_unseen_entities(here: Shop) -> None:
    assert here.probe("vote(good, other),best(good, noise)", sizes=(8, 12)) == [("loyal", 4), ("loyal", 4)]
    assert here.probe("vote(good, other),best(good, noise)", unseen_only=True) == [("loyal", 4)]


def test_it_is_what_the_pure_function_makes(here: Shop) -> None:
    from llm4es.features.combined import CombinedFeatures
    from llm4es.features.expressions import Combination
    from llm4es.options import ProbeOptions
    from llm4es.project.feature_sources import feature_sources
    from llm4es.project.task_labels import labels_of

    here.probe("stack(good, other)")
    context = here.project._context()
    parts = tuple(source.load() for source in feature_sources(context, ["good", "other"]))
    options = ProbeOptions.of(**FEW)
    made = pure(CombinedFeatures(Combination.STACK, parts), labels_of(context, "loyal"), "loyal", "binary", options)
    rows = made.predictions.sort_by([("repeat", "ascending"), ("entity_id", "ascending")])
    np.testing.assert_allclose(here.scores("stack(good, other)"), [p[1] for p in rows["y_score"].to_pylist()])


def test_features_joined_of_several_vectors_are_found_again(here: Shop) -> None:
    """What a table shows is a name: compared, a part of other names, and what patterns stand for."""
    tables = {"good+other", "tfidf+noise", "best(tfidf+noise, counts)"}
    here.probe("good+other,tfidf+embedding:noise,best(tfidf+noise, counts)")
    assert here.features() == tables
    rows = here.project.compare("loyal").to_pylist()
    assert {row["features"] for row in rows} == tables
    assert here.probe("good+other,tfidf+noise,best(tfidf+noise, counts)") == [("loyal", 0)]


@pytest.mark.parametrize(
    ("pattern", "stands_for"),
    [
        ("good+c*", {"good+counts"}),
        ("*o*e*+tfidf", {"noise+tfidf", "other+tfidf", "words-aligned+tfidf"}),
        ("tfidf+embedding:g*", {"tfidf+good"}),
        ("goo*+oth*", {"good+other"}),
        ("good+embedding:n*", {"good+noise"}),
    ],
)
def test_a_pattern_of_features_joined(here: Shop, pattern: str, stands_for: set[str]) -> None:
    assert here.probe(pattern) == [("loyal", len(stands_for))]
    assert here.features() == stands_for
    if len(stands_for) == 1:
        assert here.probe(f"best({pattern}, majority)") == [("loyal", 1)]
