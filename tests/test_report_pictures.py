"""What the report's pictures hold: points of paths, labels of ticks, colours, read from the SVG."""

import html
import re
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pytest

from llm4es.features.feature_set import FeatureSet
from llm4es.options import ProbeOptions
from llm4es.probe import probe
from llm4es.probe.compare import compare
from llm4es.probe.predictions import Scored
from llm4es.report import ReportData, lines, render
from llm4es.report.curves import Curve, roc
from llm4es.report.forest import forest
from llm4es.report.letters import letters
from llm4es.report.marks import classes
from llm4es.report.people import pca
from llm4es.report.profile import fidelity_bars, histogram, round_numbers
from llm4es.report.svg import in_a_line

IDS = [f"u{i:02}" for i in range(60)]


def path(svg: str, colour: str) -> list[tuple[float, float]]:
    """The points of the first line of that colour, in the drawing's units: y grows downwards."""
    drawn = re.search(rf'<path d="([^"]*)" clip-path="[^"]*" style="fill: none;[^"]* stroke: var\({colour}\)', svg)
    assert drawn is not None
    return [(float(x), float(y)) for x, y in re.findall(r"[ML] (\S+) (\S+)", drawn[1])]


def texts(svg: str) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg)


def binary(truth: list[int], p: list[float]) -> Scored:
    scores = np.array([[[1 - one, one] for one in p]])
    n = len(truth)
    folds, seen = np.zeros((1, n), dtype=np.int64), np.zeros(n, dtype=bool)
    return Scored(tuple(map(str, range(n))), ("no", "yes"), np.array(truth), scores, folds, seen)


def test_roc_starts_at_the_origin_with_its_rise() -> None:
    # of three positives two stand above all others: up to 2/3 at no false alarm, then along two negatives, up, along
    drawn = roc([Curve("m", False, binary([1, 1, 0, 0, 1, 0], [0.9, 0.8, 0.7, 0.6, 0.5, 0.4]))], "roc")
    points = path(drawn, "--c0")
    (x0, y0), (x1, y1) = points[0], points[-1]
    shares = [(round((x - x0) / (x1 - x0), 3), round((y - y0) / (y1 - y0), 3)) for x, y in points]
    assert shares[0] == (0, 0)
    assert [share for share in shares if share in ((0, 0.667), (0.667, 0.667), (0.667, 1))] == shares[-4:-1]
    assert shares[1][0] == 0
    chance = path(drawn, "--muted")
    assert (chance[0], chance[-1]) == ((x0, y0), (x1, y1))  # from corner to corner, as the dashed line


def test_roc_of_many_keeps_its_ends_and_stays_small() -> None:
    rng = np.random.default_rng(0)
    truth = np.repeat([1, 0], 3000)
    score = np.clip(rng.normal(size=6000) + truth, -3, 4)
    score[:300] = 9.0 + rng.random(300)  # a tenth of the positives stands above everybody
    points = path(roc([Curve("m", False, binary(truth.tolist(), score.tolist()))], "roc"), "--c0")
    assert len(points) <= 203
    (x0, y0), (_, y1) = points[0], points[-1]
    rise = max((y - y0) / (y1 - y0) for x, y in points if abs(x - x0) < 0.3)  # a third of a pixel
    assert rise >= 0.1


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [(1, 1000, [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000]), (1, 10**5, [1, 10, 100, 1000, 10**4, 10**5]),
     (20, 737, [20, 50, 100, 200, 500]), (95, 100, [95, 96, 97, 98, 99, 100]), (1, 2, [1, 1.2, 1.4, 1.6, 1.8, 2])],
)  # fmt: skip
def test_ticks_of_a_logarithmic_axis(low: float, high: float, ticks: list[float]) -> None:
    assert round_numbers(low, high) == pytest.approx(ticks)


@pytest.mark.parametrize("most", [3, 7, 99, 12_345])
def test_a_logarithmic_axis_has_labels(most: int) -> None:
    shown = texts(histogram(pa.chunked_array([[2, most, most]]), "events", "h"))
    assert len([text for text in shown[: shown.index("events")] if re.fullmatch(r"[\d,.]+", text)]) >= 2


