"""Where the histories behind a configuration end, and which of several cut-offs is meant.

In: a store's record of runs, a dataset, what the user chose. Out: cut-offs. The newest serialization that came to its
end is the one that later steps read. Knows no events: ``histories`` reads them.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ..core.errors import OptionError, StoreError
from ..core.times import shown, typed
from .recorded import PastRun, runs_of

if TYPE_CHECKING:
    from llm4es_store import Store

DONE = "done"

_THEN = " then "
"""In a key, between the time that is learnt at and the one that is scored at."""


@dataclass(frozen=True)
class Which:
    """What tells which texts are meant, where those of a dataset end at several times."""

    task: str | None = None
    """The task that they are for; None: the texts all end alike."""

    as_of: datetime | None = None
    """Exclusive cut-off of all of them; None: the newest serialization's."""

    train_as_of: datetime | None = None
    """Exclusive cut-off of the texts that a probe learns from, where these are others; None: the same."""

    until: datetime | None = None
    """Dated labels of this time or later do not count; None: all do."""


NEWEST = Which()
"""The newest serialization's, which end alike."""


@dataclass(frozen=True)
class Cutoff:
    """Where the histories behind the raw texts of one configuration end.

    Examples
    --------
    >>> str(Cutoff("c1")), str(Cutoff("c1", datetime(2024, 2, 1, tzinfo=UTC)))
    ('whole histories', 'histories before 2024-02-01')
    >>> str(Cutoff("c1", own="labels.asked_at"))
    "histories before each entity's own labels.asked_at"
    """

    config_id: str
    """Of the raw texts."""

    as_of: datetime | None = None
    """One for everybody; None: there is none, or each entity has its own."""

    own: str = ""
    """Where the cut-off of each entity stands; '': one for everybody."""

    tasks: tuple[str, ...] = ()
    """Tasks that have these cut-offs of their own; none: every other task."""

    train_as_of: datetime | None = None
    """Where histories end that a probe learns from; None: where those end that it scores."""

    @property
    def key(self) -> str:
        """What tells one cut-off from another; '' for whole histories."""
        ends = [moment.astimezone(UTC).isoformat() for moment in (self.train_as_of, self.as_of) if moment]
        return self.own or _THEN.join(ends)

    def recorded(self) -> dict[str, Any]:
        """As the record of a run keeps it."""
        as_of = None if self.as_of is None else self.as_of.isoformat()
        return {"config_id": self.config_id, "as_of": as_of, "own": self.own, "tasks": list(self.tasks)}

    def __str__(self) -> str:
        if self.own:
            return f"histories before each entity's own {self.own}"
        if self.train_as_of and self.as_of:
            return f"histories before {shown(self.train_as_of)} to learn from, before {shown(self.as_of)} to score"
        return f"histories before {shown(self.as_of)}" if self.as_of else "whole histories"


def cutoff_of(store: "Store", dataset: str, which: Which = NEWEST) -> Cutoff:
    """The raw texts that are meant, and where they end.

    Parameters
    ----------
    store : Store
        Where they are.
    dataset : str
        Whose.
    which : Which
        The task or the time; nothing: the newest serialization's.

    Returns
    -------
    Cutoff
        One.

    Raises
    ------
    StoreError
        Where there are no texts, or none that end then.
    OptionError
        Where the texts end at several times, and nothing says which are meant.

    Examples
    --------
    >>> cutoff_of(project.store, "shop").as_of is None
    True
    """
    done = [run for run in runs_of(store, dataset, "serialize") if run.status == DONE]
    if not done:
        raise StoreError(f"no texts of {dataset!r} in the store: run `llm4es serialize {dataset}` first")
    if which.as_of is not None:
        for run in reversed(done):
            for cutoff in _recorded(run):
                if cutoff.as_of == which.as_of:
                    return replace(cutoff, train_as_of=which.train_as_of)
        day = typed(which.as_of)
        raise StoreError(
            f"no texts of {dataset!r} end at {day}: run `llm4es serialize {dataset} --as-of {day}`, and `llm4es embed`"
        )
    there = _recorded(done[-1])
    if len(there) > 1 and which.task is None:
        tasks = ", ".join(task for cutoff in there for task in cutoff.tasks or ("the other tasks",))
        raise OptionError(f"the texts of {dataset!r} end at {len(there)} times (of {tasks}): choose one with --task")
    return next((each for each in there if which.task in each.tasks), None) or there[-1]


