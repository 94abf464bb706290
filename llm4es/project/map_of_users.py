"""The map of users on axes of a notebook: the report's, without its page.

In: a context, a task, features. Out: a drawing. Writes nothing.

Letters: N entities, D width.
"""

from typing import TYPE_CHECKING

from ..core.errors import OptionError
from ..core.printable import printable_line
from ..core.sql import literal
from ..core.tasks import Kind
from ..options import CompareOptions
from ..options.results import Projection
from .compare import compare
from .context import Context
from .report import map_vectors
from .task_labels import every_label_sql

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def map_of_users(context: Context, task: str | None, features: str, projection: Projection, axes: "Axes") -> "Axes":
    """Draw vectors in two dimensions, coloured by a task's labels."""
    import numpy as np

    from ..report.marks import classes_on, scale_on
    from ..report.people import PROJECTIONS, chosen_users
    from ..report.svg import NOTEBOOK

    tasks = context.recipe.tasks
    name = task or next(iter(tasks), "")
    if task is not None and task not in tasks:
        raise OptionError(f"task={task!r}: choose one of {', '.join(tasks) or 'none'}")
    if projection not in list(Projection):
        raise OptionError(f"projection={projection!r} is unknown: choose one of {', '.join(Projection)}")
    compared = None if features else compare(context, [name], CompareOptions()).to_arrow()
    vectors, shown = map_vectors(context, features, compared)
    if vectors is None:
        raise OptionError("no vectors of a model were probed: name features, or embed and probe first")
    ids = vectors["entity_id"].to_pylist()
    matrix = np.asarray(vectors["vector"].combine_chunks().flatten(), dtype=np.float32).reshape(len(ids), -1)  # (N, D)
    points, _ = PROJECTIONS[projection](matrix)  # (N, 2)
    drawn = chosen_users(ids, 2000)
    of_task = f"SELECT entity_id, label FROM ({every_label_sql(context)}) WHERE task = {literal(name)}"
    label = dict(context.store.sql(of_task).fetchall())
    users = [ids[i] for i in drawn]
    if name and tasks[name].kind is Kind.REGRESSION:
        scale_on(axes, points[drawn], users, label, name, NOTEBOOK)
    else:
        classes_on(axes, points[drawn], users, label, NOTEBOOK)
        axes.legend(frameon=False)
    axes.set_title(printable_line(f"{shown}: {name}" if name else shown), parse_math=False)
    return axes
