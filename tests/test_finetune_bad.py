"""What cannot be tuned, or was not: one line each."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from llm4es.core.errors import DataError, ModelError, OptionError
from llm4es.finetune import finetune
from llm4es.models import load_model
from llm4es.models.ref import StoredModel
from llm4es.models.resolve import resolve
from llm4es.options import FINETUNE_PRESETS, FinetuneOptions, LoadIn, Method, Optimizer

from . import tiny
from .tuning import HELD_OUT, OPTIONS, TRAIN, bases, run

__all__ = ["bases"]  # a fixture

pytestmark = pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing")  # peft's, when an adapter is loaded


def test_quantised_weights_cannot_be_changed(bases: Path, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="--method full cannot change weights loaded in 8bit: give --method lora"):
        run(bases / "llama", tmp_path, replace(OPTIONS, method=Method.FULL), LoadIn.INT8)


def test_a_sequence_longer_than_the_context(bases: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="--max-length 512 is above the context of llama: give 256 or less"):
        run(bases / "llama", tmp_path, replace(OPTIONS, max_length=512))


def test_nothing_to_train_on(bases: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nothing to train on: 0 texts of variants poem hold no two tokens in a row"):
        run(bases / "llama", tmp_path, replace(OPTIONS, texts=("poem",)))


def test_tuning_that_changed_nothing(bases: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"tuning changed nothing \(--learning-rate 1e-30\): the tuned model gives"):
        run(bases / "llama", tmp_path, replace(OPTIONS, steps=1, learning_rate=1e-30, method=Method.FULL))


def test_a_loss_that_is_no_number(bases: Path, tmp_path: Path) -> None:
    options = replace(OPTIONS, learning_rate=1e15, method=Method.FULL)
    with pytest.raises(ModelError, match=r"the loss is (nan|inf) at step \d: give a lower --learning-rate"):
        run(bases / "llama", tmp_path, options)


def test_vectors_that_are_no_numbers(bases: Path, tmp_path: Path) -> None:
    options = replace(OPTIONS, steps=1, learning_rate=1e15, method=Method.FULL)
    with pytest.raises(
        ModelError, match="the tuned model gives vectors that are not finite: give a --learning-rate below"
    ):
        run(bases / "llama", tmp_path, options)


def test_an_adapter_on_an_adapter(bases: Path, tmp_path: Path) -> None:
    tuned = run(bases / "llama", tmp_path / "tuned", replace(OPTIONS, steps=2))
    stored = {"mine": StoredModel("mine", tuned.folder, "lora", str(bases / "llama"))}
    model = load_model(resolve("mine", stored))
    with pytest.raises(
        ModelError, match="mine is itself a LoRA: tune its base llama for longer, or give --method full"
    ):
        finetune(TRAIN, HELD_OUT, model, OPTIONS, tmp_path / "again")


def test_eight_bits_without_bitsandbytes(bases: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["llm4es.finetune.finetune"], "find_spec", lambda name: None)
    with pytest.raises(OptionError, match=r"--optimizer adamw_8bit needs bitsandbytes: pip install 'llm4es\[quant\]'"):
        run(bases / "llama", tmp_path, replace(OPTIONS, optimizer=Optimizer.ADAMW_8BIT))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"steps": 0}, "--steps 0 is below 1: give 1 or more"),
        ({"max_length": 1}, "--max-length 1 is below 2: give 2 or more"),
        ({"epochs": 0.0}, "--epochs 0 is not above 0: give a number above 0"),
        ({"learning_rate": 0.0}, "--learning-rate 0 is not above 0: give a number above 0"),
        ({"warmup": 1.5}, "--warmup 1.5 is not between 0 and 1: give a number from 0 to below 1"),
        ({"patience": 3}, "--patience 3 has nothing to wait for: give --evaluate-every as well"),
    ],
)
def test_options_that_cannot_work(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        FinetuneOptions(**wrong)


def test_the_paper_s_hyperparameters() -> None:
    paper = FINETUNE_PRESETS["paper"]
    assert (paper.method, paper.peak_learning_rate, paper.warmup_steps) == (Method.FULL, 1e-5, 608)
    assert (paper.weight_decay, paper.adam_beta2, paper.adam_epsilon, paper.max_grad_norm) == (1e-6, 0.95, 1e-5, 1.0)
    assert (paper.max_length, paper.tokens_per_step, paper.accumulate) == (8192, 8192, 1)


@pytest.mark.parametrize("column", ["entity_id", "variant", "text", "text_hash", "event_offsets", "n_events"])
def test_a_table_without_a_column(bases: Path, tmp_path: Path, column: str) -> None:
    model = load_model(resolve(str(bases / "llama")))
    with pytest.raises(DataError, match=rf"finetune: the texts have no column '{column}' \(there are .*\): give rows"):
        finetune(TRAIN.drop_columns([column]), HELD_OUT, model, OPTIONS, tmp_path)
    with pytest.raises(DataError, match=rf"finetune: the texts have no column '{column}'"):
        finetune(TRAIN, HELD_OUT.drop_columns([column]), model, OPTIONS, tmp_path)


def test_a_table_of_other_types(bases: Path, tmp_path: Path) -> None:
    model = load_model(resolve(str(bases / "llama")))
    numbers = TRAIN.set_column(TRAIN.schema.get_field_index("text"), "text", pa.array(range(len(TRAIN))))
    with pytest.raises(DataError, match="finetune: column 'text' of the texts is int64: give texts"):
        finetune(numbers, HELD_OUT, model, OPTIONS, tmp_path)


def test_texts_that_are_empty(bases: Path, tmp_path: Path) -> None:
    model = load_model(resolve(str(bases / "llama")))
    empty = pa.Table.from_batches([tiny.texts(("a", ""), ("b", ""))])
    with pytest.raises(DataError, match="nothing to train on: 2 texts of variants all hold no two tokens in a row"):
        finetune(empty, HELD_OUT, model, OPTIONS, tmp_path)
    with pytest.raises(DataError, match="nothing to train on: 0 texts of variants all hold no two tokens in a row"):
        finetune(empty.slice(0, 0), HELD_OUT, model, OPTIONS, tmp_path)