def newest_as_of(store: "Store", dataset: str) -> datetime | None:
    """The time that the newest serialization was told to cut at; None: none, or there is no serialization yet.

    Parameters
    ----------
    store : Store
        Whose record is read.
    dataset : str
        Whose texts.

    Returns
    -------
    datetime or None
        Exclusive; in UTC.

    Examples
    --------
    >>> newest_as_of(project.store, "shop") is None
    True
    """
    done = [run for run in runs_of(store, dataset, "serialize") if run.status == DONE]
    return _moment(done[-1].config["options"].get("as_of")) if done else None


def _recorded(run: PastRun) -> list[Cutoff]:
    """The cut-offs of a serialization: tasks' own first, that of all other tasks last."""
    return [
        Cutoff(each["config_id"], _moment(each["as_of"]), each["own"], tuple(each["tasks"]))
        for each in run.config.get("cutoffs", ())
    ] or [Cutoff(run.config["config_id"], _moment(run.config["options"].get("as_of")))]


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def two_times(key: str) -> tuple[datetime, datetime] | tuple[None, None]:
    """The time that a probe learns at and the one that it is scored at, from the key of its cut-off; else none.

    Examples
    --------
    >>> [time.year for time in two_times("2024-01-01T00:00:00+00:00 then 2025-01-01T00:00:00+00:00")]
    [2024, 2025]
    >>> two_times("2024-01-01T00:00:00+00:00")
    (None, None)
    """
    train, then, test = key.partition(_THEN)
    return (datetime.fromisoformat(train), datetime.fromisoformat(test)) if then else (None, None)


def is_later(end: str, cutoff: Cutoff) -> bool:
    """Whether histories that end there may go on after the cut-off; of two kinds of cut-off nobody knows.

    Parameters
    ----------
    end : str
        The key of a cut-off.
    cutoff : Cutoff
        Another.

    Returns
    -------
    bool
        False where both are the same, and where the other lets everything through.

    Examples
    --------
    >>> is_later("", Cutoff("c", datetime(2026, 1, 1, tzinfo=UTC))), is_later("", Cutoff("c"))
    (True, False)
    """
    if cutoff.key in ("", end):
        return False
    try:
        known = cutoff.train_as_of or cutoff.as_of
        return known is None or datetime.fromisoformat(end) > known
    except ValueError:  # whole, or each entity's own
        return True


def keys(store: "Store", dataset: str) -> dict[str, str]:
    """Configuration of texts, vectors or probes -> the key of the cut-off behind them.

    Parameters
    ----------
    store : Store
        Whose record is read.
    dataset : str
        Whose.

    Returns
    -------
    dict of str to str
        Imported vectors are in it under no configuration: nobody knows where their histories end.

    Examples
    --------
    >>> set(keys(project.store, "shop").values())
    {''}
    """
    found: dict[str, str] = {}
    for run in runs_of(store, dataset):  # what a run is made from was made before it
        match run.stage:
            case "serialize":
                found |= {cutoff.config_id: cutoff.key for cutoff in _recorded(run)}
            case "enrich":
                found[run.config["config_id"]] = found.get(run.config["base"], "")
            case "embed":
                texts: list[Any] = run.config.get("texts") or []
                if of_texts := [found[config] for _, config in texts if config in found]:
                    found[run.config["config_id"]] = of_texts[0]
            case "probe":
                found[run.config["config_id"]] = run.config.get("as_of", "")
    return found
