"""Which pictures the page shows, under which titles.

In: ``ReportData``. Out: pictures by task, and of the data, of fine-tuning and of enrichment. Knows no template.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow.compute as pc
from markupsafe import Markup

from ..core.figures import number
from ..core.tasks import Kind
from ..probe.choices import made_with, short, taken_with_vectors
from ..probe.metrics import METRICS
from ..probe.predictions import scored
from . import curves, lines, profile
from .data import ReportData
from .forest import MOST_ROWS, forest, label_of
from .svg import MOST_LINES

CURVES = 3
"""Feature sets in ROC and calibration: the best, the reference, and the best of a model where that is another."""


@dataclass(frozen=True)
class Picture:
    """One drawing of the page."""

    title: str
    svg: Markup
    note: str = ""


@dataclass(frozen=True)
class TaskSection:
    """The evidence of one task."""

    name: str
    verdict: str
    metric: str
    """What the comparison is by, and of which class where that matters."""
    probes: bool
    """Several were fitted."""
    rows: Sequence[Mapping[str, Any]]
    pictures: Sequence[Picture] = field(default_factory=tuple)


def task_sections(data: ReportData) -> list[TaskSection]:
    """The evidence, task by task."""
    if data.comparison is None:
        return []
    sections = []
    for n, name in enumerate(pc.unique(data.comparison["task"]).to_pylist()):
        rows = data.comparison.filter(pc.equal(data.comparison["task"], name)).to_pylist()
        best = f"The best {MOST_ROWS} of {len(rows)}: the table below has all." if len(rows) > MOST_ROWS else ""
        pictures = [framed("Every feature set beside the others", forest(rows, f"forest-{n}"), best)]
        if (k := lines.by_k(rows, f"k-{n}")) is not None:
            pictures.append(framed("How many last layers", k, _alone(rows)))
        if (layer := lines.by_layer(rows, f"layer-{n}")) is not None:
            pictures.append(framed("Each layer on its own", layer, _alone(rows)))
        drawn = _curves(data, name, rows)
        if drawn:
            pictures.append(framed("ROC", curves.roc(drawn, f"roc-{n}"), "Dashed: chance."))
            note = "On the dashed line a probability of 0.7 comes true 7 times in 10."
            pictures.append(framed("Calibration", curves.calibration(drawn, f"calibration-{n}"), note))
        if data.learning is not None:
            of_task = data.learning.filter(pc.equal(data.learning["task"], name))
            if (curve := lines.learning_curve(of_task, rows[0]["metric"], f"learning-{n}")) is not None:
                pictures.append(framed("How few labels suffice", curve, "Bands are 95 % intervals."))
        sections.append(
            TaskSection(name, _verdict(rows), _metric(rows[0]), len({row["probe"] for row in rows}) > 1, rows, pictures)
        )
    return sections


def _alone(rows: Sequence[Mapping[str, Any]]) -> str:
    """What lines against depth show, and of how many."""
    models = len({row["model"] for row in rows if row["model"]})
    many = f" Of {models} models the lines of the best {MOST_LINES}." if models > MOST_LINES else ""
    return f"Bars are 95 % intervals of each value alone.{many}"


def _verdict(rows: Sequence[Mapping[str, Any]]) -> str:
    """The task's answer in a sentence or two; what was chosen among several is said to be."""
    best, of_model = rows[0], next((row for row in rows if row["model"]), None)
    among = f" of {len(rows)}" if len(rows) > 1 else ""
    sentence = f"Best{among}: {_named(best)}, {best['metric']} {number(best['value'])}."
    if of_model is None:
        return sentence + " No embedding was probed."
    name = f"{_named(of_model)}, {of_model['words']}."
    if (taken := taken_with_vectors(of_model)) is not None:
        name += " The choice took {} in {} of {} folds.".format(made_with(of_model), *taken)
    if not of_model["best_of"]:
        return f"{sentence} With {made_with(of_model)}: {name}"
    return (
        f"{sentence} With {made_with(of_model)}, the best of {of_model['best_of']}, chosen on the very entities that "
        f"score it: {name} Its {of_model['metric']} is optimistic by up to {number(of_model['optimism'])}."
    )


def _named(row: Mapping[str, Any]) -> str:
    """A feature set in a sentence."""
    return label_of({**row, "features": short(row["features"])})


def _metric(row: Mapping[str, Any]) -> str:
    """The metric, and the class that it is about where that matters."""
    return f"{row['metric']} of '{row['positive']}'" if row["metric"] == "average_precision" else str(row["metric"])


def _curves(data: ReportData, task: str, rows: Sequence[Mapping[str, Any]]) -> list[curves.Curve]:
    """Predictions of the feature sets worth a curve; none unless the task is binary."""
    if data.predictions is None or Kind.BINARY not in METRICS[rows[0]["metric"]].kinds:
        return []
    wanted = [rows[0], *(row for row in rows if row["model"]), *(row for row in rows if row["difference"] is None)]
    first_model = next((row for row in rows if row["model"]), None)
    chosen = [row for row in wanted if row is rows[0] or row is first_model or row["difference"] is None]
    worth: list[curves.Curve] = []
    for row in chosen:
        label = label_of(dict(row))
        mine = pc.and_(
            pc.equal(data.predictions["features"], row["features"]), pc.equal(data.predictions["task"], task)
        )
        part = data.predictions.filter(pc.and_(mine, pc.equal(data.predictions["probe"], row["probe"])))
        if part.num_rows and label not in [curve.label for curve in worth]:
            worth.append(
                curves.Curve(label, row["model"] is None, scored(part, regression=False).with_positive(row["positive"]))
            )
    return worth[:CURVES] if worth and len(worth[0].scored.classes) == 2 else []


def about(data: ReportData) -> list[Picture]:
    """Pictures of the data, of fine-tuning and of enrichment."""
    pictures = []
    if data.users is not None and data.users.num_rows:
        for column, unit in (("n_events", "events an entity"), ("days", "days of history")):
            if column in data.users.column_names:
                drawn = profile.histogram(data.users[column], unit, f"profile-{column}")
                pictures.append(framed(unit.capitalize(), drawn, "Dashed: the median."))
    if data.models is not None and (losses := profile.loss_curves(data.models, "loss")) is not None:
        pictures.append(framed("Fine-tuning", losses, "Held out: entities that fine-tuning did not see."))
    if data.fidelity is not None and (bars := profile.fidelity_bars(data.fidelity, "fidelity")) is not None:
        pictures.append(
            framed("Fidelity of enriched texts", bars, "Share of an entity's events that the new text keeps.")
        )
    return pictures


def framed(title: str, svg: str, note: str = "") -> Picture:
    """One drawing of this package as the template takes it."""
    return Picture(title, Markup(svg), note)  # noqa: S704  # matplotlib and ``svg`` escape what comes from data
