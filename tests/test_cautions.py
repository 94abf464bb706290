"""Too little was scored: it is said, wherever figures of it are shown."""

import pyarrow as pa

from llm4es.probe.cautions import FEW_OF_A_CLASS, cautions, cautions_of


def test_thresholds() -> None:
    assert cautions(60, FEW_OF_A_CLASS, 3, 5) == []
    (few,) = cautions(60, FEW_OF_A_CLASS - 1, 3, 5)
    assert few.startswith("few of a class: the smallest has 14 of the 60 scored entities; below 15 ")
    (numbers,) = cautions(60, None, 3, 5)
    assert numbers.startswith("few entities: 60 were scored; below ")
    assert cautions(1000, None, 3, 5) == []


def test_what_a_protocol_cannot_tell() -> None:
    (once,) = cautions(943, 273, 1, 5)
    assert once.startswith("one repeat: what the choice of training entities adds is in no interval and no p")
    for repeats in (1, 5):  # holdout, and five fits that score one part
        (part,) = cautions(943, 273, repeats, 1)
        assert part.startswith("one part scored: ")


def test_of_predictions_each_once() -> None:
    rows = pa.table({"repeat": [0] * 8 + [1] * 8, "fold": [0, 1] * 8, "y_true": (["a"] * 5 + ["b"] * 3) * 2})
    (few,) = cautions_of("churn", [rows, rows], regression=False)
    assert few.startswith("churn: few of a class: the smallest has 3 of the 8 scored entities")
    (numbers,) = cautions_of("spend", [rows], regression=True)
    assert numbers.startswith("spend: few entities: 8 were scored")
    assert cautions_of("spend", [], regression=True) == []
