"""The page: pictures and tables put into the template.

In: ``ReportData``. Out: one HTML document that needs no network. Everything that comes from data is escaped by the
template, and a content security policy lets no script run but the page's own.
"""

import base64
import hashlib
import json
from collections.abc import Collection
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader
from markupsafe import Markup, escape

from ..core import figures
from ..core.printable import printable_line
from ..probe.comparison import in_short
from .data import ReportData
from .legend import legend
from .people import People, people
from .sections import about, framed, task_sections


def render(data: ReportData) -> str:
    """Draw everything into one HTML page that needs no network.

    Parameters
    ----------
    data : ReportData
        Tables; what is None is left out of the page.

    Returns
    -------
    str
        The page. Equal data give equal text; what comes from data is escaped.

    Raises
    ------
    ProbeError
        Where the map is to be drawn by UMAP and it is not installed, or a table's predictions are incomplete.

    Examples
    --------
    >>> from llm4es.report import ReportData, render
    >>> page = render(ReportData(dataset="bank", made="29 November 2026, llm4es 0.1.0"))
    >>> page[:15], "<h1>bank</h1>" in page
    ('<!doctype html>', True)
    """
    script, style = _read("page.js"), _read("page.css")
    environment = Environment(
        loader=PackageLoader("llm4es.report"), autoescape=True, trim_blocks=True, lstrip_blocks=True, finalize=_shown
    )
    environment.filters |= {"number": _number, "p_value": _p_value, "whole": _whole, "signed": _signed}
    environment.filters |= {"verbatim": escape, "drawn": Markup}
    environment.globals |= {"between": _between, "in_short": in_short}
    map_ = people(data) if data.vectors is not None and data.vectors.num_rows > 1 else None
    return environment.get_template("page.html.j2").render(
        data=data,
        question=_question({answer.made_with for answer in data.answers}),
        tasks=task_sections(data),
        legend=legend(data),
        about=about(data),
        against_pictures=[framed(task, svg) for task, svg in data.against.pictures()] if data.against else [],
        people=map_,
        maps={task: Markup(svg) for task, svg in map_.maps.items()} if map_ else {},  # noqa: S704  # escaped by matplotlib
        users=_json(map_),
        runs=data.runs.to_pylist() if data.runs is not None else [],
        cuts=data.cuts.to_pylist() if data.cuts is not None else [],
        models=data.models.to_pylist() if data.models is not None else [],
        style=Markup(style),  # noqa: S704  # a file of this package
        script=Markup(script),  # noqa: S704
        policy=f"default-src 'none'; base-uri 'none'; form-action 'none'; script-src {_digest(script)}; "
        f"style-src-elem {_digest(style)}; style-src-attr 'unsafe-inline'",  # matplotlib writes style attributes
    )


def _question(made_with: Collection[str]) -> str:
    """What the first screen answers."""
    several = len(made_with) > 1
    what = " or ".join(sorted(made_with)) or "a language model"
    return f"{'Do' if several or what.endswith('s') else 'Does'} {what} add anything?"


def _digest(text: str) -> str:
    """What a policy names a script or style by."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _shown(value: Any) -> Any:
    """Text from data in one line, what would turn its direction written out. Commands stay as they are typed."""
    return printable_line(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _json(map_: People | None) -> Markup:
    """The shown users for the page's script; no '<' in it, so that nothing can end the element early."""
    text = json.dumps(list(map_.users) if map_ else [], ensure_ascii=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029"))  # noqa: S704


def _between(low: float | None, high: float | None, signs: bool = False) -> str:
    """An interval, as everywhere."""
    return (
        "" if low is None or high is None else figures.between(low, high, figures.signed if signs else figures.number)
    )


def _signed(value: float | None) -> str:
    """A difference, with its sign."""
    return "" if value is None else figures.signed(value)


def _p_value(value: float | None) -> str:
    """A p-value: small ones as a bound, for nobody believes their digits."""
    return "" if value is None else figures.p_value(value)


def _whole(value: float | None) -> str:
    """A time in seconds, without fractions where they say nothing."""
    return "" if value is None else f"{value:,.0f}" if value >= 10 else f"{value:.1f}"


def _number(value: Any) -> str:
    """A cell: floats to three places, nothing for null."""
    if value is None:
        return ""
    if isinstance(value, float):
        return figures.number(value)
    return f"{value:,}" if isinstance(value, int) else str(value)


def _read(name: str) -> str:
    """A file of this package."""
    return (resources.files(__package__) / name).read_text(encoding="utf-8")
