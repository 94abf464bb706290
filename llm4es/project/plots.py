"""Pictures in a notebook: a comparison with its intervals, the metric against k.

In: rows of a comparison. Out: matplotlib axes. matplotlib is loaded in the call alone.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..core.errors import OptionError

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_comparison(rows: Sequence[dict[str, Any]], task: str | None, ax: "Axes | None") -> "Axes":
    """Every feature set's value and interval, the best first; baselines hollow, the reference's value dashed."""
    chosen = _of_task(rows, task)
    axes = axes_or_new(ax, 0.9 + 0.45 * min(len(chosen), 24))
    from ..report.forest import forest_on
    from ..report.svg import NOTEBOOK

    forest_on(axes, chosen, NOTEBOOK)
    axes.set_title(chosen[0]["task"])
    return axes


def plot_k(rows: Sequence[dict[str, Any]], task: str | None, ax: "Axes | None") -> "Axes":
    """The metric against the number of last layers averaged, a line a model."""
    chosen = _of_task(rows, task)
    axes = axes_or_new(ax, 3.2)
    from ..report.lines import by_k_on
    from ..report.svg import NOTEBOOK

    if not by_k_on(axes, chosen, NOTEBOOK):
        raise OptionError(f"no model was probed at two k for {chosen[0]['task']!r}: embed with --k 1,8,all and probe")
    axes.legend(frameon=False)
    axes.set_title(chosen[0]["task"])
    return axes


def _of_task(rows: Sequence[dict[str, Any]], task: str | None) -> list[dict[str, Any]]:
    """The rows of one task: of that asked for, or the only one."""
    tasks = list(dict.fromkeys(row["task"] for row in rows))
    if (task is None and len(tasks) > 1) or (task is not None and task not in tasks):
        raise OptionError(f"task={task!r}: choose one of {', '.join(tasks)}")
    return [row for row in rows if row["task"] == (task or tasks[0])]


def axes_or_new(ax: "Axes | None", height: float) -> "Axes":
    """Where it is drawn: as given, or a figure of its own."""
    try:
        import jinja2  # noqa: F401  # the drawings are the report's
        from matplotlib import pyplot
    except ImportError as error:
        raise OptionError("plots need matplotlib and jinja2: run `pip install 'llm4es[report]'`") from error
    return ax if ax is not None else pyplot.subplots(figsize=(6.4, height), layout="constrained")[1]
