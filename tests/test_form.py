"""Forms: whatever answer of a form is completed, the events in it are the history's own."""

import json
import random
import re

import pytest

from llm4es.enrich.fidelity import check, without
from llm4es.enrich.form import ORDERS, Form, Way, form_of
from llm4es.serialize.escaping import escape, unescape
from llm4es.serialize.formats import ParsedHistory, TextFormat

HARD = [
    "a | b",
    'say "hi"',
    "(1.00)",
    "-3",
    "",
    "C:\\new",
    "tab\there",
    "[x]*+?^$.{2}",
    "дом €5",
    "two\nlines",
    "| --- |",
    "Bros.",
    "x;",
    "-",
    "a, b",
]


def history(*names: str, events: int = 4, seed: int = 0) -> ParsedHistory:
    draw = random.Random(seed)
    made = tuple(tuple(escape(draw.choice(HARD)) for _ in names) for _ in range(events))
    return ParsedHistory(tuple(map(escape, names)), made)


def answers(form: Form, words: str = "other words") -> list[str]:
    """What a model could say: each way, with the same words wherever it may choose them."""
    return [words.join(way.asked) for way in form.ways]


def read(text: str, format: TextFormat) -> list[dict[str, str]]:
    """Events of a text as the format's own rules have them."""
    if format is TextFormat.JSON:
        objects: list[dict[str, str]] = json.loads(text)
        return objects
    lines = text.splitlines()
    if format is TextFormat.BULLET_LIST:
        pairs = [[pair.partition(": ") for pair in line.removeprefix("- ").split("; ")] for line in lines]
        return [{unescape(name): unescape(value) for name, _, value in line} for line in pairs]
    header, _, *rows = [line.removeprefix("| ").removesuffix(" |").split(" | ") for line in lines]
    return [{unescape(n): unescape(v) for n, v in zip(header, row, strict=True)} for row in rows]


@pytest.mark.parametrize("format", [TextFormat.MARKDOWN_TABLE, TextFormat.BULLET_LIST, TextFormat.JSON])
@pytest.mark.parametrize("seed", range(20))
def test_every_way_says_the_events_and_nothing_else(format: TextFormat, seed: int) -> None:
    given = history("What | how", "Price (€)", "Note", "When?", seed=seed)
    expected = [dict(zip(map(unescape, given.headers), map(unescape, event), strict=True)) for event in given.events]
    form = form_of(given, format, seed=seed)
    texts = []
    for answer in answers(form):
        assert re.fullmatch(form.pattern, answer)
        completed = form.complete(answer)
        assert completed
        assert read(completed.text, format) == expected
        assert completed.events == given.events
        texts.append(completed.text)
    assert len(set(texts)) == len(form.ways) == ORDERS


FILMS = ParsedHistory(("Title", "Genres", "Year"), (("Fargo", "Crime, Drama", "1996"), ("Up", "", "2009")))


@pytest.mark.parametrize("format", [TextFormat.MARKDOWN_TABLE, TextFormat.BULLET_LIST, TextFormat.JSON])
def test_only_named_fields_are_said_in_other_words(format: TextFormat) -> None:
    form = form_of(FILMS, format, ["Genres"])
    for answer in answers(form, "a dark tale"):
        completed = form.complete(answer)
        assert completed
        assert read(completed.text, format) == [
            {"Title": "Fargo", "Genres": "a dark tale", "Year": "1996"},
            {"Title": "Up", "Genres": "", "Year": "2009"},  # where nothing is said nothing is made up
        ]
        assert completed.events == (("Fargo", "a dark tale", "1996"), ("Up", "", "2009"))


BAD = ["5 stars", "x | y", "x; Year: 2", 'x", "Year": "2', "", " ", "x\ny", "x" * 49]


@pytest.mark.parametrize("words", BAD)
def test_words_that_could_be_more_than_a_value_are_of_no_form(words: str) -> None:
    for format in (TextFormat.MARKDOWN_TABLE, TextFormat.BULLET_LIST, TextFormat.JSON):
        form = form_of(FILMS, format, ["Genres"])
        assert not any(map(form.complete, answers(form, words)))


@pytest.mark.parametrize("words", ["٣ films", "no drama", "a war film", "ﬁne drama", "x" * 48])
def test_words_that_say_something_else_are_put_back(words: str) -> None:
    history = ParsedHistory(FILMS.headers, (*FILMS.events, ("Heat", 'War, "Crime"', "1995")))
    for format in (TextFormat.MARKDOWN_TABLE, TextFormat.BULLET_LIST, TextFormat.JSON):
        form = form_of(history, format, ["Genres"])
        for answer in answers(form, words):
            completed = form.complete(answer)
            assert completed
            assert completed.events[0] == history.events[0]
            assert read(completed.text, format)[2]["Genres"] in ('War, "Crime"', words)


def test_another_answer_is_of_no_form() -> None:
    form = form_of(FILMS, TextFormat.BULLET_LIST)
    assert form.complete("- Title: Fargo; Genres: Crime, Drama; Year: 1997") is None
    assert form.complete("Here it is:\n- Title: Fargo; Genres: Crime, Drama; Year: 1996") is None


def test_values_with_digits_and_texts_with_the_mark_are_copied() -> None:
    events = (("Route 66",), ("Speed",))
    assert [len(way.free) for way in form_of(ParsedHistory(("Name",), events), TextFormat.JSON, ["Name"]).ways] == [1]
    events = (("\ue000",), ("Speed",))
    assert [way.free for way in form_of(ParsedHistory(("Name",), events), TextFormat.JSON, ["Name"]).ways] == [()]


def test_names_that_stand_twice_keep_their_order() -> None:
    form = form_of(ParsedHistory(("A", "A"), (("1", "2"),)), TextFormat.MARKDOWN_TABLE)
    assert form.ways == (Way((0, 1), ("| A |",), ()),)


def test_the_seed_draws_the_orders() -> None:
    given = history("A", "B", "C", "D", "E")
    one, same, other = (form_of(given, TextFormat.MARKDOWN_TABLE, seed=seed) for seed in ("u", "u", "v"))
    assert one == same != other
    assert one.ways[0] == other.ways[0]  # the history's own order always stands to choice
    two = form_of(history("A", "B"), TextFormat.MARKDOWN_TABLE)
    assert len(two.ways) == 2


@pytest.mark.parametrize("format", [TextFormat.MARKDOWN_TABLE, TextFormat.BULLET_LIST, TextFormat.JSON])
@pytest.mark.parametrize("seed", range(20))
def test_what_is_completed_passes_the_check(format: TextFormat, seed: int) -> None:
    given = history("What | how", "Price (€)", "Note", "When?", seed=seed)
    for answer in answers(form_of(given, format, seed=seed)):
        completed = form_of(given, format, seed=seed).complete(answer)
        assert completed
        checked = check(given.events, completed.text, names=given.headers, by_line=True)
        assert checked.refusal(1.0) is None, completed.text
        assert without(completed.text, checked.foreign) == completed.text
