"""Which writings are the same value: pairs by hand."""

import pytest

from llm4es.enrich.typed_values import key_of, readings, spelled
from llm4es.serialize.escaping import escape

SAME = [
    ("1200.00", "1200"), ("1200.00", "1,200.00"), ("1200", "1 200"), ("-5.50", "-5.5"), ("-5.50", "\u22125.50"),
    ("0.5", ".5"), ("$5", "$ 5.00"), ("12%", "12 %"), ("2024-01-05", "January 5, 2024"),
    ("2024-01-05", "5th of Jan 2024"), ("2024-01-05", "2024/1/5"), ("2024-01-25", "25.01.2024"),
    ("2024-01-05 13:45:00", "2024-01-05T13:45"), ("2024-01-05 13:45:00", "January 5, 2024 at 1:45 PM"),
    ("tea | milk", "tea \\| milk"), ("tea | milk", "tea | milk"), ("Tom & Co", "Tom &amp; Co"), ("good", "**Good**"),
    ("cafe\u0301", "caf\u00e9"), ("Schindler's List", "Schindler\u2019s  List"), ("C:\\temp", "C:\\temp"),
    ("two\nlines", "two\\nlines"), ("snake_case", "snake\\_case"), ("007", "007"), ("", ""),
    ("12.50 EUR", "12.5 EUR"), ("1200 km", "1,200 km"), ("1,200", "**1,200**"), ("two\nlines", "two<br>lines"),
    ("", '""'),
]  # fmt: skip
OTHER = [
    ("1200.00", "(1200.00)"), ("1200.00", "1200.00-"), ("1200.00", "\u20131200.00"), ("1200.00", "-1200.00"),
    ("1200.00", "\u20ac1200.00"), ("1200.00", "1200.00%"), ("1.2", "1.2k"), ("1200.00", "+1200.00"), ("1.2", "1,2"),
    ("1200", "1.200"), ("1200", "12,00"), ("007", "7"), ("1200.00", "1200.00 thousand"), ("1200.00", "~~1200.00~~"),
    ("2024-01-05", "2024-05-01"), ("2024-01-05", "05/01/2024"), ("2024-01-05", "01/05/2024"),
    ("2024-01-05", "2024-01-06"), ("2024-01-05", "January 2024"), ("2024-01-05 13:45:00", "2024-01-05 03:45:00"),
    ("2024-01-05 13:45:00", "2024-01-05"), ("2024-01-05 13:45:00", "2024-01-05T13:45:00+03:00"), ("good", "not good"),
    ("good", "~~good~~"), ("good", "good?"), ("", "N/A"), ("tea", ""), ("5", "\u0665"), ("a", "\u0430"),
    ("2024-02-28", "30 February 2024"), ("$5", "\u20ac5"), ("5 USD", "5 EUR"), ("x", "x\u200b"),
    ("12.50 EUR", "12.50 USD"), ("5 km", "-5 km"), ("101,102", "101102"), ("5", "5<br>6"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "told"), SAME)
def test_another_writing_of_the_same_value(value: str, told: str) -> None:
    assert key_of(escape(value)) in readings(told)


@pytest.mark.parametrize(("value", "told"), OTHER)
def test_another_value(value: str, told: str) -> None:
    assert key_of(escape(value)) not in readings(told)


@pytest.mark.parametrize(("value", "other"), [("1.10", "1.1"), ("aB3", "Ab3"), ("007", "7"), ('"Up"', "UP")])
def test_where_spelling_tells_values_apart_only_marks_are_left_out(value: str, other: str) -> None:
    assert spelled(escape(value)) in readings(f"**{value}**", exact=True)
    assert spelled(escape(value)) not in readings(other, exact=True)
