"""What counts as kept, altered, invented, repeated: each judged on a few events by hand, and on altered ones by lot."""

import json
import random
from collections.abc import Callable, Sequence

import pytest

from llm4es.enrich.fidelity import Fidelity, check, without
from llm4es.enrich.tidy import tidied
from llm4es.enrich.typed_values import MONTHS
from llm4es.enrich.words import WordIndex, normal
from llm4es.serialize.formats import ParsedHistory, TextFormat, write

EVENTS = [
    ("Toy Story", "1995", "good", "1998-03-13"),
    ("Seven (Se7en)", "1995", "bad", "1998-03-14"),
    ("Kolya", "1996", "good", "1998-03-15"),
]
NAMES = ("Title", "Year", "Rating", "Date")
TABLE = """| Title | Year | Rating | Date |
|---|---|---|---|
| Toy Story | 1995 | good | 1998-03-13 |
| Seven (Se7en) | 1995 | bad | 1998-03-14 |
| Kolya | 1996 | good | 1998-03-15 |"""
TALE = (
    "On March 13, 1998 they rated Toy Story of 1995 as good. On 14 March 1998 came Seven (Se7en), 1995, which they "
    "found bad, and on March 15th, 1998 Kolya (1996), again good."
)


def table(text: str = TABLE, finished: bool = True) -> Fidelity:
    return check(EVENTS, text, names=NAMES, finished=finished, by_line=True)


def test_a_faithful_table_and_a_faithful_tale() -> None:
    assert table() == Fidelity(3, 3, 0, 0, (), True)
    tale = check(EVENTS, TALE)
    assert (tale.kept, tale.altered) == (3, 0)
    assert table().refusal(1.0) is None


def test_case_and_punctuation_say_nothing() -> None:
    assert normal("Seven (Se7en)") == ["seven", "se7en"]
    assert normal("1,000.50 RUB") == normal("1000.5 rub") == ["1000.5", "rub"]
    assert normal("-2, 007 and x-1 on 2024-01-02") == ["-2", "007", "and", "x", "1", "on", "2024", "01", "02"]
    assert table(TABLE.upper().replace("| ", "|    ")).kept == 3


def test_a_dropped_event() -> None:
    found = table("\n".join(line for line in TABLE.splitlines() if "Kolya" not in line))
    assert (found.kept, found.altered) == (2, 0)
    assert found.score == pytest.approx(2 / 3)
    assert found.refusal(0.9) == "2 of 3 events kept"
    assert found.refusal(0.6) is None


def test_an_altered_event_never_passes() -> None:
    found = table(TABLE.replace("| bad |", "| good |"))
    assert (found.kept, found.altered) == (2, 1)
    assert found.refusal(0.0) == "1 of 3 events altered"


def test_lines_of_its_own_are_left_out() -> None:
    more = table(f"Sure!\n{TABLE}\nA fine customer of 99 films.\n| and so", finished=False)
    assert (more.kept, more.altered, more.foreign, more.invented) == (3, 0, (0, 6, 7), ())
    assert more.refusal(1.0) is None  # what was cut off is left out as well
    assert without(f"Sure!\n{TABLE}\nA fine customer of 99 films.\n| and so", more.foreign) == TABLE
    assert without('[\n{"a": "1"},\n{"b": "2"}\n]', (2,)) == '[\n{"a": "1"}\n]'


def test_words_of_its_own_are_alterations() -> None:
    assert table(TABLE.replace("| bad |", "| bad, as they say |")).altered == 1
    assert table(TABLE.replace("| Kolya | 1996 |", "| Kolya |")).altered == 1
    assert table(TABLE.replace("Kolya | 1996 | good", "Kolya | 1996 | good 3")).altered == 1


def test_the_order_of_events_is_kept() -> None:
    lines = TABLE.splitlines()
    assert table("\n".join([*lines[:2], lines[4], lines[2], lines[3]])).kept == 2


def test_lines_may_be_numbered_and_written_as_json() -> None:
    numbered = "\n".join(f"{at}. {' - '.join(event)}" for at, event in enumerate(EVENTS, 1))
    assert table(numbered).refusal(1.0) is None
    objects = [json.dumps(dict(zip(NAMES, event, strict=True))) for event in EVENTS]
    assert table("[\n" + ",\n".join(objects) + "\n]").refusal(1.0) is None
    assert table("[\n" + ",\n".join(objects).replace('"bad"', '"good"') + "\n]").altered == 1


def test_the_sign_of_a_number_counts() -> None:
    assert check([("shop", "-5.50"), ("shop", "7")], "shop | -5.5\nshop | 7.00", by_line=True).kept == 2
    assert check([("shop", "-5.50"), ("shop", "7")], "shop | 5.5\nshop | 7.00", by_line=True).altered == 1


def test_values_swapped_between_lines_are_alterations() -> None:
    swapped = TABLE.replace("| bad |", "| X |").replace("1995 | good |", "1995 | bad |").replace("| X |", "| good |")
    assert table(swapped).altered == 2


def test_an_invented_number() -> None:
    found = check(EVENTS, TALE + " In total 4711 points.")
    assert (found.altered, found.invented) == (0, ("4711",))
    assert found.refusal(0.0) == "numbers invented: 4711"


def test_counting_is_no_invention() -> None:
    assert check(EVENTS, "Here are 3 records:\n1. " + TALE).invented == ()
    assert check([("x", "10")], "99. x 10").invented == ("99",)  # there are no 99 events to number
    assert check([("x", "10.50"), ("y", "2")], "x cost 10.5 and y 2.00").invented == ()


