"""Rosbank, Age and Gender on synthetic files in their raw formats, every trap in them."""

import logging
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from llm4es.core.errors import DataError
from llm4es.options import SerializeOptions
from llm4es.recipes import Recipe, Source, load_recipe, locate, read_events, read_labels, read_splits
from llm4es.serialize import serialize

ROSBANK = {
    "train.csv": "PERIOD,cl_id,MCC,channel_type,currency,TRDATETIME,amount,trx_category,target_flag,target_sum\n"
    "01/10/2017,7,5411,,810,21OCT17:00:00:00,1000.5,POS,1,10.0\n"
    "01/10/2017,7,6011,type1,840,21OCT17:00:00:00,20,WD_ATM_OTHER,1,10.0\n"
    "01/09/2017,7,9999,,978,30SEP17:13:45:10,0.5,POS,1,10.0\n"
    "01/09/2017,40,5814,,810,01JAN17:08:00:00,99.999,POS,0,0.0\n",
    "test.csv": "PERIOD,cl_id,MCC,channel_type,currency,TRDATETIME,amount,trx_category\n"
    "01/09/2017,5,5814,,810,02MAY17:08:00:00,7,POS\n",
}
AGE = {
    "transactions_train.csv": "client_id,trans_date,small_group,amount_rur\n33172,6,4,71.463\n33172,0,1,45.017\n"
    "33,729,9,0.5\n",
    "train_target.csv": "client_id,bins\n33172,2\n33,0\n",
    "small_group_description.csv": "small_group_code,small_group\n4,Универмаги\n1,Food\n",
}
GENDER = {
    "transactions.csv": "customer_id,tr_datetime,mcc_code,tr_type,amount,term_id\n"
    "39026145,15 01:40:60,4814,1030,-2245.92,\n39026145,1 23:59:59,6011,7010,56147.89,T1\n"
    "2,300 00:00:00,4814,1030,-1.0,\n",
    "tr_mcc_codes.csv": "mcc_code;mcc_description\n4814;Calls, by phone\n6011;Cash\n",
    "tr_types.csv": "tr_type;tr_description\n1030;Payment\n7010;Deposit\n",
    "gender_train.csv": "customer_id,gender\n39026145,1\n",
}
FILES = {"rosbank": ROSBANK, "age": AGE, "gender": GENDER}


def there(name: str, folder: Path, files: dict[str, str] | None = None) -> tuple[Recipe, Source]:
    for file, text in (files or FILES[name]).items():
        (folder / file).write_text(text, encoding="utf-8")
    recipe = load_recipe(name)
    return recipe, locate(recipe, folder)


def texts(recipe: Recipe, source: Source, **options: Any) -> dict[str, str]:
    settings = SerializeOptions(**options)
    made = pa.Table.from_batches(serialize(read_events(recipe, source, settings), recipe, settings))
    return dict(zip(made["entity_id"].to_pylist(), made["text"].to_pylist(), strict=True))


def test_rosbank(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    recipe, source = there("rosbank", tmp_path)
    with caplog.at_level(logging.WARNING):
        made = texts(recipe, source)
    assert list(made) == ["40", "5", "7"]  # ids are texts
    assert made["7"].splitlines() == [
        "Date | Weekday | Hour | Merchant category | Amount | Currency | Type | Channel",
        "2017-09-30 | Saturday | 13 | 9999 | 0.50 | EUR | POS | ",
        "2017-10-21 | Saturday | 0 | grocery stores | 1000.50 | RUB | POS | ",
        "2017-10-21 | Saturday | 0 | cash withdrawal | 20.00 | USD | WD_ATM_OTHER | type1",
    ]
    assert "1 values of 'mcc' have no name" in caplog.text
    labels = read_labels(recipe, source).to_pylist()
    assert [(row["entity_id"], row["label"]) for row in labels] == [("7", "1"), ("40", "0")]
    assert "churn" not in str(recipe.model_dump()).lower()


def test_rosbank_as_the_paper_had_it(tmp_path: Path) -> None:
    recipe, source = there("rosbank", tmp_path)
    # ln(1001.5) = 6.909, ln(21) = 3.04, ln(1.5) = 0.405
    assert texts(recipe, source, preset="paper")["7"].splitlines() == [
        "Date | Merchant category | Amount | Currency | Type | Channel",
        "2017-09-30 | 9999 | 0 | EUR | POS | ",
        "2017-10-21 | grocery stores | 6 | RUB | POS | ",
        "2017-10-21 | cash withdrawal | 3 | USD | WD_ATM_OTHER | type1",
    ]


def test_rosbank_without_the_unlabelled_clients(tmp_path: Path) -> None:
    recipe, source = there("rosbank", tmp_path, {"train.csv": ROSBANK["train.csv"]})
    assert list(texts(recipe, source)) == ["40", "7"]


def test_age(tmp_path: Path) -> None:
    recipe, source = there("age", tmp_path)
    made = texts(recipe, source)
    assert made["33172"].splitlines() == [
        "Date | Weekday | Category | Amount",
        "2000-01-01 | Saturday | Food | 45.02 RUB",
        "2000-01-07 | Friday | Универмаги | 71.46 RUB",
    ]
    assert made["33"].splitlines()[1] == "2001-12-30 | Sunday | 9 | 0.50 RUB"
    labels = read_labels(recipe, source).to_pylist()
    assert [(row["entity_id"], row["task"], row["label"]) for row in labels] == [
        ("33172", "age_group", "2"),
        ("33", "age_group", "0"),
    ]


def test_gender(tmp_path: Path) -> None:
    recipe, source = there("gender", tmp_path)
    assert texts(recipe, source)["39026145"].splitlines() == [
        "Date | Weekday | Hour | Merchant category | Type | Amount",
        "2000-01-02 | Sunday | 23 | Cash | Deposit | 56147.89",
        "2000-01-16 | Sunday | 1 | Calls, by phone | Payment | -2245.92",
    ]
    splits = read_splits(recipe, pa.array(["39026145", "2"]), source).to_pylist()
    assert [(row["name"], row["entity_id"], row["split"]) for row in splits][:2] == [
        ("ptls", "2", "train"),
        ("ptls", "39026145", "train"),
    ]
    assert texts(recipe, source, preset="paper")["2"].splitlines()[1] == "2000-10-27 | Calls, by phone | Payment | 0"


@pytest.mark.parametrize("name", sorted(FILES))
def test_where_the_data_is_not(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=rf"the data of '{name}' cannot be fetched: give the folder that holds .*csv"):
        locate(load_recipe(name))
    with pytest.raises(DataError, match=rf"does not hold the data of '{name}': there is no .*csv"):
        locate(load_recipe(name), tmp_path)


def test_another_header_is_told(tmp_path: Path) -> None:
    files = AGE | {"transactions_train.csv": AGE["transactions_train.csv"].replace("small_group", "smallgroup")}
    recipe, source = there("age", tmp_path, files)
    with pytest.raises(DataError, match=r"fields.group: there is no column 'small_group'; did you mean smallgroup\?"):
        read_events(recipe, source, SerializeOptions())
