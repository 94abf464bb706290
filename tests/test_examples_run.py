"""The examples in small: each script's files through the whole way, and what they are there to show."""

import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from examples.bank import make as bank
from examples.clicks import make as clicks
from examples.meds import make as meds
from llm4es_store import Store

from .shell import invoke

EXAMPLES = Path(__file__).parent.parent / "examples"
WRITERS: dict[str, tuple[Callable[[Path, int], Path], str]] = {
    "bank": (bank.write, "export"),
    "clicks": (clicks.write, "log"),
    "meds": (meds.write, "records"),
}


def words(name: str, place: Path) -> tuple[object, ...]:
    """What of an example's README stands behind ``llm4es run``, its files written into ``place``."""
    write, folder = WRITERS[name]
    write(place / folder, 24)
    if name == "meds":
        return "meds", "--data", place / folder
    shutil.copy(EXAMPLES / name / f"{name}.toml", place)
    return (place / f"{name}.toml",)


@pytest.mark.usefixtures("few_folds")
@pytest.mark.parametrize("name", WRITERS)
def test_an_example_runs_from_its_script_to_the_comparison(name: str, place: Path, model: Path) -> None:
    short = ("--finetune", "none", "--model", model, "--k", "1", "--max-length", "64", "--quiet")
    assert "roc_auc" in invoke("run", *words(name, place), *short, "--store", place / "store").stdout
    store = Store(place / "store")
    assert store.sql("SELECT count(*) FROM texts WHERE variant = 'raw'").fetchall() == [(24,)]
    probed = {features for (features,) in store.sql("SELECT features FROM probes").fetchall()}
    assert probed >= {"tfidf", "words", "majority"}
    assert [features for features in probed if features.startswith("tinyllama@1")]
    readme = (EXAMPLES / name / "README.md").read_text()
    assert f"python examples/{name}/make.py" in readme
    assert "synthetic" in readme


def test_the_mess_of_the_bank_is_read_whole(place: Path) -> None:
    invoke("serialize", *words("bank", place), "--store", place / "store", "--quiet")
    rows = duckdb.read_csv(str(place / "export" / "transactions.csv"), all_varchar=True)
    raw = rows.fetchall()
    assert len(set(raw)) < len(raw)
    kept = Store(place / "store").sql("SELECT transaction, amount, merchant FROM events_bank").fetchall()
    assert sorted(number for number, *_ in kept) == sorted({number for _, number, *_ in raw})
    digits = {number: int("".join(filter(str.isdigit, paid))) / 100 for _, number, _, paid, _ in raw}
    back = {number for _, number, _, paid, _ in raw if paid.startswith("(")}
    assert back
    assert {number: amount for number, amount, _ in kept} == {
        number: -value if number in back else value for number, value in digits.items()
    }
    assert None in {merchant for *_, merchant in kept}
    assert not {"n/a", "unknown", ""} & {merchant for *_, merchant in kept}


@pytest.mark.parametrize("name", WRITERS)
def test_a_script_writes_the_same_each_time(name: str, tmp_path: Path) -> None:
    write, _ = WRITERS[name]
    first, second = write(tmp_path / "a", 5), write(tmp_path / "b", 5)
    files = sorted(path.relative_to(first) for path in first.rglob("*") if path.is_file())
    assert files
    assert all((first / path).read_bytes() == (second / path).read_bytes() for path in files)
