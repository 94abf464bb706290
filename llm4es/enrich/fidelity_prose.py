"""Does free prose say what the events say, as far as words can tell?

In: events as the words of their values, and a text. Out: how many events it tells, how many with a value of their own
missing, how many once more or out of order, what it says that no event does, and the sentences that tell no event. An
event is known by its rarest value; the sentence that says it, and those beside it that are of no other event, must say
all the others too, each word for one value only, and no value of an event that is not told there.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .prose_claims import claims, numbers, signs
from .prose_doubts import doubts
from .prose_units import Row, Units, Words, is_date
from .rising import longest_rising
from .typed_values import MONTHS
from .words import Span, WordIndex, is_number, normal

ORDERS = ((-1, 1), (1, 2), (1, -1), (-2, 1))
"""Where day and year stand beside a month: 4 May 1998; May 4, 1998; 1998 May 4; 4th of May 1998."""


@dataclass(frozen=True)
class Prose:
    """What a text tells of events."""

    kept: int = 0
    altered: int = 0
    repeated: int = 0
    moved: int = 0

    numbers: tuple[str, ...] = ()
    """Numbers that no event has."""

    claims: tuple[str, ...] = ()
    """Words that make events others: denials, scales, names, values of another event."""

    beside: tuple[Span, ...] = ()
    """Characters of sentences that tell no event."""


def check_prose(
    events: Sequence[Sequence[str]], text: str, names: Sequence[str] = (), free_form: bool = False
) -> Prose:
    """What a text tells of events. ``free_form``: in an order of its own, with a closing sentence about all of them."""
    rows = [tuple(tuple(normal(value)) for value in event) for event in events]
    titles = [tuple(normal(name)) for name in names]
    index = WordIndex(text)
    counting = index.counting(len(rows))
    columns = [Counter(column) for column in zip(*rows, strict=True)]
    source = Counter(value for row in rows for value in row if value)
    lists = {tuple(normal(value)): _with_and(value) for value in {value for event in events for value in event}}
    sayings = _sayings(set(source), index, counting, lists)
    anchors = [_anchor(row, columns) for row in rows]
    free = {anchor: [places[0] for places in sayings.get(anchor, [])] for anchor in set(anchors)}
    units = Units(index, sayings, {value for value, times in source.items() if times == 1} | set(anchors))
    altered = kept = 0
    untold, order = [], []
    for row, anchor in zip(rows, anchors, strict=True):
        place = next((at for at in free[anchor] if units.tells(at, row, columns)), None)
        if place is not None or not anchor:  # without any word there is nothing that could be lost
            kept += 1
        elif free[anchor]:
            altered += 1
        else:
            untold.append(row)
        if place is not None:
            order.append(place)
            units.told(place, row)
        if free[anchor]:
            free[anchor].remove(free[anchor][0] if place is None else place)
    less = {value for value, times in source.items() if len(sayings[value]) < times}
    # an event that was left out is missing with all of its values; where one is told as often as ever, it was altered
    altered += sum(any(value and value not in less for value in row) for row in untold)
    again = sum(units.tells(at, row, columns) for row in set(rows) for at in free[_anchor(row, columns)])
    said = {at for runs in sayings.values() for run in runs for at in run}
    named = {word for title in titles for word in title}
    own = {word for value in source for word in value} | named
    years = {value[0] for value in source if is_date(value[:3])}
    behind_names = units.named(titles, said)
    names_said = {at for _, name, _ in behind_names for at in name}
    found = claims(index, said | names_said, own, " ".join(value for event in events for value in event), len(rows))
    found += units.out_of_place(said | counting, named, free_form) + units.misnamed(titles, behind_names)
    found += doubts(index, said, own, units.telling())
    for column in columns:
        signed = any(len(value) == 1 and ("." in value[0] or value[0].startswith("-")) for value in column)
        places = [run[0] for value in column if len(value) == 1 and is_number(value[0]) for run in sayings[value]]
        found += [mark for at in places for mark in signs(index, at, signed)]
    return Prose(
        kept,
        altered,
        again,
        0 if free_form else len(order) - longest_rising(order),
        tuple(dict.fromkeys(numbers(index, said, own, years, len(rows)))),
        tuple(dict.fromkeys(found)),
        units.beside(free_form),
    )


def _anchor(row: Row, columns: Sequence[Counter[Words]]) -> Words:
    """The value that an event is known by: the rarest, of several that of the field with the most different ones."""
    ranked = [
        (columns[at][value], -len(columns[at]), -len(" ".join(value)), value) for at, value in enumerate(row) if value
    ]
    return min(ranked)[-1] if ranked else ()


def _with_and(value: str) -> Words:
    """The words of a list with 'and' before its last: Comedy, Drama; none of what is no list."""
    items, comma, last = value.rpartition(", ")
    return (*normal(items), "and", *normal(last)) if comma else ()


def _sayings(
    values: set[Words], index: WordIndex, counting: set[int], lists: Mapping[Words, Words]
) -> dict[Words, list[tuple[int, ...]]]:
    """The words that say each value, every time; one that is part of a longer one's saying is not said there."""
    taken = set(counting)
    sayings: dict[Words, list[tuple[int, ...]]] = {}
    for value in sorted(values, key=lambda value: (-len(value), value)):
        runs = [tuple(range(at, at + len(said))) for said in (value, lists[value]) for at in index.find(said)]
        sayings[value] = []
        for places in sorted({*runs, *_dates(value, index)}):
            if taken.isdisjoint(places):
                taken.update(places)
                sayings[value].append(places)
    return sayings


def _dates(value: Words, index: WordIndex) -> list[tuple[int, ...]]:
    """Where a date is said with its month's name; a time of that day right behind it, or behind 'at'."""
    if not is_date(value[:3]):
        return []
    year, month, day = (int(number) for number in value[:3])
    name, time = MONTHS[month - 1], list(value[3:])
    days = {str(day), f"{day:02}", *(f"{day}{ending}" for ending in ("st", "nd", "rd", "th"))}
    runs = [] if not time else [tuple(range(at, at + 3)) for at in index.find(value[:3])]
    for at in sorted(index.where.get(name, []) + (index.where.get(name[:3], []) if name != "may" else [])):
        for of_day, of_year in ORDERS:
            places = sorted((at + of_day, at, at + of_year))
            if places[0] < 0 or places[2] >= len(index.words):
                continue
            if index.words[at + of_day] in days and index.words[at + of_year] == str(year):
                runs.append(tuple(range(places[0], places[2] + 1)))
    if time:
        at_times = [(run, run[-1] + 1 + (index.words[run[-1] + 1 : run[-1] + 2] == ["at"])) for run in runs]
        runs = [
            tuple(range(run[0], begin + len(time)))
            for run, begin in at_times
            if index.words[begin : begin + len(time)] == time
        ]
    return runs
