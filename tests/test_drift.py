from pathlib import Path

import numpy as np
import pytest

from llm4es.core.schemas import CANARIES
from llm4es.embed.drift import TEXTS, canaries, drifted
from llm4es.models import load_model
from llm4es.models.load import Model
from llm4es.models.resolve import resolve

from . import tiny


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return load_model(resolve(str(tiny.save(tmp_path_factory.mktemp("canary") / "mine"))))


def test_one_row_a_text_with_every_layer(model: Model) -> None:
    made = canaries(model)
    assert made.schema == CANARIES
    rows = made.to_pylist()
    assert [row["text"] for row in rows] == list(TEXTS)
    assert {row["model"] for row in rows} == {"mine"}
    assert all(len(row["vector"]) == 4 * 32 for row in rows)


def test_the_same_model_has_not_moved(model: Model) -> None:
    first = canaries(model).to_pylist()
    assert drifted(first, canaries(model), 4, "float32") == []
    nudged = [{**row, "vector": [value * (1 + 1e-6) for value in row["vector"]]} for row in first]
    assert drifted(nudged, canaries(model), 4, "float32") == []


def test_a_layer_that_moved_is_named(model: Model) -> None:
    first = canaries(model).to_pylist()
    vector = np.array(first[1]["vector"]).reshape(4, 32)
    vector[2] = -vector[2]
    versions = '{"torch": "1.0"}'
    first[1] = {**first[1], "vector": vector.flatten().tolist(), "device": "cuda", "versions": versions}
    (found,) = drifted(first, canaries(model), 4, "float32")
    assert (found.text, found.layer) == ("prose", 3)
    assert found.distance == pytest.approx(2)
    message = (
        "vectors of this model moved: text 'prose', layer 3, cosine distance 2; then cuda torch 1.0, now cpu torch "
    )
    assert str(found).startswith(message)


def test_vectors_of_another_size_or_no_number_have_moved(model: Model) -> None:
    first = canaries(model).to_pylist()
    shorter = [{**row, "vector": row["vector"][:-1]} for row in first]
    assert [(found.layer, found.distance) for found in drifted(shorter, canaries(model), 4, "float32")] == [
        (0, 1.0)
    ] * 3
    broken = [{**row, "vector": [float("nan")] * 128} for row in first]
    assert len(drifted(broken, canaries(model), 4, "float32")) == 3


def test_another_space_is_not_compared(model: Model, tmp_path: Path) -> None:
    other = load_model(resolve(str(tiny.save(tmp_path / "mine", seed=1))))
    assert drifted(canaries(other).to_pylist(), canaries(model), 4, "float32") == []
    assert drifted([], canaries(model), 4, "float32") == []
