"""Embedding against what it replaces: parity, throughput and memory, as ratios within one process.

    python benchmarks/embed.py                      # built-in model, 16 texts of at most 256 tokens
    python benchmarks/embed.py --texts 64 --max-length 512 --repeats 5

The plain loop is what scripts of this field do: the causal language model with its head, ``output_hidden_states=True``,
padded batches of 4 in the order of the data, one pass for every k. Contestants take turns, so that a busy machine
slows all of them; the best of the turns counts. ``cpu`` is processor time, which a busy machine changes least.
"""

import argparse
import importlib.util
import random
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from benchmarks.measure import in_turns, parser, peak_mb
from llm4es.core.hashing import text_hash
from llm4es.core.schemas import TEXTS
from llm4es.embed import embed
from llm4es.embed.sentence_transformers import export
from llm4es.models import load_model
from llm4es.models.load import Model
from llm4es.models.resolve import resolve
from llm4es.options import Device, EmbedOptions, LoadIn, LoadOptions, Pooling

SWEEPS = {1: (8,), 3: (1, 8, 0), 6: (1, 2, 4, 8, 16, 0)}
"""The k of a sweep, by how many they are."""

GENRES = ("Drama", "Comedy", "Thriller", "Children's, Animation", "Action, Adventure, Sci-Fi", "Romance")
WORDS = """
    Night River Garden Letter Stranger Winter Kingdom Shadow Train Summer Bridge Secret Mirror Island
""".split()  # noqa: SIM905  # two lines, not fourteen


def texts(n: int, most_events: int) -> pa.RecordBatch:
    """Viewing histories of natural, uneven lengths; the same in every run."""
    chance = random.Random(0)
    rows = []
    for number in range(n):
        n_events = max(2, min(most_events, round(chance.lognormvariate(2.3, 0.7))))
        lines = ["Title | Year | Genres | Rating | Date\n"]
        for _ in range(n_events):
            title = " ".join(chance.sample(WORDS, chance.randint(1, 4)))
            year, day = chance.randint(1930, 1998), chance.randint(1, 28)
            lines.append(f"{title} | {year} | {chance.choice(GENRES)} | {chance.randint(1, 5)} | 1998-03-{day:02}\n")
        text = "".join(lines)
        offsets = [sum(map(len, lines[:i])) for i in range(1, len(lines) + 1)]
        rows.append(
            {
                "dataset": "bench",
                "entity_id": f"{number:05}",
                "variant": "raw",
                "text": text,
                "text_hash": text_hash(text),
                "event_offsets": offsets,
                "n_events": n_events,
                "n_events_dropped": 0,
                "source_hash": "",
            }
        )
    return pa.RecordBatch.from_pylist(rows, schema=TEXTS)


def ours(batch: pa.RecordBatch, model: Model, k: tuple[int, ...], max_length: int) -> np.ndarray:
    """Our vectors for every k: (K, N, D)."""
    embedded = pa.Table.from_batches(embed([batch], model, EmbedOptions(k=k, max_length=max_length)))
    vectors = np.array(embedded["vector"].to_pylist(), np.float32)  # (N * K, D)
    return vectors.reshape(-1, len(k), vectors.shape[1]).swapaxes(0, 1)  # (K, N, D)


@torch.no_grad()
def plain(batch: pa.RecordBatch, model: Model, k: tuple[int, ...], max_length: int, at_once: int = 4) -> np.ndarray:
    """The plain loop's vectors, (K, N, D): here all k from one pass, which flatters it."""
    strings, out = batch.column("text").to_pylist(), []
    for start in range(0, len(strings), at_once):
        options = {"padding": True, "truncation": True, "max_length": max_length, "return_tensors": "pt"}
        encoded = model.tokenizer(strings[start : start + at_once], **options)
        states = model.network(**encoded, output_hidden_states=True).hidden_states[1:]  # L of (B, T, D)
        mixed = torch.stack([torch.stack(states[-n:]).mean(0) for n in k])  # (K, B, T, D)
        mask = encoded["attention_mask"][..., None]  # (B, T, 1)
        out.append((mixed * mask).sum(2) / mask.sum(1))  # (K, B, D)
    return torch.cat(out, 1).numpy()  # (K, N, D)


def flops(lengths: list[int], model: Model) -> float:
    """Multiply-adds twice, of the tokens that are text: weights (but embeddings and head) and causal attention."""
    network: Any = model.network
    weights = sum(p.numel() for name, p in network.base_model.named_parameters() if p.ndim == 2 and "embed" not in name)
    config = network.config
    width = config.num_attention_heads * getattr(config, "head_dim", model.ref.dim // config.num_attention_heads)
    attention = sum(2 * 2 * length * (length + 1) / 2 * width for length in lengths) * model.ref.n_layers
    return float(2 * weights * sum(lengths) + attention)


def peak(arguments: argparse.Namespace, what: str) -> float:
    """Peak memory of a fresh process that embeds so, above what it has after loading the model: MB."""
    command = [sys.executable, __file__, "--model", arguments.model, "--texts", str(arguments.texts)]
    command += ["--max-length", str(arguments.max_length), "--peak-of", what]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[-1])


def show_peak(batch: pa.RecordBatch, model: Model, what: str, max_length: int) -> None:
    ours(batch.slice(0, 1), model, (1,), 16)  # what the first pass of all allocates for good
    before = peak_mb()
    kind, _, k = what.partition(":")
    wanted = tuple(int(number) for number in k.split(","))
    if kind == "ours":
        ours(batch, model, wanted, max_length)
    else:
        plain(batch, model, tuple(number or model.ref.n_layers for number in wanted), max_length)
    print(peak_mb() - before)


