"""Differences between feature sets, worked out by hand."""

import numpy as np
import pyarrow as pa
import pytest

from llm4es.core.errors import OptionError, ProbeError
from llm4es.features.feature_set import FeatureSet
from llm4es.features.to_table import to_table
from llm4es.options import ProbeOptions
from llm4es.options.export import TableLayout
from llm4es.probe import probe
from llm4es.probe.difference import content_difference, difference, only_one, probe_difference


def features(name: str, rows: dict[str, list[float]]) -> FeatureSet:
    return FeatureSet(name, list(rows), np.array(list(rows.values()), np.float32), "m", 1, frozenset(), "h")


def measures(table: pa.Table) -> dict[str, float]:
    return dict(zip(table["measure"].to_pylist(), table["value"].to_pylist(), strict=True))


BEFORE = {"a": [1.0, 0.0], "b": [0.0, 1.0], "c": [1.0, 0.1], "gone": [1.0, 1.0]}
AFTER = {"new": [5.0, 5.0], "a": [0.0, 2.0], "b": [0.0, 1.0], "c": [1.0, 0.1]}


def test_who_came_went_and_moved() -> None:
    found = measures(difference(features("m@1", BEFORE), features("m@1", AFTER), n=1))
    assert (found["entities before"], found["entities after"], found["added"], found["gone"]) == (4, 4, 1, 1)
    assert found["changed"] == 1
    assert [found[f"cosine {of}"] for of in ("least", "median", "most")] == pytest.approx([0.0, 1.0, 1.0], abs=1e-6)
    # Of the common ones, before: a-c, b-c, c-a. After: a-b, b-a, and c-a, since a and b tie and a comes first.
    assert found["neighbours kept"] == pytest.approx(1 / 3)


def test_equal_sets_differ_in_nothing() -> None:
    table = difference(features("m@1", BEFORE), features("m@1", BEFORE))
    found = measures(table)
    assert (found["changed"], found["neighbours kept"], found["gone"]) == (0, 1.0, 0)
    assert found["cosine least"] == pytest.approx(1.0, abs=1e-6)
    assert set(table["features"].to_pylist()) == {"m@1"}


def test_other_widths_have_neighbours_and_no_cosine() -> None:
    wide = features("w", {entity: [*vector, 0.0] for entity, vector in BEFORE.items()})
    table = difference(features("m", BEFORE), wide, n=2)
    found = measures(table)
    assert found["width"] == 1
    assert found["neighbours kept"] == 1.0
    assert not [measure for measure in found if measure.startswith("cosine")]
    assert table["features"][0].as_py() == "m -> w"


def test_nobody_in_common() -> None:
    found = measures(difference(features("m", {"a": [1.0]}), features("m", {"b": [1.0]})))
    assert found == {"entities before": 1, "entities after": 1, "added": 1, "gone": 1}


def test_what_cannot_be_compared() -> None:
    one, holed = features("m", BEFORE), features("m", BEFORE | {"b": [float("nan"), 0.0]})
    with pytest.raises(ProbeError, match="features 'm' of entity 'b' hold NaN or infinity"):
        difference(one, holed)
    with pytest.raises(ProbeError, match="--n 0 is below 1: give 1 or more"):
        difference(one, one, n=0)
    with pytest.raises(ProbeError, match="--sample 0 is below 1: give 1 or more"):
        difference(one, one, sample=0)


def test_contents_are_told_apart_by_their_hashes() -> None:
    found = measures(content_difference("texts", {"a": "1", "b": "2", "c": "3"}, {"b": "2", "c": "4", "d": "5"}))
    assert found == {"entities before": 3, "entities after": 3, "added": 1, "gone": 1, "changed": 1}


def test_features_of_one_side_only() -> None:
    assert measures(only_one("m", 3, "after")) == {"entities after": 3, "added": 3}


def test_a_probe_is_paired_over_the_two_sides() -> None:
    ids = [f"u{i:02}" for i in range(60)]
    labels = pa.table({"entity_id": ids, "label": [str(i % 2) for i in range(60)]})
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(60, 3)).astype(np.float32)
    good = noise + 4.0 * (np.arange(60) % 2)[:, None]
    options = ProbeOptions(folds=3, repeats=1, bootstrap=50, workers=1)
    sides = []
    for matrix in (noise, good):
        made = probe(FeatureSet("m@1", ids, matrix, "m", 1, frozenset(), "h"), labels, "t", "binary", options, "d")
        sides.append((made.probes, made.predictions))
    (row,) = probe_difference(sides[0], sides[1], ("m@1", "m@1")).to_pylist()
    assert row["measure"] == "t roc_auc"
    assert row["value"] > 0.2
    assert row["low"] > 0
    assert row["words"].startswith("better than m@1 (before)")


def test_wide_and_long_layouts() -> None:
    a, b = features("m@1", {"y": [1.0, 2.0], "x": [3.0, 4.0]}), features("n", {"x": [5.0]})
    assert to_table([a, b], TableLayout.WIDE).to_pylist() == [
        {"entity_id": "x", "m_k1_000": 3.0, "m_k1_001": 4.0, "n_000": 5.0},
        {"entity_id": "y", "m_k1_000": 1.0, "m_k1_001": 2.0, "n_000": None},
    ]
    assert to_table([a, b], TableLayout.LONG).to_pylist() == [
        {"entity_id": "x", "features": "m@1", "vector": [3.0, 4.0]},
        {"entity_id": "y", "features": "m@1", "vector": [1.0, 2.0]},
        {"entity_id": "x", "features": "n", "vector": [5.0]},
    ]
    assert to_table([a], "long").equals(to_table([a], TableLayout.LONG))
    with pytest.raises(OptionError, match="layout 'square' is unknown: choose one of wide, long"):
        to_table([a], "square")
    with pytest.raises(ProbeError, match="a table needs features, each of another name, and was given m@1, m@1"):
        to_table([a, a], "wide")
    with pytest.raises(ProbeError, match="a table needs features, each of another name, and was given none"):
        to_table([], "wide")
