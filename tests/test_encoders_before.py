"""Encoders' vectors of versions that read them in one direction: made anew under their name, and said."""

from pathlib import Path
from typing import Any

import pytest

from llm4es import Project
from llm4es.models import resolve
from llm4es.models.architecture import was_read_causally
from llm4es.models.ref import load_fingerprint, space_fingerprint
from llm4es.options import LoadOptions
from llm4es_store import Store

from . import encoders, shop, tiny
from .heard import Heard


def test_whose_space_is_another_one(tmp_path: Path) -> None:
    bert = resolve(str(encoders.save(tmp_path / "bert", "bert")))
    llama = resolve(str(tiny.save(tmp_path / "llama")))
    assert space_fingerprint(bert, LoadOptions()) != load_fingerprint(bert, LoadOptions())
    assert space_fingerprint(llama, LoadOptions()) == load_fingerprint(llama, LoadOptions())
    assert not was_read_causally({"model_type": "roformer"})  # it was right: nothing of it is computed again
    assert not was_read_causally({"model_type": "bert", "is_decoder": True})


def test_vectors_of_before_are_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = shop.write(tmp_path / "shop")
    model = str(encoders.save(tmp_path / "mine", "bert"))
    words: dict[str, Any] = {"k": 1, "max_length": 64}
    project = Project(str(recipe), tmp_path / "store", observer="silent")
    project.serialize()
    with monkeypatch.context() as patch:  # as 0.1 had it
        for module in ("project.spaces", "models.load", "models.ref"):
            patch.setattr(f"llm4es.{module}.space_fingerprint", load_fingerprint)
        assert project.embed(model, **words).computed == 20
    heard = Heard()
    again = Project(str(recipe), tmp_path / "store", observer=heard)
    assert again.embed(model, **words).computed == 20
    assert "embed: vectors of mine were read in one direction: they are computed anew" in heard.said
    assert Store(tmp_path / "store").sql("SELECT model, count(*) FROM embeddings GROUP BY 1").fetchall() == [
        ("mine", 20)
    ]
    assert again.embed(model, **words).computed == 0