def test_the_learning_curve_ends_at_everybody_trained_on() -> None:
    sizes = [(20, 0.6), (40, 0.65), (80, 0.7)]
    rows = [{"features": "tfidf", "probe": "logistic", "model": None, "task": "t", "metric": metric, "value": value,
             "ci_low": value - 0.1, "ci_high": value + 0.1, "trained": size}
            for size, value in reversed(sizes) for metric in ("roc_auc", "accuracy")]  # fmt: skip
    drawn = lines.learning_curve(pa.Table.from_pylist(rows), "roc_auc", "learning")
    assert drawn is not None
    points = path(drawn, "--muted")
    assert len(points) == 3
    (x0, _), (x1, _), (x2, _) = points
    assert (x2 - x0) / (x1 - x0) == pytest.approx(3, abs=1e-3)  # 20, 40, 80
    assert texts(drawn)[:3] == ["20", "40", "80"]
    assert "20: 0.600, 40: 0.650, 80: 0.700 (tfidf)" in drawn


def test_a_bar_is_of_whole_events_and_axes_end_near_the_data() -> None:
    def ticks(values: list[float]) -> tuple[list[float], list[float]]:
        shown = texts(histogram(pa.chunked_array([values]), "days", "h"))
        across, up = shown[: shown.index("days")], shown[shown.index("days") + 1 : shown.index("entities")]
        return [float(text.replace(",", "")) for text in across], [float(text) for text in up]

    for values in ([21.0], [182.0, 120.0, 181.6], [1.0, 2.0, 3.0, 3.0, 7.0], [1.0, 90.0, 182.0]):
        across, up = ticks(values)
        assert max(across) <= max(values) + 2
        assert all(tick == int(tick) for tick in across + up)
    svg = histogram(pa.chunked_array([[5, 5, 5, 9]]), "events", "h")
    assert "3 entities with 5 events" in svg


def test_the_longest_name_takes_nothing_from_the_comparison() -> None:
    def drawn(name: str) -> str:
        row = {"features": name, "model": name, "probe": "logistic", "metric": "accuracy", "value": 0.6, "ci_low": 0.4,
               "ci_high": 0.7, "words": "better", "difference": None, "reference": name}  # fmt: skip
        return forest([row], "forest")

    short = drawn("m")
    for name in (
        "x" * 200,
        "paraphrase-multilingual-mpnet-base-v2-with-adapters@1 [tokens]",
        "\u65e5\u672c\u8a9e" * 20,
    ):
        long = drawn(name)  # and no warning of a letter that matplotlib's own font lacks
        assert [x for x, _ in path(long, "--c0")] == [x for x, _ in path(short, "--c0")]
        written = next(text for text in texts(long) if text.startswith(name[:4]))
        before, after = written.split("\u2026")
        assert name.startswith(before)
        assert name.endswith(after)
        assert 20 < letters(written) <= 54
        assert f'data-tip="{name}: accuracy' in long


def test_a_legend_says_its_names_whole() -> None:
    names = ["Fashion accessories", "Groceries & household", "Home electronics"]
    labels = dict(zip(IDS, names * 20, strict=True))
    drawn = classes(np.random.default_rng(0).normal(size=(60, 2)), IDS, labels, "m", "")
    assert {html.escape(name) for name in names} <= set(texts(drawn))
    assert [in_a_line(each) for each in (names, ["yes", "no"], ["x" * 60], [])] == [2, 4, 1, 4]


def test_what_carries_everything_is_not_approximate() -> None:
    flat = np.random.default_rng(0).normal(size=(50, 2)).astype(np.float32)
    assert pca(flat)[1].endswith("all of the variance: distances are as they are.")
    nearly = np.c_[flat, flat[:, 0] + np.random.default_rng(1).normal(size=50) * 1e-2].astype(np.float32)
    assert "carry 99% of the variance: distances are approximate" in pca(nearly)[1]


