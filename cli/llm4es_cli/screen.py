"""What a person sees: results on stdout, progress and messages on stderr.

In: Arrow tables, counts. Out: text. Knows no command and no store.
"""

import csv
import json
import math
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape

from .options import OutputFormat

if TYPE_CHECKING:
    import pyarrow as pa

_WIDE = 200
"""Columns of text where there is no terminal that says how wide it is."""

_LINE_EVERY = 10.0
"""Seconds between progress lines where there is no terminal to draw a bar on."""

Advance = Callable[[int], None]
"""Called with how much more is done."""


def steps(advance: Advance) -> Callable[[int], None]:
    """Turns how much is done so far into how much more is done."""
    before = 0

    def so_far(done: int) -> None:
        nonlocal before
        advance(done - before)
        before = done

    return so_far


class Screen:
    """One command's view: quiet or not."""

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet
        width = None if sys.stderr.isatty() else _WIDE
        self.console = Console(stderr=True, quiet=quiet, width=width, highlight=False)

    def say(self, message: str) -> None:
        """One line for the person, nothing for a pipe."""
        self.console.print(escape(message), soft_wrap=True)

    def warn(self, message: str) -> None:
        """Something the person should know before trusting the result; shown even when quiet."""
        sys.stderr.write(f"warning: {message}\n")

    @contextmanager
    def progress(self, what: str, total: int | None, unit: str) -> Iterator[Advance]:
        """A bar with the time left on a terminal, a line every few seconds elsewhere."""
        if self.quiet or total == 0:
            yield lambda _: None
        elif self.console.is_terminal:
            with _bar(self.console, what, total, unit) as advance:
                yield advance
        else:
            yield _lines(self.say, what, total, unit)


@contextmanager
def _bar(console: Console, what: str, total: int | None, unit: str) -> Iterator[Advance]:
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(escape(what), total=total)
        yield lambda step: progress.advance(task, step)


def _lines(say: Callable[[str], None], what: str, total: int | None, unit: str) -> Advance:
    began = last = time.monotonic()
    done = 0

    def advance(step: int) -> None:
        nonlocal done, last
        done += step
        now = time.monotonic()
        if now - last < _LINE_EVERY or done == 0:
            return
        last = now
        left = f", {duration((now - began) / done * (total - done))} left" if total else ""
        of = f"/{total}" if total else ""
        say(f"{what}: {done}{of} {unit}{left}")

    return advance


def duration(seconds: float) -> str:
    """``75.2`` -> ``1m15s``."""
    if seconds < 60:
        return f"{seconds:.1f}s" if seconds < 10 else f"{seconds:.0f}s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02d}m" if hours else f"{minutes}m{rest:02d}s"


def show(rows: "pa.Table", format_: OutputFormat | None, *, piped: OutputFormat = OutputFormat.CSV) -> None:
    """Print a result to stdout: a table on a terminal, else ``piped``, unless a format was asked for."""
    chosen = format_ or (OutputFormat.TABLE if sys.stdout.isatty() else piped)
    _SHOW[chosen](rows)


def _show_json(rows: "pa.Table") -> None:
    sys.stdout.write(as_json(rows.to_pylist()))


def _show_csv(rows: "pa.Table") -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(rows.column_names)
    for batch in rows.to_batches():
        for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            writer.writerow(["" if value is None else cell(value) for value in row])


def _show_table(rows: "pa.Table") -> None:
    import pyarrow as pa
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    for field in rows.schema:
        number = pa.types.is_integer(field.type) or pa.types.is_floating(field.type)
        table.add_column(escape(field.name), justify="right" if number else "left", overflow="fold")
    for row in rows.to_pylist():
        table.add_row(*(escape(_short(value)) for value in row.values()))
    result_console().print(table)


def _show_markdown(rows: "pa.Table") -> None:
    lines = [
        rows.column_names,
        ["---"] * rows.num_columns,
        *([_short(v) for v in row.values()] for row in rows.to_pylist()),
    ]
    for line in lines:
        sys.stdout.write("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in line) + " |\n")


_SHOW: dict[OutputFormat, Callable[["pa.Table"], None]] = {
    OutputFormat.TABLE: _show_table,
    OutputFormat.JSON: _show_json,
    OutputFormat.CSV: _show_csv,
    OutputFormat.MARKDOWN: _show_markdown,
}


def result_console() -> Console:
    """Stdout as wide as its terminal, and wide where there is none."""
    return Console(width=None if sys.stdout.isatty() else _WIDE, highlight=False)


def _short(value: Any) -> str:
    """A cell of a table: figures to four places, long lists to their ends."""
    if value is None:
        return ""
    if isinstance(value, float):
        return (
            f"{value:.4g}"
            if abs(value) >= 1e5 or (value and abs(value) < 1e-4)
            else f"{value:.4f}".rstrip("0").rstrip(".")
        )
    if isinstance(value, list) and len(value) > 4:
        return f"[{_short(value[0])}, {_short(value[1])}, ... {len(value)} values]"
    if isinstance(value, list):
        return "[" + ", ".join(_short(item) for item in value) + "]"
    return cell(value)


def cell(value: Any) -> str:
    """A value as text in a CSV."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, list | dict):
        return json.dumps(_finite(value), default=plain, ensure_ascii=False)
    return str(value)


def as_json(rows: Any) -> str:
    """Rows as JSON that any reader takes: what is no number (NaN, infinity) has no word there and becomes null."""
    return json.dumps(_finite(rows), default=plain, ensure_ascii=False, indent=1) + "\n"


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _finite(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def plain(value: Any) -> Any:
    """What JSON has no type for: decimals as numbers (DuckDB's sums are), times in ISO 8601, anything else as text."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
