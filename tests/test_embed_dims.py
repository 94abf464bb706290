"""Vectors cut to their first dimensions: numpy's own cut and division, the columns, the names, the refusals."""

import re
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from llm4es.core.errors import ModelError, OptionError
from llm4es.embed import embed, embed_layers
from llm4es.options import EmbedOptions
from llm4es.project.feature_source_vectors import readable

from . import tiny
from .tiny import texts


def run(batch: pa.RecordBatch, **options: Any) -> list[dict[str, Any]]:
    return tiny.rows(list(embed([batch], tiny.counting(), EmbedOptions(k=(1, 3), max_length=8, **options))))


def test_the_first_dimensions_at_length_one() -> None:
    many = texts(("a", "3 4\n5\n7 8"), ("b", "2"))
    for whole, cut in zip(run(many), run(many, dims=3), strict=True):
        expected = np.array(whole["vector"][:3], np.float64)
        assert cut["vector"] == pytest.approx(expected / np.linalg.norm(expected), rel=1e-5)
        assert (cut["dim"], whole["dim"]) == (3, 4)
        assert {**cut, "vector": None, "dim": None} == {**whole, "vector": None, "dim": None}


def test_more_dimensions_than_there_are() -> None:
    with pytest.raises(ModelError, match=re.escape("--dims 5 is above the 4 dimensions of counting: give 4 or less")):
        run(texts(("a", "3")), dims=5)
    with pytest.raises(OptionError, match="--dims 0 is below 1"):
        EmbedOptions.of(dims=0)
    with pytest.raises(OptionError, match="--layers keep with --dims 2: layers are kept whole"):
        EmbedOptions.of(dims=2, layers="keep")
    with pytest.raises(OptionError, match="--layers keep with --dims 2: layers are kept whole"):
        next(embed_layers([texts(("a", "3"))], tiny.counting(), EmbedOptions(dims=2, max_length=8)))


def test_names_tell_them_from_whole_ones() -> None:
    row = {"model": "m", "k": 8, "pooling": "mean", "texts": "raw", "max_length": 512, "history": "newest"}
    rows = [row | {"config_id": "c1", "dims": None}, row | {"config_id": "c2", "dims": 64}]
    assert readable(rows) == ["m@8", "m@8 [64 dims]"]
