"""What is safe to put right in a store: nothing that anybody could still need is removed.

In: a store's layout and what a check found. Out: the findings, those that were mended marked so. Knows no rows.
"""

from collections.abc import Sequence
from pathlib import Path

from llm4es.core.errors import Llm4esError
from llm4es.core.version import __version__

from . import checksums
from .catalog import Catalog
from .check_table import LOST, NO_SUM, STRAY, UNREADABLE, files_of
from .finding import Finding, Level
from .layout import StoreLayout
from .log import entries, entry_path, log_fault
from .recovery import mark_killed_runs
from .run import Run
from .skeleton import remove_staged

SET_ASIDE = "_damaged"
"""Folder below a table for entries of its log that cannot be read."""


def repair(layout: StoreLayout, found: Sequence[Finding]) -> None:
    """Put right what is safe; each finding that was is marked."""
    if any(finding.what == "store" and finding.file == "tables/runs" for finding in found):
        Catalog(layout.root, create=True)
        remove_staged(Path(layout.root))
        found[0].mended("the store is there now, and empty")
        return
    for finding in found:
        if finding.level is Level.DAMAGED and finding.finding.startswith("the log's entry ") and not layout.is_remote:
            _set_aside(layout, finding)
        elif finding.finding.startswith(LOST):
            _forget_lost(layout, finding)
        elif finding.finding == UNREADABLE and not layout.is_remote:
            checksums.forget(layout.table(finding.what), Path(finding.file).name)
            finding.mended("put out of the way")
    try:
        store = Catalog(layout.root)
        killed = mark_killed_runs(store)
    except Llm4esError:
        return  # without a record nothing else is safe
    for finding in found:
        if finding.what.removeprefix("run ") in killed:
            finding.mended("recorded as killed")
        elif finding.file.startswith("running/"):
            (store.layout.folder("running") / Path(finding.file).name).unlink(missing_ok=True)
            finding.mended("removed")
    if not store.not_ended() and not layout.is_remote:  # else a living run may be about to commit them
        for finding in found:
            if finding.finding == STRAY:
                (Path(layout.table(finding.what)) / finding.file).unlink(missing_ok=True)
                finding.mended("removed")
    _accept(store, found)
    for finding in found:
        if (NO_SUM in finding.finding or finding.finding == UNREADABLE) and not layout.is_remote:
            _note_checksums(store, finding)


def _set_aside(layout: StoreLayout, finding: Finding) -> None:
    """Move the last entry of a log out of it where it cannot be read: the table is as it was before."""
    table = layout.table(finding.what)
    fault = log_fault(table)
    if fault is None or not fault.is_last or fault.version == 0 or fault.version not in entries(table):
        return
    entry = entry_path(table, fault.version)
    aside = Path(table) / SET_ASIDE / entry.name
    aside.parent.mkdir(exist_ok=True)
    entry.replace(aside)
    checksums.set_aside(table, fault.version - 1)
    finding.mended(f"set aside in {SET_ASIDE}: the table is as it was before it")


def _accept(store: Catalog, found: Sequence[Finding]) -> None:
    """Go on with tables that are older than the record says: a new row of the record says how old they are."""
    behind = store.damaged()
    accepted = [name for name in behind if "the record of runs knows version" in behind[name]]
    if not accepted:
        return
    for name in accepted:
        store.tables.accept(name)
    with Run(store, "check", "", {"accepted": accepted}, __version__) as run:
        run.begin()
    for finding in found:
        if finding.what in accepted and finding.level is Level.DAMAGED and finding.file == "_delta_log":
            finding.mended("taken as it is: run the stages again, they compute what is missing")


def _forget_lost(layout: StoreLayout, finding: Finding) -> None:
    """No longer expect the entries that a log has lost."""
    table = layout.table(finding.what)
    checksums.set_aside(table, max(entries(table), default=-1))
    finding.mended("taken as it is: run the stages again, they compute what is missing")


def _note_checksums(store: Catalog, finding: Finding) -> None:
    """Note the checksums of files that have none, as they are now."""
    table = store.table(finding.what)
    if table is None:
        return
    known = checksums.kept(table.path).files
    lacking = [file for file in files_of(table) if file not in known]
    checksums.add(table.path, table.version, {file: checksums.hash_of(table.path, file) for file in lacking})
    finding.mended(f"checksums of {len(lacking)} files noted")
