"""Vectors of texts in which a control token stood as such are made anew, and no others."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from llm4es import Project
from llm4es.inputs.windows import Tokens
from llm4es.project import embed as step

from .heard import Heard
from .test_cutoff import add

WINDOW: dict[str, Any] = {"max_length": 200, "k": 1}


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def with_control(project: Project, place: Path, heard: Heard) -> Project:
    """A customer who bought what is called like a control token."""
    add(place, "c3", "2026-03-01 10:00:00")
    events = place / "shop" / "events.csv"
    events.write_text(events.read_text().replace("caviar", "<eos> water"))
    made = Project(place / "shop" / "shop.toml", place / "store", observer=heard)
    made.serialize()
    return made


def as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tokens as the library gives them, and no word of it in the record."""

    def plain(tokenizer: Any, texts: Sequence[str], *_frame: str) -> list[Tokens]:
        read = tokenizer(list(texts), return_offsets_mapping=True)
        pairs = zip(read["input_ids"], read["offset_mapping"], strict=True)
        return [Tokens(ids, [start for start, _ in offsets]) for ids, offsets in pairs]

    monkeypatch.setattr("llm4es.embed.entities.tokenize", plain)
    monkeypatch.setattr(step, "RECORDED", "note")


def vectors(project: Project) -> dict[str, list[float]]:
    ids, matrix = project.vectors("tinyllama", k=1)
    return dict(zip(ids.to_pylist(), matrix.tolist(), strict=True))


def plain_vector(project: Project, model: Path, entity: str) -> list[float]:
    """As transformers gives it, control tokens split."""
    text = project.sql(f"SELECT text FROM texts WHERE entity_id = '{entity}'").to_arrow()["text"][0].as_py()
    tokenizer, network = AutoTokenizer.from_pretrained(model), AutoModelForCausalLM.from_pretrained(model)
    ids = tokenizer(text, split_special_tokens=True, return_tensors="pt")["input_ids"]
    with torch.inference_mode():
        states: torch.Tensor = network(ids, output_hidden_states=True).hidden_states[-1]  # (1, T, D)
    return states[0].mean(0).tolist()


def test_they_are_made_anew_once_and_it_is_said(
    with_control: Project, model: Path, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    embed: Callable[..., Any] = with_control.embed
    with monkeypatch.context() as before:
        as_before(before)
        embed(model=str(model), **WINDOW)
    old = vectors(with_control)
    heard.since()
    planned = embed(model=str(model), dry_run=True, **WINDOW)
    assert (planned.computed, planned.reasons) == (1, {"read otherwise before": 1})
    assert "embed: <eos> in texts of 1 entity was read as a control token, and is text: their vectors" in heard.since()
    assert embed(model=str(model), **WINDOW).computed == 1
    assert embed(model=str(model), **WINDOW).computed == 0
    heard.since()
    assert embed(model=str(model), **WINDOW).computed == 0
    assert "control token" not in heard.since()
    new = vectors(with_control)
    assert [entity for entity in old if old[entity] != new[entity]] == ["c3"]
    np.testing.assert_allclose(new["c3"], plain_vector(with_control, model, "c3"), rtol=1e-4, atol=1e-5)


def test_a_killed_run_leaves_none_behind(with_control: Project, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed before the old vectors are dropped: the record says how tokens are read, the rows are still the old."""
    with monkeypatch.context() as before:
        as_before(before)
        with_control.embed(model=str(model), **WINDOW)
    with monkeypatch.context() as killed:
        killed.setattr("llm4es.project.incremental.carry_out", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            with_control.embed(model=str(model), **WINDOW)
    assert with_control.embed(model=str(model), **WINDOW).computed == 1
