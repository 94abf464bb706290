"""Leaks, counted by hand, and what is said of them."""

import pyarrow as pa

from llm4es.probe.leakage import identical_texts, met_before, same_texts, told_by_columns

PREDICTIONS = pa.table({"entity_id": ["a", "b", "c", "a"], "fold": [0, 1, 1, 1], "repeat": [0, 0, 0, 1]})


def texts(**hashes: str) -> pa.Table:
    return pa.table({"entity_id": list(hashes), "text_hash": list(hashes.values())})


def test_identical_texts_across_folds() -> None:
    assert identical_texts(PREDICTIONS, texts(a="x", b="y", c="z")) == 0
    assert identical_texts(PREDICTIONS, texts(a="x", b="x", c="z")) == 2
    assert identical_texts(PREDICTIONS, texts(a="x", b="y", c="y")) == 0  # both in fold 1: neither trains the other
    assert identical_texts(PREDICTIONS, texts(a="x", d="x")) == 1  # d is not scored: it was trained on


def test_warnings_in_words() -> None:
    assert same_texts(0, 9) == told_by_columns("t", {}, "the texts show") == []
    assert same_texts(2, 9) == ["2 of 9 scored entities have a text that the probe was trained on under another id"]
    seen = "3 of 9 scored entities were seen in tuning"
    assert met_before(3, 0, 9) == f"{seen}: compare with --unseen-only"
    assert met_before(3, 1, 9) == f"{seen}, 1 as validation only: compare with --unseen-only"
    found = told_by_columns("t", {"sex": ["sex"], "age": ["Age", "years"]}, "the texts show")
    assert found[0].startswith("the label of task 't' is made from sex, which the texts show: the probe may only be")
    assert found[1].startswith("the label of task 't' is made from age, which the texts show as 'years': the probe may")
