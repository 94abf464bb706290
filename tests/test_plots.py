"""Results that draw themselves: what matplotlib is given is what the comparison says."""

import re
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest

from llm4es import Project
from llm4es.core.errors import OptionError
from llm4es.core.interval_bar import WIDTH
from llm4es.project.plots import drawn_on, plot_comparison, plot_k

QUICK: dict[str, Any] = {"folds": 2, "repeats": 1, "bootstrap": 20}


@pytest.fixture(autouse=True)
def _no_screen() -> Any:
    mpl.use("agg")
    yield
    from matplotlib import pyplot

    pyplot.close("all")


def test_a_comparison_draws_its_values_and_intervals(project: Project) -> None:
    project.serialize()
    project.probe("loyal", features="tfidf,counts,majority", **QUICK)
    compared = project.compare("loyal")
    rows = compared.to_pylist()
    axes = compared.plot()
    drawn = [np.asarray(line.get_xdata(), dtype=float) for line in axes.lines]
    dots = [float(x[0]) for x in drawn if len(x) == 1]
    bars = [x.tolist() for x in drawn[:-1] if len(x) == 2]
    assert dots == [row["value"] for row in rows]
    assert bars == [[row["ci_low"], row["ci_high"]] for row in rows]
    assert axes.get_title() == "loyal"
    assert compared.plot(ax=axes) is axes

    page = compared._repr_html_()
    assert page.count("<circle") == len(rows)
    places = [float(x) for x in re.findall(r'<circle cx="([\d.]+)"', page)]
    assert places == sorted(places, reverse=True)  # the best is the one most to the right
    assert all(0 <= place <= WIDTH for place in places)
    with pytest.raises(OptionError, match="task='size': choose one of loyal"):
        compared.plot("size")

    on_map = project.plot_map("loyal", features="tfidf")
    assert sum(len(np.asarray(marks.get_offsets())) for marks in on_map.collections) == 20
    legend = on_map.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["no", "yes"]
    with pytest.raises(OptionError, match="no vectors of a model were probed: name features, or embed and probe first"):
        project.plot_map("loyal")
    with pytest.raises(OptionError, match="task='size': choose one of loyal"):
        project.plot_map("size", features="tfidf")


def test_the_metric_against_k() -> None:
    base: dict[str, Any] = {"task": "t", "metric": "roc_auc", "probe": "logistic", "model": "m"}
    rows = [base | {"features": f"m@{k}", "k": k, "value": k / 10, "ci_low": 0.0, "ci_high": 1.0} for k in (8, 1, 2)]
    line = plot_k(rows, None, None).lines[0]
    assert np.asarray(line.get_ydata()).tolist() == [0.1, 0.2, 0.8]
    assert np.asarray(line.get_xdata()).tolist() == [1, 2, 8]
    with pytest.raises(OptionError, match="no model was probed at two k for 't': embed with --k 1,8,all and probe"):
        plot_k(rows[:1], "t", None)


def test_names_from_data_are_drawn_as_they_are() -> None:
    from matplotlib import pyplot

    base: dict[str, Any] = {
        "task": "$a_$\n\x1b",
        "metric": "roc_auc",
        "probe": "logistic",
        "ci_low": 0.0,
        "ci_high": 1.0,
    }
    rows = [base | {"features": f"_$m_$@{k}", "model": "_$m_$", "k": k, "value": k / 10} for k in (1, 2)]
    given = pyplot.subplots()[1]
    for axes in (plot_k(rows, None, None), plot_k(rows, None, given)):
        axes.figure.canvas.draw()  # a formula would end here
        assert axes.get_title() == r"$a_$\n\x1b"
        legend = axes.get_legend()
        assert legend is not None
        assert [text.get_text().lstrip("\u200b") for text in legend.get_texts()] == ["_$m_$"]
    compared = [row | {"difference": None, "reference": "$a_$", "words": "w"} for row in rows]
    plot_comparison(compared, None, pyplot.subplots()[1]).figure.canvas.draw()


def test_classes_are_drawn_as_they_are() -> None:
    from llm4es.report.marks import classes, classes_on

    points, ids = np.array([[0.0, 1.0], [1.0, 0.0]]), ["a", "b"]
    label = {"a": "$10-$20", "b": "_$a_$"}
    with drawn_on(None, 3) as axes:
        classes_on(axes, points, ids, label)
        axes.legend()
    axes.figure.canvas.draw()
    legend = axes.get_legend()
    assert legend is not None
    assert [text.get_text().lstrip("\u200b") for text in legend.get_texts()] == ["$10-$20", "_$a_$"]
    assert "_$a_$" in classes(points, ids, label, "map", "t")


def test_what_cannot_be_drawn_leaves_no_figure(project: Project) -> None:
    from matplotlib import pyplot

    project.serialize()
    row: dict[str, Any] = {"task": "t", "metric": "roc_auc", "probe": "logistic", "model": "m", "features": "m@1"}
    with pytest.raises(OptionError, match="no model was probed at two k"):
        plot_k([row | {"k": 1, "value": 0.5, "ci_low": 0.4, "ci_high": 0.6}], None, None)
    with pytest.raises(OptionError, match="choose one of loyal"):
        project.plot_map("size", features="tfidf")
    assert pyplot.get_fignums() == []


def test_matplotlib_may_be_absent(project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    project.serialize()
    project.probe("loyal", features="counts", **QUICK)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    compared = project.compare("loyal")
    assert "<circle" in compared._repr_html_()  # the table needs it not
    with pytest.raises(OptionError, match=r"plots need matplotlib and jinja2: run `pip install 'llm4es\[report\]'`"):
        compared.plot()
