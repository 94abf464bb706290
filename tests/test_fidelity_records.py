"""Lines compared with events field by field: what is accepted in which form, by hand."""

import json

import pytest

from llm4es.enrich.fidelity import Fidelity, check
from llm4es.enrich.tidy import tidied

NAMES = ("Day", "Shop", "Amount", "Fee")
EVENTS = [
    ("2024-01-05", "tea", "12", "5"),
    ("2024-01-06", "Fee: 3; Shop", "-1200.00", "12"),
    ("2024-01-07", "a\\|b", "7.5", ""),
]


def judged(text: str) -> Fidelity:
    return check(EVENTS, tidied(text), names=NAMES, by_line=True)


def table(*rows: str, header: str = "| Day | Shop | Amount | Fee |\n|---|---|---|---|") -> str:
    return "\n".join([header, *rows])


ROWS = (
    "| 2024-01-05 | tea | 12 | 5 |",
    "| 2024-01-06 | Fee: 3; Shop | -1200.00 | 12 |",
    "| 2024-01-07 | a\\|b | 7.5 | |",
)
TURNED = "| Amount | Day | Shop | Fee |\n|--|--|--|--|"
TURNED_ROWS = (
    "| 12 | 2024-01-05 | tea | 5 |",
    "| -1,200 | January 6, 2024 | Fee: 3; Shop | 12 |",
    "|7.5|2024-01-07|a\\|b||",
)
OBJECTS: list[dict[str, object]] = [
    {"Day": "2024-01-05", "Shop": "tea", "Amount": 12, "Fee": "5"},
    {"Day": "2024-01-06", "Shop": "Fee: 3; Shop", "Amount": "-1200.00", "Fee": "12"},
    {"Day": "2024-01-07", "Shop": "a|b", "Amount": 7.5, "Fee": None},
]
LIST = """- Day: 2024-01-05; Shop: tea; Amount: 12; Fee: 5
- Day: 2024-01-06; Shop: Fee: 3; Shop; Amount: -1200.00; Fee: 12
- Day: 2024-01-07; Shop: a|b; Amount: 7.5; Fee:"""


@pytest.mark.parametrize(
    "text",
    [
        table(*ROWS),
        f"Here are the 3 records:\n\n```markdown\n{table(*ROWS)}\n```\nAll amounts are as given.",
        table(*ROWS, header="day | SHOP | **Amount** | Fee\n:-- | --- | --: | ---"),
        table(*TURNED_ROWS, header=TURNED),
        table("12; 2024-01-05; tea; 5", "-1,200 - 2024-01-06 - Fee: 3; Shop - 12", TURNED_ROWS[2], header=TURNED),
        table(*TURNED_ROWS, TURNED.split("\n")[0], header=TURNED),
        "\n".join([*ROWS[:2], TURNED, TURNED_ROWS[2]]),
        "\n".join(ROWS),
        LIST,
        LIST.replace("; ", " - ").replace("Fee: 3 - Shop", "Fee: 3; Shop"),
        LIST.replace("- ", "* ").replace("; Amount", ", **Amount**"),
        LIST.replace("- Day: ", "1. Day = "),
        json.dumps(OBJECTS),
        json.dumps(OBJECTS, indent=2),
        json.dumps({"records": OBJECTS}, indent=1),
        "Here:\n" + json.dumps([dict(reversed(item.items())) for item in OBJECTS], indent=2) + "\nThat is all.",
        "\n".join(map(json.dumps, OBJECTS)),
    ],
)  # fmt: skip
def test_faithful(text: str) -> None:
    found = judged(text)
    assert (found.refusal(1.0), found.kept) == (None, 3), found


def test_fields_are_told_by_their_names() -> None:
    assert judged(
        json.dumps(OBJECTS).replace('"Amount"', '"X"').replace('"Fee"', '"Amount"').replace('"X"', '"Fee"')
    ).altered
    assert judged(LIST.replace("Amount: 12; Fee: 5", "Amount: 5; Fee: 12")).altered == 1
    swapped = table(*ROWS, header="| Day | Shop | Fee | Amount |\n|---|---|---|---|")
    assert judged(swapped).refusal(0.0)
    assert judged(json.dumps(OBJECTS).replace('"Amount": 12', '"Amount": 12, "Amount": 13')).altered == 1
    assert judged(json.dumps(OBJECTS).replace('"Fee": "5"', '"Fee": {"Fee": "5"}')).refusal(0.0)
    assert judged(json.dumps(OBJECTS).replace('"Fee": "5"', '"Fee": NaN')).altered == 1
    assert judged(table("| 2024-01-05 | tea | Amount 12 | Fee 5 |", *ROWS[1:])).altered == 1


def test_an_invented_record_is_no_line_to_leave_out() -> None:
    for text in (
        table(*ROWS, "| 2024-01-08 | cake | 3 | 1 |"),
        LIST + "\n- Day: 2024-01-08; Shop: cake; Amount: 3; Fee: 1",
        LIST + "\n- and a cake",
        json.dumps([*OBJECTS, {"Day": "2024-01-08"}]),
    ):
        assert judged(text).refusal(0.0) == "events invented 1 times"


def test_order_counts_however_little_must_be_kept() -> None:
    assert judged(table(ROWS[1], ROWS[0], ROWS[2])).refusal(0.0) == "1 of 3 events out of order"


@pytest.mark.parametrize("size", [20_000, 200_000])
def test_deep_brackets_are_no_records(size: int) -> None:
    for text in ("[" * size, '{"a":' * size, "|" * size, "{" * size + "}" * size):
        assert judged(text).kept == 0
