"""The page: pictures and tables put into the template.

In: ``ReportData``. Out: one HTML document that needs no network. Everything that comes from data is escaped by the
template, and a content security policy lets no script run but the page's own.
"""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

import pyarrow.compute as pc
from jinja2 import Environment, PackageLoader
from markupsafe import Markup

from ..core.tasks import Kind
from ..probe.metrics import METRICS
from ..probe.predictions import scored
from . import evidence, profile
from .data import ReportData
from .people import People, people

CURVES = 3
"""Feature sets in ROC and calibration: the best, the reference, and the best of a model where that is another."""


ALONE = "Bars are 95 % intervals of each value alone."


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
    rows: Sequence[Mapping[str, Any]]
    pictures: Sequence[Picture] = field(default_factory=tuple)


def render(data: ReportData) -> str:
    """The page as text."""
    script, style = _read("page.js"), _read("page.css")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    environment = Environment(
        loader=PackageLoader("llm4es.report"), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"number": _number, "p_value": _p_value, "whole": _whole}
    found = people(data) if data.vectors is not None and data.vectors.num_rows > 1 else None
    return environment.get_template("page.html.j2").render(
        data=data,
        tasks=_tasks(data),
        about=_about(data),
        people=found,
        maps={task: Markup(svg) for task, svg in found.maps.items()} if found else {},  # noqa: S704  # escaped by matplotlib
        users=_json(found),
        runs=data.runs.to_pylist() if data.runs is not None else [],
        cuts=data.cuts.to_pylist() if data.cuts is not None else [],
        models=data.models.to_pylist() if data.models is not None else [],
        style=Markup(style),  # noqa: S704  # a file of this package
        script=Markup(script),  # noqa: S704
        policy=f"default-src 'none'; base-uri 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'",
    )


def _tasks(data: ReportData) -> list[TaskSection]:
    """The evidence, task by task."""
    if data.comparison is None:
        return []
    found = []
    for n, name in enumerate(pc.unique(data.comparison["task"]).to_pylist()):
        rows = data.comparison.filter(pc.equal(data.comparison["task"], name)).to_pylist()
        pictures = [_picture("Every feature set beside the others", evidence.forest(rows, f"forest-{n}"))]
        if (k := evidence.by_k(rows, f"k-{n}")) is not None:
            pictures.append(_picture("How many last layers", k, ALONE))
        if (layer := evidence.by_layer(rows, f"layer-{n}")) is not None:
            pictures.append(_picture("Each layer on its own", layer, ALONE))
        curves = _curves(data, name, rows)
        if curves:
            pictures.append(_picture("ROC", evidence.roc(curves, f"roc-{n}"), "Dashed: chance."))
            note = "On the dashed line a probability of 0.7 comes true 7 times in 10."
            pictures.append(_picture("Calibration", evidence.calibration(curves, f"calibration-{n}"), note))
        if data.learning is not None:
            of_task = data.learning.filter(pc.equal(data.learning["task"], name))
            if (curve := evidence.learning_curve(of_task, rows[0]["metric"], f"learning-{n}")) is not None:
                pictures.append(_picture("How few labels suffice", curve, "Bands are 95 % intervals."))
        found.append(TaskSection(name, _verdict(rows), rows, pictures))
    return found


def _verdict(rows: Sequence[Mapping[str, Any]]) -> str:
    """The task's answer in a sentence."""
    best, of_model = rows[0], next((row for row in rows if row["model"]), None)
    said = f"Best: {evidence.label_of(dict(best))}, {best['metric']} {best['value']:.3f}."
    if of_model is None:
        return said + " No embedding was probed."
    return said + f" Best with a language model: {evidence.label_of(dict(of_model))}, {of_model['words']}."


def _curves(data: ReportData, task: str, rows: Sequence[Mapping[str, Any]]) -> list[evidence.Curve]:
    """Predictions of the feature sets worth a curve; none unless the task is binary."""
    if data.predictions is None or Kind.BINARY not in METRICS[rows[0]["metric"]].kinds:
        return []
    wanted = [rows[0], *(row for row in rows if row["model"]), *(row for row in rows if row["difference"] is None)]
    first_model = next((row for row in rows if row["model"]), None)
    chosen = [row for row in wanted if row is rows[0] or row is first_model or row["difference"] is None]
    found: list[evidence.Curve] = []
    for row in chosen:
        label = evidence.label_of(dict(row))
        mine = pc.and_(
            pc.equal(data.predictions["features"], row["features"]), pc.equal(data.predictions["task"], task)
        )
        part = data.predictions.filter(pc.and_(mine, pc.equal(data.predictions["probe"], row["probe"])))
        if part.num_rows and label not in [curve.label for curve in found]:
            found.append(evidence.Curve(label, row["model"] is None, scored(part, regression=False)))
    return found[:CURVES] if found and len(found[0].scored.classes) == 2 else []


def _about(data: ReportData) -> list[Picture]:
    """Pictures of the data, of fine-tuning and of enrichment."""
    found = []
    if data.users is not None and data.users.num_rows:
        for column, unit in (("n_events", "events a user"), ("days", "days of history")):
            if column in data.users.column_names:
                drawn = profile.histogram(data.users[column], unit, f"profile-{column}")
                found.append(_picture(unit.capitalize(), drawn, "Dashed: the median."))
    if data.models is not None and (curves := profile.loss_curves(data.models, "loss")) is not None:
        found.append(_picture("Fine-tuning", curves, "Held out: entities that fine-tuning did not see."))
    if data.fidelity is not None and (bars := profile.fidelity_bars(data.fidelity, "fidelity")) is not None:
        found.append(_picture("Fidelity of enriched texts", bars, "Share of a user's events that the new text keeps."))
    return found


def _picture(title: str, svg: str, note: str = "") -> Picture:
    return Picture(title, Markup(svg), note)  # noqa: S704  # matplotlib and ``svg`` escape what comes from data


def _json(found: People | None) -> Markup:
    """The shown users for the page's script; no '<' in it, so that nothing can end the element early."""
    text = json.dumps(list(found.users) if found else [], ensure_ascii=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029"))  # noqa: S704


def _p_value(value: float | None) -> str:
    """A p-value: small ones as a bound, for nobody believes their digits."""
    return "< 0.001" if value is not None and value < 0.001 else _number(value)


def _whole(value: float | None) -> str:
    """A time in seconds, without fractions where they say nothing."""
    return "" if value is None else f"{value:,.0f}" if value >= 10 else f"{value:.1f}"


def _number(value: Any) -> str:
    """A cell: floats to three places, nothing for null."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.3f}" if abs(value) < 100 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _read(name: str) -> str:
    """A file of this package."""
    return (resources.files(__package__) / name).read_text(encoding="utf-8")
