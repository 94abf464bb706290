"""Names of the tables and views that a dataset's events have.

In: a dataset's name. Out: names. Knows no paths.
"""

import re

EVENTS = "events"


def events_table(dataset: str) -> str:
    """Name of the table that holds a dataset's events."""
    return f"{EVENTS}/{slug(dataset)}"


def events_view(dataset: str) -> str:
    """Name of the view that shows a dataset's events: ``events_movielens_100k``."""
    return f"{EVENTS}_{slug(dataset).replace('-', '_').replace('.', '_')}"


def slug(name: str) -> str:
    """``name`` as a folder name: letters, digits, dot, dash and underscore; anything else becomes a dash."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.") or "unnamed"