def show_parity(some: pa.RecordBatch, model: Model, max_length: int) -> None:
    print("largest difference from plain Hugging Face:")
    theirs = plain(some, model, (1, 8, model.ref.n_layers), max_length, at_once=1)  # (K, N, D)
    for k, difference in zip((1, 8, "all"), np.abs(ours(some, model, (1, 8, 0), max_length) - theirs), strict=True):
        print(f"  k={k:<4} {difference.max():.2g}", flush=True)


def main() -> None:
    options = parser(__doc__, "model", "max_length", "repeats", texts=16, load_in=LoadIn.NONE)
    options.add_argument("--parity", action="store_true", help="only the differences from plain Hugging Face")
    options.add_argument("--speed", action="store_true", help="only time")
    options.add_argument("--memory", action="store_true", help="also peak memory, each in a process of its own")
    options.add_argument("--peak-of", help=argparse.SUPPRESS)
    arguments = options.parse_args()
    most_events = arguments.max_length // 40  # so all texts fit, and both sides read the same tokens
    batch = texts(arguments.texts, most_events)
    model = load_model(resolve(arguments.model), LoadOptions(device=Device.CPU, load_in=arguments.load_in))
    if arguments.peak_of:
        show_peak(batch, model, arguments.peak_of, arguments.max_length)
        return
    if model.tokenizer.pad_token is None:
        model.tokenizer.pad_token = model.tokenizer.eos_token
    lengths = [len(ids) for ids in model.tokenizer(batch.column("text").to_pylist())["input_ids"]]
    print(
        f"{model.name}, {len(lengths)} texts of {min(lengths)} to {max(lengths)} tokens, {sum(lengths)} in all, ",
        end="",
    )
    print(f"{torch.get_num_threads()} threads, torch {torch.__version__}\n")
    if max(lengths) > arguments.max_length:
        raise SystemExit(f"a text has {max(lengths)} tokens: give --max-length {max(lengths)} or more")

    if not arguments.speed:
        show_parity(batch.slice(0, min(20, len(lengths))), model, arguments.max_length)
    if arguments.parity:
        return

    square = torch.randn(1536, 1536)
    contestants: dict[str, Callable[[], object]] = {"matmul": lambda: [square @ square for _ in range(20)]}
    contestants["plain"] = partial(plain, batch, model, (8,), arguments.max_length)
    for number, sweep in SWEEPS.items():
        contestants[f"ours {number}"] = partial(ours, batch, model, sweep, arguments.max_length)
    with tempfile.TemporaryDirectory() as folder:
        if importlib.util.find_spec("sentence_transformers"):
            contestants["sentence-transformers"] = encoder(model, Path(folder) / "st", batch, arguments.max_length)
        best = in_turns(contestants, arguments.repeats)
    rates = [20 * 2 * 1536**3 / seconds / 1e9 for seconds in best["matmul"]]
    useful = flops(lengths, model) / 1e9
    print(f"\n{'':24}{'wall s':>9}{'cpu s':>9}{'tokens/s':>10}{'GF/s cpu':>10}{'of matmul':>10}")
    for name, (wall, cpu) in best.items():
        if name != "matmul":
            print(f"{name:24}{wall:9.2f}{cpu:9.2f}{sum(lengths) / wall:10.0f}{useful / cpu:10.1f}", end="")
            print(f"{useful / cpu / rates[1]:10.2f}")
    print(f"{'matmul 1536':24}{best['matmul'][0]:9.2f}{best['matmul'][1]:9.2f}{'':10}{rates[1]:10.1f}\n")
    for number in SWEEPS:
        by_wall, by_cpu = (number * a / b for a, b in zip(best["plain"], best[f"ours {number}"], strict=True))
        print(f"{number} k: {by_wall:.2f}x a plain pass for each k by the clock, {by_cpu:.2f}x by processor time")
    one, six = best["ours 1"], best["ours 6"]
    print(f"six k cost {six[0] / one[0]:.3f}x one k by the clock, {six[1] / one[1]:.3f}x by processor time")
    if "sentence-transformers" in best:
        its = best["sentence-transformers"]
        print(
            f"sentence-transformers takes {its[0] / one[0]:.2f}x our time, {its[1] / one[1]:.2f}x ours of the processor"
        )
    if arguments.memory:
        print("\npeak memory above the loaded model, MB:")
        for what in ("ours:1", "ours:8", "ours:0", "ours:1,2,4,8,16,0", "plain:8"):
            print(f"  {what:20} {peak(arguments, what):7.0f}")


def encoder(model: Model, to: Path, batch: pa.RecordBatch, max_length: int) -> Callable[[], object]:
    """sentence-transformers on the same model, which gives one k."""
    warnings.simplefilter("ignore")
    from sentence_transformers import SentenceTransformer

    other = SentenceTransformer(str(export(model, to, 8, Pooling.MEAN, max_length)), device="cpu")
    strings = batch.column("text").to_pylist()
    difference = np.abs(other.encode(strings[:4]) - ours(batch.slice(0, 4), model, (8,), max_length)[0]).max()
    print(f"\nlargest difference from sentence-transformers on the exported model, k=8: {difference:.2g}")
    return lambda: other.encode(strings)


if __name__ == "__main__":
    main()
