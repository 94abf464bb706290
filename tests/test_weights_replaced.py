"""The second day of a model folder whose weights were replaced in place, with the size and time of the old ones."""

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from llm4es import Project

from . import shop, tiny
from .heard import Heard

WINDOW: dict[str, Any] = {"max_length": 200, "k": 1}


def test_vectors_are_made_anew_and_it_is_said(place: Path, tmp_path: Path) -> None:
    heard = Heard()
    folder, other = tiny.save(tmp_path / "mine"), tiny.save(tmp_path / "other", seed=1)
    weights = folder / "model.safetensors"
    project = Project(shop.write(place / "shop"), place / "store", observer=heard)
    project.serialize()
    assert project.embed(str(folder), **WINDOW).computed == 20
    stat = weights.stat()
    shutil.copyfile(other / "model.safetensors", weights)
    os.utime(weights, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert (weights.stat().st_size, weights.stat().st_mtime_ns) == (stat.st_size, stat.st_mtime_ns)
    heard.since()
    again = project.embed(str(folder), **WINDOW)
    assert again.computed == 20
    assert f"embed: mine stands for other weights in this store: those of {folder} are {again.what}" in heard.since()
    assert project.embed(str(folder), **WINDOW).computed == 0
    assert "other weights" not in heard.since()
    ids, matrix = project.vectors(again.what, k=1)
    texts = dict(project.sql("SELECT entity_id, text FROM texts").to_pandas().to_numpy().tolist())
    tokenizer, network = AutoTokenizer.from_pretrained(folder), AutoModelForCausalLM.from_pretrained(other)
    with torch.inference_mode():
        for entity, vector in zip(ids.to_pylist(), matrix, strict=True):
            ids_of = tokenizer(texts[entity], return_tensors="pt")["input_ids"]
            states = network(ids_of, output_hidden_states=True).hidden_states[-1]  # (1, T, D)
            np.testing.assert_allclose(vector, states[0].mean(0).numpy(), rtol=1e-4, atol=1e-5)