def test_repeated_events() -> None:
    found = table(TABLE + "\n| Kolya | 1996 | good | 1998-03-15 |")
    assert found.repeated == 1
    assert found.refusal(0.0) == "events told 1 times too often"


def test_cut_off() -> None:
    assert table(finished=False).refusal(0.0) == "cut off by --max-new-tokens"


def test_nothing_came_back() -> None:
    assert table("").refusal(0.1) == "0 of 3 events kept"
    assert check([], "").score == 1.0


def test_equal_events_need_as_many_lines() -> None:
    twice = [("tea", "1"), ("tea", "1"), ("cake", "2")]
    assert check(twice, "tea | 1\ntea | 1\ncake | 2", by_line=True).kept == 3
    assert check(twice, "tea | 1\ncake | 2", by_line=True).kept == 2


def test_escaped_values_are_compared_as_they_are_meant() -> None:
    assert check([("a\\|b", "x")], "a|b | x", by_line=True).kept == 1


def test_sentences_do_not_end_inside_a_title() -> None:
    spoken = WordIndex("They saw Dr. No. It was good! Then 3.5 stars")
    assert [spoken.words[a:b] for a, b in spoken.sentences([(2, 4)])] == [
        ["they", "saw", "dr", "no"], ["it", "was", "good"], ["then", "3.5", "stars"],
    ]  # fmt: skip


def test_prose_tells_an_event_by_the_sentence_that_it_is_known_by() -> None:
    films = [("Alien", "1979", "good"), ("Aliens", "1986", "bad"), ("Heat", "1995", "good")]
    tale = "Alien (1979) was good. Aliens of 1986 was bad. Heat, from 1995, was good."
    assert check(films, tale).kept == 3
    assert check(films, tale.replace("bad", "good")).altered == 1
    assert check(films, tale.replace("bad", "awful")).altered == 1
    assert check(films, "Alien (1979) was bad. Aliens of 1986 was good. Heat, from 1995, was good.").altered == 2
    assert check(films, tale.replace("Heat", "Speed")).altered == 1  # 1995 and a third rating are still told
    gone = check(films, "Alien (1979) was good. Aliens of 1986 was bad.")
    assert (gone.kept, gone.altered) == (2, 0)
    assert check(films, tale + " Heat, from 1995, was good.").repeated == 1
    assert (
        check(films, "They saw Alien. It is from 1979 and was good. Aliens of 1986: bad. Heat (1995): good.").kept == 3
    )


def test_a_date_holds_for_the_sentences_behind_it() -> None:
    events = [("tea", "2024-03-01"), ("milk", "2024-03-01"), ("rice", "2024-03-02")]
    assert check(events, "On March 1, 2024 they bought tea. Then milk. On the 2nd of March 2024 came rice.").kept == 3
    assert check(events, "On 1 March 2024 they bought tea. On 2 March 2024 milk. Then rice.").altered == 1


def test_one_word_tells_one_value() -> None:
    assert check([("Kids", "1998", "1998-05-01")], "Kids, rated on 1998-05-01.").altered == 1
    assert check([("Kids", "Drama"), ("Up", "Drama, War")], "Kids: Drama, War. Up: Drama, War.").altered == 1


def _tale(events: Sequence[Sequence[str]]) -> str:
    """A sentence an event, each built another way."""
    said = []
    for at, (title, year, rating, date) in enumerate(events):
        y, month, day = date.split("-")
        named = f"{int(day)} {MONTHS[int(month) - 1].capitalize()} {y}"
        said.append(
            [
                f"On {named} they found {title} of {year} {rating}.",
                f"{title} ({year}) was rated {rating} on {date}.",
                f"A rating of {rating} went to {title}, made in {year}, on {named}.",
            ][at % 3]
        )
    return " ".join(said)


def _written(format: TextFormat) -> Callable[[Sequence[Sequence[str]]], str]:
    return lambda events: tidied(write(ParsedHistory(NAMES, tuple(map(tuple, events))), format).text)


@pytest.mark.parametrize(
    ("writer", "by_line"),
    [
        (_written(TextFormat.MARKDOWN_TABLE), True),
        (_written(TextFormat.BULLET_LIST), True),
        (_written(TextFormat.JSON), True),
        (_tale, False),
    ],
)
def test_whatever_is_altered_is_refused(writer: Callable[[Sequence[Sequence[str]]], str], by_line: bool) -> None:
    """200 histories told faithfully pass; with one value of one event put in another's place, all are refused."""
    draw = random.Random(1)
    for _ in range(200):
        titles = draw.sample(["Dr. No", "Alien", "Aliens", "Good Will", "It", "1941", "Heat, The", "Se7en", "Kids"], 6)
        events = [
            [
                title,
                str(draw.randint(1990, 1998)),
                draw.choice(["good", "bad", "fine"]),
                f"1998-0{draw.randint(1, 9)}-03",
            ]
            for title in titles
        ]
        assert check(events, writer(events), names=NAMES, by_line=by_line).refusal(1.0) is None, writer(events)
        at, field = draw.randrange(6), draw.randrange(4)
        others = [event[field] for event in events if event[field] != events[at][field]]
        altered = [list(event) for event in events]
        altered[at][field] = draw.choice(others or ["nothing"])
        assert check(events, writer(altered), names=NAMES, by_line=by_line).refusal(0.0) is not None, writer(altered)
