"""What the view of each dataset's events is called: one dataset, one name.

In: the datasets of a store. Out: names of views; a StoreError for a new dataset that would share one. Knows no tables.

A name is spelt with underscores (``events_movielens_100k``), so ``a-b``, ``a.b`` and ``a_b`` would be one. A store
takes one of them only; llm4es 0.1 took all. Where a store holds several, each is read by its table's name
(``"events/a-b"``), and the name that they would share says so.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence

from llm4es.core.errors import StoreError
from llm4es.core.tables import events_table, events_view


def events_views(datasets: Collection[str]) -> dict[str, str]:
    """Dataset -> the view of its events."""
    shared = {dataset for others in _shared({*datasets}).values() for dataset in others}
    return {dataset: events_table(dataset) if dataset in shared else events_view(dataset) for dataset in datasets}


def shared_names(datasets: Iterable[str]) -> dict[str, str]:
    """View that several datasets would share -> where each of them is read."""
    told = {}
    for view, others in _shared(datasets).items():
        names = " and ".join(f'"{events_table(dataset)}"' for dataset in others)
        told[view] = f"{view} would be the events of {len(others)} datasets: read {names}, in double quotes"
    return told


def refuse_shared_name(dataset: str, known: Sequence[str]) -> None:
    """Raise for a dataset whose events would share a name with those of one that is known."""
    taken = next((other for other in known if _same(other) == _same(dataset)), None)
    if taken is not None:
        raise StoreError(
            f"dataset {dataset!r} would be {events_view(dataset)} in SQL, which is {taken!r} in this store: "
            "give it a name that differs in more than '-', '.', '_' and case"
        )


def _shared(datasets: Iterable[str]) -> dict[str, list[str]]:
    by_name = defaultdict(list)
    for dataset in sorted(datasets):
        by_name[_same(dataset)].append(dataset)
    return {events_view(others[0]): others for others in by_name.values() if len(others) > 1}


def _same(dataset: str) -> str:
    """Equal for datasets that SQL, which knows no case, would not tell apart."""
    return events_view(dataset).lower()