def page(labels: list[str], kind: str, metric: str | None = None, positive: str | None = None, **more: object) -> str:
    """A report of two feature sets with a model and a baseline."""
    rng = np.random.default_rng(0)
    table = pa.table({"entity_id": IDS, "label": labels})
    strong = (np.array([hash_free(label) for label in labels])[:, None]) + rng.normal(size=(60, 3))
    sets = [FeatureSet("m@8", IDS, strong, "m", 8), FeatureSet("m@1", IDS, strong + rng.normal(size=(60, 3)), "m", 1),
            FeatureSet("tfidf", IDS, rng.normal(size=(60, 3)))]  # fmt: skip
    options = ProbeOptions(folds=3, repeats=2, bootstrap=50, workers=1)
    results = [probe(each, table, "t", kind, options, "d", positive=positive) for each in sets]
    probes, predictions = (pa.concat_tables([getattr(r, name) for r in results]) for name in ("probes", "predictions"))
    compared = compare(probes, predictions, metric=metric, positive=positive, resamples=50)
    given: Mapping[str, object] = {
        "comparison": compared.add_column(0, "task", pa.array(["t"] * len(compared))), "predictions": predictions,
        "vectors": pa.table({"entity_id": IDS, "vector": strong.tolist()}),
        "labels": table.append_column("task", pa.array(["t"] * 60)), **more,
    }  # fmt: skip
    return render(ReportData("d", "today", **given))  # type: ignore[arg-type]


def hash_free(label: str) -> float:
    """A label as a number: its own, or its length."""
    try:
        return float(label) / 10
    except ValueError:
        return float(len(label))


def test_a_regression_is_a_scale_on_the_map() -> None:
    drawn = page([str(float(i)) for i in range(60)], "regression", numbers=("t",))
    map_ = drawn[drawn.index('<section id="map"') :]
    assert map_.count("data-user=") == 60
    assert "coloured by t, from 1.18 to 57.82" in map_  # quantiles of 2 and 98 %
    fills = re.findall(r"<use data-user=\"\d+\" [^>]*fill: (#[0-9a-f]{6})", map_)
    assert len(set(fills)) == 16
    assert "var(--c7)" not in map_  # no classes
    assert {"10", "20", "30", "40", "50"} <= set(texts(map_))


def test_the_positive_class_is_on_the_axes_and_in_the_tables_head() -> None:
    labels = ["left", "stayed"] * 30
    drawn = page(labels, "binary", metric="average_precision", positive="left")
    assert "average_precision of &#39;left&#39;</th>" in drawn
    assert {"share of 'left' found", "predicted probability of 'left'"} <= set(texts(drawn))
    assert "share of 'stayed' found" in texts(page(labels, "binary"))


def test_the_best_of_several_is_said_to_be_chosen() -> None:
    drawn = page(["left", "stayed"] * 30, "binary")
    verdict = re.search(r'<p class="verdict">(.*?)</p>', drawn)
    assert verdict is not None
    assert verdict[1].startswith("Best of 3: m@8, roc_auc ")
    assert "With a language model, the best of 2, chosen on the very entities that score it: m@8, better" in verdict[1]
    assert re.search(r"Its roc_auc is optimistic by up to 0\.0\d\d\.$", verdict[1])


def test_the_table_says_its_verdict_before_costs_and_intervals_with_a_word() -> None:
    drawn = page(["left", "stayed"] * 30, "binary")
    heads = re.findall(
        r"<th scope=\"col\"[^>]*>([^<]*)</th>", drawn[drawn.index("<caption>Comparison for t</caption>") :]
    )
    assert heads[:7] == ["features", "roc_auc", "95 % interval", "difference", "its interval", "p", "verdict"]
    assert re.search(r"<td class=\"n\">0\.\d{3} to [01]\.\d{3}</td>", drawn)
    assert "\u2013" not in drawn  # no dash that could be a sign


def test_the_bars_of_rewritings_tell_what_a_rule_wrote() -> None:
    texts = {"variant": ["llm_table", "llm_json"], "fidelity": [0.7, 1.0], "note": [None, None]}
    counts = {"n_events": [30, 10], "n_events_by_rule": [10, 0]}
    assert "events are a rule" not in str(fidelity_bars(pa.table(texts), "of 0.1"))
    picture = str(fidelity_bars(pa.table(texts | counts), "bars"))
    assert picture.count("events are a rule") == 1
    assert "llm_table: 33% of its events are a rule" in picture
