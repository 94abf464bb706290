"""Single events as a model reads them, by transformers alone; and what a store has of them."""

from typing import Any

import numpy as np
import torch
from transformers import AutoModelForCausalLM

from llm4es import Project

from . import tiny

EVENTS: dict[str, Any] = {"history": "events", "max_length": 64}
HEADER = "Product | Amount\n"


def lines(project: Project) -> dict[str, list[str]]:
    """Entity -> the lines of its raw text without header and date, oldest first."""
    rows = project.store.sql("SELECT entity_id, text FROM texts WHERE variant = 'raw'").fetchall()
    return {entity: text.split("\n")[1:] for entity, text in rows}


def plain_vectors(folder: str, texts: list[str], k: int, header: str = HEADER) -> dict[str, np.ndarray]:
    """Text -> mean over its tokens, behind the header, of the mean of the last k states: transformers alone."""
    network = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    tokenizer = tiny.byte_tokenizer()
    before = tokenizer(header, add_special_tokens=False).input_ids
    found = {}
    for text in texts:
        own = tokenizer(text, add_special_tokens=False).input_ids
        with torch.no_grad():
            out = network(torch.tensor([before + own]), output_hidden_states=True)
        states = torch.stack(out.hidden_states[1:][-k:]).mean(0)[0, len(before) :]  # (T, D)
        found[text] = states.mean(0).numpy()
    return found


def stored(project: Project, k: int, **config: str) -> dict[str, np.ndarray]:
    where = "".join(f" AND {name} = '{value}'" for name, value in config.items())
    rows = project.store.sql(f"SELECT entity_id, vector FROM embeddings WHERE k = {k}{where}").fetchall()
    return {entity: np.array(vector, np.float32) for entity, vector in rows}
