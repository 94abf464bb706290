"""Pictures in a notebook: a comparison with its intervals, the metric against k.

In: rows of a comparison. Out: matplotlib axes. matplotlib is loaded in the call alone.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ..core.errors import OptionError
from ..core.printable import printable_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_comparison(rows: Sequence[dict[str, Any]], task: str | None, ax: "Axes | None") -> "Axes":
    """Every feature set's value and interval, the best first; baselines hollow, the reference's value dashed."""
    chosen = _of_task(rows, task)
    with drawn_on(ax, 0.9 + 0.45 * min(len(chosen), 24), chosen[0]["task"]) as axes:
        from ..report.forest import forest_on
        from ..report.svg import NOTEBOOK

        forest_on(axes, chosen, NOTEBOOK)
    return axes


def plot_k(rows: Sequence[dict[str, Any]], task: str | None, ax: "Axes | None") -> "Axes":
    """The metric against the number of last layers averaged, a line a model."""
    chosen = _of_task(rows, task)
    task = chosen[0]["task"]
    with drawn_on(ax, 3.2, task) as axes:
        from ..report.lines import by_k_on
        from ..report.svg import NOTEBOOK

        if not by_k_on(axes, chosen, NOTEBOOK):
            raise OptionError(f"no model was probed at two k for {task!r}: embed with --k 1,8,all and probe")
        axes.legend(frameon=False)
    return axes


def _of_task(rows: Sequence[dict[str, Any]], task: str | None) -> list[dict[str, Any]]:
    """The rows of one task: of that asked for, or the only one."""
    tasks = list(dict.fromkeys(row["task"] for row in rows))
    if (task is None and len(tasks) > 1) or (task is not None and task not in tasks):
        raise OptionError(f"task={task!r}: choose one of {', '.join(tasks)}")
    return [row for row in rows if row["task"] == (task or tasks[0])]


@contextmanager
def drawn_on(ax: "Axes | None", height: float, title: str = "") -> "Iterator[Axes]":
    """Where it is drawn: as given, or a figure of its own, which is closed where nothing comes of it.

    Names from data are no formulas, whatever dollar signs they have.
    """
    try:
        import jinja2  # noqa: F401  # the drawings are the report's
        from matplotlib import pyplot, rc_context
    except ImportError as error:
        raise OptionError("plots need matplotlib and jinja2: run `pip install 'llm4es[report]'`") from error
    with rc_context({"text.parse_math": False}):
        own, axes = None, ax
        if axes is None:
            own = pyplot.figure(figsize=(6.4, height), layout="constrained")
            axes = own.subplots()
        try:
            yield axes
        except BaseException:
            if own is not None:
                pyplot.close(own)
            raise
        if title:
            axes.set_title(printable_line(title), parse_math=False)
