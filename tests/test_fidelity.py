"""What counts as kept, altered, invented, repeated: each judged on a few events by hand."""

import pytest

from llm4es.fidelity import Fidelity, check, normal

EVENTS = [
    ("Toy Story", "1995", "good", "1998-03-13"),
    ("Seven (Se7en)", "1995", "bad", "1998-03-14"),
    ("Kolya", "1996", "good", "1998-03-15"),
]
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
    return check(EVENTS, text, finished=finished, by_line=True)


def test_a_faithful_table_and_a_faithful_tale() -> None:
    assert table() == Fidelity(3, 3, 0, 0, 1.0, (), True)
    tale = check(EVENTS, TALE)
    assert (tale.kept, tale.altered) == (3, 0)
    assert table().refusal(1.0) is None


def test_case_and_punctuation_say_nothing() -> None:
    assert normal("Seven (Se7en)") == ["seven", "se7en"]
    assert normal("1,000.50 RUB") == normal("1000.50 rub")
    assert table(TABLE.upper().replace("|", ";")).kept == 3


def test_a_dropped_event() -> None:
    found = table("\n".join(line for line in TABLE.splitlines() if "Kolya" not in line))
    assert (found.kept, found.altered) == (2, 0)
    assert found.score == pytest.approx(2 / 3)
    assert found.refusal(0.9) == "2 of 3 events kept"
    assert found.refusal(0.6) is None
    assert found.numbers_kept == 6 / 8  # 1995 1998 3 13 7 14 stay; 1996 and 15 are of Kolya alone


def test_an_altered_event_never_passes() -> None:
    found = table(TABLE.replace("| bad |", "| good |"))
    assert (found.kept, found.altered) == (2, 1)
    assert found.refusal(0.0) == "1 of 3 events altered"


def test_values_swapped_between_lines_are_alterations() -> None:
    swapped = TABLE.replace("| bad |", "| X |").replace("1995 | good |", "1995 | bad |").replace("| X |", "| good |")
    assert table(swapped).altered == 2


def test_an_invented_number() -> None:
    found = table(TABLE + "\nIn total 4711 points.")
    assert found.invented == ("4711",)
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
    assert check(twice, "tea 1\ntea 1\ncake 2", by_line=True).kept == 3
    assert check(twice, "tea 1\ncake 2", by_line=True).kept == 2


def test_escaped_values_are_compared_as_they_are_meant() -> None:
    assert check([("a\\|b", "x")], "a|b x", by_line=True).kept == 1
