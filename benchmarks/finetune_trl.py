"""Fine-tuning against TRL's packing: ``python benchmarks/finetune.py trl``.

Trainer against Trainer, on the same windows, with adapters, a row a step.
"""

import gc
import tempfile
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from llm4es.core.quiet import quiet
from llm4es.finetune.chunked_loss import chunked_loss
from llm4es.finetune.rows import TrainingRows
from llm4es.finetune.trainer import train
from llm4es.inputs.attention import with_layout
from llm4es.inputs.packing import Layout, best_fit
from llm4es.models import load_model
from llm4es.models.lora import with_adapters
from llm4es.models.resolve import resolve
from llm4es.options import FinetuneOptions


class Clock(TrainerCallback):
    """When each step ended."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.ends: list[float] = []

    def on_step_end(self, *_: Any, **__: Any) -> None:
        self.ends.append(self.clock())


def trl(name: str, found: Sequence[Sequence[int]], length: int, repeats: int, clock: Callable[[], float]) -> None:
    """Both trainers over the same windows with adapters, a row a step; the first step warms up and is not counted."""
    library, datasets = import_module("trl"), import_module("datasets")
    model = load_model(resolve(name))
    filled = best_fit([len(piece) for piece in found], length)
    rows = [[found[i] for i in row] for row in filled]
    options = FinetuneOptions(steps=len(rows), max_length=length, tokens_per_step=length, learning_rate=1e-5)

    def ours() -> float:
        network: Any = load_model(resolve(name)).network
        ends: list[float] = []
        with (
            quiet(),
            tempfile.TemporaryDirectory() as folder,
            chunked_loss(network, options.logit_chunk),
            with_layout(network, Layout.SEGMENTS),
        ):
            adapted = with_adapters(network, options)
            work = TrainingRows(rows=rows, held_out=[], layout=Layout.SEGMENTS, steps=len(rows))
            train(adapted, work, options, Path(folder), "run", lambda *_: ends.append(clock()))
        return sum(len(piece) for row in rows[1:] for piece in row) / (ends[-1] - ends[0])

    def theirs() -> float:
        network: Any = load_model(resolve(name)).network
        follower = Clock(clock)
        with quiet(), tempfile.TemporaryDirectory() as folder:
            adapted = with_adapters(network, options)
            settings = library.SFTConfig(
                output_dir=folder,
                packing=True,
                packing_strategy="bfd",
                max_length=length,
                per_device_train_batch_size=1,
                train_sampling_strategy="sequential",
                num_train_epochs=1,
                learning_rate=1e-5,
                use_cpu=True,
                save_strategy="no",
                report_to="none",
                disable_tqdm=True,
                gradient_checkpointing=False,
                logging_steps=1000,
                bf16=False,
            )
            data = datasets.Dataset.from_dict({"input_ids": [list(piece) for piece in found]})
            trainer = library.SFTTrainer(
                model=adapted, args=settings, train_dataset=data, processing_class=model.tokenizer, callbacks=[follower]
            )
            sizes = [len(ids) for ids in trainer.train_dataset["input_ids"]]
            trainer.train()
        print(f"    TRL packed {len(sizes)} rows, {sum(sizes)} tokens", flush=True)
        return sum(sizes[1:]) / (follower.ends[-1] - follower.ends[0])

    arms: dict[str, Callable[[], float]] = {"ours": ours, "TRL": theirs}
    best = dict.fromkeys(arms, 0.0)
    for _ in range(repeats):
        for arm, measure in arms.items():
            best[arm] = max(best[arm], measure())
            gc.collect()
            print(f"  {arm}: {best[arm]:.0f} tok/s", flush=True)
    print(f"ours/TRL {best['ours'] / best['TRL']:.2f}x (target 0.95)")
