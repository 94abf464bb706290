"""Texts to tune on, models to tune, and what tests of fine-tuning do with them."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import torch
from safetensors.torch import load_file

from llm4es.finetune import finetune
from llm4es.finetune.finetune import Tuned
from llm4es.models import load_model
from llm4es.models.resolve import resolve
from llm4es.options import FinetuneOptions, LoadIn, LoadOptions

from . import tiny

OPTIONS = FinetuneOptions(steps=4, max_length=64, tokens_per_step=128, learning_rate=1e-2, save_every=1)


def texts(first: int, last: int, variant: str = "raw") -> pa.Table:
    """One text an entity: a header and three to nine events of about a dozen bytes."""
    rows = [
        (
            f"u{i:02}",
            variant,
            "Title | Rating\n" + "".join(f"film {(7 * i + j) % 13} | good\n" for j in range(3 + i % 7)),
        )
        for i in range(first, last)
    ]
    return pa.Table.from_batches([tiny.texts(*rows)])


TRAIN, HELD_OUT = texts(0, 24), texts(24, 28)


@pytest.fixture(scope="session")
def bases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bases")
    for architecture in tiny.ARCHITECTURES:
        tiny.save(folder / architecture, architecture, bos=True)
    return folder


def run(
    base: Path, folder: Path, options: FinetuneOptions = OPTIONS, load_in: LoadIn = LoadIn.NONE, **more: Any
) -> Tuned:
    model = load_model(resolve(str(base)), LoadOptions(load_in=load_in))
    return finetune(TRAIN, HELD_OUT, model, options, folder, **more)


def weights(tuned: Tuned) -> dict[str, torch.Tensor]:
    (file,) = tuned.folder.glob("*.safetensors")
    return load_file(file)


def assert_alike(some: dict[str, torch.Tensor], others: dict[str, torch.Tensor]) -> None:
    """Weights that differ as a whole by a hundredth at most.

    Not one by one: AdamW makes a full step of any gradient, also of one so small that rounding decides its sign.
    """
    for name, weight in others.items():
        assert (some[name] - weight).norm() <= 0.01 * weight.norm(), name


class KilledError(Exception):
    """Stands in for a kill, within one process."""


def stop_at(base: Path, folder: Path, step: int, options: FinetuneOptions) -> None:
    def progress(at: int, steps: int, loss: float) -> None:
        if at == step:
            raise KilledError

    with pytest.raises(KilledError):
        run(base, folder, options, progress=progress)
