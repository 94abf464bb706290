"""Forms that models give records of their own accord: which mean the same, and where a mark is a sign."""

import json

import pytest

from llm4es.enrich.engine import Answer
from llm4es.enrich.judge import Judged, judge
from llm4es.enrich.prompts import load_prompt
from llm4es.enrich.recheck import still_good

NAMES = ("Amount", "Shop", "Day")
EVENTS = (("1200.00", "tea", "2024-01-05"), ("15.00", "", "2024-01-06"), ("7.50", "rice", "2024-01-07"))
PAIRS = [dict(zip(NAMES, event, strict=True)) for event in EVENTS]
ROWS = [" | ".join(event) for event in EVENTS]
TABLE = ["| Amount | Shop | Day |", "|---|---|---|", *(f"| {row} |" for row in ROWS)]


def judged(prompt: str, text: str) -> Judged:
    return judge(EVENTS, NAMES, load_prompt(prompt), None, Answer(text, finished=True), 0.9)


def named(between: str, mark: str = "- ") -> str:
    return "\n".join(mark + between.join(f"{name}: {value}" for name, value in pair.items()) for pair in PAIRS)


def nested(heading: str, mark: str) -> str:
    return "\n\n".join(
        heading.format(at) + "\n".join(f"{mark}{name}: {value}" for name, value in pair.items())
        for at, pair in enumerate(PAIRS, 1)
    )


@pytest.mark.parametrize(
    ("prompt", "text"),
    [
        ("table", "\n".join([*TABLE, "|---|---|---|"])),
        ("table", f"\n{TABLE[1]}\n".join([TABLE[0], *TABLE[2:]])),
        ("table", "\n".join([TABLE[0], "|---+---+---|", *TABLE[2:]])),
        ("table", "\n".join([TABLE[0], "| — | — | — |", *TABLE[2:]])),
        ("table", "> " + "\n> ".join(TABLE)),
        ("table", "\n".join(TABLE) + "<|im_end|>"),
        ("bullets", named("; ") + "</s>"),
        ("bullets", named(" - ")),
        ("bullets", named(". ")),
        ("bullets", named(" · ")),
        ("bullets", named("; ").replace("; Day", ", and Day")),
        ("bullets", "\n".join(f"- **Record {at}:** {line}" for at, line in enumerate(named("; ", "").split("\n"), 1))),
        ("bullets", "\n".join(f"**{at}.** {line}" for at, line in enumerate(named("; ", "").split("\n"), 1))),
        ("bullets", nested("**Record {}**\n", "- ")),
        ("bullets", nested("- Record {}:\n", "  - ")),
        ("bullets", nested("", "  ")),
        ("json", json.dumps({"count": 3, "records": PAIRS})),
        ("json", json.dumps({"data": {"records": PAIRS}}, indent=1)),
        ("json", json.dumps({str(at): pair for at, pair in enumerate(PAIRS, 1)})),
        ("json", json.dumps([{"record": pair} for pair in PAIRS])),
        ("json", json.dumps(PAIRS[:1]) + "\n" + json.dumps(PAIRS[1:])),
    ],
)
def test_the_same_records(prompt: str, text: str) -> None:
    found = judged(prompt, text)
    assert (found.reason, found.fidelity.kept) == (None, 3), text
    assert "count" not in found.text
    assert "Record" not in found.text or prompt == "bullets"


@pytest.mark.parametrize(
    ("prompt", "text"),
    [
        ("table", "\n".join([ROWS[0], f"- {ROWS[1]}", ROWS[2]])),
        ("table", "\n".join([ROWS[0], f"\u2013 {ROWS[1]}", ROWS[2]])),
        ("table", "\n".join(f"- {row}" for row in ROWS)),
        ("table", "\n".join([*TABLE[:3], f"- {TABLE[3]}", TABLE[4]])),
        ("bullets", "\n".join(["- 1200.00; tea; 2024-01-05", "15.00; ; 2024-01-06", "7.50; rice; 2024-01-07"])),
        ("bullets", named("; ").replace("15.00;", "15.00 -")),
        ("bullets", named("; ").replace("2024-01-07", "2024-01-07 -")),
        ("bullets", nested("", "- ").replace("Amount: 15.00", "Amount: -15.00")),
        ("bullets", nested("", "- ").replace("Shop: rice", "Shop: rice\n- Shop: milk")),
        ("bullets", nested("", "- ") + "\n- Status: cancelled"),
        ("bullets", nested("", "- ").replace("Shop: rice", "It never was\n- Shop: rice")),
        ("json", json.dumps({"records": PAIRS, "corrected": [{**PAIRS[0], "Amount": "5"}]})),
        ("json", json.dumps([{**PAIRS[0], "Amount": {"is": "1200.00"}}, *PAIRS[1:]])),
        ("json", json.dumps([{**PAIRS[0], "Amount": [1200]}, *PAIRS[1:]])),
        ("json", json.dumps([*PAIRS, "and a cake"])),
    ],
)
def test_other_records(prompt: str, text: str) -> None:
    assert judged(prompt, text).reason is not None, text


def test_where_a_field_tells_values_apart_by_spelling_so_does_the_check() -> None:
    events = (("1.10", "aB3"), ("1.1", "Ab3"), ("1.2", "c"))
    rows = [" | ".join(event) for event in events]
    for other in ("1.1 | aB3", "1.10 | Ab3", "1.100 | aB3", "1.10 | AB3"):
        answer = Answer("\n".join([other, *rows[1:]]), finished=True)
        assert judge(events, ("Version", "Code"), load_prompt("table"), None, answer, 0.9).reason is not None, other
    same = Answer("\n".join([f"**1.10** | {events[0][1]}", *rows[1:]]), finished=True)
    assert judge(events, ("Version", "Code"), load_prompt("table"), None, same, 0.9).reason is None


@pytest.mark.parametrize(
    ("said", "good"),
    [
        ("- Shop: a place for tea; Amount: 5", True),
        ("- Amount: 5.00; Shop: tea room", True),
        ("- Shop: a place for tea; Amount: 6", False),
        ("- Shop: a place for 7 teas; Amount: 5", False),
        ("- Shop: ; Amount: 5", False),
    ],
)
def test_stored_paraphrases_stay_where_the_other_fields_are_right(said: str, good: bool) -> None:
    raw = "Shop | Amount\ntea room | 5"
    assert still_good(raw, said, "llm_bullets", None, 0.9, paraphrase=["Shop"]) is good
    assert still_good(raw, said, "llm_bullets", None, 0.9) is (good and "tea room" in said)
