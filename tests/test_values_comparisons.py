"""Columns of text files that hold numbers are compared and added up as numbers, in labels, conditions and fields."""

from pathlib import Path

import pytest

from llm4es.recipes import load_recipe, locate, read_labels

from .raw import events

HEAD = (
    'name = "mine"\n[tables.events]\npath = "events.csv"\n[tables.labels]\npath = "labels.csv"\n'
    '[events]\nentity = "user"\njoins = [{{ table = "labels", on = "user" }}]\n{where}\n'
    '[[fields]]\nname = "what"\nfrom = """{field}"""\n'
    '[tasks.y]\nkind = "binary"\ntable = "labels"\nentity = "user"\nlabel = """{label}"""\n'
)
ROWS = [
    ("c0", "9", "10", "007"),
    ("c1", "10", "9", "7"),
    ("c2", "100.5", "NA", "07"),
    ("c3", "", "3", "8"),
    ("c4", "1.0", "1", "9"),
]
NUMBERS = {user: (float(won) if won else None, float(lost) if lost != "NA" else None) for user, won, lost, _ in ROWS}


def _write(folder: Path, where: str = "", field: str = "what", label: str = "won > lost") -> Path:
    (folder / "events.csv").write_text("user,what\n" + "".join(f"{user},tea\n" for user, *_ in ROWS))
    (folder / "labels.csv").write_text("user,won,lost,code\n" + "".join(",".join(row) + "\n" for row in ROWS))
    (folder / "r.toml").write_text(
        HEAD.format(where=f'where = """{where}"""' if where else "", field=field, label=label)
    )
    return folder / "r.toml"


def _labels(folder: Path, label: str) -> dict[str, str]:
    recipe = load_recipe(str(_write(folder, label=label)))
    return {row["entity_id"]: row["label"] for row in read_labels(recipe, locate(recipe)).to_pylist()}


@pytest.mark.parametrize(
    ("sql", "right"),
    [
        ("won > lost", lambda won, lost: won > lost),
        ("won <= lost", lambda won, lost: won <= lost),
        ("won = lost", lambda won, lost: won == lost),
        ("won BETWEEN lost AND 50", lambda won, lost: lost <= won <= 50),
        ("NOT (won < lost OR lost < won)", lambda won, lost: won == lost),
        ("CASE WHEN won < lost THEN 'true' ELSE 'false' END", lambda won, lost: won < lost),
        ("won - lost > 0", lambda won, lost: won > lost),
        ("abs(won) > lost * 1", lambda won, lost: won > lost),
        ("won > TRY_CAST(lost AS DOUBLE)", lambda won, lost: won > lost),
    ],
)
def test_numbers_are_compared_as_numbers(tmp_path: Path, sql: str, right: object) -> None:
    assert callable(right)
    both = {user: pair for user, pair in NUMBERS.items() if None not in pair}
    found = _labels(tmp_path, sql)
    assert {user: found[user] for user in both} == {user: str(right(*pair)).lower() for user, pair in both.items()}


@pytest.mark.parametrize("sql", ["won > 9", "won > '9'", "9 < won", "won > 9.0", "(won) > 9"])
def test_and_with_constants(tmp_path: Path, sql: str) -> None:
    assert _labels(tmp_path, sql) == {
        user: str(won > 9).lower() for user, (won, _) in NUMBERS.items() if won is not None
    }


def test_codes_and_quoted_texts_stay_texts(tmp_path: Path) -> None:
    assert _labels(tmp_path, "code = '7'") == {user: str(code == "7").lower() for user, *_, code in ROWS}
    assert _labels(tmp_path, "won = '1'") == {user: str(won == "1").lower() for user, won, *_ in ROWS if won}
    recipe = _write(tmp_path, field="CASE WHEN won > 9 THEN won ELSE lost END")
    assert [row["what"] for row in events(recipe).to_pylist()] == ["10", "10", "100.5", "3", "1"]


def test_conditions_and_fields_compare_numbers_too(tmp_path: Path) -> None:
    recipe = _write(tmp_path, where="won > lost", field="CASE WHEN lost < won THEN 'more' ELSE 'less' END")
    assert [(row["entity_id"], row["what"]) for row in events(recipe).to_pylist()] == [("c1", "more")]
    recipe = _write(tmp_path, where="lost IS NOT NULL", field="CASE WHEN lost < won THEN 'more' ELSE 'less' END")
    assert [row["what"] for row in events(recipe).to_pylist()] == ["less", "more", "less", "less", "less"]
