"""What prose says in words of its own that would make its events others: denials, scales, numbers, names.

In: a text's words, and which of them say values of events. Out: what gives cause to refuse it. Knows no meanings: a
claim in other words than these is not seen.
"""

import unicodedata
from collections.abc import Collection, Set

from .typed_values import MONTHS
from .words import WordIndex, is_number

DENIALS = frozenset({
    "not", "no", "never", "none", "nothing", "neither", "nor", "nobody", "without", "cannot", "t", "dont",
    "didnt", "doesnt", "wasnt", "isnt", "werent", "false", "fake", "untrue", "cancelled", "canceled",
    "cancellation", "refunded", "reversed", "refused", "declined", "denied", "failed", "void", "undone",
    "withdrawn", "except", "excluding", "instead", "unless", "hardly", "barely", "scarcely", "supposedly",
    "allegedly", "imaginary", "hypothetical",
})  # fmt: skip
SCALES = frozenset({
    "thousand", "thousands", "million", "millions", "billion", "billions", "trillion", "hundred", "hundreds",
    "dozen", "dozens", "k", "double", "doubled", "doubling", "twice", "thrice", "triple", "tripled", "half",
    "halved", "quarter", "percent", "percentage", "times", "minus", "negative", "zero", "two", "three", "four",
    "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "twenty", "thirty", "forty", "fifty",
    "sixty", "seventy", "eighty", "ninety",
})  # fmt: skip
NEARLY = frozenset({
    "about", "around", "approximately", "roughly", "nearly", "almost", "over", "under", "above", "below", "plus",
    "exceeding", "circa", "estimated", "than", "before", "after", "until", "till", "since",
})  # fmt: skip
"""What makes a number another one where it stands right before it."""

HALVES = frozenset({"am", "pm"})
"""Of the day: what makes a time another one behind it."""

COUNTS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
CAPITALS = frozenset(
    {*MONTHS, *(month[:3] for month in MONTHS), "sept", "id"}
    | {"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"}
)  # fmt: skip
"""Words that begin with a capital though they name nothing of an event's."""

STRUCK = ("~~", "<del", "<s>", "<strike", "<!--", "\u0336")
BEFORE = "~<>±≈+"
BEHIND = "-\u2012\u2013\u2014\u2212"


def claims(index: WordIndex, said: Collection[int], own: Set[str], values: str, events: int) -> list[str]:
    """Words that deny, scale or name something, where no value or field of the events (``own``) has them.

    ``values`` is the text of all values: a question mark, a picture or a hidden character that it has not is a claim.
    """
    found = [mark for mark in STRUCK if mark in index.text]
    marks = [mark for mark in sorted(set(index.text) - set(values)) if not mark.isspace()]
    found += [mark for mark in marks if mark == "?" or unicodedata.category(mark) in ("So", "Cf", "Cc")]
    count = COUNTS[events] if events < len(COUNTS) else ""
    for at, word in enumerate(index.words):
        if at in said or _has_digit(word):
            continue
        nearly = word in NEARLY and at + 1 in said and is_number(index.words[at + 1])
        nearly |= word in HALVES and at - 1 in said and is_number(index.words[at - 1])
        scales = word in SCALES and word != count
        foreign = not word.isalnum() or (index.is_name(at) and word not in CAPITALS)
        if word in DENIALS or scales or nearly or (foreign and word not in own):
            found.append("n't" if word == "t" else word)
    return found


def numbers(index: WordIndex, said: Collection[int], own: Set[str], years: Set[str], events: int) -> list[str]:
    """Numbers that say no event's value: besides those that count lines and events, and the years of dates."""
    counting = index.counting(events)
    return [
        word
        for at, word in enumerate(index.words)
        if _has_digit(word)
        and at not in said
        and at not in counting
        and not (word in years or word == str(events) or (word in own and not is_number(word)))
    ]


def signs(index: WordIndex, at: int, signed: bool) -> list[str]:
    """What stands right beside a number and makes another one of it; ``signed``: brackets may be a sign."""
    begin, end = index.spans[at]
    before = index.text[max(0, begin - 2) : begin].strip()[-1:]
    behind, next_one = index.text[end : end + 1], index.text[end + 1 : end + 2]
    found = []
    if before and before in BEFORE:
        found.append(before + index.words[at])
    if behind and behind in BEHIND and not next_one.isalnum():
        found.append(index.words[at] + behind)
    if behind == "/" and next_one.isdigit():
        found.append(f"{index.words[at]}/{next_one}")
    if signed and (before, behind) == ("(", ")"):
        found.append(f"({index.words[at]})")
    return found


def _has_digit(word: str) -> bool:
    return any(character.isdigit() for character in word)
