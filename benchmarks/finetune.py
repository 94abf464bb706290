"""Fine-tuning: packed rows against padding, adapters against all weights, chunked against whole logits, and TRL.

Texts are MovieLens-100K's own, in windows of ``--max-length`` tokens. Arms run in turn within one process, and what
counts is their ratio: useful (real) tokens a second, forward, backward and optimizer step together.

    python benchmarks/finetune.py share                  # real tokens among those computed, all 943 users (a minute)
    python benchmarks/finetune.py speed                  # packed/padded and lora/full (ten minutes on two cores)
    python benchmarks/finetune.py memory                 # peak memory of one step, a process an arm
    python benchmarks/finetune.py trl                    # Trainer against TRL's SFTTrainer, where TRL is installed
"""

import argparse
import json
import random
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import torch
from transformers import AutoModelForCausalLM, LlamaConfig

from benchmarks.finetune_trl import trl
from benchmarks.measure import CLOCKS, parser, peak_mb
from llm4es.core.quiet import quiet
from llm4es.finetune.chunked_loss import chunked_loss
from llm4es.finetune.examples import Piece, pieces
from llm4es.inputs.attention import with_layout
from llm4es.inputs.packing import IGNORED, LAYOUTS, Layout, best_fit, real_share
from llm4es.models import load_model
from llm4es.models.load import Model
from llm4es.models.lora import with_adapters
from llm4es.models.resolve import resolve
from llm4es.options import FinetuneOptions, SerializeOptions
from llm4es.recipes import load_recipe, locate, read_events
from llm4es.serialize import serialize

Tokens = Sequence[int]


def movielens(users: int | None) -> pa.Table:
    """The texts of some or all users."""
    recipe, options = load_recipe("movielens-100k"), SerializeOptions()
    return pa.Table.from_batches(serialize(read_events(recipe, locate(recipe), options, users), recipe, options))


def sample(model: Model, length: int, tokens: int) -> list[Tokens]:
    """Windows of all users at even steps of their length, so that few stand for all: about ``tokens`` of them."""
    found = sorted(pieces(movielens(None), model.tokenizer, length, None, 0), key=lambda piece: len(piece.tokens))
    count = max(2, round(tokens * len(found) / sum(len(piece.tokens) for piece in found)))
    return [found[int((i + 0.5) * len(found) / count)].tokens for i in range(count)]


def share(model: Model, length: int) -> None:
    """Real tokens among those that each layout computes."""
    found: list[Piece] = pieces(movielens(None), model.tokenizer, length, None, 0)
    lengths = [len(piece.tokens) for piece in found]
    print(
        f"{len(found)} windows of at most {length} tokens, {sum(lengths)} tokens, mean {sum(lengths) / len(found):.0f}"
    )
    for layout in (Layout.SEGMENTS, Layout.PADDED):
        rows = [[found[i].tokens for i in row] for row in LAYOUTS[layout].fill(lengths, length)]
        print(
            f"  {layout:9} {len(rows):5} rows, {real_share(rows, layout):.2%} real, {fullness(rows, length):.2%} full"
        )
    print(f"  padded to {length}: {sum(lengths) / (length * len(found)):.2%} real")
    firsts = [min(size, length) for size in whole_lengths(model)]
    print(f"  one text a user, cut and padded to {length}: {sum(firsts) / (length * len(firsts)):.2%} real")


def fullness(rows: Sequence[Sequence[Sequence[int]]], capacity: int) -> float:
    """Tokens in rows of a fixed size: what a kernel that wants equal rows would see."""
    return sum(len(piece) for row in rows for piece in row) / (capacity * len(rows))


def whole_lengths(model: Model) -> list[int]:
    """Tokens of each user's whole text."""
    return [len(ids) for ids in model.tokenizer(movielens(None)["text"].to_pylist(), verbose=False)["input_ids"]]


# ---- speed: the same windows through each arm ----


@contextmanager
def packed(network: Any, chunk: int = 512) -> Iterator[None]:
    """The network as ``finetune`` runs it."""
    with chunked_loss(network, chunk), with_layout(network, Layout.SEGMENTS):
        yield


def to_max_length(found: Sequence[Tokens], length: int) -> list[dict[str, torch.Tensor]]:
    """One window a row, each padded to the maximum, as the usual loop has it."""
    rows = []
    for tokens in found:
        left = length - len(tokens)
        rows.append(
            {
                "input_ids": torch.tensor([[*tokens, *[0] * left]]),
                "attention_mask": torch.tensor([[1] * len(tokens) + [0] * left]),
                "labels": torch.tensor([[*tokens, *[IGNORED] * left]]),
            }
        )
    return rows


def flat_rows(found: Sequence[Tokens], capacity: int) -> list[dict[str, torch.Tensor]]:
    """The windows packed."""
    tensors = LAYOUTS[Layout.SEGMENTS].tensors
    return [tensors([found[i] for i in row]) for row in best_fit([len(tokens) for tokens in found], capacity)]


