"""The tables of a store as they are opened, each for itself: a damaged one is named and hides no other.

In: a layout, and what the record of runs says of versions. Out: snapshots of tables; of the damaged ones, what is
wrong. Knows no rows.
"""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from llm4es.core.errors import StoreError

from .delta import Table
from .layout import StoreLayout
from .log import REMEDY, log_fault
from .skeleton import is_skeleton


class OpenTables:
    """The newest snapshot of each table, and which cannot be trusted.

    Parameters
    ----------
    layout : StoreLayout
        Where tables lie.
    recorded : callable
        Gives table -> version as the newest row of the record that we know of says: each table has got at least there.
    """

    def __init__(self, layout: StoreLayout, recorded: Callable[[], Mapping[str, int]]) -> None:
        self._layout = layout
        self._recorded = recorded
        self._open: dict[str, Table] = {}
        self._accepted: set[str] = set()

    def get(self, name: str) -> Table | None:
        """The newest snapshot; None where nothing was written yet. Raises StoreError for a table that is damaged."""
        recorded = self._recorded().get(name)  # before the table is looked at: others may be writing
        table = self._open.get(name)
        if table is None:
            table = Table.open(self._layout.table(name))
            if table is not None:
                self._open[name] = table
        else:
            table.refresh()
        if recorded is not None and name not in self._accepted:
            _refuse_fallen_behind(name, table, recorded)
        return table

    def put(self, name: str, table: Table) -> None:
        """Take in a table that was just made."""
        self._open[name] = table

    def accept(self, name: str) -> None:
        """Go on with a table that has fallen behind, as it is."""
        self._accepted.add(name)

    def split(self, names: Iterable[str]) -> tuple[dict[str, Table], dict[str, str]]:
        """The tables that can be read, and of those that cannot what is wrong; what was never written is in neither."""
        sound: dict[str, Table] = {}
        damaged: dict[str, str] = {}
        for name in names:
            try:
                table = self.get(name)
            except StoreError as error:
                damaged[name] = str(error)
            else:
                if table is not None:
                    sound[name] = table
        return sound, damaged


def open_record(layout: StoreLayout) -> tuple[Table | None, str | None]:
    """The record of runs, and what is wrong with it: where its log ends in a damaged entry, as it was before that one.

    None where there is no store yet. Raises StoreError where nothing of the record can be read.
    """
    path = layout.table("runs")
    try:
        return Table.open(path), None
    except StoreError as error:
        fault = None if layout.is_remote else log_fault(path)
        if fault is not None and is_skeleton(Path(layout.root)):
            return None, None
        if fault is None or fault.version == 0:
            raise
        return Table.open(path, fault.version - 1), str(error)


def _refuse_fallen_behind(name: str, table: Table | None, recorded: int) -> None:
    """Raise where a table is older than the record of runs says: the newest entries of its log are lost."""
    if table is None:
        raise StoreError(
            f"table {name} is damaged: its log is gone, the record of runs knows version {recorded}: {REMEDY}"
        )
    if table.version < recorded:
        lost = recorded - table.version
        raise StoreError(
            f"table {name} is damaged: it is at version {table.version}, the record of runs knows version {recorded}: "
            f"the newest {'entry' if lost == 1 else f'{lost} entries'} of its log {'is' if lost == 1 else 'are'} lost: "
            f"restore tables/{name}/_delta_log from a copy, or go on without with `llm4es check --repair`"
        )
