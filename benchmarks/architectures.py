"""Every kind of language model that transformers has, small: are our vectors those of its own plain forward pass?

    python benchmarks/architectures.py
    python benchmarks/architectures.py --kinds bert,mamba,gemma3

Each is saved as a folder with random weights, and goes the way of a user's: resolve, load, embed. The texts have mixed
lengths and share passes. The reference is the model as transformers loads it, one unpadded text at a time, the mean
over tokens of ``hidden_states[1:][-k:]``. A difference is the largest of a vector's numbers, as a share of its largest.
"""

import argparse
import gc
import inspect
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from transformers import logging

from benchmarks.small_networks import KINDS, WIDTH, small_network
from llm4es.core.errors import Llm4esError, one_line
from llm4es.core.quiet import quiet
from llm4es.embed.embed import embed
from llm4es.embed.pooling import layout_for
from llm4es.models import load_model
from llm4es.models.resolve import resolve
from llm4es.options import Device, EmbedOptions, LoadOptions
from tests import tiny

K = (1, 2, 0)
LENGTHS = (60, 9, 33, 60, 120, 1, 17)
LONGEST = 128


def texts() -> pa.RecordBatch:
    """Texts of so many bytes, which are the tokens."""
    drawn = np.random.default_rng(0)
    words = [bytes(drawn.integers(97, 123, length, np.uint8)).decode() for length in LENGTHS]
    return tiny.texts(*((str(place), word) for place, word in enumerate(words)), events=False)


def plain(network: Any, tokenizer: Any, text: str) -> torch.Tensor:
    """Transformers' own states of one text, mean over the tokens: (L, D)."""
    with torch.inference_mode():
        ids = tokenizer(text, return_tensors="pt")["input_ids"]
        accepts = "use_cache" in inspect.signature(network.base_model.forward).parameters
        cache = {"use_cache": False} if accepts else {}
        states = network.base_model(input_ids=ids, output_hidden_states=True, **cache).hidden_states[1:]
    return torch.stack([state[0].mean(0) for state in states])


def measured(kind: str, folder: Path) -> tuple[str, str]:
    """What became of a kind, and what is to be said of it."""
    try:
        with quiet():
            network = small_network(kind)
            network.save_pretrained(folder)
            tiny.byte_tokenizer().save_pretrained(folder)
    except Exception as error:  # the shrinking is at fault, not what is measured
        return "not built", one_line(error, 100)
    try:
        model = load_model(resolve(str(folder)), LoadOptions(device=Device.CPU))
        options = EmbedOptions(k=K, max_length=LONGEST, batch_tokens=512)
        batch = texts()
        rows = [row for made in embed([batch], model, options) for row in made.to_pylist()]
        layout = layout_for(model.network, model.ref.n_layers, LONGEST, 512)
    except Llm4esError as error:
        return "refused", one_line(error, 200).replace(str(folder), "…")
    except Exception as error:  # that there is none is what is measured
        return "TRACEBACK", f"{type(error).__name__}: {one_line(error, 150)}"
    with quiet():
        own = type(model.network).from_pretrained(folder, dtype=torch.float32).eval()
    worst = dict.fromkeys(K, 0.0)
    by_entity = {row["entity_id"]: row["text"] for row in batch.to_pylist()}
    depths = {1: 1, 2: 2, model.ref.n_layers: 0}
    for row in rows:
        right = plain(own, model.tokenizer, by_entity[row["entity_id"]])[-row["k"] :].mean(0)
        difference = float((torch.tensor(row["vector"]) - right).abs().max() / right.abs().max())
        k = depths[row["k"]]
        worst[k] = max(worst[k], difference)
    return layout.value, "  ".join(f"{worst[k]:.1e}" for k in K)


def main() -> None:
    """One line a kind, and how many became what."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--kinds", default="all", help="model types, comma separated")
    asked = options.parse_args()
    warnings.simplefilter("ignore")
    logging.set_verbosity_error()
    torch.set_num_threads(1)
    counts: Counter[str] = Counter()
    print(f"{'model type':28s} {'layout':10s} k = 1    k = 2    all   (or why not; width {WIDTH})")
    for kind in KINDS if asked.kinds == "all" else asked.kinds.split(","):
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            outcome, said = measured(kind, Path(folder))
        counts[outcome] += 1
        print(f"{kind:28s} {outcome:10s} {said}  ({time.monotonic() - began:.1f} s)", flush=True)
        gc.collect()
    print(", ".join(f"{count} {outcome}" for outcome, count in counts.most_common()))


if __name__ == "__main__":
    main()