def timed(network: Any, rows: Sequence[dict[str, torch.Tensor]], clock: Callable[[], float]) -> float:
    """Seconds of a step a row."""
    optimizer = torch.optim.AdamW([weight for weight in network.parameters() if weight.requires_grad], lr=1e-5)
    network.train()
    started = clock()
    for row in rows:
        network(**row).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    return clock() - started


def speed(name: str, length: int, tokens: int, repeats: int, clock: Callable[[], float]) -> None:
    """Useful tokens a second of packed rows, of adapters on packed rows, and of a padded loop."""
    model = load_model(resolve(name))
    network: Any = model.network
    found = sample(model, length, tokens)
    real = sum(map(len, found))
    print(f"{len(found)} windows, {real} real tokens, {real / (length * len(found)):.2%} of rows padded to {length}")
    best: dict[str, float] = {}

    def note(arm: str, seconds: float) -> None:
        best[arm] = max(best.get(arm, 0.0), real / seconds)
        print(f"  {arm}: {real / seconds:.1f} useful tok/s ({seconds:.1f} s)", flush=True)

    for _ in range(repeats):
        with packed(network):
            note("packed full", timed(network.requires_grad_(True), flat_rows(found, length), clock))
            with quiet():
                adapted: Any = with_adapters(network.requires_grad_(False), FinetuneOptions())
            note("packed lora", timed(adapted, flat_rows(found, length), clock))
            network = adapted.unload()
        note("padded full", timed(network.requires_grad_(True), to_max_length(found, length), clock))
    print(f"packed/padded {best['packed full'] / best['padded full']:.2f}x (target 1.4)")
    print(f"lora/full     {best['packed lora'] / best['packed full']:.2f}x (target 1.4)")


# ---- memory: a process an arm, for the peak is the process's ----


SHALLOW: dict[str, Any] = {
    "vocab_size": 49152, "hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": 2,
    "num_attention_heads": 9, "num_key_value_heads": 3, "max_position_embeddings": 8192,
}  # fmt: skip
"""The built-in model's sizes with two layers: what the head takes is not hidden by what the layers take."""


def peak(arm: str, length: int, chunk: int) -> None:
    """One step of a shallow model with a vocabulary of 49,152; prints megabytes above what was there before."""
    config = LlamaConfig(tie_word_embeddings=True, **SHALLOW)
    network: Any = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    generator = random.Random(0)
    (row,) = flat_rows([tuple(generator.randrange(SHALLOW["vocab_size"]) for _ in range(length))], length)
    short = {name: row[name][:, :64] for name in ("input_ids", "labels")}

    def step(row: dict[str, torch.Tensor]) -> Any:
        if arm == "none":  # what the step takes without any head
            return network.base_model(input_ids=row["input_ids"], use_cache=False).last_hidden_state.sum()
        return network(input_ids=row["input_ids"], labels=row["labels"], use_cache=False).loss

    step(short).backward()
    before = peak_mb()
    if arm == "chunked":
        with packed(network, chunk):
            network(**row).loss.backward()
    else:
        step(row).backward()
    print(json.dumps({"arm": arm, "chunk": chunk, "mb": peak_mb() - before}))


def memory(length: int) -> None:
    """Peak of one training step on a row of ``length`` tokens."""
    for arm, chunk in (("none", 0), ("plain", 0), ("chunked", 512), ("chunked", 128)):
        command = [sys.executable, __file__, "peak", "--arm", arm, "--chunk", str(chunk), "--max-length", str(length)]
        ended = subprocess.run(command, capture_output=True, text=True, check=True)
        found = json.loads(ended.stdout.splitlines()[-1])
        print(f"  {found['arm']:8} chunk {found['chunk']:4}: {found['mb']:6.0f} MB above weights and a short step")


def main() -> None:
    """Read what to measure, and measure it."""
    options = parser(__doc__, "model", "repeats", "clock", max_length=2048)
    options.add_argument("part", choices=["share", "speed", "memory", "trl", "peak"], help="what is measured")
    options.add_argument("--tokens", type=int, default=8192, help="real tokens an arm reads")
    options.add_argument("--arm", default="chunked", help=argparse.SUPPRESS)
    options.add_argument("--chunk", type=int, default=512, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.part == "share":
        share(load_model(resolve(given.model)), given.max_length)
    elif given.part == "speed":
        speed(given.model, given.max_length, given.tokens, given.repeats, CLOCKS[given.clock])
    elif given.part == "memory":
        memory(given.max_length)
    elif given.part == "peak":
        peak(given.arm, given.max_length, given.chunk)
    else:
        windows = sample(load_model(resolve(given.model)), given.max_length, given.tokens)
        trl(given.model, windows, given.max_length, given.repeats, CLOCKS[given.clock])


if __name__ == "__main__":
    main()
