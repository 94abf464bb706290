"""What is said of a table that is damaged, and the view that says it to whoever reads from it, and to nobody else.

In: what a library or the system raised. Out: one line that names table and file; a view in SQL. Knows no rows.
"""

import re
from collections.abc import Mapping

from llm4es.core.sql import identifier, literal

from .log import REMEDY, log_fault

_DRAWN = re.compile(r"\x1b\[\d*m|↳")
_FRAME = re.compile(r"\d+: \S|at (\./|/)")
_STATE = re.compile(r":? ?ParsedLogPath \{.*")
_BROKEN_LOG = re.compile(r"Kernel error|Json error|No table metadata|Invalid JSON|Metadata not found", re.IGNORECASE)
_KIND = re.compile(r"^(\w+ )+Error: ")
_NOT_REACHED = re.compile(r"Error performing \w+ request")  # of an object store, which says nothing of a log
_QUOTED_FILE = re.compile(r"[\"'][^\"']*/tables/(events/[^/\"']+|[^/\"']+)/([^\"']*\.parquet)[\"']")
_GONE = re.compile(r"No files found|Cannot open file|NoSuchKey|FileNotFound")
_SAID = " is damaged: "


def table_name(path: str) -> str:
    """A table as the store calls it: ``texts``, ``events/shop``."""
    return path.rpartition("/tables/")[2]


def in_words(path: str, error: BaseException) -> str:
    """One line for what the Delta library or the system says of the table at ``path``."""
    if "://" not in path and (fault := log_fault(path)) is not None:
        return f"table {table_name(path)}{_SAID}its log's {fault.file} {fault.words}: {REMEDY}"
    told = one_line(error)
    if _BROKEN_LOG.search(told) and not _NOT_REACHED.search(told):
        return f"table {table_name(path)}{_SAID}its log cannot be read ({told}): {REMEDY}"
    remedy = (
        "the bucket's name, and the credentials and endpoint in the environment"
        if "://" in path
        else "the folder's permissions and free space"
    )
    return f"table {path}: {told}: check {remedy}"


def one_line(error: BaseException) -> str:
    """The steps of an error, which the Delta library draws as a tree of lines, without what a server wrote in XML, and
    without the library's own frames and the state of its memory."""
    steps = [_DRAWN.sub("", line).strip() for line in str(error).partition("<?xml")[0].splitlines()]
    steps = [_STATE.sub("", step).rstrip(".:") for step in steps if step and not _FRAME.match(step)]
    return ": ".join(step for step in steps if step) or type(error).__name__


def of_data(message: str) -> str | None:
    """What DuckDB says of a data file that it cannot read, as one line; None: it is about something else."""
    told = _KIND.sub("", message)
    if _SAID in told and told.startswith("table "):  # by a view of ours
        return told
    found = _QUOTED_FILE.search(told)
    if found is None:
        return None
    where = f"table {found[1]}{_SAID}its file {found[2]}"
    if _GONE.search(told):
        return f"{where} is gone (with --at: `llm4es gc` has dropped that version, choose a later one): {REMEDY}"
    reason = " ".join(_QUOTED_FILE.sub("", told).split()).strip(" :,")
    return f"{where} cannot be read ({reason}): {REMEDY}"


def damaged_view(view: str, message: str, columns: Mapping[str, str]) -> str:
    """A view of these columns (name -> type) whose every reading fails with the message: never fewer rows in silence.

    Each column fails by itself: a null would let the planner find, without reading, that a condition holds for no row.
    """
    fails = f"error({literal(message)})"
    shown = ", ".join(f"{fails}::{type_} AS {identifier(column)}" for column, type_ in columns.items())
    return f"CREATE VIEW {identifier(view)} AS SELECT {shown} FROM range(1) WHERE {fails}::BOOLEAN"
