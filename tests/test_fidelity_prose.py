"""Prose against its events, by words: what is refused, what is left out, and what nobody sees."""

import random

import pytest

from benchmarks.alterations import IN_PROSE, PROSE, rewritten
from llm4es.enrich.fidelity import accepted, check

from .event_tables import history
from .prose import PROSE_TEXTS, judged_prose, prose

NAMES = ("Day", "Shop", "Amount", "Fee")
EVENTS = [
    ("2024-01-05", "tea", "12", "5"),
    ("2024-01-06", "rice", "-1200.00", "3"),
    ("2024-02-07 10:05:00", "silk", "7.5", "3"),
]
TALE = (
    "On January 5, 2024 they spent an Amount of 12 on tea, with a Fee of 5. On 6 January 2024 rice cost -1,200.00 and "
    "a fee of 3. Then on 7 February 2024 at 10:05:00 came silk for 7.5, fee 3."
)


def refusal(text: str) -> str | None:
    return check(EVENTS, text, names=NAMES).refusal(0.9)


def test_faithful_prose() -> None:
    assert refusal(TALE) is None
    assert refusal(f"1. {TALE}".replace(" On 6", "\n2. On 6").replace(" Then", "\n3. Then")) is None
    draw = random.Random(4)
    for _ in range(40):
        one = history(draw)
        assert judged_prose(one, prose(one.names, one.events)).refusal(1.0) is None, one


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("tea", "tea\x00", "words of its own: \x00"),
        ("they spent", "they never spent", "words of its own: never"),
        ("they spent", "they didn't spend", "words of its own: n't"),
        ("they spent", "in a dream they spent", "words of its own: dream"),
        ("they spent", "they would have spent", "words of its own: would"),
        ("they spent an", "they spent every day an", "words of its own: every"),
        ("of 12 on", "of 12 euros on", "words of its own: euros"),
        ("of 12 on", "of up to 12 on", "words of its own: up to"),
        ("they spent", "they twice spent", "words of its own: twice"),
        ("of 12 on", "of 12 thousand on", "words of its own: thousand"),
        ("of 12 on", "of about 12 on", "words of its own: about"),
        ("of 12 on", "of €12 on", "words of its own: €"),
        ("of 12 on", "of 12% on", "words of its own: %"),
        ("of 12 on", "of (12) on", "words of its own: (12)"),
        ("of 12 on", "of 12- on", "words of its own: 12-"),
        ("of 12 on", "of \u201312 on", "1 of 3 events altered"),
        ("of 12 on", "of ~~12~~ on", "words of its own: ~~"),
        ("of 12 on", "of 12 or 13 on", "numbers invented: 13"),
        ("of 12 on tea, with a Fee of 5", "of 5 on tea, with a Fee of 12", "words of its own: amount 5, fee 12"),
        ("on tea", "on tea and silk", "words of its own: silk"),
        ("on tea", "on tea at Harrods", "words of its own: harrods"),
        ("January 5", "May 1", "1 of 3 events altered"),
        ("Then on", "In the end, in 2023, on", "numbers invented: 2023"),
        ("-1,200.00", "1,200.00", "1 of 3 events altered"),
        ("at 10:05:00", "at 10:50:00", "1 of 3 events altered"),
        (
            "came silk",
            "came silk " + "as it so often comes to those who wait for it " * 4,
            "words of its own: 49 words in",
        ),
    ],
)
def test_refused(old: str, new: str, why: str) -> None:
    assert old in TALE
    assert (refusal(TALE.replace(old, new)) or "").startswith(why), refusal(TALE.replace(old, new))


def test_words_of_doubt_do_no_harm_beside_the_events() -> None:
    assert refusal(f"Here is each of the records, as it might be told. {TALE}") is None
    closing = f"{TALE} Every day they would perhaps want more."
    assert check(EVENTS, closing, names=NAMES, free_form=True).refusal(1.0) is None


def test_a_list_may_be_told_with_and() -> None:
    events = [("Heat", "Action, Crime"), ("Babe", "Comedy, Drama, War"), ("Antz", "Comedy, Drama")]
    tale = "Heat is Action and Crime. Babe is Comedy, Drama, and War. Antz is Comedy and Drama."
    assert check(events, tale, names=("Title", "Genres")).refusal(1.0) is None
    swapped = tale.replace("Comedy, Drama, and War", "Comedy and Drama")
    assert check(events, swapped, names=("Title", "Genres")).refusal(0.0) == "1 of 3 events altered"


@pytest.mark.parametrize("name", ["Minus", "Failed", "Percent", "Half hour", "Times told", "Daily", "Plans"])
def test_a_field_may_have_such_a_name(name: str) -> None:
    events = [("2024-01-05", "3"), ("2024-01-06", "4")]
    tale = f"On 2024-01-05 the {name} was 3. On 2024-01-06 the {name} was 4."
    assert check(events, tale, names=("Day", name)).refusal(1.0) is None
    denied = tale.replace("the", "never the", 1)
    assert check(events, denied, names=("Day", name)).refusal(0.9) == "words of its own: never"


def test_the_order_of_events() -> None:
    first, second, third = TALE.replace("5. On", "5.|On").replace("3. Then", "3.|Then").split("|")
    moved = f"{second} {first} {third}"
    assert refusal(moved) == "1 of 3 events out of order"
    assert check(EVENTS, moved, names=NAMES, free_form=True).refusal(1.0) is None


def test_sentences_that_tell_no_event_are_left_out() -> None:
    text = f"Here is what happened. {TALE} They also went abroad."
    found = check(EVENTS, text, names=NAMES)
    assert found.refusal(1.0) is None
    assert accepted(text, found) == TALE
    in_free_form = check(EVENTS, text, names=NAMES, free_form=True)
    assert accepted(text, in_free_form) == f"{TALE} They also went abroad."


def test_what_words_can_tell_is_refused() -> None:
    draw, seen = random.Random(5), {f"answer: {name}" for name in PROSE_TEXTS}
    for _ in range(10):
        for kind, _, one, text in rewritten(draw, IN_PROSE, PROSE):
            if kind.startswith("number:") and not kind.endswith("in brackets"):
                assert judged_prose(one, text).refusal(0.9) is not None, (kind, text)
            if kind in seen:
                found = judged_prose(one, text)
                left = accepted(text, found).split() == prose(one.names, one.events).split()
                assert found.refusal(0.9) is not None or left, (kind, text)
